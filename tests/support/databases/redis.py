"""A real Redis of the tests' own: killed, frozen, and started again on the same port."""

import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.support.port import free_port

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
_READY_SECONDS = 20.0


class Redis:
    """One server, from `__enter__` to `__exit__`."""

    def __init__(self, tls: tuple[Path, Path] | None = None) -> None:
        """`tls` is the key and the certificate that it shows its clients."""
        self._port = free_port()
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis{'s' if self._tls else ''}://127.0.0.1:{self._port}"

    def start(self) -> None:
        assert PROGRAM is not None
        command = [PROGRAM, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        if self._tls is None:
            command += ["--port", str(self._port)]
        else:
            key, certificate = map(str, self._tls)
            command += ["--port", "0", "--tls-port", str(self._port), "--tls-auth-clients", "no"]
            command += ["--tls-key-file", key, "--tls-cert-file", certificate, "--tls-ca-cert-file", certificate]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        give_up_at = time.monotonic() + _READY_SECONDS
        while time.monotonic() < give_up_at:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return
            time.sleep(0.02)
        raise AssertionError("Redis did not start")

    def kill9(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop the process; its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill9()
