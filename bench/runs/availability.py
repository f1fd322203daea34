"""Measures a read of four weeks of one calendar, among few slots and among a million.

Run it with `python -m bench.runs.availability`.
The server is on the first core, and the client on the second sends one HTTP request after the other. No calendar has
subscribers, so every answer comes from the database. The time is the client's and includes the network.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.figure import Numbers
from bench.machine import Process, cores, free_port
from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.command import Command
from models.contract.commands.slots import NewSlot, OpenSlots
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, HOUR, write_time
from models.service import Outcome, SlotService

SLOTS_A_CALENDAR = 100
FEW_CALENDARS = 100
QUESTIONS = 2_000
WEEKS = 4
_SECRET = "bench" * 8
_IN_FLIGHT = 500
_ROOT = Path(__file__).parents[2]
_WARM_UP = 50


def write_book(path: Path, calendars: int, progress: Progress) -> None:
    """Write a database of so many calendars, each with 100 slots of an hour over the next four weeks."""
    service = SlotService(f"sqlite:///{path}", _SECRET.encode(), synchronous="normal")
    service.open()
    task = progress.add_task(f"{calendars * SLOTS_A_CALENDAR:,} slots", total=calendars)
    first = (service.clock() // HOUR + 1) * HOUR
    step = WEEKS * 7 * DAY // SLOTS_A_CALENDAR // HOUR * HOUR
    slots = tuple(NewSlot(start=first + n * step, end=first + n * step + HOUR) for n in range(SLOTS_A_CALENDAR))
    room = threading.Semaphore(_IN_FLIGHT)

    def submit(command: Command, *, ends: bool) -> None:
        def reply(outcome: Outcome) -> None:
            room.release()
            if isinstance(outcome, Exception):
                raise outcome
            if ends:
                progress.advance(task)

        room.acquire()
        service.submit(command, reply)

    for number in range(calendars):
        name = f"c{number}"
        submit(CreateCalendar(principal=OPERATOR, calendar=name, name=name, zone="UTC"), ends=False)
        submit(OpenSlots(principal=OPERATOR, key=name, calendar=name, slots=slots), ends=True)
    service.close()


def ask(port: int, calendars: int, questions: int) -> list[float]:
    """Return the milliseconds of each of so many requests for random calendars."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    chance = random.Random(1)  # noqa: S311 - the same questions each time
    window = urlencode({"to": write_time(int(time.time()) * 1_000 + WEEKS * 7 * DAY)})
    taken = []
    for _ in range(questions + _WARM_UP):
        began = time.perf_counter()
        connection.request("GET", f"/api/calendars/c{chance.randrange(calendars)}/slots?{window}")
        response = connection.getresponse()
        body = response.read()
        taken.append((time.perf_counter() - began) * 1e3)
        if response.status != http.client.OK or len(json.loads(body)["slots"]) < SLOTS_A_CALENDAR // 2:
            raise RuntimeError(f"the server answered {response.status}")
    connection.close()
    return taken[_WARM_UP:]


def measure(path: Path, calendars: int, questions: int, folder: Path) -> list[float]:
    """Return the milliseconds of a separate server on that database."""
    port = free_port()
    command = [sys.executable, str(_ROOT / "server.py"), "--port", str(port), "--rate", "0"]
    environment = {"SLOTCAST_DATABASE": f"sqlite:///{path}", "SLOTCAST_SECRET": _SECRET}
    usable = os.sched_getaffinity(0)
    server = Process(command, folder=folder, environment=environment)
    try:
        server.wait_for(f"http://127.0.0.1:{port}/readyz")
        os.sched_setaffinity(0, {cores()[1]})
        return ask(port, calendars, questions)
    finally:
        os.sched_setaffinity(0, usable)
        server.stop()


def compare(calendars: int, questions: int, rounds: int, folder: Path, console: Console) -> list[Numbers]:
    """Compare 10,000 slots with many more, in alternation: milliseconds of both in each round, and the growth."""
    sizes = (FEW_CALENDARS, calendars)
    done: list[Numbers] = []
    with tempfile.TemporaryDirectory(dir=folder) as name, Progress(console=console, transient=True) as progress:
        place = Path(name)
        for size in sizes:
            write_book(place / f"{size}.db", size, progress)
        for _ in progress.track(range(rounds), description="questions"):
            small, large = (measure(place / f"{size}.db", size, questions, place) for size in sizes)
            growth = statistics.median(large) / statistics.median(small)
            done.append(_numbers("few_", small) | _numbers("", large) | {"growth": growth})
    return done


def _numbers(prefix: str, taken: list[float]) -> Numbers:
    quantiles = statistics.quantiles(taken, n=100)
    return {f"{prefix}p50_ms": quantiles[49], f"{prefix}p99_ms": quantiles[98]}


def main(
    *,
    calendars: Annotated[
        int, typer.Option(help="Calendars of 100 slots each, in the large database.", min=10)
    ] = 10_000,
    questions: Annotated[int, typer.Option(help="Requests in each round.", min=100)] = QUESTIONS,
    rounds: Annotated[int, typer.Option(help="Rounds of each database, in alternation.", min=1)] = 5,
) -> None:
    """Measure a read of four weeks, among 10,000 slots and among many more."""
    console = Console()
    done = compare(calendars, questions, rounds, Path(tempfile.gettempdir()), console)

    def middle(number: str) -> str:
        return f"{statistics.median(row[number] for row in done):.2f}"

    table = Table("slots", "median, ms", "99th percentile, ms", title="Four weeks of one calendar, over HTTP")
    for prefix, size in (("few_", FEW_CALENDARS), ("", calendars)):
        table.add_row(f"{size * SLOTS_A_CALENDAR:,}", middle(f"{prefix}p50_ms"), middle(f"{prefix}p99_ms"))
    console.print(table)
    console.print(f"growth of the median: {middle('growth')}; medians of {rounds} rounds of {questions:,} questions")


if __name__ == "__main__":
    typer.run(main)
