"""Watchers of an edge have the core's changes, on every transport, through the end of either."""

import asyncio
from contextlib import aclosing

import aiohttp

from realtime.access.auth import Auth
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
