"""Measures the push of outside writes, and the cost of the triggers for the service's own writes.

`python -m bench.runs.outside` measures on SQLite and on PostgreSQL. It measures the time from an outside commit to a
subscriber, 50,000 slots in one statement beside commands of other calendars, and bookings a second with the triggers
and without them, in alternation. `--part` measures one of the three. `python -m bench.runs.outside --migrate 1000000`
measures the migration of a database from before the triggers with a million slots.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import typer
import uvloop
from playhouse.migrations import Runner
from rich.console import Console

from bench.runs.bookings import Kind, ask, customers, open_book, prepare
from bench.runs.bulk import BULK, FIRST, OTHERS, Waits, bare, beside_service, connect, insert_sql, update_sql
from bench.runs.ground import Ground, PostgresGround, SqliteGround
from cli.serve import SWITCH_SECONDS
from models.contract.commands.calendars import CreateCalendar
from models.contract.principal import OPERATOR
from models.contract.values.time import HOUR
from models.service import SlotService
from models.storage import database as databases
from realtime.async_service import AsyncService
from realtime.rooms.change_listener import ChangeListener
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.outside_writes import OutsideWrites
from realtime.rooms.room import Room


class Part(StrEnum):
    """PUSH: one outside write until it is sent. BULK: 50,000 slots. OWN: bookings with the triggers and without."""

    PUSH = "push"
    BULK = "bulk"
    OWN = "own"


class Served:
    """The service without its transports: a room would send an applied change in the same step."""

    def __init__(self, place: str) -> None:
        self.sync = SlotService(place, os.urandom(32))

    async def __aenter__(self) -> Self:
        self.sync.open()
        for name in ("bench", *OTHERS):
            self.sync.run(
                CreateCalendar(
                    principal=OPERATOR, calendar=name, name=name, zone="Etc/UTC", policy={"overlap": "allow"}
                )
            )
        self.service = AsyncService(self.sync, on_commit=lambda rows: self.dispatcher.on_rows(rows))  # noqa: PLW0108 - made next
        self.dispatcher = Dispatcher(self.service)
        self.intake = OutsideWrites(self.service, self.dispatcher)
        self.listener = ChangeListener(
            self.sync.watch(), self.intake.read, self.intake.check, self.intake.take, self.dispatcher.on_rows
        )
        self.dispatcher.start()
        self.listener.start()
        self.room: Room = await self.dispatcher.room("bench")
        return self

    async def __aexit__(self, *_: object) -> None:
        for end in (self.listener.close, self.intake.close, self.dispatcher.close, self.service.close):
            await end()


def percentile(numbers: list[float], share: float) -> float:
    return sorted(numbers)[min(int(len(numbers) * share), len(numbers) - 1)]


async def latencies(served: Served, place: str, count: int) -> list[float]:
    """Return the seconds from each outside commit to its applied change, at times unknown to the poll."""
    found = []
    outside = connect(place)
    for number in range(count):
        at = FIRST + number * HOUR
        seq = served.room.sent
        sql = f"INSERT INTO slot (calendar, start, \"end\") VALUES ('bench', {at}, {at + HOUR})"
        await asyncio.to_thread(outside.execute, sql)
        committed = time.perf_counter()
        await served.room.reached(seq + 1)
        found.append(time.perf_counter() - committed)
        await asyncio.sleep(0.007 * (number % 11))
    outside.close()
    return found


def booked(ground: Ground, count: int, *, with_triggers: bool) -> tuple[float, float]:
    """Return bookings a second, and CPU microseconds a booking."""
    place = ground.new()
    slots = prepare(place, count)
    sync = open_book(place)
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


async def take_bulk(place: str, console: Console) -> None:
    """Insert 50,000 slots by one statement, then change all of them by another, on databases of their own."""
    async with Served(place) as served:
        for what, sql in (("inserted", insert_sql(place)), ("changed", update_sql())):
            waits = await beside_service(served, place, sql)
            console.print(
                f"  {BULK:,} slots {what} in one statement: {waits.statement_seconds:.1f} s to write,"
                f" {waits.taken_seconds:.1f} s to take"
            )
            _print_waits(waits, console, "commands of other calendars")


async def bare_bulk(place: str, console: Console) -> None:
    """Run the same two statements without the service's threads."""
    async with Served(place):
        pass
    for what, sql in (("inserted", insert_sql(place)), ("changed", update_sql())):
        waits = await bare(place, sql)
        console.print(f"  the same without a server, {what}: {waits.statement_seconds:.1f} s to write")
        _print_waits(waits, console, "a bare connection's commits")


def _print_waits(waits: Waits, console: Console, who: str) -> None:
    for when, some in (("during the statement", waits.during), ("after its commit", waits.after)):
        console.print(
            f"    {who} {when}: p50 {percentile(some, 0.5):.1f}, p99 {percentile(some, 0.99):.1f},"
            f" longest {max(some):.1f} ms, {len(some)} of them"
        )


def compare(ground: Ground, rounds: int, count: int, console: Console) -> None:
    """Run both in alternation; return the medians of the ratios within each round."""
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
    """Migrate a database in its state before migration 0007."""
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
        at = f"{FIRST} + n * CAST(60000 AS BIGINT)"
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
    """Apply the migrations up to 0005."""
    db = databases.open_database(place)
    runner = Runner(db, str(databases.MIGRATIONS))
    try:
        with db.changing_schema():
            runner.up("0005_trim")
    finally:
        db.drop()


def main(
    *,
    only: Annotated[Kind | None, typer.Option(help="One kind of database.")] = None,
    part: Annotated[Part | None, typer.Option(help="One part of the measurement.")] = None,
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds of bookings, with and without triggers, in alternation.")
    ] = 10,
    bookings: Annotated[int, typer.Option(min=100, help="Bookings in each round.")] = 10_000,
    pushes: Annotated[int, typer.Option(min=10)] = 300,
    slots: Annotated[int, typer.Option("--migrate", help="Measure only the migration of so many slots.")] = 0,
) -> None:
    """Measure the cost and the push of outside writes."""
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
                if part in {None, Part.PUSH}:
                    asyncio.run(push(ground.new(), pushes, console))
                if part in {None, Part.BULK}:
                    asyncio.run(bare_bulk(ground.new(), console))
                    asyncio.run(take_bulk(ground.new(), console))
                if part in {None, Part.OWN}:
                    compare(ground, rounds, bookings, console)
            finally:
                ground.close()


if __name__ == "__main__":
    typer.run(main)
