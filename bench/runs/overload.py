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
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Timer
from typing import Annotated, Any, NamedTuple

import typer

from bench import report
from bench.book import CALENDAR, write_book
from bench.figure import Numbers
from bench.load import Ask, Load, Seen, compile_load
from bench.machine import Failed, Process, cores, cpu_seconds, raise_open_files
from bench.peer import GUEST, Peer, slotcast
from tests.support.node import bundle_library, node_program

_SCRIPT = Path(__file__).with_name("library_load.mjs")
WAITING_CALLERS = 64  # whose rate is a first measure of the capacity: more of them only wait longer
CALM_REQUESTS = 2_000
WAITING_REQUESTS = 20_000
CUSTOMERS = 0.06  # of the capacity: the requests of the library's customers, two a visit
SEATS = 1_000  # of each slot, as a caller in overload may get many of them
LOWER, HIGHER = (0.7, 0.8, 0.9, 1), (3, 10)  # loads: of the rate of the callers that wait, and of the peak


class Size(NamedTuple):
    """The seconds of each load, its callers and its clients with the library, and `SLOTCAST_MAX_WAIT_MS`."""

    seconds: float = 10
    callers: int = 1_000
    clients: int = 100
    max_wait_ms: int = 250


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


def level(bench: Bench, offered: float, capacity: float, seconds: float) -> Level:
    """Offer so many requests a second. A fixed number of them are those of the library's customers."""
    before, after = bench.cpu_seconds(), list[tuple[float, ...]]()
    timer = Timer(seconds, lambda: after.append(bench.cpu_seconds()))
    timer.start()
    bench.library.start(CUSTOMERS * capacity / 2, seconds)
    rate = offered - CUSTOMERS * capacity
    seen: Seen = bench.load.offer("flood", _ask(), int(rate * seconds), rate=rate)
    told = bench.library.hear()
    server, callers, customers = ((now - was) / seconds for now, was in zip(after[0], before, strict=True))
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
def opened(program: Path, library: Path, folder: Path, peer: Peer, size: Size) -> Iterator[Bench]:
    """Open a new server with all its clients; raise Failed if it has other bookings at the end than it has answered."""
    slots = folder / "slots.txt"
    with peer.running(folder) as server, Load(program, server.port) as load:
        load.slots(slots)
        load.open("bookers", GUEST, WAITING_CALLERS)
        load.open("flood", GUEST, size.callers)
        with customers(f"http://127.0.0.1:{server.port}", library, slots, size.clients) as visitors:
            load.offer("bookers", _ask(), CALM_REQUESTS)
            bench = Bench(server.process, load, visitors)
            yield bench
    connection = sqlite3.connect(folder / "bench.db")
    (found,) = connection.execute("SELECT count(*) FROM booking").fetchone()
    connection.close()
    booked = load.accepted + visitors.booked
    if found != booked:
        raise Failed(f"{booked} bookings were answered, and {found} are in the database.")


def round_of(program: Path, library: Path, folder: Path, size: Size) -> list[Level]:
    """Measure each level once, each on a new server, as a booking is dearer the more of them there are."""
    secret = secrets.token_urlsafe(32)
    sample, token = write_book(folder / "template.db", secret, seats=SEATS)
    peer = slotcast(secret, token, sample, size.max_wait_ms)
    with opened(program, library, folder, peer, size) as bench:
        seen = bench.load.offer("bookers", _ask(), WAITING_REQUESTS)
        capacity = seen.acked / seen.seconds
    done = list[Level]()
    for times in (*LOWER, *HIGHER):
        unit = capacity if times in LOWER else max(one.good for one in done[: len(LOWER)])
        with opened(program, library, folder, peer, size) as bench:
            done.append(level(bench, times * unit, capacity, size.seconds))
    peak = max(one.good for one in done[: len(LOWER)])
    done = [replace(one, times=one.offered / peak, ratio=one.good / peak) for one in done]
    return [Level(0, capacity, capacity, capacity / peak, *[0] * 14), *done]


def measure(program: Path, folder: Path, rounds: int, size: Size) -> list[Numbers]:
    """Return the figures of the peak and of each higher load, in each round."""
    library, done = bundle_library(folder), list[Numbers]()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            waiting, *levels = round_of(program, library, Path(name), size)
        peak = max(levels[: len(LOWER)], key=lambda one: one.good)
        numbers: Numbers = {"waiting_per_second": waiting.good}
        for title, one in zip(("peak", *HIGHER), (peak, *levels[len(LOWER) :]), strict=True):
            figures = asdict(one)
            numbers |= {f"{name}_{title}": figures[name] for name in ("failed", "held_back", "server_cores")}
            numbers |= {f"{name}_{title}_ms": figures[f"{name}_ms"] for name in ("p50", "p99", "visit_p99")}
            numbers[f"good_{title}"] = one.ratio
        done.append(numbers | {"peak_per_second": peak.good})
    return done


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the results are medians.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each load.")] = Size().seconds,
    callers: Annotated[
        int, typer.Option(min=64, help="Callers that send whatever they are answered.")
    ] = Size().callers,
    clients: Annotated[int, typer.Option(min=1, help="Clients with the client library.")] = Size().clients,
    max_wait_ms: Annotated[int, typer.Option(min=0, help="`SLOTCAST_MAX_WAIT_MS` of the server.")] = Size().max_wait_ms,
) -> None:
    """Measure accepted requests at the peak, and at 3 and 10 times as many."""
    raise_open_files()
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        folder = Path(name)
        done = measure(compile_load(folder), folder, rounds, Size(seconds, callers, clients, max_wait_ms))
    report.tell("overload", done)


if __name__ == "__main__":
    typer.run(main)
