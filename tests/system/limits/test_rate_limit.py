"""The budget of one client: beyond it requests are refused, and a flood is closed, on every transport."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.support import Api, Server, eventually
from tests.support.clients.raw import POLLING, SOCKETIO, Raw, frame
from tests.system.both_transports import number_of

pytestmark = pytest.mark.usefixtures("close_raw")

ASK = '42/calendars,1["booking.get",{"booking":"x","token":"y"}]'
RATE = 4  # low, so that also a slow server is soon over it
FLOOD = 250  # packets: of 5 a second and twelve seconds at once
BIG = 50_000
CUT = 'slotcast_connections_closed_total{reason="rate limited"}'
ELSEWHERE = "127.0.0.9"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with small budgets."""
    with Server(tmp_path_factory.mktemp("limited"), "--no-demo", "--rate", str(RATE)) as server:
        server.command("calendar", "create", "room")
        yield server


@pytest.fixture
def source(request: pytest.FixtureRequest) -> str:
    """Return an address with a fresh budget."""
    names = sorted(item.nodeid for item in request.session.items)
    place = names.index(request.node.nodeid)
    return f"127.1.{place // 250}.{place % 250 + 1}"


def _elsewhere(source: str) -> str:
    """Return the address of an honest client beside this one."""
    return source.replace("127.1.", "127.2.", 1)


async def _join(server: Server, source: str) -> Raw:
    raw = await Raw.websocket(server.port, SOCKETIO, source)
    await raw.send(frame("40/calendars,"))
    await raw.reader.readuntil(b"40/calendars,{")
    return raw


async def _is_served(server: Server, address: str = ELSEWHERE) -> None:
    """An honest client of another address is answered."""
    honest = await _join(server, address)
    await honest.send(frame(ASK))
    await asyncio.wait_for(honest.reader.readuntil(b'"not_found"'), 10)
    honest.close()


@pytest.mark.parametrize(
    "packet",
    [
        frame(ASK),
        frame('42/calendars,["unknown"]'),
        frame('42/calendars,1["unknown",{}]'),
        frame("43/calendars,7[]"),
        frame("3"),
        frame("6"),
        frame(b"", 0x89),
        frame(b"", 0x8A),
        frame("41/calendars,") + frame("40/calendars,"),
        frame("40/nowhere,"),
        frame(b"6", 0x01) + frame(b"", 0x80),
        frame('42/calendars,["x","' + "x" * BIG + '"]'),
    ],
    ids=["request", "no-ack", "unknown", "ack", "pong", "noop", "ping", "idle", "join", "nowhere", "parts", "bytes"],
)
async def test_a_flood_is_closed(limited: Server, source: str, packet: bytes) -> None:
    """A client that goes on beyond its budget is closed by its transport, and others are served."""
    async with Api(limited.url) as api:
        before = await number_of(api, CUT)
        raw = await _join(limited, source)
        reading = asyncio.create_task(raw.rest())
        await raw.send(packet * (FLOOD if len(packet) < BIG else FLOOD // 4))
        heard = await reading
        assert b"41/calendars" not in heard, "a goodbye would keep its library away"
        assert await number_of(api, CUT) == before + 1
    await _is_served(limited, _elsewhere(source))


async def test_leaving_the_namespace_gives_no_fresh_budget(limited: Server, source: str) -> None:
    """A client that leaves, joins and reconnects has the budget of one that stays."""
    granted, began = 0, time.monotonic()
    while time.monotonic() - began < 1.5 or granted < 2 * RATE:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # it is closed, or may not come back yet
            raw = await _join(limited, source)
            while True:
                await raw.send(frame(ASK) * 10)
                granted += (await _answers(raw, 10)).count(b'"not_found"')
                await raw.send(frame("41/calendars,") + frame("40/calendars,"))
                await raw.reader.readuntil(b"40/calendars,{")
        await asyncio.sleep(0.05)
    seconds = time.monotonic() - began
    assert 2 * RATE <= granted <= 2 * RATE + RATE * seconds + 5


async def test_many_connections_of_one_address(tmp_path: Path) -> None:
    """An address has a multiple of one client's budget, and another address is not delayed."""
    with Server(tmp_path, "--no-demo", "--rate", "10", "--address-factor", "3") as server:
        began = time.monotonic()
        every = await asyncio.gather(*(_join(server, "127.0.0.1") for _ in range(20)))
        for raw in every:
            await raw.send(frame(ASK) * 8)
        answers = await asyncio.gather(*(_answers(raw, 8) for raw in every))
        heard = b"".join(answers)
        seconds = time.monotonic() - began
        assert heard.count(b'"not_found"') + heard.count(b'"rate_limited"') == 160
        assert 60 <= heard.count(b'"not_found"') <= 60 + 30 * seconds + 5
        await _is_served(server)
        for raw in every:
            raw.close()


async def _answers(raw: Raw, count: int) -> bytes:
    return b"".join([await asyncio.wait_for(raw.reader.readuntil(b"}}]"), 20) for _ in range(count)])


async def test_a_payload_of_polling(limited: Server, source: str) -> None:
    """A POST of more packets than the budget has is answered 429, and its session is over."""
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    async with aiohttp.ClientSession(limited.url, connector=connector) as http:
        path = await _open_polling(http)
        async with http.post(path, data="\x1e".join(["6"] * FLOOD)) as response:
            assert response.status == 429
            assert int(response.headers["Retry-After"]) >= 1
        async with http.get(path) as response:
            assert response.status == 400
    await _is_served(limited, _elsewhere(source))


async def test_polls_that_are_answered_at_once(limited: Server, source: str) -> None:
    """While a client upgrades no poll of it waits, and so each is charged."""
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    async with aiohttp.ClientSession(limited.url, connector=connector) as http:
        path = await _open_polling(http)
        async with http.ws_connect(path.replace("polling", "websocket")) as probe:
            await probe.send_str("2probe")
            assert await probe.receive_str() == "3probe"
            polls = await Raw.connect(limited.port, source)
            await polls.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * FLOOD)
            heard = await polls.rest()
    statuses = [answer[:3] for answer in heard.split(b"HTTP/1.1 ")[1:]]
    assert statuses[-1] == b"429"
    assert set(statuses[:-1]) == {b"200"}


async def _open_polling(http: aiohttp.ClientSession) -> str:
    async with http.get(POLLING) as response:
        text = await response.text()
    return f"{POLLING}&sid={json.loads(text[1:])['sid']}"


@pytest.mark.parametrize("path", ["/api/calendars", "/", "/nothing", "/healthz", "/api/slots/x/holds"])
async def test_plain_requests(limited: Server, source: str, path: str) -> None:
    """Any request counts; a client that goes on is answered 429 with a time to wait, and closed."""
    raw = await Raw.connect(limited.port, source)
    reading = asyncio.create_task(raw.rest())
    method = "POST" if path.endswith("holds") else "GET"
    for _ in range(10):
        await raw.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * (FLOOD // 10))
    heard = await reading
    *_, last = heard.split(b"HTTP/1.1 ")
    assert last.startswith(b"429 ")
    assert b"\r\nRetry-After: " in last
    assert b"\r\nConnection: close" in last
    assert heard.count(b"HTTP/1.1 ") < FLOOD
    await _is_served(limited, _elsewhere(source))


async def test_a_refused_client_that_goes_on_reads_the_answer(limited: Server, source: str) -> None:
    """The server reads what a client sends behind its last answer: no reset overtakes the answer."""
    asks = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 100
    raw = await Raw.connect(limited.port, source)
    for _ in range(10):
        await raw.send(asks)
    await raw.reader.readuntil(b"HTTP/1.1 429 ")
    for _ in range(100):
        raw.writer.write(asks)
        await raw.writer.drain()
    assert b"\r\nConnection: close" in await raw.reader.read()


async def test_a_refused_client_without_end_is_closed(limited: Server, source: str) -> None:
    """The server reads a megabyte behind its last answer, and then closes."""
    raw = await Raw.connect(limited.port, source)
    raw.writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * FLOOD)

    async def send_on() -> None:
        while True:
            raw.writer.write(b"x" * 100_000)
            await raw.writer.drain()

    with pytest.raises(ConnectionError):
        await send_on()


@pytest.mark.parametrize("way", ["socket", "events"])
async def test_streams_that_talk(limited: Server, source: str, way: str) -> None:
    """Streams expect no input: a client that floods one is closed."""
    path = f"/api/calendars/room/{way}"
    if way == "socket":
        raw = await Raw.websocket(limited.port, path, source)
        flood = frame("") * FLOOD
    else:
        raw = await Raw.connect(limited.port, source)
        await raw.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await raw.reader.readuntil(b"event: snapshot")
        flood = b"x" * 5_000_000
    reading = asyncio.create_task(raw.rest())
    await raw.send(flood)
    await reading
    await _is_served(limited, _elsewhere(source))


async def test_handshakes(tmp_path: Path) -> None:
    """A client that only connects and leaves is refused in the end, and another address is not."""
    answers = set[bytes]()
    with Server(tmp_path, "--no-demo", "--rate", "0.5") as server:

        async def come() -> bool:
            raw = await Raw.connect(server.port, "127.0.0.8")
            await raw.send(f"GET {POLLING} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            with suppress(ConnectionError):
                answers.add((await raw.reader.readline())[9:12])
            raw.close()
            return b"429" in answers

        await eventually(come, 60, "a 429")
        await _is_served(server)
    assert b"200" in answers


async def test_behind_a_proxy(tmp_path: Path) -> None:
    """Behind a trusted proxy each real address has its own budget; IPv6 counts by /64."""
    with Server(tmp_path, "--no-demo", "--rate", "2", "--proxies", "127.0.0.1") as server:
        async with Api(server.url) as api:

            async def codes(peer: str, count: int = 1) -> set[str]:
                headers = {"X-Forwarded-For": peer}
                return {(await api.ask("GET", "/api/calendars", headers=headers)).code for _ in range(count)}

            assert await codes("2001:db8:0:1::1", 60) == {"ok", "rate_limited"}
            assert await codes("2001:db8:0:1:ffff::2") == {"rate_limited"}
            assert await codes("2001:db8:0:2::1") == {"ok"}
            assert await codes("192.0.2.1") == {"ok"}
        flooded, free = "X-Forwarded-For: 192.0.2.7\r\n", "X-Forwarded-For: 192.0.2.8\r\n"
        for headers, is_cut in ((flooded, True), (free, False)):
            raw = await Raw.websocket(server.port, SOCKETIO, headers=headers)
            await raw.send(frame("40/calendars,"))
            if is_cut:
                reading = asyncio.create_task(raw.rest())
                await raw.send(frame("6") * 200)
                await reading
            else:
                await raw.send(frame(ASK))
                await asyncio.wait_for(raw.reader.readuntil(b'"not_found"'), 10)
                raw.close()


async def test_bytes_of_a_client_that_has_gone_are_dropped(tmp_path: Path) -> None:
    """Megabytes left behind by their senders cost a part of their requests, with a limit or without one."""
    ask = frame(ASK.replace("1[", "["))
    cost = 0.0
    # Without a limit, a request costs time until the kernel has taken all bytes behind it: only then does it show the
    # end.
    for rate, most_part in (("0", 0.5), ("100", 0.25)):
        folder = tmp_path / rate
        folder.mkdir()
        with Server(folder, "--no-demo", "--rate", rate) as server:
            if not cost:
                cost = await _cost_of(server, ask * 3_000) / 3_000
            every = await asyncio.gather(*(_join(server, "127.0.0.1") for _ in range(10)))
            for raw in every:
                raw.writer.write(ask * 6_000)  # 400 KB
            await asyncio.sleep(0)
            for raw in every:
                raw.writer.close()
            began = _cpu_seconds(server)
            async with Api(server.url) as api:
                await eventually(lambda: _is_empty(api), 60, "nobody connected")
            assert _cpu_seconds(server) - began < 60_000 * cost * most_part


async def _cost_of(server: Server, asks: bytes) -> float:
    """Return the CPU seconds of these requests of a client that stays."""
    raw = await _join(server, ELSEWHERE)
    began = _cpu_seconds(server)
    await raw.send(asks + frame(ASK))
    await raw.reader.readuntil(b'"not_found"')
    raw.close()
    return _cpu_seconds(server) - began


async def _is_empty(api: Api) -> bool:
    """Ask a few times a second only: each answer costs the server CPU too."""
    await asyncio.sleep(0.25)
    return await number_of(api, 'slotcast_connections{transport="websocket"}') == 0


def _cpu_seconds(server: Server) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
