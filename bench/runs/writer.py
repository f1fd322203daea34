"""Measures bookings on SQLite end to end over Socket.IO: by one process, and by workers beside the writer's process.

Run it with `python -m bench.runs.writer`. The server's processes and the load share all cores of the machine. The
server has one process and then two workers, in alternation, and the results are medians. A booking is one event with an
acknowledgement, of one of 20 calendars; some calendars have subscribers.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from bench import report
from bench.figure import Numbers
from bench.load import Load, compile_load
from bench.machine import busy_seconds, raise_open_files
from bench.runs.ground import SqliteGround
from bench.runs.workers import fill, open_bookers, server


class Size(NamedTuple):
    """The numbers of callers, of subscribers of each watched calendar, and of bookings."""

    callers: int = 256
    watchers: int = 10
    bookings: int = 20_000


def round_of(ground: SqliteGround, folder: Path, program: Path, workers: int, size: Size) -> Numbers:
    """Return bookings a second, the CPU of the servers and of the busiest process a booking, and that of others."""
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
    return {
        "bookings_per_second": seen.acked / seen.seconds,
        "p99_ms": seen.ack_p99_ms,
        "cpu_us": sum(used) * 1e6 / seen.acked,
        "busiest_us": max(used) * 1e6 / seen.acked,
        "cores_of_others": (busy - sum(used)) / seen.seconds,
    }


def measure(program: Path, folder: Path, rounds: int, size: Size) -> list[Numbers]:
    """Return the figures of two workers in each round, and those of one process as `alone_`."""
    done: list[Numbers] = []
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        ground = SqliteGround(place)
        for _ in range(rounds):
            alone = round_of(ground, place, program, 1, size)
            two = round_of(ground, place, program, 2, size)
            done.append(two | {f"alone_{name}": value for name, value in alone.items()})
    return done


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each, in alternation; the results are medians.")] = 5,
    callers: Annotated[
        int, typer.Option(min=1, help="Clients that book, each with one request at a time.")
    ] = Size().callers,
    watchers: Annotated[int, typer.Option(min=1, help="Subscribers of each of three calendars.")] = Size().watchers,
    count: Annotated[int, typer.Option("--bookings", min=100, help="Bookings.")] = Size().bookings,
) -> None:
    """Measure one process beside two workers and the writer's process."""
    raise_open_files()
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        folder = Path(name)
        done = measure(compile_load(folder), folder, rounds, Size(callers, watchers, count))
    report.tell("writer", done)


if __name__ == "__main__":
    typer.run(main)
