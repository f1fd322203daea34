"""Measures the cost of subscribers for the writer: bookings a second without subscribers, and with 1,000 sockets.

Run it with `python -m bench.runs.audience`. One process has the whole server and 64 callers. The load client on the
second core has the subscribers.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from aiohttp import web
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.load import Load, compile_load
from bench.machine import free_port, raise_open_files
from bench.peer import WATCHER
from bench.runs.bookings import customers, open_book, prepare
from cli.serve import SWITCH_SECONDS, compose
from cli.settings import Settings
from realtime.app import SERVICE
from realtime.engine import tune_collector

CALLERS = 64


async def book_all(place: str, slots: list[str], watchers: int, program: Path) -> float:
    """Return bookings a second with so many subscribers; each of them receives every booking's change."""
    service = open_book(place)
    app = await compose(Settings(secret=os.urandom(32), rate=0), service=service)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    waiting = iter(list(customers(slots)))

    async def call() -> None:
        for command in waiting:
            await app[SERVICE].run(command)

    loop = asyncio.get_running_loop()
    with Load(program, port) as load:
        if watchers:
            await asyncio.to_thread(load.open, "watchers", WATCHER, watchers)
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(call())
        seconds = loop.time() - began
        if watchers:
            head = service.snapshot("bench", 0, 1).seq
            seen = await asyncio.to_thread(load.settle, head, 60.0)
            if seen.behind or seen.gaps or seen.lost:
                raise RuntimeError(f"not everyone was told of everything: {seen}")
    await runner.cleanup()
    return len(slots) / seconds


def main(
    *,
    bookings: Annotated[int, typer.Option(min=100, help="Bookings in each round.")] = 5_000,
    watchers: Annotated[int, typer.Option(min=1, help="Subscribers.")] = 1_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each, in alternation.")] = 5,
) -> None:
    """Measure the cost of 1,000 subscribers for bookings."""
    console = Console()
    raise_open_files()
    sys.setswitchinterval(SWITCH_SECONDS)
    done: dict[int, list[float]] = {0: [], watchers: []}
    with tempfile.TemporaryDirectory() as name, Progress(console=console, transient=True) as progress:
        program = compile_load(Path(name))
        tune_collector()
        task = progress.add_task("Booking", total=2 * rounds)
        for number in range(rounds):
            for audience, rates in done.items():
                place = f"sqlite:///{name}/{number}-{audience}.db"
                slots = prepare(place, bookings)
                gc.collect()
                rates.append(uvloop.run(book_all(place, slots, audience, program)))
                progress.advance(task)
    table = Table("subscribers", "bookings/s", title="Bookings a second, synchronous=FULL")
    for audience, rates in done.items():
        table.add_row(f"{audience:,}", f"{statistics.median(rates):,.0f}")
    console.print(table)
    kept = statistics.median(few / none for none, few in zip(done[0], done[watchers], strict=True))
    console.print(
        f"with {watchers:,} subscribers, {kept:.2f} of the bookings; medians of {rounds} rounds of {bookings:,}"
    )


if __name__ == "__main__":
    typer.run(main)
