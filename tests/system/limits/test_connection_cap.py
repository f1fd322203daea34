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


async def test_the_sockets_of_an_upgrade_count(narrow: Server) -> None:
    """A session may have several candidates for its upgrade, and they are connections of its address like others."""
    here, elsewhere = "127.3.1.1", "127.4.1.1"
    opening = await Raw.connect(narrow.port, here)
    await opening.send(f"GET {POLLING} ".encode() + PLAIN.replace(b"Host: a", b"Host: a\r\nConnection: close"))
    sid = json.loads((await opening.rest()).partition(b"\r\n\r\n0")[2])["sid"]

    async def answer_to(source: str, path: str, words: bytes) -> tuple[Raw, bytes]:
        raw = await Raw.connect(narrow.port, source)
        await raw.send(f"GET {path} ".encode() + words)
        return raw, (await asyncio.wait_for(raw.reader.readline(), 10))[9:12]

    every = [await answer_to(here, f"{SOCKETIO}&sid={sid}", UPGRADE) for _ in range(8)]
    assert [answer for _, answer in every] == [b"101"] * 5 + [b"503"] * 3
    assert (await answer_to(elsewhere, "/healthz", PLAIN))[1] == b"200"
    for raw, _ in every:
        raw.close()

    async def is_let_in() -> bool:
        with suppress(OSError):
            return (await answer_to(here, "/healthz", PLAIN))[1] == b"200"
        return False

    await eventually(is_let_in, what="room after the candidates")


async def test_requests_by_a_proxy_count(tmp_path: Path) -> None:
    """A long poll takes a connection of the proxy for a minute: one visitor has a bounded number, others are served."""
    settings = {"SLOTCAST_PROXIES": "127.0.0.1"}
    with Server(tmp_path, "--no-demo", "--max-connections-per-address", "5", settings=settings) as server:
        server.command("calendar", "create", "room")

        async def ask(path: str, visitor: str) -> Raw:
            raw = await Raw.connect(server.port)
            head = f"GET {path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {visitor}\r\nConnection: close\r\n\r\n"
            await raw.send(head.encode())
            return raw

        async def status(path: str, visitor: str) -> bytes:
            return (await (await ask(path, visitor)).rest())[9:12]

        path = "/api/calendars/room/changes"
        told = (await (await ask(path, "192.0.2.1")).rest()).partition(b"\r\n\r\n")[2]
        poll = f"{path}?after={json.loads(told)['cursor']}&wait=60"
        polls = [await ask(poll, "192.0.2.1") for _ in range(5)]

        async def is_full() -> bool:
            return await status("/healthz", "192.0.2.1") == b"503"

        await eventually(is_full, what="the bound")
        assert await status(poll, "192.0.2.1") == b"503"
        assert not any(raw.is_answered for raw in polls)
        assert await status("/healthz", "192.0.2.2") == b"200"
        for raw in polls:
            raw.close()

        async def is_let_in() -> bool:
            return await status("/healthz", "192.0.2.1") == b"200"

        await eventually(is_let_in, what="room after the polls")


async def test_a_refused_client_that_has_sent_its_request_reads_why(narrow: Server) -> None:
    """Its bytes are in the kernel by then, and a close before they are read would reset the connection."""
    here = "127.3.2.1"
    every = [await Raw.connect(narrow.port, here) for _ in range(5)]
    for _ in range(100):
        raw = await Raw.connect(narrow.port, here)
        await raw.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 6_000 + b"\r\n\r\n")
        assert (await asyncio.wait_for(raw.reader.read(), 10)).startswith(b"HTTP/1.1 503 ")
        raw.close()
    for raw in every:
        raw.close()
