"""The command line: help, groups of commands, and commands that are refused."""

import pytest

from tests.cli.command import Run, check_one_line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--nonsense",), ("nonsense",)),
        (("dance",), ("dance",)),
        (("--port", "x"), ("port",)),
        (("slot", "open", "nowhere", "2027-01-31T09:00:00Z", "2027-01-31T10:00:00Z"), ("not_found",)),
        (("slot", "open", "nowhere", "soon", "later"), ("bad_request", "start")),
        (("slot", "remove", "nothing"), ("not_found",)),
        (("calendar", "create", "Bad Slug"), ("bad_request",)),
        (("calendar", "create", "a", "--zone", "Mars/Olympus"), ("bad_request", "zone")),
        (("calendar", "create", "a", "--zone", "Factory"), ("bad_request", "zone")),
        (("token", "--scope", "king"), ("scope",)),
        (("token", "--ttl", "0"), ("ttl",)),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_a_bad_command(run: Run, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    """An unknown command is refused with one line and exit code 2."""
    check_one_line(run(*arguments), *words)


@pytest.mark.parametrize("room", ["calendar", "slot"])
def test_half_a_command(run: Run, room: str) -> None:
    """A group of commands explains its commands."""
    done = run(room)
    assert (done.code, done.errors) == (0, "")
    assert done.output.strip() == run(room, "--help").output.strip()
