"""The caps of open connections: of the server, and of one address."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli.settings import Settings
from tests.support import Server, eventually
from tests.support.clients.raw import PLAIN, POLLING, SOCKETIO, UPGRADE, Raw, frame

pytestmark = pytest.mark.usefixtures("close_raw")

KINDS = {
    "silent": b"",
    "session": f"GET {SOCKETIO} ".encode() + UPGRADE,
    "socket": b"GET /api/calendars/room/socket " + UPGRADE,
    "events": b"GET /api/calendars/room/events " + PLAIN,
    "polling": f"GET {POLLING} ".encode() + PLAIN.replace(b"Host: a", b"Host: a\r\nConnection: close"),
}


async def test_too_many_connections(tmp_path: Path) -> None:
    """Beyond the cap new clients are answered 503 at once, others are served, and a client that leaves makes room."""
    with Server(tmp_path, "--no-demo", "--max-connections", "12", "--max-connections-per-address", "12") as server:
        server.command("calendar", "create", "room")
        honest = await Raw.websocket(server.port, SOCKETIO, "127.0.0.9")
        await honest.send(frame("40/calendars,"))
        every = [await Raw.connect(server.port) for _ in range(30)]
        await eventually(lambda: sum(raw.is_answered for raw in every) >= 18, what="who is refused")
        for raw in (raw for raw in every if raw.is_answered):
            head, body = (await raw.reader.read()).decode().split("\r\n\r\n")
            assert head.startswith("HTTP/1.1 503 ")
            assert {"X-Content-Type-Options: nosniff", "Server: Slotcast", "Retry-After: 5"} <= set(head.split("\r\n"))
            assert json.loads(body)["code"] == "overloaded"
        await honest.send(frame('42/calendars,1["calendar.subscribe",{"calendar":"room"}]'))
        await asyncio.wait_for(honest.reader.readuntil(b'43/calendars,1[{"ok":true'), 10)
        for raw in every:
            raw.close()

        async def is_let_in() -> bool:
            with suppress(OSError):
                raw = await Raw.connect(server.port)
                await raw.send(b"GET /healthz " + PLAIN)
                answer = await raw.reader.read(100)
                raw.close()
                return answer.startswith(b"HTTP/1.1 200 ")
            return False

        await eventually(is_let_in, what="room for others")
        honest.close()


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with five connections an address."""
    with Server(tmp_path_factory.mktemp("narrow"), "--no-demo", "--max-connections-per-address", "5") as server:
        server.command("calendar", "create", "room")
        yield server


@pytest.mark.parametrize("kind", KINDS)
async def test_too_many_of_one_address(narrow: Server, kind: str) -> None:
    """One address has a bounded number of connections of any kind; others are accepted, and leaving makes room."""
    number = list(KINDS).index(kind)
    here, elsewhere = f"127.3.0.{number + 1}", f"127.4.0.{number + 1}"

    async def come(source: str, words: bytes) -> tuple[Raw, bytes]:
        raw = await Raw.connect(narrow.port, source)
        await raw.send(words)
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(10 if words else 0.2):
                return raw, (await raw.reader.readline())[9:12]
        return raw, b""

    every = [await come(here, KINDS[kind]) for _ in range(5)]
    assert {answer for _, answer in every} <= {b"", b"101", b"200"}
    assert [(await come(here, KINDS[kind]))[1] for _ in range(3)] == [b"503"] * 3
    _, answer = await come(elsewhere, KINDS[kind])
    assert answer in {b"", b"101", b"200"}
    for raw, _ in every:
        raw.close()

    async def is_let_in() -> bool:
        raw, answer = await come(here, b"GET /healthz " + PLAIN)
        raw.close()
        return answer == b"200"

    await eventually(is_let_in, what="room for others")


def test_a_cap_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """It follows the open files, with some to spare; one address may have half; no rate, no cap of an address."""
    monkeypatch.setattr("cli.settings.resource.getrlimit", lambda _: (1_024, 1_024))
    assert (Settings().most_open, Settings().most_open_per_address) == (896, 448)
    assert Settings(rate=0).most_open_per_address == 0
    assert Settings(max_connections=10, max_connections_per_address=3).most_open_per_address == 3
