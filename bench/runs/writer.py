"""Measures bookings on SQLite end to end over Socket.IO: by one process, and by workers beside the writer's process.

Run it with `python -m bench.runs.writer`. The server's processes and the load share all cores of the machine. The
server has one process and then two workers, in alternation, and the results are medians. A booking is one event with an
acknowledgement, of one of 20 calendars; some calendars have subscribers.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from bench.load import Load, compile_load
from bench.machine import busy_seconds, raise_open_files
from bench.runs.ground import SqliteGround
from bench.runs.workers import fill, open_bookers, server

COUNTS = (1, 2)


class Size(NamedTuple):
    """The numbers of callers, of subscribers of each watched calendar, and of bookings."""

    callers: int
    watchers: int
    bookings: int


class Found(NamedTuple):
    """Bookings a second, the CPU of the servers and of the busiest process a booking, and the CPU of others."""

    a_second: float
    p99_ms: float
    cpu_us: float
    busiest_us: float
    others: float


def measure(ground: SqliteGround, folder: Path, program: Path, workers: int, size: Size) -> Found:
    secret, place = secrets.token_urlsafe(32), ground.new()
    fill(place, secret, folder)
    with (
        server(place, secret, folder, workers, spreads=True) as (process, port),
        Load(program, port, spreads=True) as load,
    ):
        ask = open_bookers(load, folder, size.callers, size.watchers)
        load.ask("bookers", "closed", ask, size.bookings // 4)
        before, busy = process.cpu_seconds_of_workers(), busy_seconds()
        seen = load.ask("bookers", "closed", ask, size.bookings)
        busy = busy_seconds() - busy
        used = [now - before.get(pid, 0.0) for pid, now in process.cpu_seconds_of_workers().items()]
    return Found(
        seen.acked / seen.seconds,
        seen.ack_p99_ms,
        sum(used) * 1e6 / seen.acked,
        max(used) * 1e6 / seen.acked,
        (busy - sum(used)) / seen.seconds,
    )


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each, in alternation; the results are medians.")] = 5,
    callers: Annotated[int, typer.Option(min=1, help="Clients that book, each with one request at a time.")] = 256,
    watchers: Annotated[int, typer.Option(min=1, help="Subscribers of each of three calendars.")] = 10,
    count: Annotated[int, typer.Option("--bookings", min=100, help="Bookings.")] = 20_000,
) -> None:
    """Measure one process beside two workers and the writer's process."""
    console = Console()
    raise_open_files()
    rows: dict[int, list[Found]] = {number: [] for number in COUNTS}
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        folder = Path(name)
        program, ground = compile_load(folder), SqliteGround(folder)
        for _ in range(rounds):
            for number in COUNTS:
                rows[number].append(measure(ground, folder, program, number, Size(callers, watchers, count)))
    table = Table(
        "workers", "bookings a second", "p99, ms", "CPU a booking, us", "of the busiest process", "cores of others",
        title="Bookings end to end, SQLite, all processes on the same cores",
    )  # fmt: skip
    for number, found in rows.items():
        best = Found(*(median(column) for column in zip(*found, strict=True)))
        table.add_row(
            str(number), f"{best.a_second:,.0f}", f"{best.p99_ms:.0f}", f"{best.cpu_us:.0f}",
            f"{best.busiest_us:.0f}", f"{best.others:.2f}",
        )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
