"""Measures bookings a second through the writer on one calendar, beside a bare loop over the driver.

64 asyncio callers book one-seat slots through the server's `AsyncService`, with every commit synced. The bare loop then
runs the same statements with the same parameters in the same batches, on a copy of the database. The difference is the
cost of rules, idempotency records, encoding, the queue and the event loop. Both run in alternation, and the results are
medians. `--database postgres` does the same on a PostgreSQL of its own.

`python -m bench.runs.bookings --help` lists the options.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
import uvloop
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.runs.ground import Ground, PostgresGround, SqliteGround
from cli.serve import SWITCH_SECONDS
from models.contract.changes import Logged
from models.contract.commands.bookings import BookSlot, Person
from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.slots import NewSlot, OpenSlots
from models.contract.principal import OPERATOR, Principal
from models.contract.values.time import DAY, HOUR
from models.service import SlotService
from realtime.async_service import AsyncService
from realtime.engine import tune_collector

_SLOTS_AT_ONCE = 200
_SECRET = bytes(32)


class Recorded(NamedTuple):
    """A call of the driver: one statement, for one or for several rows of parameters."""

    sql: str
    rows: list[Sequence[Any]]
    is_many: bool


@dataclass(frozen=True)
class Round:
    """One run of each."""

    book_seconds: float
    bare_seconds: float
    book_cpu_seconds: float
    bare_cpu_seconds: float
    statements: int
    batches: int


class Kind(StrEnum):
    SQLITE = "sqlite"
    POSTGRES = "postgres"


def open_book(place: str) -> SlotService:
    sync = SlotService(place, _SECRET)
    sync.open()
    return sync


def prepare(place: str, bookings: int) -> list[str]:
    """Make a calendar with so many free slots and return their ids."""
    sync = open_book(place)
    sync.run(
        CreateCalendar(principal=OPERATOR, calendar="bench", name="Bench", zone="Etc/UTC", policy={"overlap": "allow"})
    )
    first = sync.clock() + DAY
    for begin in range(0, bookings, _SLOTS_AT_ONCE):
        places = range(begin, min(begin + _SLOTS_AT_ONCE, bookings))
        slots = tuple(NewSlot(start=first + place * HOUR, end=first + (place + 1) * HOUR) for place in places)
        sync.run(OpenSlots(principal=OPERATOR, key=f"open {begin}", calendar="bench", slots=slots))
    ids = [slot.id for slot in sync.snapshot("bench", 0, 1 << 52).slots]
    sync.close()
    return ids


def record(sync: SlotService) -> list[Recorded]:
    """Return the list that will contain every call of the writer, with its parameters."""
    recorded: list[Recorded] = []
    db: Any = sync._db  # noqa: SLF001 - all statements pass here
    execute, execute_many = db.execute_sql, db.execute_many
    writers = {thread.ident for thread in threading.enumerate() if thread.name.startswith("slotcast-writer")}

    def remember(sql: str, params: Sequence[Any] = ()) -> Any:
        if threading.get_ident() in writers:
            recorded.append(Recorded(sql, [params], is_many=False))
        return execute(sql, params)

    def remember_many(sql: str, rows: Iterable[Sequence[Any]]) -> None:
        rows = list(rows)
        if threading.get_ident() in writers:
            recorded.append(Recorded(sql, rows, is_many=True))
        execute_many(sql, rows)

    db.execute_sql, db.execute_many = remember, remember_many
    return recorded


def customers(slots: list[str]) -> Iterator[BookSlot]:
    for place, slot in enumerate(slots):
        yield BookSlot(
            principal=Principal(address=f"192.0.2.{place % 250}"),
            key=f"bench-key-{place:016}",
            slot=slot,
            customer=Person(name=f"Customer {place}", email=f"customer{place}@example.org", phone="+43 1 234567"),
        )


async def ask(sync: SlotService, waiting: Iterator[BookSlot], callers: int) -> float:
    """Return the seconds until each slot is booked by so many callers, each with one request at a time."""
    logged: list[Logged] = []
    service = AsyncService(sync, logged.extend)

    async def call() -> None:
        for command in waiting:
            await service.run(command)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(call())
    seconds = time.perf_counter() - started
    await service.close()
    return seconds


def replay(connection: Any, recorded: list[Recorded]) -> float:
    """Return the seconds of the driver alone for the same statements."""
    cursor = connection.cursor()
    rows_of = _rows_of_sqlite if isinstance(connection, sqlite3.Connection) else _rows_of_psycopg
    started = time.perf_counter()
    for sql, rows, is_many in recorded:
        if is_many:
            cursor.executemany(sql, rows)
        else:
            rows_of(cursor, sql, rows[0])
    seconds = time.perf_counter() - started
    cursor.close()
    return seconds


def _rows_of_sqlite(cursor: Any, sql: str, params: Sequence[Any]) -> None:
    cursor.execute(sql, params or ()).fetchall()


def _rows_of_psycopg(cursor: Any, sql: str, params: Sequence[Any]) -> None:
    if cursor.execute(sql, params or None).description is not None:
        cursor.fetchall()


def run_round(ground: Ground, bookings: int, callers: int) -> Round:
    place = ground.new()
    slots = prepare(place, bookings)
    copy = ground.copy(place)
    sync = open_book(place)
    recorded = record(sync)
    commands = iter(list(customers(slots)))
    gc.collect()
    gc.freeze()
    began = time.process_time()
    book_seconds = uvloop.run(ask(sync, commands, callers))
    book_cpu_seconds = time.process_time() - began
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    with closing(ground.connect(copy)) as connection:
        began = time.process_time()
        bare_seconds = replay(connection, recorded)
        bare_cpu_seconds = time.process_time() - began
    gc.unfreeze()
    for one in (place, copy):
        with closing(ground.connect(one)) as connection:
            assert connection.execute("SELECT COUNT(*) FROM booking").fetchone() == (bookings,)
    batches = sum(call.sql == "COMMIT" for call in recorded)
    return Round(book_seconds, bare_seconds, book_cpu_seconds, bare_cpu_seconds, len(recorded), batches)


def measure(
    bookings: int, callers: int, rounds: int, folder: Path, console: Console, *, kind: Kind = Kind.SQLITE
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        ground: Ground = (PostgresGround if kind == Kind.POSTGRES else SqliteGround)(Path(place))
        try:
            return _measure(ground, bookings, callers, rounds, console)
        finally:
            ground.close()


def _measure(ground: Ground, bookings: int, callers: int, rounds: int, console: Console) -> dict[str, Any]:
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Booking", total=rounds + 1)
        run_round(ground, min(bookings, 1_000), callers)  # to warm up
        done = [run_round(ground, bookings, callers) for _ in progress.track(range(rounds), task_id=task)]
    sync = statistics.median(bookings / one.book_seconds for one in done)
    bare = statistics.median(bookings / one.bare_seconds for one in done)
    return {
        "database": ground.title,
        "driver": ground.driver,
        "bookings": bookings,
        "callers": callers,
        "rounds": [asdict(one) for one in done],
        "book_per_second": round(sync),
        "bare_per_second": round(bare),
        "ratio": round(statistics.median(one.bare_seconds / one.book_seconds for one in done), 3),
        # The CPU time of each tolerates a busy machine; the elapsed time does not.
        "book_cpu_us": round(1e6 * statistics.median(one.book_cpu_seconds for one in done) / bookings),
        "bare_cpu_us": round(1e6 * statistics.median(one.bare_cpu_seconds for one in done) / bookings),
        "statements_per_booking": round(statistics.median(one.statements for one in done) / bookings, 2),
        "bookings_per_batch": round(bookings / statistics.median(one.batches for one in done), 1),
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} × {platform.machine()}",
    }


def show(result: dict[str, Any], console: Console) -> None:
    table = Table(title=f"Bookings a second, one calendar on {result['database']}")
    for title in ("", "bookings/s", "of bare, round by round", "CPU us a booking"):
        table.add_column(title, justify="left" if not title else "right")
    table.add_row(
        f"the writer, {result['callers']} callers",
        f"{result['book_per_second']:,}",
        f"{result['ratio']:.2f}",
        str(result["book_cpu_us"]),
    )
    bare = f"bare {result['driver']}, the same SQL"
    table.add_row(bare, f"{result['bare_per_second']:,}", "1.00", str(result["bare_cpu_us"]))
    console.print(table)
    console.print(
        f"{result['statements_per_booking']} statements a booking, {result['bookings_per_batch']} bookings a batch; "
        f"medians of {len(result['rounds'])} rounds of {result['bookings']:,}"
    )


def main(
    *,
    bookings: Annotated[int, typer.Option(min=100, help="Bookings in each round.")] = 10_000,
    callers: Annotated[int, typer.Option(min=1, help="Simultaneous callers.")] = 64,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each, in alternation.")] = 5,
    database: Annotated[Kind, typer.Option(help="Kind of database.")] = Kind.SQLITE,
    folder: Annotated[Path | None, typer.Option(help="Folder of the databases; a temporary folder by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure bookings a second through the writer beside a bare loop with the same SQL."""
    console = Console(stderr=as_json)
    sys.setswitchinterval(SWITCH_SECONDS)
    tune_collector()
    result = measure(bookings, callers, rounds, folder or Path(tempfile.gettempdir()), console, kind=database)
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        show(result, console)


if __name__ == "__main__":
    typer.run(main)
