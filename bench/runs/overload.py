"""Measures bookings at several times the server's capacity: the accepted ones a second, and their time.

Run it with `python -m bench.runs.overload`. The capacity is the peak of accepted requests a second, with each caller
waiting for its answer. Then a thousand callers send at a fixed rate, whatever they are answered, while customers with
the client library hold and book: the library waits as long as a refusal says. The server is on the first core, and the
load on the second. At the end the bookings of the database are counted against the answers.
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
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bench.book import TO_BOOK, write_book
from bench.load import Ask, Load, Seen, compile_load
from bench.machine import Failed, cores, raise_open_files
from bench.peer import GUEST, slotcast
from tests.support.node import bundle_library, node_program

_SCRIPT = Path(__file__).with_name("library_load.mjs")
CALLERS_AT_PEAK = 64  # the callers that a peak needs: more of them only wait longer
CALM_REQUESTS = 2_000


@dataclass(frozen=True)
class Level:
    """The figures of one load. Rates are a second, and count what the library's customers were answered too."""

    times: float
    offered: float
    good: float
    ratio: float
    p50_ms: float
    p99_ms: float
    confirm_p50_ms: float
    confirm_p99_ms: float
    refused: int
    visits: int
    confirmed: int
    failed: int


def _ask() -> Ask:
    customer = '"customer":{"name":"Ada Lovelace","email":"ada@example.org"}'
    return Ask(f'42/calendars,$n["slot.book",{{"slot":"$s","key":"{secrets.token_hex(11)}-$n",{customer}}}]', each=0)


class Library:
    """The customers with the client library, in one process."""

    def __init__(self, url: str, library: Path, slots: Path, clients: int) -> None:
        command = [node_program(), str(_SCRIPT), url, TO_BOOK, str(library), str(slots), str(clients)]
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
        return told

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


def peak_of(load: Load, requests: int) -> float:
    """Return the accepted requests a second of callers that wait for each answer."""
    load.offer("bookers", _ask(), CALM_REQUESTS)
    seen = load.offer("bookers", _ask(), requests)
    return (seen.acked - seen.refused) / seen.seconds


def level(load: Load, library: Library, offered: float, size: dict[str, Any], peak: float) -> Level:
    """Offer so many requests a second. A share of them are visits of the library's customers: two requests each."""
    library.start(offered * size["share"] / 2, size["seconds"])
    rate = offered * (1 - size["share"])
    seen: Seen = load.offer("flood", _ask(), int(rate * size["seconds"]), rate=rate)
    told = library.hear()
    accepted = seen.acked - seen.refused
    good = accepted / seen.seconds + 2 * told["confirmed_in_time"] / told["seconds"]
    return Level(
        times=offered / peak,
        offered=seen.asked / seen.seconds + 2 * told["visits"] / told["seconds"],
        good=good,
        ratio=good / peak,
        p50_ms=seen.ack_p50_ms,
        p99_ms=seen.ack_p99_ms,
        confirm_p50_ms=told["confirm_p50_ms"],
        confirm_p99_ms=told["confirm_p99_ms"],
        refused=seen.refused,
        visits=told["visits"],
        confirmed=told["confirmed"],
        failed=sum(told["failed"].values()),
    )


def measure(program: Path, library: Path, folder: Path, levels: list[float], size: dict[str, Any]) -> list[Level]:
    """Measure the peak and each level once, on a new server; raise Failed if a booking has no answer."""
    secret = secrets.token_urlsafe(32)
    sample, token = write_book(folder / "template.db", secret)
    peer, done = slotcast(secret, token, sample, size["max_wait_ms"]), list[Level]()
    slots = folder / "slots.txt"
    with peer.running(folder) as server, Load(program, server.port) as load:
        load.slots(slots)
        load.open("bookers", GUEST, CALLERS_AT_PEAK)
        load.open("flood", GUEST, size["callers"])
        with customers(f"http://127.0.0.1:{server.port}", library, slots, size["clients"]) as visitors:
            peak = peak_of(load, size["requests"])  # with the same subscribers
            for times in levels:
                done.append(level(load, visitors, times * peak, size, peak))
    booked = load.accepted + sum(one.confirmed for one in done)
    connection = sqlite3.connect(folder / "bench.db")
    (found,) = connection.execute("SELECT count(*) FROM booking").fetchone()
    connection.close()
    if found != booked:
        raise Failed(f"{booked} bookings were answered, and {found} are in the database.")
    return [Level(1, peak, peak, 1, 0, 0, 0, 0, 0, 0, 0, 0), *done]


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the results are medians.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each load.")] = 5,
    callers: Annotated[int, typer.Option(min=64, help="Callers that send whatever they are answered.")] = 1_000,
    clients: Annotated[int, typer.Option(min=1, help="Clients with the client library.")] = 100,
    max_wait_ms: Annotated[int, typer.Option(min=0, help="`SLOTCAST_MAX_WAIT_MS` of the server.")] = 250,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure accepted requests at the peak, and at 3 and 10 times as many."""
    console = Console(stderr=as_json)
    raise_open_files()
    size = {"seconds": seconds, "callers": callers, "clients": clients, "requests": 10_000, "share": 0.02}
    size["max_wait_ms"] = max_wait_ms
    rows: list[list[Level]] = []
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        folder = Path(name)
        program, library = compile_load(folder), bundle_library(folder)
        for number in range(rounds):
            (folder / str(number)).mkdir()
            rows.append(measure(program, library, folder / str(number), [3, 10], size))
            shutil.rmtree(folder / str(number))
    medians = [
        {name: median(asdict(row[place])[name] for row in rows) for name in asdict(rows[0][0])} for place in range(3)
    ]
    if as_json:
        print(json.dumps(medians, indent=2))
        return
    table = Table(title=f"Overload, {callers} callers and {clients} clients with the library; {rounds} rounds")
    for title in ("load", "offered/s", "accepted/s", "of peak", "p50 ms", "p99 ms", "confirm p50, p99 ms", "visits"):
        table.add_column(title, justify="right")
    for row in medians:
        table.add_row(
            f"{row['times']:.0f} ×",
            *(f"{row[name]:,.0f}" for name in ("offered", "good")),
            f"{row['ratio']:.2f}",
            *(f"{row[name]:,.0f}" for name in ("p50_ms", "p99_ms")),
            f"{row['confirm_p50_ms']:,.0f}, {row['confirm_p99_ms']:,.0f}",
            f"{row['confirmed']:,.0f} of {row['visits']:,.0f}, {row['failed']:.0f} failed",
        )
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
