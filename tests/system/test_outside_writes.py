"""Outside writes to the database of a running server reach every subscriber."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.models.audit import asking, audit, query
from tests.support import Api, Server, eventually, wait_until
from tests.support.outsider import Refused, write
from tests.support.replica import Gap
from tests.support.transport import TRANSPORTS, Subscriber
from tests.system.scenario import CALENDAR, Shop

KILLS = 2
SCRIPTS_A_LIFE = 12
PATIENCE_SECONDS = 60.0
STALE_SECONDS = 1.0  # 0.1 is promised; a crowded machine has more
_log = logging.getLogger(__name__)
HOUR = 3_600_000


@pytest.fixture
def server(each_database: str, tmp_path: Path) -> Iterator[Server]:
    """Run a server on each kind of database."""
    with Server(tmp_path, "--no-demo", "--rate", "0", database=each_database) as server:
        server.command("calendar", "create", CALENDAR, "--zone", "Europe/Vienna")
        yield server
        wait_until(lambda: not query(server.database, "SELECT 1 FROM touched"), 20, "every note to be taken")
    audit(server.database)


async def _follow(way: str, http: aiohttp.ClientSession, url: str, watcher: Subscriber) -> None:
    """Follow the calendar, and reconnect by the cursor after each end; a gap fails the test."""
    while True:
        try:
            async with aclosing(TRANSPORTS[way](http, url, CALENDAR, watcher.cursor)) as messages:
                async for message in messages:
                    watcher.take(message)
        except Gap:
            raise
        except Exception:  # the possible errors of a client of a killed server
            _log.debug("%s comes back", way)
        await asyncio.sleep(0.05)


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[dict[str, Subscriber]]:
    """Subscribe in each of the five ways; each subscriber has its snapshot."""
    watchers = {way: Subscriber() for way in TRANSPORTS}
    async with aiohttp.ClientSession() as http:
        tasks = [asyncio.create_task(_follow(way, http, url, watcher)) for way, watcher in watchers.items()]
        await eventually(lambda: all(one.snapshots for one in watchers.values()), PATIENCE_SECONDS, "the snapshots")
        yield watchers
        for task in tasks:
            task.cancel()
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(done, asyncio.CancelledError), done


async def _converge(url: str, watchers: dict[str, Subscriber], *, database: str) -> None:
    """Each subscriber equals a fresh snapshot, and applied every seq once and in order."""

    def is_taken() -> bool:
        with asking(database) as ask:
            return ask("SELECT COUNT(*) FROM touched") == [(0,)]

    async def fresh() -> Any:
        async with Api(url) as api:
            found = await api.get(f"/api/calendars/{CALENDAR}/slots")
        return all(one.have == found["seq"] for one in watchers.values()) and found

    await eventually(is_taken, PATIENCE_SECONDS, "what others wrote to be taken")
    found = await eventually(fresh, PATIENCE_SECONDS, "all watchers to stand at the head")
    for way, one in watchers.items():
        assert one.slots == {slot["id"]: slot for slot in found["slots"]}, way
        assert one.applied == list(range(one.applied[0], one.have + 1)), way
        assert one.snapshots == 1, way


class Outsider:
    """Random scripts run; the database refuses invalid rows."""

    def __init__(self, server: Server, seed: int) -> None:
        self._url = server.database
        self._dice = random.Random(seed)
        self._first = int(time.time() * 1_000) // HOUR * HOUR + 24 * HOUR
        self.written = self.refused = 0

    def will_have_written(self, more: int) -> Callable[[], bool]:
        enough = self.written + more
        return lambda: self.written >= enough

    async def keep_writing(self, scripts: int) -> None:
        for _ in range(scripts):
            sql = "; ".join(self._statement() for _ in range(self._dice.randint(1, 4))) + ";"
            if self._dice.random() < 0.5:
                sql = f"BEGIN; {sql} COMMIT;"
            try:
                await asyncio.to_thread(write, self._url, sql)
                self.written += 1
            except Refused:
                self.refused += 1

    def _statement(self) -> str:
        start = self._first + self._dice.randrange(400) * HOUR
        some = f"(SELECT id FROM slot WHERE state < 2 ORDER BY start LIMIT 1 OFFSET {self._dice.randrange(30)})"
        return self._dice.choice(
            [
                f"INSERT INTO slot (calendar, start, \"end\") VALUES ('{CALENDAR}', {start}, {start + HOUR})",
                (
                    f'INSERT INTO slot (calendar, start, "end", capacity) SELECT calendar, start + 60000, "end", 2'
                    f" FROM slot WHERE id = {some}"
                ),
                f"UPDATE slot SET state = 1 - state WHERE id = {some} AND state < 2",
                f"UPDATE slot SET capacity = capacity + 1 WHERE id = {some}",
                f'UPDATE slot SET start = start + 1000, data = \'{{"by": "hand"}}\' WHERE id = {some}',
                "UPDATE slot SET held = 0, booked = 0, blocked = 1 WHERE capacity = 3",
                (
                    f"DELETE FROM slot WHERE id = {some} AND id NOT IN (SELECT slot FROM booking)"
                    " AND id NOT IN (SELECT slot FROM hold)"
                ),
                f"INSERT INTO booking (calendar, slot, name) VALUES ('{CALENDAR}', {some}, 'By hand')",
                "UPDATE booking SET status = 'cancelled' WHERE name = 'By hand'",
                "DELETE FROM booking WHERE name = 'By hand'",
                f"INSERT INTO hold (calendar, slot) VALUES ('{CALENDAR}', {some})",
                "DELETE FROM hold WHERE holder = ''",
                f"UPDATE calendar SET name = 'Shop {self._dice.randrange(99)}', seq = seq + 5",
            ]
        )


async def test_every_outside_write_reaches_every_subscriber(server: Server) -> None:
    """Between commands and through kills of the server, also while none runs: five ways, one snapshot, no gap."""
    token = server.command("token", "--scope", "staff").strip()
    shop, outsider = Shop(server, token, seed=3), Outsider(server, seed=5)
    await shop.open_slots(shop.over_http, 20)
    async with watching(server.url) as watchers:
        busy = asyncio.create_task(shop.keep_busy(shop.over_http))
        for _ in range(KILLS):
            writing = asyncio.create_task(outsider.keep_writing(SCRIPTS_A_LIFE))
            await eventually(outsider.will_have_written(4), PATIENCE_SECONDS, "scripts")
            await asyncio.to_thread(server.kill9)
            await writing
            await asyncio.to_thread(server.start)
        await outsider.keep_writing(SCRIPTS_A_LIFE)
        await eventually(lambda: shop.has_done(40), PATIENCE_SECONDS, "commands between the scripts")
        shop.is_closing = True
        await busy
        await _converge(server.url, watchers, database=server.database)
    assert outsider.written > outsider.refused


async def test_no_read_is_older_than_an_outside_write(server: Server) -> None:
    """Slots, a subscription, a stream and the feed have the write, while the room has subscribers."""

    async def reads(http: aiohttp.ClientSession, way: str) -> set[str]:
        if way == "feed":
            async with http.get(f"{server.url}/calendars/{CALENDAR}.ics") as response:
                text = (await response.text()).replace("\r\n ", "")
                return {name for name in names if name in text}
        async with aclosing(TRANSPORTS[way](http, server.url, CALENDAR, None)) as messages:
            message = await anext(messages)
            return {slot["id"] for slot in message["slots"]}

    names: list[str] = []
    start = int(time.time() * 1_000) + 24 * HOUR
    async with watching(server.url), aiohttp.ClientSession() as http:
        for number, way in enumerate((*TRANSPORTS, "feed")):
            names.append(f"00000000-0000-4000-8000-{number:012x}")
            sql = f"INSERT INTO slot (id, calendar, start, \"end\") VALUES ('{names[-1]}', '{CALENDAR}', ?, ?)"
            with asking(server.database) as ask:
                ask(sql, start + number * HOUR, start + number * HOUR + 1_000)
            committed, begun = time.monotonic(), 0.0
            while names[-1] not in await reads(http, way):
                late, begun = begun, time.monotonic() - committed
                assert late < STALE_SECONDS, f"{way}: a read that began {late} s after the commit has not seen it"


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
    async with watching(server.url) as watchers:
        await asyncio.to_thread(write, server.database, sql)
        await eventually(_have(watchers, 200), PATIENCE_SECONDS * 2, "two hundred changes")
        with asking(server.database) as ask:
            assert ask("SELECT seq FROM calendar") == [(200,)]
        for way, one in watchers.items():
            assert (one.snapshots, one.applied, len(one.slots)) == (1, list(range(1, 201)), 20_000), way


def _have(watchers: dict[str, Subscriber], seq: int) -> Callable[[], bool]:
    return lambda: all(one.have == seq for one in watchers.values())
