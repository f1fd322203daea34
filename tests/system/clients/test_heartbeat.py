"""Heartbeats for the clients that ask for them, as a sign of a dead network."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from realtime.engine.engineio.heartbeat import BEAT_SECONDS
from tests.support import Api
from tests.support.clients.raw import Raw
from tests.system.conftest import Place

CALENDAR = "alive"
LATE_SECONDS = 1.0
BUSY_SECONDS = 5.0  # a busy machine adds so much


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Ask without a token."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        yield http


async def _beat_within(text: "asyncio.Future[str] | asyncio.Task[str]") -> str:
    return await asyncio.wait_for(text, BEAT_SECONDS + LATE_SECONDS + BUSY_SECONDS)


async def test_a_websocket_gets_the_heartbeat_that_it_asks_for(place: Place, http: aiohttp.ClientSession) -> None:
    """OPEN promises the interval in milliseconds, and an empty packet comes in each; it needs no answer."""
    url = f"{place.url}/socket.io/?EIO=4&transport=websocket&beat=1"
    async with http.ws_connect(url) as socket:
        opening = json.loads((await socket.receive_str())[1:])
        assert opening["beatInterval"] == BEAT_SECONDS * 1_000
        await socket.send_str("40/calendars,")
        assert (await socket.receive_str()).startswith("40/calendars,")
        for _ in range(2):
            assert await _beat_within(asyncio.create_task(socket.receive_str())) == "6"


async def test_a_poll_ends_with_the_heartbeat(place: Place, http: aiohttp.ClientSession) -> None:
    """Over polling the heartbeat answers the waiting poll."""
    url = f"{place.url}/socket.io/?EIO=4&transport=polling"
    async with http.get(f"{url}&beat=1") as response:
        opening = json.loads((await response.text())[1:])
    assert opening["beatInterval"] == BEAT_SECONDS * 1_000
    url += f"&sid={opening['sid']}"
    async with http.post(url, data="40/calendars,") as response:
        assert response.status == 200
    heard = ""
    until = time.monotonic() + BEAT_SECONDS + LATE_SECONDS + BUSY_SECONDS
    while "6" not in heard.split("\x1e"):
        assert time.monotonic() < until
        async with http.get(url) as response:
            heard = await response.text()


async def test_heartbeats_are_only_for_clients_that_ask(place: Place, http: aiohttp.ClientSession) -> None:
    """Without `beat=1` OPEN has the protocol's own fields, and no empty packet comes."""
    async with http.ws_connect(f"{place.url}/socket.io/?EIO=4&transport=websocket") as socket:
        opening = json.loads((await socket.receive_str())[1:])
        assert set(opening) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
        await socket.send_str("40/calendars,")
        await socket.receive_str()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.receive_str(), BEAT_SECONDS + LATE_SECONDS)


async def test_an_event_stream_gets_the_heartbeat_that_it_asks_for(
    place: Place, api: Api, http: aiohttp.ClientSession
) -> None:
    """A comment hidden from EventSource: at once, as a promise, and in each interval; only clients that ask get it."""
    await api.post("/api/calendars", id=CALENDAR, name="Room", zone="UTC")
    url = f"{place.url}/api/calendars/{CALENDAR}/events"
    async with http.get(f"{url}?beat=1") as asking, http.get(url) as other:

        async def beat() -> str:
            while not (line := await asking.content.readline()).startswith(b":beat 2"):
                assert line, "the stream ended"
            return line.decode()

        for _ in range(3):
            await _beat_within(asyncio.create_task(beat()))
        seen = await other.content.readany()
    assert b":beat" not in seen


async def test_an_event_stream_promises_the_heartbeat_before_its_snapshot(place: Place, api: Api) -> None:
    """However much the snapshot is: a client that has it knows already how soon it will be heard again."""
    await api.post("/api/calendars", id="large", name="Room", zone="UTC")
    raw = await Raw.connect(place.server.port)
    await raw.send(b"GET /api/calendars/large/events?beat=1 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"\n:beat 2" in await raw.reader.readuntil(b"event: snapshot")
    raw.close()
