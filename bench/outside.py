"""What it takes to push what others write, and what the triggers that notice it cost the service's own writes.

`python -m bench.outside` measures, on SQLite and on PostgreSQL: from an outside commit to a watcher, over Socket.IO;
50,000 slots by one statement, with another calendar's commands beside it; and bookings a second with the triggers and
without them, in turns. `python -m bench.outside --migrate 1000000` measures how long a database of the version before
with a million slots takes to be migrated in place.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, Self

import psycopg
import typer
import uvloop
from playhouse.migrations import Runner
from rich.console import Console

from bench.bookings import SWITCH_SECONDS, Kind, ask, customers, prepare
from bench.ground import Ground, PostgresGround, SqliteGround
from models.contract.commands import CreateCalendar, NewSlot, OpenSlots
from models.contract.principal import OPERATOR
from models.contract.time import HOUR
from models.domain.outside_writes import NOTES_AT_ONCE
from models.service import SlotService
from models.storage import database as databases
from realtime.async_service import AsyncService
from realtime.rooms.change_listener import ChangeListener
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.outside_writes import OutsideWrites
from realtime.rooms.room import Room

BULK = 50_000
_FIRST = 1_990_774_800_000


def connect(place: str) -> Any:
    """Somebody who is not the service."""
    if place.startswith("postgresql:"):
        return psycopg.connect(place, autocommit=True)
    return sqlite3.connect(place.removeprefix("sqlite:///"), isolation_level=None, timeout=60, check_same_thread=False)


class Served:
    """The service without its transports: what a room has applied is what it would send in the same step."""

    def __init__(self, place: str) -> None:
        self.sync = SlotService(place, os.urandom(32))

    async def __aenter__(self) -> Self:
        self.sync.open()
        for name in ("bench", "other"):
            self.sync.run(
                CreateCalendar(
                    principal=OPERATOR, calendar=name, name=name, zone="Etc/UTC", policy={"overlap": "allow"}
                )
            )
        self.service = AsyncService(self.sync, on_commit=lambda rows: self.dispatcher.on_rows(rows))  # noqa: PLW0108 - made next
        self.dispatcher = Dispatcher(self.service)
        self.intake = OutsideWrites(self.service, self.dispatcher)
        self.bell = ChangeListener(self.sync.watch(), self.intake.read, self.intake.take)
        self.dispatcher.start()
        self.bell.start()
        self.room: Room = await self.dispatcher.room("bench")
        return self

    async def __aexit__(self, *_: object) -> None:
        for end in (self.bell.close, self.intake.close, self.dispatcher.close, self.service.close):
            await end()


def percentile(numbers: list[float], share: float) -> float:
    return sorted(numbers)[min(int(len(numbers) * share), len(numbers) - 1)]


async def latencies(served: Served, place: str, count: int) -> list[float]:
    """Seconds from each outside commit until its change was applied, at moments that the poll does not know."""
    found = []
    outside = connect(place)
    for number in range(count):
        at = _FIRST + number * HOUR
        seq = served.room.sent
        sql = f"INSERT INTO slot (calendar, start, \"end\") VALUES ('bench', {at}, {at + HOUR})"
        await asyncio.to_thread(outside.execute, sql)
        committed = time.perf_counter()
        await served.room.reached(seq + 1)
        found.append(time.perf_counter() - committed)
        await asyncio.sleep(0.007 * (number % 11))
    outside.close()
    return found


async def bulk(served: Served, place: str, *, with_bulk: bool) -> tuple[float, float, list[float]]:
    """Seconds for the statement, for taking it, and how long each command of another calendar took meanwhile."""
    numbers = (
        f"generate_series(1, {BULK}) AS n"
        if place.startswith("postgresql:")
        else f"(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {BULK}) SELECT n FROM g)"
    )
    at = f"{_FIRST + 9_000 * HOUR} + n * CAST(1000 AS BIGINT)"
    sql = f"INSERT INTO slot (calendar, start, \"end\") SELECT 'bench', {at}, {at} + 500 FROM {numbers}"
    outside, seq, waits = connect(place), served.room.sent, []
    began = time.perf_counter()
    if with_bulk:
        await asyncio.to_thread(outside.execute, sql)
    written = time.perf_counter()
    done = asyncio.ensure_future(served.room.reached(seq + BULK // NOTES_AT_ONCE) if with_bulk else asyncio.sleep(3))
    number = 0
    while not done.done():
        asked = time.perf_counter()
        number += 1
        slot = NewSlot(start=_FIRST + number * HOUR, end=_FIRST + (number + 1) * HOUR)
        key = f"other {with_bulk} {number}"
        await served.service.run(OpenSlots(principal=OPERATOR, key=key, calendar="other", slots=(slot,)))
        waits.append(time.perf_counter() - asked)
        await asyncio.sleep(0.005)
    outside.close()
    return written - began, time.perf_counter() - written, waits


def booked(ground: Ground, count: int, *, with_triggers: bool) -> tuple[float, float]:
    """Bookings a second, and CPU microseconds for each."""
    place = ground.new()
    slots = prepare(place, count)
    sync = SlotService(place, os.urandom(32))
    sync.open()
    if not with_triggers:
        _drop_triggers(place)
    commands = iter(list(customers(slots)))
    gc.collect()
    gc.freeze()
    began = time.process_time()
    seconds = uvloop.run(ask(sync, commands, 64))
    cpu = time.process_time() - began
    gc.unfreeze()
    return count / seconds, 1e6 * cpu / count


def _drop_triggers(place: str) -> None:
    with connect(place) as outside:
        if place.startswith("postgresql:"):
            found = outside.execute("SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE tgname LIKE 'outside_%'")
            for name, table in found.fetchall():
                outside.execute(f"DROP TRIGGER {name} ON {table}")
            return
        for (name,) in outside.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            outside.execute(f"DROP TRIGGER {name}")


async def push(place: str, count: int, console: Console) -> None:
    async with Served(place) as served:
        found = [1e3 * seconds for seconds in await latencies(served, place, count)]
        parts = ", ".join(f"p{100 * share:.0f} {percentile(found, share):.1f} ms" for share in (0.5, 0.95, 0.99))
        console.print(f"  from an outside commit to the room: {parts}, {count} times")
        _, _, alone = await bulk(served, place, with_bulk=False)
        statement, taken, waits = await bulk(served, place, with_bulk=True)
        console.print(f"  {BULK:,} slots in one statement: {statement:.1f} s to write, {taken:.1f} s to take")
        for who, some in (("meanwhile", waits), ("before it", alone)):
            console.print(
                f"  another calendar's commands {who}: p50 {1e3 * percentile(some, 0.5):.1f},"
                f" p99 {1e3 * percentile(some, 0.99):.1f}, longest {1e3 * max(some):.1f} ms"
            )


def compare(ground: Ground, rounds: int, count: int, console: Console) -> None:
    """Both in turns; the medians of what each round has beside its own other half."""
    pairs = []
    for number in range(rounds + 1):
        order = (True, False) if number % 2 else (False, True)
        turn = {with_triggers: booked(ground, count, with_triggers=with_triggers) for with_triggers in order}
        if number:  # the first warms up
            pairs.append((turn[True], turn[False]))
    speed = statistics.median(one[0] / other[0] for one, other in pairs)
    cpu = statistics.median(one[1] / other[1] for one, other in pairs)
    least = [min(half[1] for half in some) for some in zip(*pairs, strict=True)]
    console.print(
        f"  bookings with triggers beside without: {speed:.3f} of the speed, {cpu:.3f} of the CPU,"
        f" {least[0]:.0f} and {least[1]:.0f} us at least, {rounds} rounds of {count:,}"
    )


def migrate(ground: Ground, slots: int, console: Console) -> None:
    """A database as the migration before 0007 left it."""
    place = ground.new()
    _before(place)
    with connect(place) as outside:
        outside.execute(
            "INSERT INTO calendar (id, name, zone, visibility, booking, policy, archived, created_at, seq, nonce)"
            " VALUES ('bench', 'Bench', 'Etc/UTC', 'public', 'anyone', '{}', FALSE, 0, 1, 'x')"
        )
        if place.startswith("postgresql:"):
            numbers, name = f"generate_series(1, {slots}) AS n", "lpad(to_hex(n), 12, '0')"
        else:
            numbers = f"(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM g WHERE n<{slots}) SELECT n FROM g)"
            name = "printf('%012x', n)"
        at = f"{_FIRST} + n * CAST(60000 AS BIGINT)"
        outside.execute(
            'INSERT INTO slot (id, calendar, start, "end", capacity, held, booked, blocked, state, origin, version)'
            f" SELECT '00000000-0000-4000-8000-' || {name}, 'bench', {at}, {at} + 50000, 1, 0, 0, 0, 0, 0, 1"
            f" FROM {numbers}"
        )
    sync = SlotService(place, os.urandom(32))
    began = time.perf_counter()
    applied = sync.open()
    console.print(f"  {slots:,} slots migrated in place ({', '.join(applied)}): {time.perf_counter() - began:.1f} s")
    sync.close()


def _before(place: str) -> None:
    """Applies the migrations up to 0005."""
    db = databases.open_database(place)
    runner = Runner(db, str(databases.MIGRATIONS))
    try:
        with db.changing_schema():
            runner.up("0005_trim")
    finally:
        db.drop()


def main(
    *,
    only: Annotated[Kind | None, typer.Option(help="one kind of database")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="of bookings, with the triggers and without, in turns")] = 10,
    bookings: Annotated[int, typer.Option(min=100, help="in each")] = 10_000,
    pushes: Annotated[int, typer.Option(min=10)] = 300,
    slots: Annotated[int, typer.Option("--migrate", help="measure only the migration of so many slots")] = 0,
) -> None:
    """Measure what outside writes cost, and what it takes to push them."""
    console = Console()
    sys.setswitchinterval(SWITCH_SECONDS)
    for kind in [only] if only else list(Kind):
        with tempfile.TemporaryDirectory() as folder:
            ground: Ground = (PostgresGround if kind == Kind.POSTGRES else SqliteGround)(Path(folder))
            console.print(ground.title)
            try:
                if slots:
                    migrate(ground, slots, console)
                    continue
                asyncio.run(push(ground.new(), pushes, console))
                compare(ground, rounds, bookings, console)
            finally:
                ground.close()


if __name__ == "__main__":
    typer.run(main)
