"""The measured servers: the start, the join and the request for a change of each."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.book import CALENDAR, write_book
from bench.load import Ask, Group
from bench.machine import Failed, Process, free_port

OURS, NODE, STOCK, NCHAN = "Slotcast", "Node socket.io", "python-socketio", "nginx Nchan"
_PEERS = Path(__file__).with_name("peers")
_ROOT = Path(__file__).parents[1]
_ENGINE_IO = "/socket.io/?EIO=4&transport=websocket"
_CONNECT = "40/calendars,{}"
_SUBSCRIBE = f'42/calendars,0["calendar.subscribe",{{"calendar":"{CALENDAR}"}}]'
_RESUME = f'42/calendars,0["calendar.subscribe",{{"calendar":"{CALENDAR}","after":"$a"}}]'
_MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules", "/etc/nginx/modules")
_GUEST = "/api/calendars/" + CALENDAR

WATCHER = Group("socketio", _ENGINE_IO, (_CONNECT, _RESUME))
GUEST = Group("socketio", _ENGINE_IO, (_CONNECT,))


@dataclass
class Running:
    """A server that answers: its process, and the address of its port."""

    process: Process
    port: int
    folder: Path
    again: Callable[[], Process] | None = None
    secret: bytes = b""


@dataclass(frozen=True)
class Peer:
    """The load's knowledge of a server. `one` makes one change, `hundred` makes a hundred at once."""

    name: str
    watcher: Group
    principal: Group
    one: Ask
    hundred: tuple[Ask, int]  # the request, and the number of requests
    start: Callable[[Path], Running]
    streams: dict[str, Group] = field(default_factory=dict)

    @contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """Run the server during the block."""
        running = self.start(folder)
        try:
            yield running
        finally:
            running.process.stop()


def slotcast(secret: str, token: str, sample: dict[str, Any], max_wait_ms: int = 0) -> Peer:
    """Slotcast with its whole path: the request, the transaction, the log, the dispatcher and the fan-out."""

    def start(folder: Path) -> Running:
        shutil.copy(folder / "template.db", folder / "bench.db")
        for rest in ("bench.db-wal", "bench.db-shm"):
            (folder / rest).unlink(missing_ok=True)
        port = free_port()

        def launch() -> Process:
            process = Process(
                [sys.executable, str(_ROOT / "server.py"), "--port", str(port), "--rate", "0", "--no-demo"],
                folder=folder,
                environment={
                    "SLOTCAST_SECRET": secret,
                    "SLOTCAST_DATABASE": f"sqlite:///{folder}/bench.db",
                    "SLOTCAST_MAX_WAIT_MS": str(max_wait_ms),
                },
            )
            process.wait_for(f"http://127.0.0.1:{port}/readyz")
            return process

        return Running(launch(), port, folder, launch, secret.encode())

    slot = sample["change"]["slots"][0]["id"]
    one = Ask(f'42/staff,$n["slot.update",{{"slot":"{slot}","data":{{"t":$t}}}}]')
    principal = Group("socketio", _ENGINE_IO, (f'40/staff,{{"token":"{token}"}}',))
    streams = {"sse": Group("events", _GUEST + "/events"), "socket": Group("websocket", _GUEST + "/socket")}
    return Peer(OURS, WATCHER, principal, one, (one, 100), start, streams)


def node() -> Peer:
    """The reference; it gets the change and only emits it."""
    if not (_PEERS / "node/node_modules/socket.io").exists():
        raise Failed("Node's socket.io is not installed: `npm --prefix bench/peers/node ci` brings it.")
    return _emitter(NODE, ["node", str(_PEERS / "node/server.mjs")])


def stock() -> Peer:
    """python-socketio without Slotcast's engine; it also only emits."""
    return _emitter(STOCK, [sys.executable, str(_PEERS / "stock.py")])


def _emitter(name: str, command: list[str]) -> Peer:
    def start(folder: Path) -> Running:
        port = free_port()
        process = Process([*command, str(port), str(folder / "sample.json")], folder=folder)
        process.wait_for(f"http://127.0.0.1:{port}/")
        return Running(process, port, folder)

    one = Ask('42/calendars,$n["emit",{"t":$t,"count":1}]')
    hundred = Ask('42/calendars,$n["emit",{"t":$t,"count":100}]', each=100)
    watcher = Group("socketio", _ENGINE_IO, (_CONNECT, _SUBSCRIBE))
    return Peer(name, watcher, GUEST, one, (hundred, 1), start)


def nchan(sample: dict[str, Any]) -> Peer | None:
    """nginx with Nchan, if it is installed: the same bytes, published over HTTP."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if nginx is None:
        return None
    module = next((found for place in _MODULES if (found := Path(place, "ngx_nchan_module.so")).exists()), None)
    built_in = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=False).stderr
    if module is None and "nchan" not in built_in:
        return None

    def start(folder: Path) -> Running:
        port = free_port()
        own = folder / "nginx"
        own.mkdir(exist_ok=True)
        own.chmod(0o777)  # its worker runs as another user
        text = string.Template((_PEERS / "nchan.conf").read_text()).substitute(
            port=port, folder=own, load_module=f"load_module {module};" if module else ""
        )
        (own / "nginx.conf").write_text(text)
        process = Process([nginx, "-p", str(own), "-c", str(own / "nginx.conf")], folder=folder)
        process.wait_for(f"http://127.0.0.1:{port}/")
        return Running(process, port, folder)

    change = json.loads(json.dumps(sample["change"]))
    change["slots"][0]["data"]["t"] = "TIME"
    # The load counts changes by `seq` and `prev`; here both only grow.
    text = json.dumps(change, separators=(",", ":")).replace('"TIME"', "$t")
    text = text.replace(f'"seq":{change["seq"]},"prev":{change["prev"]}', '"seq":$n,"prev":$p')
    one = Ask(text)
    subscriber = Group("websocket", "/subscribe")
    streams = {"sse": Group("events", "/subscribe"), "socket": subscriber}
    return Peer(NCHAN, subscriber, Group("post", "/publish"), one, (one, 100), start, streams)


@dataclass(frozen=True)
class Field:
    """All peers, and their shared data."""

    peers: tuple[Peer, ...]
    bookings: Ask
    sample: dict[str, Any]
    absent: tuple[str, ...]


def gather(folder: Path, *, with_stock: bool = True) -> Field:
    """Make the database of every run, take a change and a snapshot from it, and find the peers."""
    secret = secrets.token_urlsafe(32)
    sample, token = write_book(folder / "template.db", secret)
    (folder / "sample.json").write_text(json.dumps(sample))
    found = nchan(sample)
    peers = [slotcast(secret, token, sample), node(), *([stock()] if with_stock else []), *([found] if found else [])]
    booking = Ask(
        f'42/calendars,$n["slot.book",{{"slot":"$s","key":"{secrets.token_hex(11)}-$n",'
        '"customer":{"name":"Ada Lovelace","email":"ada@example.org"}}]'
    )
    absent = () if found else ("nginx with Nchan is not installed here, so it is not in the table.",)
    return Field(tuple(peers), booking, sample, absent)
