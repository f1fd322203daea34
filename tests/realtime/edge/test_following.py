"""Watchers of an edge have the core's changes, on every transport, through the end of either."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import aiohttp

from realtime.access.auth import Auth
from realtime.async_service import AsyncService
from realtime.edge.following import EdgeRooms
from realtime.edge.upstream import Upstream
from tests.realtime.edge.conftest import SECRET
from tests.support import Api, Server, eventually
from tests.support.clients.following import all_have, following, open_slot
from tests.support.clients.transport import TRANSPORTS, Subscriber

STAFF = Auth(SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=3_600)
CALENDAR = "shared"


async def test_watchers_outlast_the_core_and_the_edge(core: Server, edge: Server) -> None:
    """Each has every change once and in order, and equals the snapshot, after a kill of the core and of the edge."""
    async with Api(core.url, STAFF) as api:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        async with following(edge.url, calendar=CALENDAR) as watchers:
            await open_slot(api, CALENDAR, 1)
            await all_have(watchers, 1)
            await asyncio.to_thread(core.kill9)
            async with Api(edge.url) as guest:  # it serves what it has
                assert len((await guest.get(f"/api/calendars/{CALENDAR}/slots"))["slots"]) == 1

                async def is_degraded() -> bool:
                    return bool((await guest.get("/readyz"))["degraded"] == ["core"])

                await eventually(is_degraded, 20.0, "the core's absence")
            await asyncio.to_thread(core.start)
            await open_slot(api, CALENDAR, 2)
            await all_have(watchers, 2)
            await asyncio.to_thread(edge.kill9)
            await open_slot(api, CALENDAR, 3)
            await asyncio.to_thread(edge.start)
            await all_have(watchers, 3)
            fresh = await api.get(f"/api/calendars/{CALENDAR}/slots")
            for way, one in watchers.items():
                assert (one.applied, one.snapshots) == ([1, 2, 3], 1), way
                assert one.slots == {slot["id"]: slot for slot in fresh["slots"]}, way


async def test_all_watchers_share_one_stream(core: Server, edge: Server) -> None:
    """However many an edge has of a calendar, the core has one."""
    async with Api(core.url, STAFF) as api:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        async with following(edge.url, calendar=CALENDAR), following(edge.url, calendar=CALENDAR):

            async def has_watchers() -> float:
                lines = (await api.ask("GET", "/metrics")).raw.decode().splitlines()
                return next(float(line.split()[1]) for line in lines if line.startswith("slotcast_watchers "))

            assert await eventually(has_watchers, 20.0, "the stream") == 1


async def test_a_cursor_is_good_at_the_core_and_at_the_edge(core: Server, edge: Server) -> None:
    """A client that goes from one to the other is resumed, also from before the edge's own first read."""
    async with Api(core.url, STAFF) as api, aiohttp.ClientSession() as http:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        for way, subscribe in TRANSPORTS.items():
            watcher = Subscriber()
            seq = (await api.get(f"/api/calendars/{CALENDAR}/slots"))["seq"]
            for url in (core.url, edge.url, core.url, edge.url):
                if watcher.cursor is not None:
                    seq += 1
                    await open_slot(api, CALENDAR, seq)
                async with aclosing(subscribe(http, url, CALENDAR, watcher.cursor)) as messages:
                    async for message in messages:
                        watcher.take(message)
                        if watcher.have >= seq:
                            break
            assert watcher.snapshots == 1, way
            assert watcher.have == seq, way


async def test_a_calendar_that_becomes_private_leaves_the_edge(core: Server, edge: Server) -> None:
    """Its watchers lose it there as they do at the core, and nobody finds it."""
    async with Api(core.url, STAFF) as api, Api(edge.url) as guest:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        assert (await guest.ask("GET", f"/api/calendars/{CALENDAR}/slots")).status == 200
        answer = await api.ask("PATCH", f"/api/calendars/{CALENDAR}", {"visibility": "private"})
        assert answer.status == 200, answer

        async def is_hidden() -> bool:
            return (await guest.ask("GET", f"/api/calendars/{CALENDAR}/slots")).status in {401, 404}

        await eventually(is_hidden, 20.0, "the refusal")


class Cutting:
    """Connections to the core. The first streams end after the head of their answer."""

    def __init__(self, port: int, cuts: int) -> None:
        self.cuts = cuts
        self._port = port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            answers, core = await asyncio.open_connection("127.0.0.1", self._port)
            core.write(head)
            if b"/socket?" in head and self.cuts:
                self.cuts -= 1
                writer.write(await answers.readuntil(b"\r\n\r\n"))
            else:
                await asyncio.gather(_copy(reader, core), _copy(answers, writer))
            core.close()
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    await asyncio.to_thread(server.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


async def test_a_stream_that_ends_before_its_first_message_is_opened_again(core: Server, tmp_path: Path) -> None:
    """As where the core dies between the two, or a proxy before it."""
    cutting = Cutting(core.port, cuts=2)
    async with await asyncio.start_server(cutting.serve, "127.0.0.1", 0) as proxy, Api(core.url, STAFF) as api:
        url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        edge = Server(tmp_path, "edge", "--core", url, settings={"SLOTCAST_RATE": "0"})
        async with running(edge), following(edge.url, calendar=CALENDAR) as watchers:
            await eventually(lambda: not cutting.cuts, 20.0, "the cuts")
            await open_slot(api, CALENDAR, 1)
            await all_have(watchers, 1)


async def test_the_stream_of_a_disbanded_room_ends(core: Server) -> None:
    """Also where its own change does not follow: the next room has a stream of its own."""
    upstream = Upstream(core.url)
    service = AsyncService(cast("Any", upstream), on_commit=lambda _: None)
    rooms = EdgeRooms(service, {}, upstream=upstream, max_room_bytes=1 << 30)
    async with Api(core.url, STAFF) as api:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        room = await rooms.room(CALENDAR)
        (stream,) = rooms._streams.values()
        await eventually(lambda: rooms.connected == 1, 10.0, "the stream")
        room.replica.nonce = "other"
        await open_slot(api, CALENDAR, 1)
        await eventually(lambda: CALENDAR not in rooms.rooms, 10.0, "the end of the room")
        await open_slot(api, CALENDAR, 2)
        await eventually(stream.done, 10.0, "the end of its stream")
        assert (rooms.connected, rooms._streams) == (0, {})
    await rooms.close()
    await service.close()
