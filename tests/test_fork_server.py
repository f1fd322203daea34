"""The tests' own servers: a fork behaves as a new interpreter does."""

import signal
from pathlib import Path

import pytest

from tests.support import Server

BAD_SETTING = {"SLOTCAST_RATE": "much"}


@pytest.mark.parametrize(
    ("arguments", "settings"), [(("calendar", "list"), {}), (("token", "--nothing"), {}), (("token",), BAD_SETTING)]
)
def test_a_command_ends_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], settings: dict[str, str]
) -> None:
    """The exit code and both outputs are the same."""
    results = []
    for is_fresh in (False, True):
        monkeypatch.setattr(Server, "is_fresh", is_fresh)
        result = Server(tmp_path, settings=settings).try_command(*arguments)
        results.append((result.returncode, result.stdout, result.stderr))
    assert results[0] == results[1]
    assert results[0][0] == (2 if settings or "--nothing" in arguments else 0)


def test_a_server_ends_by_a_signal(tmp_path: Path) -> None:
    """Its exit code is known, after a clean end and after a kill."""
    with Server(tmp_path, "--no-demo") as server:
        assert server.stop(signal.SIGINT) == 0
        assert not server.is_running
        server.start()
        server.kill9()
        assert not server.is_running
        server.start()
    assert server.log.count("Goodbye.") == 2
