"""Streams without Socket.IO: how they open, stay open, are cut, and end."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from cli.serve import compose, runner_of
from cli.settings import Settings
from realtime.access.auth import Auth
from realtime.rooms.replica.replica import MOST_SLOTS
from realtime.transports.event_stream import (
    RETRY_MILLISECONDS,
    STOP_RETRY_MILLISECONDS,
)
from realtime.transports.stream import HEARTBEAT_SECONDS
from tests.realtime.transports.conftest import make_calendar, open_slots
from tests.support import ROOT, Api, Server, eventually, free_port
from tests.support.example import in_days
from tests.system.both_transports import number_of
from tests.system.conftest import HANDSHAKE, QUIET, Place

NOTHING_READ = 4_096  # the size of the client's receive buffer in its kernel


async def test_opening_a_stream_is_no_request(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    """Any number of streams of one address open at once; each gets a time of its own to wait."""
    with Server(tmp_path, "--no-demo", "--rate", "1") as server:
        server.command("calendar", "create", "room")
        path = f"{server.url}/api/calendars/room"
        waits = set()
        async with AsyncExitStack() as streams:
            for _ in range(20):
                response = await streams.enter_async_context(http.get(f"{path}/events"))
                assert response.status == 200
                waits.add(int((await response.content.readline()).removeprefix(b"retry: ")))
                await streams.enter_async_context(http.ws_connect(f"{path}/socket"))
        assert len(waits) > 10
        assert all(1_000 <= wait <= 5_000 for wait in (*waits, RETRY_MILLISECONDS[0], RETRY_MILLISECONDS[-1]))
        async with Api(server.url) as api:
            codes = {(await api.ask("GET", "/api/calendars/room/changes")).code for _ in range(5)}
        assert codes == {"ok", "rate_limited"}


@pytest.mark.parametrize("way", ["events", "socket"])
async def test_a_stream_without_a_reader_is_closed(place: Place, api: Api, way: str) -> None:
    """A stream without a reader holds the bytes of the cap, and then is closed."""
    path = await make_calendar(api, f"unread-{way}")
    kind, headers = ("socket", HANDSHAKE) if way == "socket" else ("sse", {})
    slow, open_ones = 'slotcast_connections_closed_total{reason="slow"}', f'slotcast_connections{{transport="{kind}"}}'
    before = await number_of(api, slow)
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "a", **headers}.items())
    with closing(socket.socket()) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NOTHING_READ)
        deaf.connect(("127.0.0.1", place.server.port))
        deaf.sendall(f"GET {path}/{way} HTTP/1.1\r\n{head}\r\n".encode())
        await eventually(lambda: number_of(api, open_ones), what="the stream")
        for _ in range(40):  # of 0.8 MB; the kernel itself takes a few
            await open_slots(api, path, 200, "x" * 4_000)
            if await number_of(api, slow) > before:
                break
        assert await number_of(api, slow) == before + 1


@pytest.mark.parametrize("has_room", [False, True])
async def test_a_snapshot_is_cut(place: Place, api: Api, http: aiohttp.ClientSession, has_room: bool) -> None:
    """It has 2,000 slots at most, says how far it goes, and the next window goes on from there."""
    path = await make_calendar(api, f"long-{has_room}".lower())
    for _ in range(11):
        await open_slots(api, path, 200)
    if has_room:
        async with http.ws_connect(f"{place.url}{path}/socket") as follower:
            first = await follower.receive_json()
    else:
        first = await api.get(f"{path}/slots")
    assert len(first["slots"]) <= MOST_SLOTS == 2_000
    assert len(first["slots"]) > MOST_SLOTS - 11, "slots that start at once are not parted"
    assert all(slot["start"] < first["to"] for slot in first["slots"])
    rest = await api.get(f"{path}/slots?from={first['to']}&to={in_days(40)}")
    found = {slot["id"] for slot in (*first["slots"], *rest["slots"])}
    assert len(found) == 2_200


@pytest.fixture
async def lively(tmp_path: Path) -> AsyncIterator[str]:
    """Serve in this process with two heartbeats a second; yield the calendar's address."""
    settings = Settings(secret=b"0" * 32, database=f"sqlite:///{tmp_path / 'slotcast.db'}", port=free_port())
    service = settings.service()
    service.open()
    app = await compose(settings, service=service, web_folder=tmp_path, heartbeat_seconds=0.5)
    runner = runner_of(app, settings.bounds)
    await runner.setup()
    await web.TCPSite(runner, settings.host, settings.port).start()
    token = Auth(settings.secret).write_token("staff", scope="staff", calendars="*", seconds=60)
    async with Api(f"http://{settings.host}:{settings.port}", token) as api:
        path = await make_calendar(api, "lively")
    yield f"http://{settings.host}:{settings.port}{path}"
    await runner.cleanup()
    service.close()


async def test_quiet_streams_have_heartbeats(lively: str, http: aiohttp.ClientSession) -> None:
    """A quiet stream has comments and pings; a client without pongs is closed, and one with pongs stays."""
    async with http.get(f"{lively}/events") as response:
        lines = [await response.content.readline() for _ in range(10)]
        assert lines.count(b":\n") >= 2
    async with (
        http.ws_connect(f"{lively}/socket", autoping=False) as mute,
        http.ws_connect(f"{lively}/socket", autoping=False) as polite,
    ):
        assert (await mute.receive()).type is (await polite.receive()).type is aiohttp.WSMsgType.TEXT
        for _ in range(3):
            assert (await polite.receive(timeout=5)).type is aiohttp.WSMsgType.PING
            await polite.pong()
        heard = [(await mute.receive(timeout=5)).type for _ in range(3)]
        assert heard[0] is aiohttp.WSMsgType.PING
        assert heard[-1] in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}


def test_the_docs_have_the_heartbeat_interval() -> None:
    """Streams have the heartbeat interval of the docs."""
    told = re.findall(r"(?:comment comes|server pings) every (\d+) s", (ROOT / "docs" / "protocol.md").read_text())
    assert [float(seconds) for seconds in told] == [HEARTBEAT_SECONDS] * 2


async def test_the_end_of_a_server_is_said(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    """Asked to end, the server ends events with a short wait, and plain WebSockets with the code for going away."""
    with Server(tmp_path, *QUIET) as server:
        server.command("calendar", "create", "room")
        path = f"{server.url}/api/calendars/room"
        async with http.get(f"{path}/events") as events, http.ws_connect(f"{path}/socket") as follower:
            assert json.loads((await follower.receive()).data)["mode"] == "snapshot"
            assert await asyncio.to_thread(server.stop) == 0
            last = await follower.receive()
            assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, 1001)
            told = await events.content.read()
            assert b"event: snapshot" in told
            waits = [int(wait) for wait in re.findall(rb"^retry: (\d+)$", told, re.MULTILINE)]
            assert len(waits) == 2
            assert waits[-1] in STOP_RETRY_MILLISECONDS
            assert told.endswith(b"\n\n")
