"""Deadlines: a silent or slow client holds a connection, a buffer or a file for a bounded time."""

import asyncio
import json
import os
import socket as sockets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support import Api, Server, eventually
from tests.support.clients.raw import PLAIN, POLLING, SOCKETIO, UPGRADE, Raw, frame
from tests.support.example import in_days
from tests.system.both_transports import number_of

pytestmark = pytest.mark.usefixtures("close_raw")

SHORT = ("--head-seconds", "0.6", "--body-seconds", "1", "--unread-seconds", "1")
BODY = b"HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"
CHUNKED = b"HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"
DRIP_SECONDS = 0.05
HUGE_BYTES = 400_000


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with short deadlines, with a calendar whose snapshot overflows all socket buffers."""
    with Server(tmp_path_factory.mktemp("short"), "--no-demo", "--rate", "0", *SHORT) as server:
        server.command("calendar", "create", "room")
        asyncio.run(_fill(server))
        yield server


async def _fill(server: Server) -> None:
    token = server.command("token", "--scope", "staff").strip()
    slots = [{"start": in_days(day), "end": in_days(day + 0.5), "data": {"x": "x" * 4_000}} for day in range(1, 51)]
    async with Api(server.url, token) as api:
        for _ in range(4):
            await api.post("/api/calendars/room/slots", duplicates=True, slots=slots)


async def _drip(raw: Raw, data: bytes) -> None:
    """Send a byte now and then, for ever: this is the attack."""
    with suppress(ConnectionError):
        while True:
            raw.writer.write(data)
            await asyncio.sleep(DRIP_SECONDS)


async def _answer_while_dripping(server: Server, begin: bytes, drip: bytes) -> bytes:
    raw = await Raw.connect(server.port)
    await raw.send(begin)
    dripping = asyncio.create_task(_drip(raw, drip)) if drip else None
    heard = await raw.rest(8)
    if dripping is not None:
        dripping.cancel()
    return heard


async def _is_served(server: Server) -> None:
    async with Api(server.url) as api:
        assert (await api.ask("GET", "/api/calendars/room")).status == 200


@pytest.mark.parametrize("begin", [b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
@pytest.mark.parametrize("drip", [b"", b"x"])
async def test_heads(short: Server, begin: bytes, drip: bytes) -> None:
    """A head that is incomplete at its deadline ends its connection, whether its bytes stop or drip."""
    assert b" 200 " not in await _answer_while_dripping(short, begin, drip)
    await _is_served(short)


async def test_the_second_head(short: Server) -> None:
    """The next head on a kept connection has its time from its first byte on."""
    raw = await Raw.connect(short.port)
    await raw.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    await raw.reader.readuntil(b'"ok"}')
    dripping = asyncio.create_task(_drip(raw, b"G"))
    await raw.rest(8)
    dripping.cancel()


@pytest.mark.parametrize("head", [BODY, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("drip", [b"", b" "], ids=["silent", "drip"])
@pytest.mark.parametrize("path", ["POST /api/slots/x/holds ", "POST /nothing ", "GET /api/calendars ", "POST sid "])
async def test_bodies(short: Server, path: str, drip: bytes, head: bytes) -> None:
    """A body that is incomplete at its deadline is answered 408, and its connection ends."""
    is_asked_for = path == "POST /api/slots/x/holds "
    if "sid" in path:
        async with Api(short.url) as api:
            sid = json.loads((await api.ask("GET", POLLING)).raw[1:])["sid"]
        path = f"POST {POLLING}&sid={sid} "
    heard = await _answer_while_dripping(short, path.encode() + head, b"" if head is CHUNKED else drip)
    assert heard.startswith(b"HTTP/1.1 ")
    if is_asked_for:
        assert heard.startswith(b"HTTP/1.1 408 ")
    await _is_served(short)


async def test_unfinished_bodies_are_bounded(tmp_path: Path) -> None:
    """All incomplete bodies together hold a bounded amount of memory: beyond it, the oldest are dropped."""
    with Server(tmp_path, "--no-demo", "--rate", "0") as server:
        server.command("calendar", "create", "room")
        every = [await Raw.connect(server.port) for _ in range(100)]
        for raw in every:
            await raw.send(b"POST /api/slots/x/holds " + BODY + b" " * 990_000)

        await eventually(lambda: sum(raw.is_answered for raw in every) >= 35, what="the oldest bodies' answers")
        await _is_served(server)


async def test_silent_bodies_of_one_address(tmp_path: Path) -> None:
    """Inside the default limits one address makes the server hold a few bodies, not hundreds."""
    with Server(tmp_path, "--no-demo") as server:
        server.command("calendar", "create", "room")
        before = _resident_megabytes(server)
        every = [await Raw.connect(server.port, "127.0.0.9") for _ in range(200)]
        for raw in every:
            await raw.send(b"POST /api/slots/x/holds " + BODY + b" " * 990_000)
        await eventually(lambda: sum(raw.is_answered for raw in every) >= 170, what="the end of most")
        held = _resident_megabytes(server) - before
        assert held < 100, "200 bodies held 270 MB, for ever"
        await _is_served(server)


def _resident_megabytes(server: Server) -> float:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1_000


def _open_sockets(server: Server) -> int:
    folder = f"/proc/{server.pid}/fd"
    count = 0
    for name in os.listdir(folder):  # noqa: PTH208 - only names are wanted
        with suppress(OSError):
            count += os.readlink(f"{folder}/{name}").startswith("socket:")  # noqa: PTH115
    return count


async def _narrow(server: Server) -> Raw:
    """Connect with a small buffer, and read nothing."""
    socket = sockets.socket()
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    socket.setblocking(False)
    await asyncio.get_running_loop().sock_connect(socket, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=socket, limit=4_096)
    raw = Raw(reader, writer)
    raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
    return raw


SUBSCRIBE = frame("40/calendars,") + frame('42/calendars,1["calendar.subscribe",{"calendar":"room"}]')


@pytest.mark.parametrize(
    "words",
    [
        b"GET /api/calendars/room/slots " + PLAIN,
        (b"GET /api/calendars/room/slots " + PLAIN) * 20,
        (b"GET /calendars/room.ics " + PLAIN) * 200,
        b"GET /api/calendars/room/events " + PLAIN,
        b"GET /api/calendars/room/socket " + UPGRADE,
        f"GET {SOCKETIO} ".encode() + UPGRADE + SUBSCRIBE,
        f"GET {SOCKETIO} ".encode() + UPGRADE + SUBSCRIBE * 20,
    ],
    ids=["answer", "answers", "feeds", "events", "socket", "socket.io", "many"],
)
async def test_unread_answers(short: Server, words: bytes) -> None:
    """A client that does not read its answer is closed, whatever it asked for."""
    await eventually(lambda: _open_sockets(short) <= _idle_sockets(short), what="the connections before")
    before = _open_sockets(short)
    every = [await _narrow(short) for _ in range(5)]
    for raw in every:
        raw.writer.write(words)
    await eventually(lambda: _open_sockets(short) >= before + 5, what="the connections")
    await _is_served(short)
    await eventually(lambda: _open_sockets(short) <= before, what="the end of who does not read")
    for raw in every:
        raw.close()


def _idle_sockets(server: Server) -> int:
    """Return the sockets of an idle server: its listener's, and the loop's own pair."""
    del server
    return 3


async def test_an_unread_poll(short: Server) -> None:
    """A polling client that does not read the answer loses its session and its socket."""
    async with Api(short.url) as api:
        sid = json.loads((await api.ask("GET", POLLING)).raw[1:])["sid"]
        path = f"{POLLING}&sid={sid}"
        opened = await number_of(api, 'slotcast_connections{transport="polling"}')
        raw = await _narrow(short)
        packets = '40/calendars,\x1e42/calendars,1["calendar.subscribe",{"calendar":"room"}]'
        post = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(packets)}\r\n\r\n{packets}"
        raw.writer.write((post + f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n" * 3).encode())

        async def is_over() -> bool:
            return await number_of(api, 'slotcast_connections{transport="polling"}') < opened

        await eventually(is_over, 60, "the end of the session")
        raw.close()


async def test_a_slow_reader_is_served(short: Server) -> None:
    """Progress counts: an answer may take longer than the deadline as long as it is read."""
    raw = await _narrow(short)
    raw.writer.write(b"GET /api/calendars/room/slots " + PLAIN)
    raw.writer.transport.resume_reading()  # type: ignore[attr-defined]
    head = await asyncio.wait_for(raw.reader.readuntil(b"\r\n\r\n"), 20)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert length > HUGE_BYTES
    read, pieces = 0, 0
    while read < length:
        read += len(await asyncio.wait_for(raw.reader.readexactly(min(length // 12, length - read)), 20))
        pieces += 1
        await asyncio.sleep(0.2)
    assert pieces >= 12, "which took twice as long as the deadline"
    raw.close()


@pytest.mark.parametrize("path", [SOCKETIO, "/api/calendars/room/socket"])
@pytest.mark.parametrize(
    "begin",
    [frame(b"x", 0x01), b"\x81\xfe\xff\xff" + bytes(4) + b"x" * 100, b"\x01\xfe\xff\xff" + bytes(4)],
    ids=["part", "frame", "both"],
)
async def test_messages_without_an_end(short: Server, path: str, begin: bytes) -> None:
    """A WebSocket message that is incomplete at its deadline ends its connection, even with pongs between."""
    raw = await Raw.websocket(short.port, path)
    await raw.send(begin)
    dripping = asyncio.create_task(_drip(raw, frame(b"", 0x8A) if begin[:2] == frame(b"x", 0x01)[:2] else b"x"))
    assert b"message timeout" in await raw.rest(8)
    dripping.cancel()
