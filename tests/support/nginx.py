"""A real nginx, with deploy/nginx.conf or a configuration of a test."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.support.eventually import wait_until
from tests.support.port import free_port, is_listening
from tests.support.process import ROOT

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
NO_NGINX = "no nginx on this machine (Debian: nginx-light)"
_READY_SECONDS = 10.0
_MAIN = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/slotcast.conf;
}}
"""


class Nginx:
    """One nginx before the servers, from `__enter__` to `__exit__`.

    It has the file of deploy/ and servers at these ports, or `conf`, in which `PORT` stands for its own port. `url` is
    the same as `tls_url`, but for TLS, and `plain_url` is that of the file without TLS. An address has `most`
    connections.
    """

    def __init__(self, ports: Sequence[int] = (), conf: str = "", most: int = 1_000) -> None:
        self.port, self._tls_port, plain_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.plain_url = f"http://127.0.0.1:{plain_port}"
        self.tls_url = f"https://127.0.0.1:{self._tls_port}"
        self._folder = Path(tempfile.mkdtemp(prefix="slotcast-nginx-"))
        self._folder.chmod(0o755)
        own = conf.replace("PORT", str(self.port)) if conf else self._deployed(ports, plain_port, most)
        (self._folder / "slotcast.conf").write_text(own)
        (self._folder / "nginx.conf").write_text(_MAIN.format(folder=self._folder))
        self._process: subprocess.Popen[bytes] | None = None

    def _deployed(self, ports: Sequence[int], plain_port: int, most: int) -> str:
        """Return deploy/nginx.conf with the ports and a certificate of here."""
        conf = (ROOT / "deploy" / "nginx.conf").read_text()
        key, certificate = self._folder / "key.pem", self._folder / "certificate.pem"
        kind = ("-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=slots.example", "-days", "2")
        command = ["openssl", "req", *kind, "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(command, check=True, capture_output=True)
        for written, here in (
            ("listen 80;", f"listen 127.0.0.1:{plain_port};"),
            ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port}; listen 127.0.0.1:{self._tls_port} ssl http2;"),
            ("limit_conn slotcast_addresses 1000;", f"limit_conn slotcast_addresses {most};"),
            ("/etc/ssl/slots.example.pem", str(certificate)),
            ("/etc/ssl/slots.example.key", str(key)),
            ("server 127.0.0.1:8080;", " ".join(f"server 127.0.0.1:{port};" for port in ports)),
        ):
            assert conf.count(written) == 1, written
            conf = conf.replace(written, here)
        return conf

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        folder = str(self._folder)
        command = [PROGRAM, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_until(lambda: is_listening(self.port), _READY_SECONDS, "nginx")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()
        log = self._folder / "error.log"
        print(log.read_text() if log.exists() else "")
        shutil.rmtree(self._folder, ignore_errors=True)  # its workers may end later
