"""Outside writes to the database of a running server reach every subscriber."""

import asyncio
import logging
import os
import random
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import count, cycle
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

from tests.models.database_audit import Ask, asking, audit, query
from tests.support import Api, Server, eventually, wait_until
from tests.support.clients.client import STAFF, Client
from tests.support.clients.following import PATIENCE_SECONDS, all_have, following
from tests.support.clients.transport import Subscriber
from tests.support.clients.viewer import Viewer
from tests.support.databases.outsider import write
from tests.system.random_sql import RandomSql
from tests.system.scenario import CALENDAR, Shop

KILLS = 2
SCRIPTS_A_LIFE = 12
LONG_SECONDS = 600.0
ANNEX = "annex"
STALE_SECONDS = 0.1
TRIES = 5
_log = logging.getLogger(__name__)
HOUR = 3_600_000


@pytest.fixture
def server(each_database: str, tmp_path: Path) -> Iterator[Server]:
    """Run a server on each kind of database."""
    with Server(tmp_path, "--no-demo", "--rate", "0", database=each_database) as server:
        server.command("calendar", "create", CALENDAR, "--zone", "Europe/Vienna")
        yield server
        wait_until(lambda: not query(server.database, "SELECT 1 FROM touched"), what="every note to be taken")
    audit(server.database)


async def _converge(url: str, watchers: dict[str, Subscriber], *, database: str, calendar: str = CALENDAR) -> None:
    """Each subscriber equals a fresh snapshot, and applied every seq once and in order."""

    def is_taken() -> bool:
        with asking(database) as ask:
            return ask("SELECT COUNT(*) FROM touched") == [(0,)]

    async def fresh() -> Any:
        async with Api(url) as api:
            found = await api.get(f"/api/calendars/{calendar}/slots")
        return all(one.have == found["seq"] for one in watchers.values()) and found

    await eventually(is_taken, PATIENCE_SECONDS, "what others wrote to be taken")
    found = await eventually(fresh, PATIENCE_SECONDS, "all watchers to stand at the head")
    for way, one in watchers.items():
        assert one.slots == {slot["id"]: slot for slot in found["slots"]}, way
        assert one.applied == list(range(one.applied[0], one.have + 1)), way
        assert one.snapshots == 1, way


@pytest.fixture
def pair(each_database: str, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Run two servers on each kind of database."""
    flags = ("--no-demo", "--rate", "0")
    with (
        Server(tmp_path, *flags, database=each_database) as one,
        Server(tmp_path, *flags, database=each_database) as other,
    ):
        for calendar in (CALENDAR, ANNEX):
            one.command("calendar", "create", calendar, "--zone", "Europe/Vienna")
        yield one, other
        wait_until(lambda: not query(one.database, "SELECT 1 FROM touched"), what="every note to be taken")
    audit(each_database)


class Crowd:
    """Subscribers at both servers: in each of the seven ways, staff, and those of the other calendar."""

    def __init__(self, pair: tuple[Server, Server], token: str) -> None:
        self._pair, self._token = pair, token
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        urls = [server.url for server in self._pair]
        self._guests = [
            await self._stack.enter_async_context(following(*order, calendar=CALENDAR)) for order in (urls, urls[::-1])
        ]
        self._annexed = await self._stack.enter_async_context(following(*urls, calendar=ANNEX))
        self._staff = [await self._staff_of(server) for server in self._pair]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _staff_of(self, server: Server) -> Viewer:
        client = await self._stack.enter_async_context(Client(server.url, token=self._token, namespace=STAFF))
        return await client.watch(CALENDAR)

    async def converge(self) -> None:
        url, database = self._pair[0].url, self._pair[0].database
        for watchers in self._guests:
            await _converge(url, watchers, database=database)
        await _converge(url, self._annexed, database=database, calendar=ANNEX)
        async with Client(url, token=self._token, namespace=STAFF) as client:
            fresh = await client.watch(CALENDAR)
            for viewer in self._staff:
                await eventually(partial(viewer.is_at, fresh.have), PATIENCE_SECONDS, "staff to stand at the head")
                assert viewer.is_whole, viewer.modes
                assert viewer.slots == fresh.slots
                here = {name: one for name, one in viewer.bookings.items() if one["calendar"] == CALENDAR}
                names = here.keys() | fresh.bookings.keys()
                told = {name: (here.get(name), fresh.bookings.get(name)) for name in names}
                assert {name: pair for name, pair in told.items() if pair[0] != pair[1]} == {}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a client's, of a killed handshake
async def test_every_outside_write_reaches_every_subscriber(
    pair: tuple[Server, Server], request: pytest.FixtureRequest
) -> None:
    """Two servers, commands at both, and SQL of a third program, while one server or the other is killed.

    Each subscriber equals a fresh snapshot, and gets every seq once and in order. `--long` goes on for ten minutes.
    """
    until = time.monotonic() + (LONG_SECONDS if request.config.getoption("--long") else 0)
    seed = int(os.environ.get("SEED", "5"))
    token = pair[0].command("token", "--scope", "staff").strip()
    outsider, dice, database = (
        RandomSql(pair[0].database, (CALENDAR, ANNEX), seed),
        random.Random(seed),
        pair[0].database,
    )
    async with Crowd(pair, token) as crowd:
        while True:
            await _live(pair, outsider, dice, token)
            await crowd.converge()
            await asyncio.to_thread(audit, database)
            if time.monotonic() >= until:
                break
            # A snapshot has a bounded number of slots.
            await asyncio.to_thread(write, database, "DELETE FROM booking; DELETE FROM hold; DELETE FROM slot")
    _log.info("%d scripts, of which %d were refused", outsider.written + outsider.refused, outsider.refused)
    assert outsider.written > outsider.refused


async def _live(pair: tuple[Server, Server], outsider: RandomSql, dice: random.Random, token: str) -> None:
    """Send commands to both servers, write random SQL, and kill one server after the other, in any order."""
    shops = [Shop(server, token, seed=dice.randrange(1_000), first=place, step=2) for place, server in enumerate(pair)]
    for shop in shops:
        await shop.open_slots(shop.over_http, 10)
    busy = [asyncio.create_task(shop.keep_busy(shop.over_http)) for shop in shops]
    for _ in range(KILLS):
        writing = asyncio.create_task(outsider.run(SCRIPTS_A_LIFE))
        await eventually(outsider.will_have_written(2), PATIENCE_SECONDS, "scripts")
        killed = dice.choice(pair)
        await asyncio.to_thread(killed.kill9)
        await writing
        await asyncio.to_thread(killed.start)
    await eventually(lambda: all(shop.has_done(20) for shop in shops), PATIENCE_SECONDS, "commands")
    for shop in shops:
        shop.is_closing = True
    await asyncio.gather(*busy)


class Reads:
    """Reads the ids of the calendar's slots in each way there is: a request, a subscription, a stream, the feed."""

    def __init__(self, http: aiohttp.ClientSession, server: Server, client: Client) -> None:
        self._http, self._client = http, client
        self._path = f"{server.url}/api/calendars/{CALENDAR}"
        self._feed_path = f"{server.url}/calendars/{CALENDAR}.ics"
        self.ways = (self._slots, self._subscription, self._stream, self._feed)

    async def _slots(self) -> str:
        async with self._http.get(f"{self._path}/slots") as response:
            return await response.text()

    async def _subscription(self) -> str:
        return str(await self._client.ask("calendar.subscribe", calendar=CALENDAR))

    async def _stream(self) -> str:
        async with self._http.get(f"{self._path}/events") as response:
            async for line in response.content:
                if line.startswith(b"data: {"):
                    return line.decode()
        return ""

    async def _feed(self) -> str:
        async with self._http.get(self._feed_path) as response:
            return (await response.text()).replace("\r\n ", "")


async def _stale(reads: Reads, ask: Ask, numbers: Iterator[int]) -> list[float]:
    """Write 100 slots, and return for each the last moment after its commit at which a read without it began."""
    stale = []
    for number, way in zip(range(100), cycle(reads.ways), strict=False):
        name, start = f"00000000-0000-4000-8000-{next(numbers):012x}", int(time.time() * 1_000) + number * HOUR
        sql = f"INSERT INTO slot (id, calendar, start, \"end\") VALUES ('{name}', '{CALENDAR}', ?, ?)"
        ask(sql, start + HOUR, start + HOUR + 1_000)
        committed, begun, late = time.monotonic(), 0.0, 0.0
        while name not in await way():
            assert late < PATIENCE_SECONDS
            await asyncio.sleep(0.003)
            late, begun = begun, time.monotonic() - committed
        stale.append(late)
    return stale


async def test_no_read_is_older_than_what_was_written(server: Server) -> None:
    """A read that begins 100 ms after an outside commit has it, 95 times of 100; a crowded machine has five tries."""
    numbers, tries = count(1), []
    with asking(server.database) as ask:
        async with (
            following(server.url, calendar=CALENDAR),
            aiohttp.ClientSession() as http,
            Client(server.url) as client,
        ):
            reads = Reads(http, server, client)
            for _ in range(TRIES):
                tries.append(sorted(await _stale(reads, ask, numbers))[94])
                if tries[-1] <= STALE_SECONDS:
                    return
    pytest.fail(f"a read that begins so many seconds after a commit has not seen it, 95th percentiles: {tries}")


async def test_staff_are_told_which_bookings_are_gone(server: Server) -> None:
    """Over both transports, by a live change, by a resumption, and after the server was down; many in small changes."""

    def uuid(number: int) -> str:
        return f"00000000-0000-4000-8000-{number:012x}"

    def gone(client: Client) -> list[str]:
        return [name for change in client.changes for name in change.get("bookings_gone", ())]

    start = int(time.time() * 1_000) + 24 * HOUR
    rows = ", ".join(f"('{uuid(number)}', '{CALENDAR}', '{uuid(0)}')" for number in range(1, 302))
    slot = (
        'INSERT INTO slot (id, calendar, start, "end", capacity)'
        f" VALUES ('{uuid(0)}', '{CALENDAR}', {start}, {start + HOUR}, 400)"
    )
    write(server.database, f"{slot}; INSERT INTO booking (id, calendar, slot) VALUES {rows};")
    wait_until(lambda: not query(server.database, "SELECT 1 FROM touched"), what="the bookings to be taken")
    token = server.command("token", "--scope", "staff").strip()
    async with AsyncExitStack() as stack:
        live = [
            await stack.enter_async_context(Client(server.url, token=token, namespace=STAFF, transports=(transport,)))
            for transport in ("websocket", "polling")
        ]
        viewers = [await client.watch(CALENDAR) for client in live]
        cursor = viewers[0].cursor
        assert all(len(viewer.bookings) == 301 for viewer in viewers)
        await asyncio.to_thread(write, server.database, f"DELETE FROM booking WHERE id = '{uuid(1)}'")
        await eventually(lambda: all(gone(client) == [uuid(1)] for client in live), what="the booking to be gone")
        answer = await live[0].ask("calendar.subscribe", calendar=CALENDAR, after=cursor)
        assert [change["bookings_gone"] for change in answer["changes"]] == [[uuid(1)]]
        await asyncio.to_thread(server.kill9)
        await asyncio.to_thread(write, server.database, f"DELETE FROM booking WHERE id < '{uuid(300)}'")
        await asyncio.to_thread(server.start)
        await eventually(lambda: all(len(one.bookings) == 2 for one in viewers), PATIENCE_SECONDS, "all but two to go")
        delete = "DELETE FROM booking; DELETE FROM slot"
        await asyncio.to_thread(write, server.database, f"BEGIN; {delete}; COMMIT;")
        await eventually(lambda: not any(one.bookings or one.slots for one in viewers), what="everything to go")
        for client, viewer in zip(live, viewers, strict=True):
            assert viewer.is_whole
            assert client.changes[-1]["removed"] == [uuid(0)]
            listed = await client.ask("booking.list", calendar=CALENDAR)
            assert listed["bookings"] == []


async def test_a_bulk_throws_nobody_off(server: Server) -> None:
    """20,000 slots in one statement: changes of 100, and five subscribers that stay connected."""
    first = int(time.time() * 1_000) + 24 * HOUR
    numbers = (
        "generate_series(1, 20000) AS n"
        if server.database.startswith("postgresql:")
        else "(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 20000) SELECT n FROM g)"
    )
    sql = (
        f"INSERT INTO slot (calendar, start, \"end\") SELECT '{CALENDAR}', {first} + n * CAST(1000 AS BIGINT),"
        f" {first} + n * CAST(1000 AS BIGINT) + 500 FROM {numbers}"
    )
    async with following(server.url, calendar=CALENDAR) as watchers:
        await asyncio.to_thread(write, server.database, sql)
        await all_have(watchers, 200)
        with asking(server.database) as ask:
            assert ask("SELECT seq FROM calendar") == [(200,)]
        for way, one in watchers.items():
            assert (one.snapshots, one.applied, len(one.slots)) == (1, list(range(1, 201)), 20_000), way
