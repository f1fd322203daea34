"""`server.py edge` needs the URL of its core."""

import re
import socket
from pathlib import Path

import pytest

from tests.support import Server


@pytest.mark.parametrize("core", ["", "core:8080", "ftp://core", "http://core/path"])
def test_a_bad_url_of_the_core_is_one_clear_line(core: str, tmp_path: Path) -> None:
    done = Server(tmp_path).try_command("edge", "--core", core)
    assert done.returncode == 2
    assert done.stderr.startswith("slotcast: --core: ")
    assert not list(tmp_path.glob("*.secret"))


def test_settings_that_an_edge_has_not_are_named(tmp_path: Path) -> None:
    """Those of the command line and of the environment, and no others."""
    server = Server(tmp_path)  # its database is in the environment
    with socket.create_server(("127.0.0.1", server.port)):  # so that the command ends
        done = server.try_command(
            "--port", str(server.port), "--rate", "7", "--workers", "2", "--max-connections", "9",
            "--max-connections-per-address", "9", "edge", "--core", "http://127.0.0.1:9",
        )  # fmt: skip
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if "changes nothing at an edge" in line]
    assert all(not {"RATE", "PORT", "CONNECTIONS"} & set(re.split(r"[ _]", line)) for line in lines)
    for name in ("SLOTCAST_DATABASE", "SLOTCAST_WORKERS"):
        assert sum(name in line for line in lines) == 1
