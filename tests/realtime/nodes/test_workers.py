"""The link between two workers. tests/cli/test_workers.py has whole workers."""

import socket
from pathlib import Path

import pytest

from realtime.nodes import workers
from realtime.nodes.workers import _give


def test_a_worker_that_does_not_confirm_gets_no_live_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen worker may take the connection later: two workers would answer one request."""
    monkeypatch.setattr(workers, "LINK_SECONDS", 0.1)
    path = tmp_path / "worker-1.sock"
    client, served = socket.socketpair()
    with client, served, socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(path))
        frozen.listen()
        with pytest.raises(TimeoutError):
            _give(path, served.dup().detach(), b"GET / HTTP/1.1\r\n\r\n")
        client.settimeout(5)
        assert client.recv(1) == b""
        with pytest.raises(BrokenPipeError):
            served.send(b"HTTP/1.1 200 OK\r\n")


def test_a_worker_that_has_gone_leaves_the_connection(tmp_path: Path) -> None:
    """The request is answered here then."""
    client, served = socket.socketpair()
    with client, served:
        with pytest.raises(FileNotFoundError):
            _give(tmp_path / "worker-1.sock", served.dup().detach(), b"")
        served.send(b"x")
        assert client.recv(1) == b"x"
