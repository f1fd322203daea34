"""Measures bookings at several times the server's capacity: the accepted ones a second, and their time.

Run it with `python -m bench.runs.overload`. A thousand callers send at a fixed rate, whatever they are answered, while
customers with the client library hold and book: the library waits as long as a refusal says. The customers come at the
same rate under every load. The peak is the best rate of accepted requests under one of the lower loads. Three and ten
times as many are then offered. The server is on the first core, and the load on the second. At the end the bookings of
the database are counted against the answers.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from threading import Timer
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bench.book import CALENDAR, write_book
from bench.load import Ask, Load, Seen, compile_load
from bench.machine import Failed, Process, cores, cpu_seconds, raise_open_files
from bench.peer import GUEST, Peer, slotcast
from tests.support.node import bundle_library, node_program

_SCRIPT = Path(__file__).with_name("library_load.mjs")
WAITING_CALLERS = 64  # whose rate is a first measure of the capacity: more of them only wait longer
CALM_REQUESTS = 2_000
CUSTOMERS = 0.06  # of the capacity: the requests of the library's customers, two a visit
SEATS = 1_000  # of each slot, as a caller in overload may get many of them
LOWER, HIGHER = (0.7, 0.8, 0.9, 1), (3, 10)  # loads: of the rate of the callers that wait, and of the peak


@dataclass(frozen=True)
class Level:
    """The figures of one load. Rates are a second, and count what the library's customers were answered too.

    `held_back` are requests that were not sent, because the server did not read their callers. `cores` are the CPU of
    the server, of the callers and of the customers, each of one core.
    """

    times: float
    offered: float
    good: float
    ratio: float
    p50_ms: float
    p99_ms: float
    confirm_p50_ms: float
    confirm_p99_ms: float
    refused: int
    held_back: int
    visits: int
    confirmed: int
    failed: int
    visit_p50_ms: float
    visit_p99_ms: float
    server_cores: float
    callers_cores: float
    customers_cores: float


def _ask() -> Ask:
    customer = '"customer":{"name":"Ada Lovelace","email":"ada@example.org"}'
    return Ask(f'42/calendars,$n["slot.book",{{"slot":"$s","key":"{secrets.token_hex(11)}-$n",{customer}}}]', each=0)


class Library:
    """The customers with the client library, in one process."""

    def __init__(self, url: str, library: Path, slots: Path, clients: int) -> None:
        self.booked = 0
        command = [node_program(), str(_SCRIPT), url, CALENDAR, str(library), str(slots), str(clients)]
        self._process = subprocess.Popen(
            ["taskset", "-c", str(cores()[1]), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.hear()

    def start(self, rate: float, seconds: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"rate": rate, "seconds": seconds}) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed("The customers' process has ended.")
        told: dict[str, Any] = json.loads(line)
        self.booked += told.get("confirmed", 0)
        return told

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def customers(url: str, library: Path, slots: Path, clients: int) -> Iterator[Library]:
    opened = Library(url, library, slots, clients)
    try:
        yield opened
    finally:
        opened.close()


def level(bench: Bench, offered: float, capacity: float, size: dict[str, Any]) -> Level:
    """Offer so many requests a second. A fixed number of them are those of the library's customers."""
    before, after = bench.cpu_seconds(), list[tuple[float, ...]]()
    timer = Timer(size["seconds"], lambda: after.append(bench.cpu_seconds()))
    timer.start()
    bench.library.start(CUSTOMERS * capacity / 2, size["seconds"])
    rate = offered - CUSTOMERS * capacity
    seen: Seen = bench.load.offer("flood", _ask(), int(rate * size["seconds"]), rate=rate)
    told = bench.library.hear()
    server, callers, customers = ((now - was) / size["seconds"] for now, was in zip(after[0], before, strict=True))
    good = seen.timely / seen.sent_seconds + 2 * told["confirmed_in_time"] / told["seconds"]
    return Level(
        times=0,
        offered=seen.asked / seen.sent_seconds + 2 * told["visits"] / told["seconds"],
        good=good,
        ratio=0,
        p50_ms=seen.ack_p50_ms,
        p99_ms=seen.ack_p99_ms,
        **{name: told[name] for name in ("confirm_p50_ms", "confirm_p99_ms", "visit_p50_ms", "visit_p99_ms")},
        refused=seen.refused,
        held_back=seen.held_back,
        visits=told["visits"],
        confirmed=told["confirmed"],
        failed=sum(told["failed"].values()),
        server_cores=server,
        callers_cores=callers,
        customers_cores=customers,
    )


@dataclass(frozen=True)
class Bench:
    """Holds the server and the two loads of one round."""

    server: Process
    load: Load
    library: Library

    def cpu_seconds(self) -> tuple[float, float, float]:
        return self.server.cpu_seconds(), self.load.cpu_seconds(), self.library.cpu_seconds()


@contextmanager
def opened(program: Path, library: Path, folder: Path, size: dict[str, Any]) -> Iterator[Bench]:
    """Open a new server with all its clients; raise Failed if it has other bookings at the end than it has answered."""
    peer: Peer = size["peer"]
    slots = folder / "slots.txt"
    with peer.running(folder) as server, Load(program, server.port) as load:
        load.slots(slots)
        load.open("bookers", GUEST, WAITING_CALLERS)
        load.open("flood", GUEST, size["callers"])
        with customers(f"http://127.0.0.1:{server.port}", library, slots, size["clients"]) as visitors:
            load.offer("bookers", _ask(), CALM_REQUESTS)
            bench = Bench(server.process, load, visitors)
            yield bench
    connection = sqlite3.connect(folder / "bench.db")
    (found,) = connection.execute("SELECT count(*) FROM booking").fetchone()
    connection.close()
    booked = load.accepted + visitors.booked
    if found != booked:
        raise Failed(f"{booked} bookings were answered, and {found} are in the database.")


def measure(program: Path, library: Path, folder: Path, size: dict[str, Any]) -> list[Level]:
    """Measure each level once, each on a new server, as a booking is dearer the more of them there are."""
    secret = secrets.token_urlsafe(32)
    sample, token = write_book(folder / "template.db", secret, seats=SEATS)
    size = {**size, "peer": slotcast(secret, token, sample, size["max_wait_ms"])}
    with opened(program, library, folder, size) as bench:
        seen = bench.load.offer("bookers", _ask(), size["requests"])
        capacity = seen.acked / seen.seconds
    done = list[Level]()
    for times in (*LOWER, *HIGHER):
        unit = capacity if times in LOWER else max(one.good for one in done[: len(LOWER)])
        with opened(program, library, folder, size) as bench:
            done.append(level(bench, times * unit, capacity, size))
    peak = max(one.good for one in done[: len(LOWER)])
    done = [replace(one, times=one.offered / peak, ratio=one.good / peak) for one in done]
    return [Level(0, capacity, capacity, capacity / peak, *[0] * 14), *done]


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the results are medians.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each load.")] = 10,
    callers: Annotated[int, typer.Option(min=64, help="Callers that send whatever they are answered.")] = 1_000,
    clients: Annotated[int, typer.Option(min=1, help="Clients with the client library.")] = 100,
    max_wait_ms: Annotated[int, typer.Option(min=0, help="`SLOTCAST_MAX_WAIT_MS` of the server.")] = 250,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure accepted requests at the peak, and at 3 and 10 times as many."""
    console = Console(stderr=as_json)
    raise_open_files()
    size: dict[str, Any] = {"seconds": seconds, "callers": callers, "clients": clients, "requests": 20_000}
    size["max_wait_ms"] = max_wait_ms
    rows: list[list[Level]] = []
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        folder = Path(name)
        program, library = compile_load(folder), bundle_library(folder)
        for number in range(rounds):
            (folder / str(number)).mkdir()
            rows.append(measure(program, library, folder / str(number), size))
            shutil.rmtree(folder / str(number))
    medians = [
        {name: median(asdict(row[place])[name] for row in rows) for name in asdict(rows[0][0])}
        for place in range(len(rows[0]))
    ]
    if as_json:
        print(json.dumps(medians, indent=2))
        return
    table = Table(title=f"Overload, {callers} callers and {clients} clients with the library; {rounds} rounds")
    for title in (
        "load",
        "offered/s",
        "accepted/s",
        "of peak",
        "p50 ms",
        "p99 ms",
        "confirm p50, p99 ms",
        "visits",
        "visit p50, p99 ms",
        "held back",
        "cores",
    ):
        table.add_column(title, justify="right")
    for row in medians:
        table.add_row(
            f"{row['times']:.1f} ×" if row["times"] else f"{WAITING_CALLERS} wait",
            *(f"{row[name]:,.0f}" for name in ("offered", "good")),
            f"{row['ratio']:.2f}",
            *(f"{row[name]:,.0f}" for name in ("p50_ms", "p99_ms")),
            f"{row['confirm_p50_ms']:,.0f}, {row['confirm_p99_ms']:,.0f}",
            f"{row['confirmed']:,.0f} of {row['visits']:,.0f}, {row['failed']:.0f} failed",
            f"{row['visit_p50_ms']:,.0f}, {row['visit_p99_ms']:,.0f}",
            f"{row['held_back']:,.0f}",
            f"{row['server_cores']:.2f} {row['callers_cores']:.2f} {row['customers_cores']:.2f}",
        )
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
