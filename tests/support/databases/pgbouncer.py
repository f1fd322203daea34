"""A real PgBouncer in transaction mode, before the tests' PostgreSQL."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from tests.support.databases.postgres import Postgres
from tests.support.eventually import wait_until
from tests.support.port import free_port, is_listening

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
_READY_SECONDS = 10.0


class PgBouncer:
    """One pooler with a few connections for each database, from `__enter__` to `__exit__`."""

    def __init__(self, postgres: Postgres, *, connections: int, tls: tuple[Path, Path] | None = None) -> None:
        """`tls` is the key and the certificate that it shows its clients."""
        self.port = free_port()
        self._user = postgres.system_user
        self._folder = Path(tempfile.mkdtemp(prefix="slotcast-pgbouncer-"))
        self._folder.chmod(0o755)  # it never runs as root
        self._write("users.txt", '"postgres" ""\n')
        config = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": self._folder / "users.txt",
            "pool_mode": "transaction",
            "default_pool_size": connections,
            "max_client_conn": 500,
        }
        if tls is not None:
            names = ("client_tls_key_file", "client_tls_cert_file")
            files = [self._write(path.name, path.read_text()) for path in tls]
            config |= {"client_tls_sslmode": "require", **dict(zip(names, files, strict=True))}
        lines = "".join(f"{name} = {value}\n" for name, value in config.items())
        self._write("pgbouncer.ini", f"[databases]\n* = host={postgres.socket_folder}\n[pgbouncer]\n{lines}")
        self._log = self._folder / "pgbouncer.log"
        self._process: subprocess.Popen[bytes] | None = None

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text)
        return path

    def url_of(self, database: str, parameters: str = "") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}{parameters}"

    @property
    def log(self) -> str:
        return self._log.read_text()

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, str(self._folder / "pgbouncer.ini")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
            )
        wait_until(lambda: is_listening(self.port), _READY_SECONDS, "PgBouncer")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        print(self.log)
        shutil.rmtree(self._folder)
