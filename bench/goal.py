"""The figures of the table: their sources, and their required and aimed bounds beside the peers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.figure import Numbers
from bench.peer import NCHAN, NODE, OURS

Rows = dict[tuple[str, str], list[Numbers]]  # (measurement, peer): a row a round


class Bound(NamedTuple):
    """The required and the aimed bound of a figure: relative to the peer `of`, or absolute."""

    of: str | None
    must: float
    aim: float | None = None


@dataclass(frozen=True)
class Goal:
    """One line of the table. `is_more_better`: the bounds are lower bounds."""

    title: str
    measurement: str
    number: str
    unit: str
    bounds: tuple[Bound, ...]
    is_more_better: bool = False


_DELIVERY = (Bound(NODE, 0.70, 0.50), Bound(NCHAN, 0.95, 0.80))
GOALS = (
    Goal("CPU a delivery, {few} clients", "few", "delivery_us", "us", _DELIVERY),
    Goal("CPU a delivery, {many} clients", "many", "delivery_us", "us", _DELIVERY),
    Goal(
        "Deliveries a CPU second, 100 changes at once, {few} clients",
        "few",
        "burst_deliveries_per_cpu_second",
        "/s",
        (Bound(NODE, 45, 60),),
        is_more_better=True,
    ),
    Goal("p99 to the client, {many} clients, 5 changes a second", "many", "p99_ms", "ms", (Bound(NODE, 0.9, 0.6),)),
    Goal("CPU a connect with a snapshot, {many} clients", "many", "connect_us", "us", (Bound(NODE, 0.55, 0.45),)),
    Goal("Memory a client, {many} clients", "many", "client_kb", "KB", (Bound(NODE, 0.5, 0.2),)),
    Goal("Lost of {dropped} clients dropped at once", "drop", "lost", "", (Bound(None, 0),)),
    Goal("Longest block of the loop meanwhile", "drop", "loop_block_ms", "ms", (Bound(None, 100, 30),)),
    Goal(
        "Bookings a second, 64 at a time, 200 watching",
        "book",
        "bookings_per_second",
        "/s",
        (Bound(None, 4_000, 6_000),),
        is_more_better=True,
    ),
    Goal("p99 of a booking, 1,000 a second, 200 watching", "book", "open_p99_ms", "ms", (Bound(None, 40, 15),)),
    *(
        Goal(
            f"Bookings beside bare {driver}, the same SQL",
            f"bookings, {kind}",
            "ratio",
            "",
            (Bound(None, 0.5),),
            is_more_better=True,
        )
        for kind, driver in (("sqlite", "sqlite3"), ("postgres", "psycopg"))
    ),
    Goal("p99 of four weeks' slots among {slots}, over HTTP", "availability", "p99_ms", "ms", (Bound(None, 10),)),
    Goal("Growth of its median from 10,000 slots", "availability", "growth", "", (Bound(None, 1.5),)),
    Goal(
        "Frames a second of a booking page, 5,000 slots, 200 changes a second",
        "page",
        "frames",
        "/s",
        (Bound(None, 50),),
        is_more_better=True,
    ),
    Goal("CPU of that page's main thread, in a second of these changes", "page", "main_thread_ms", "ms", ()),
    Goal("First slots of that page, from the start of a reload", "page", "first_slots_ms", "ms", ()),
    Goal(
        "Frames a second of the staff's week grid in a scroll, 5,000 slots, 300 bookings",
        "console",
        "frames",
        "/s",
        (Bound(None, 50),),
        is_more_better=True,
    ),
    Goal("CPU of that page's main thread, a frame", "console", "frame_ms", "ms", (Bound(None, 16),)),
    Goal("First slots of that grid, from the start of a reload", "console", "first_slots_ms", "ms", ()),
    Goal("Heap of that page after an hour of changes", "console", "heap_after_mb", "MB", ()),
    Goal("CPU a delivery, {streams} event streams", "sse", "delivery_us", "us", (Bound(NCHAN, 1.1),)),
    Goal("CPU a delivery, {streams} plain WebSockets", "socket", "delivery_us", "us", (Bound(NCHAN, 1.1),)),
)


class Verdict(NamedTuple):
    """The result of one bound: the ratio (or the figure itself), and its sufficiency."""

    bound: Bound
    value: float
    is_met: bool
    is_aim_met: bool


def values(rows: Rows, goal: Goal, peer: str) -> list[float]:
    """Return the figure in each round."""
    return [row[goal.number] for row in rows.get((goal.measurement, peer), []) if goal.number in row]


def median(found: Sequence[float]) -> float | None:
    return statistics.median(found) if found else None


def judge(rows: Rows, goal: Goal) -> list[Verdict]:
    """Return each bound with known figures; for a peer it is the ratio of the medians."""
    ours = median(values(rows, goal, OURS))
    if ours is None:
        return []
    verdicts = []
    for bound in goal.bounds:
        theirs = 1.0 if bound.of is None else median(values(rows, goal, bound.of))
        if not theirs:
            continue
        value = ours / theirs
        is_met = _holds(goal, value, bound.must)
        verdicts.append(Verdict(bound, value, is_met, is_met if bound.aim is None else _holds(goal, value, bound.aim)))
    return verdicts


def _holds(goal: Goal, value: float, wanted: float) -> bool:
    return value >= wanted if goal.is_more_better else value <= wanted
