"""Measures how two workers share the work of one server: deliveries and bookings a CPU second.

Run it with `python -m bench.runs.workers`. The server has one worker and then two, in alternation. Its clients are
many, so that the kernel gives each worker about as many. A process fills a core at most, so the CPU of the busiest one
limits a server with a core for each. The CPU of all processes of the server is the cost. The measure depends little on
what else the machine does. The CPU of PostgreSQL is not counted.
"""

from __future__ import annotations

import random
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from bench import report
from bench.book import CALENDAR, SEATS, open_slots, write_book
from bench.figure import Numbers
from bench.load import Ask, Load, compile_load
from bench.machine import Process, free_port, raise_open_files
from bench.peer import GUEST, WATCHER, Peer, slotcast
from bench.runs.bookings import Kind
from bench.runs.ground import Ground, PostgresGround, SqliteGround
from models.contract.commands.calendars import CreateCalendar
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, HOUR
from models.service import SlotService

COUNTS = (1, 2)
_WHAT = ("deliveries", "bookings")
WARM_UP = 10
BOOKED = tuple(f"books-{number}" for number in range(20))  # one calendar is locked by one writer at a time
SLOTS_EACH, WATCHED, WATCHERS_EACH = 25, 3, 66


@contextmanager
def server(
    place: str, secret: str, folder: Path, workers: int, *, spreads: bool = False
) -> Iterator[tuple[Process, int]]:
    """Run a server with so many workers; yield it and its port. It has the first core, or all if it `spreads`."""
    port = free_port()
    flags = ["--port", str(port), "--workers", str(workers), "--rate", "0", "--no-demo"]
    environment = {"SLOTCAST_SECRET": secret, "SLOTCAST_DATABASE": place, "SLOTCAST_MAX_WAIT_MS": "0"}
    process = Process([sys.executable, "server.py", *flags], folder=folder, environment=environment, spreads=spreads)
    try:
        process.wait_for(f"http://127.0.0.1:{port}/readyz")
        process.wait_for_listeners(port, workers)
        yield process, port
    finally:
        process.stop()


class Size(NamedTuple):
    """The numbers of subscribers and of changes to them, of callers of each worker, and of bookings."""

    watchers: int = 4_000
    changes: int = 100
    callers: int = 256
    bookings: int = 5_000


class Rate(NamedTuple):
    """Counts in a CPU second of the busiest process, and in one of all processes."""

    of_busiest: float
    of_all: float


def rate(count: float, process: Process, before: dict[int, float]) -> Rate:
    """Return the rate of so many things done since then."""
    used = [now - before.get(pid, 0.0) for pid, now in process.cpu_seconds_of_workers().items()]
    return Rate(count / max(used), count / sum(used))


def deliveries(process: Process, load: Load, peer: Peer, watchers: int, changes: int) -> Rate:
    """Return deliveries of single changes a CPU second."""
    load.open("principal", peer.principal, 1)
    load.open("watchers", WATCHER, watchers)
    load.ask("principal", "lockstep", peer.one, WARM_UP)
    before = process.cpu_seconds_of_workers()
    seen = load.ask("principal", "lockstep", peer.one, changes)
    return rate(seen.delivered, process, before)


def open_bookers(load: Load, folder: Path, callers: int, watchers: int) -> Ask:
    """Connect the clients that book, and so many subscribers of each of some calendars; return a booking."""
    ask = Ask(
        f'42/calendars,$n["slot.book",{{"slot":"$s","key":"{secrets.token_hex(11)}-$n",'
        '"customer":{"name":"Ada Lovelace","email":"ada@example.org"}}]'
    )
    load.slots(folder / "slots.txt")
    load.open("bookers", GUEST, callers)
    for name in BOOKED[:WATCHED]:
        subscribe = tuple(step.replace(f'"calendar":"{CALENDAR}"', f'"calendar":"{name}"') for step in WATCHER.steps)
        load.open(f"w-{name}", WATCHER._replace(steps=subscribe), watchers)
    return ask


def bookings(process: Process, load: Load, folder: Path, callers: int, count: int) -> Rate:
    """Return acknowledged bookings a CPU second, of many calendars; some have subscribers."""
    ask = open_bookers(load, folder, callers, WATCHERS_EACH)
    load.ask("bookers", "closed", ask, count // 10)
    before = process.cpu_seconds_of_workers()
    seen = load.ask("bookers", "closed", ask, count)
    return rate(seen.acked, process, before)


def fill(place: str, secret: str, folder: Path) -> None:
    """Make the calendars for bookings, and write the ids of their slots, one a line."""
    service = SlotService(place, secret.encode(), synchronous="normal")
    service.open()
    first = (service.clock() // DAY + 1) * DAY
    names: list[str] = []
    for calendar in BOOKED:
        service.run(CreateCalendar(principal=OPERATOR, calendar=calendar, name="Bench", zone="Etc/UTC"))
        open_slots(service, calendar, first, SLOTS_EACH, SEATS)
        names += [slot.id for slot in service.snapshot(calendar, first, first + SLOTS_EACH * HOUR).slots]
    service.close()
    random.Random(1).shuffle(names)  # noqa: S311 - no secret
    (folder / "slots.txt").write_text("".join(f"{name}\n" for name in names))


def measure(ground: Ground, folder: Path, program: Path, workers: int, size: Size) -> list[Rate]:
    """Return deliveries and bookings a CPU second, on a new database."""
    secret, place = secrets.token_urlsafe(32), ground.new()
    sample, token = write_book(folder / "book.db", secret, place)
    fill(place, secret, folder)
    peer = slotcast(secret, token, sample)
    found = []
    with server(place, secret, folder, workers) as (process, port), Load(program, port) as load:
        found.append(deliveries(process, load, peer, size.watchers, size.changes))
    with server(place, secret, folder, workers) as (process, port), Load(program, port) as load:
        found.append(bookings(process, load, folder, workers * size.callers, size.bookings))
    return found


def compare(program: Path, folder: Path, rounds: int, size: Size, database: Kind = Kind.POSTGRES) -> list[Numbers]:
    """Return the rates of one and of two workers in each round, and how many times as much two do."""
    done: list[Numbers] = []
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        ground: Ground = PostgresGround(place) if database is Kind.POSTGRES else SqliteGround(place)
        try:
            for _ in range(rounds):
                numbers: Numbers = {}
                for number in COUNTS:
                    for what, found in zip(_WHAT, measure(ground, place, program, number, size), strict=True):
                        numbers[f"{what}_{number}"] = found.of_busiest
                        numbers[f"{what}_{number}_of_all"] = found.of_all
                for what in _WHAT:
                    numbers[f"{what}_times"] = numbers[f"{what}_2"] / numbers[f"{what}_1"]
                done.append(numbers)
        finally:
            ground.close()
    return done


def main(
    *,
    database: Annotated[Kind, typer.Option(help="The kind of database.")] = Kind.POSTGRES,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each, in alternation; the results are medians.")] = 3,
    watchers: Annotated[int, typer.Option(min=1, help="Subscribers of the deliveries.")] = Size().watchers,
    changes: Annotated[int, typer.Option(min=1, help="Changes to all of them.")] = Size().changes,
    callers: Annotated[
        int, typer.Option(min=1, help="Clients of each worker that book, each with one request at a time.")
    ] = Size().callers,
    count: Annotated[int, typer.Option("--bookings", min=100, help="Bookings.")] = Size().bookings,
) -> None:
    """Measure one worker beside two."""
    raise_open_files()
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        folder = Path(name)
        size = Size(watchers, changes, callers, count)
        done = compare(compile_load(folder), folder, rounds, size, database)
    report.tell("workers", done)


if __name__ == "__main__":
    typer.run(main)
