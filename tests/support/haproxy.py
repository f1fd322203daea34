"""deploy/haproxy.cfg in a real HAProxy."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from csv import DictReader
from pathlib import Path
from typing import Self

from tests.support.eventually import wait_until
from tests.support.port import free_port, is_listening
from tests.support.process import ROOT

PROGRAM = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
NO_HAPROXY = "no HAProxy on this machine (Debian: haproxy)"
WITHOUT_STICKINESS = (("balance hash var(txn.place)", "balance roundrobin"), ("    hash-type consistent\n", ""))
_READY_SECONDS = 10.0
_NAMES = ("one", "two", "three")


class HAProxy:
    """One HAProxy before up to three servers, from `__enter__` to `__exit__`. A missing server is never there."""

    def __init__(self, ports: Sequence[int], changes: Sequence[tuple[str, str]] = ()) -> None:
        """`changes` are texts of the file, each with the text that stands there instead."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = Path(tempfile.mkdtemp(prefix="slotcast-haproxy-"))
        self._statistics = self._folder / "statistics.sock"
        text = (ROOT / "deploy" / "haproxy.cfg").read_text()
        for written, here in changes:
            assert text.count(written) == 1, f"{written!r} is {text.count(written)} times in haproxy.cfg"
            text = text.replace(written, here)
        (self._folder / "haproxy.cfg").write_text(text)
        (self._folder / "statistics.cfg").write_text(f"global\n    stats socket {self._statistics}\n")
        places = [f"127.0.0.1:{port}" for port in [*ports, *(free_port() for _ in _NAMES)]]
        variables = [f"SLOTCAST_{name.upper()}" for name in _NAMES]
        self._environment = {"SLOTCAST_BIND": f"127.0.0.1:{self.port}", **dict(zip(variables, places, strict=False))}
        self._process: subprocess.Popen[bytes] | None = None

    def states(self) -> list[bool]:
        """Return whether each server gets requests."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(5)
            link.connect(str(self._statistics))
            link.sendall(b"show stat\n")
            lines = b"".join(iter(lambda: link.recv(65_536), b"")).decode().removeprefix("# ").splitlines()
        rows = {row["svname"]: row["status"] for row in DictReader(lines)}
        return [rows[name].startswith("UP") for name in _NAMES]

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        files = [self._folder / name for name in ("statistics.cfg", "haproxy.cfg")]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, *(part for file in files for part in ("-f", str(file)))],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: is_listening(self.port), _READY_SECONDS, "HAProxy")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        print((self._folder / "log").read_text())
        shutil.rmtree(self._folder)
