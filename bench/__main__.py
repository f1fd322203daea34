"""Measures Slotcast beside its peers: `make bench`, or `python -m bench --help`.

The servers run one at a time, on the first core; the load runs on the second. A round is every measurement of every
server once. The results are medians of the rounds.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import chart, figure, report
from bench.figure import Bench, Numbers, Size
from bench.goal import Rows
from bench.load import compile_load
from bench.machine import Failed, busy_seconds, cores, raise_open_files
from bench.peer import OURS, Field, gather
from bench.runs import availability, bookings, calendars, nodes, overload, page, workers, writer
from bench.runs import console as staff
from cli.serve import SWITCH_SECONDS

DOCS = Path(__file__).parents[1] / "docs"
QUICK = Size(
    few=200, many=500, dropped=1_000, streams=200, deliveries=20_000, paced_changes=10, bookings=3_000, slots=20_000
)
_QUICK_CALENDARS = calendars.Size(watched=(20, 100), standing=200, bookings=1_000)
MOST_ROUNDS = 3  # of the measurements without peers: each takes minutes
EVERYTHING = ("few", "many", "drop", "book", "sse", "socket")


class Turn(NamedTuple):
    """A measurement of one server."""

    measurement: str
    peer: str
    run: Callable[[], Numbers]


def turns(bench: Bench, field: Field, only: tuple[str, ...]) -> Iterator[Turn]:
    """Return a round: each measurement, with the servers one after the other."""
    ours = field.peers[0]
    if "few" in only:
        for peer in field.peers:
            yield Turn("few", peer.name, partial(figure.crowd, bench, peer, bench.size.few, has_bursts=True))
    if "many" in only:
        for peer in field.peers:
            yield Turn("many", peer.name, partial(figure.crowd, bench, peer, bench.size.many, has_bursts=False))
    if "drop" in only:
        yield Turn("drop", ours.name, partial(figure.drop, bench, ours))
    if "book" in only:
        yield Turn("book", ours.name, partial(figure.bookings, bench, ours, field.bookings))
    for kind in ("sse", "socket"):
        for peer in field.peers if kind in only else ():
            if kind in peer.streams:
                yield Turn(kind, peer.name, partial(figure.stream, bench, peer, kind))


def run(bench: Bench, field: Field, rounds: int, only: tuple[str, ...], console: Console) -> Rows:
    """Run all rounds. A failed measurement is reported and left out; the others continue."""
    rows: Rows = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        total = rounds * len(list(turns(bench, field, only)))
        task = progress.add_task("", total=total)
        for round_number in range(1, rounds + 1):
            for turn in turns(bench, field, only):
                progress.update(task, description=f"Round {round_number}: {turn.measurement}, {turn.peer}")
                try:
                    rows.setdefault((turn.measurement, turn.peer), []).append(turn.run())
                except Failed as failure:
                    console.print(f"[red]{turn.measurement}, {turn.peer}: {failure}[/]")
                progress.advance(task)
    return rows


def _own_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the results are medians.")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="One small round, as a trial.")] = False,
    only: Annotated[str, typer.Option(help="Some of few, many, drop, book, sse and socket, separated by commas.")] = "",
    stock: Annotated[bool, typer.Option(help="Also measure the stock python-socketio; it is slow.")] = True,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for bench.json and bench.svg; docs by default, none with --quick or --only."),
    ] = None,
) -> None:
    """Measure Slotcast beside Node's socket.io, python-socketio and nginx with Nchan."""
    console = Console()
    place = output or (None if quick or only else DOCS)
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)  # before the measurements, as it may fail
    wanted = tuple(name for name in EVERYTHING if not only or name in only.split(","))
    size, rounds = (QUICK, 1) if quick else (Size(), rounds)
    began, busy, own = time.monotonic(), busy_seconds(), _own_seconds()
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's worker runs as another user
        try:
            os.sched_setaffinity(0, {cores()[0], cores()[1]})
            raise_open_files()
            field = gather(folder, with_stock=stock)
            rows = run(Bench(folder, compile_load(folder), size), field, rounds, wanted, console)
        except Failed as failure:
            console.print(f"[red]{failure}[/]")
            sys.exit(1)
        book = None if only else _book(folder, size, rounds, rows, console)
        if not only:
            _others(folder, min(rounds, MOST_ROUNDS), rows, console, quick=quick)
    others = (busy_seconds() - busy - (_own_seconds() - own)) / (time.monotonic() - began)
    notes = [*field.absent, f"{rounds} rounds; others used {others:.2f} of the machine's cores meanwhile."]
    peers = [peer.name for peer in field.peers]
    report.show(rows, peers, size, console)
    for note in notes:
        console.print(note)
    if place is not None:
        result = report.collect(rows, peers, size, notes=notes, book=book)
        report.write(result, place / "bench.json")
        (place / "bench.svg").write_text(chart.draw(rows, peers, size))
        console.print(f"Written to {place}/bench.json and bench.svg; `make fix` writes the table of docs/bench.md")


def _book(folder: Path, size: Size, rounds: int, rows: Rows, console: Console) -> dict[str, Any]:
    """Measure the writer alone on each kind of database beside its bare driver, and reads among many slots."""
    sys.setswitchinterval(SWITCH_SECONDS)
    results = {}
    for kind in bookings.Kind:
        result = bookings.measure(size.bookings // 2, figure.BOOKERS, rounds, folder, console, kind=kind)
        bookings.show(result, console)
        results[kind.value] = result
        rows[f"bookings, {kind.value}", OURS] = [
            {"ratio": one["bare_seconds"] / one["book_seconds"]} for one in result["rounds"]
        ]
    count = size.slots // availability.SLOTS_A_CALENDAR
    rows["availability", OURS] = availability.compare(count, availability.QUESTIONS, rounds, folder, console)
    return results


def _others(folder: Path, rounds: int, rows: Rows, console: Console, *, quick: bool) -> None:
    """Measure what is of Slotcast alone: calendars, overload, workers, two servers, and the pages in a browser."""
    program = compile_load(folder)
    measurements: dict[str, Callable[[], list[Numbers]]] = {
        "calendars": lambda: calendars.measure(
            program, folder, rounds, _QUICK_CALENDARS if quick else calendars.Size()
        ),
        "overload": lambda: overload.measure(program, folder, rounds, overload.Size(seconds=2 if quick else 10)),
        "writer": lambda: writer.measure(program, folder, rounds, writer.Size(bookings=2_000 if quick else 20_000)),
        "workers": lambda: workers.compare(program, folder, rounds, workers.Size(bookings=1_000 if quick else 5_000)),
        "nodes": lambda: nodes.measure(folder, rounds, 40 if quick else 300),
        "page": lambda: page.measure(program, folder, rounds, page.Size()),
        "console": lambda: staff.measure(program, folder, rounds, staff.Size()),
    }
    for name, measure in measurements.items():
        console.print(f"{name} …")
        try:
            rows[name, OURS] = measure()
        except Failed as failure:
            console.print(f"[red]{name}: {failure}[/]")


if __name__ == "__main__":
    typer.run(main)
