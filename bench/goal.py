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


def _alone(
    title: str,
    source: str,
    unit: str,
    must: float | None = None,
    aim: float | None = None,
    *,
    is_more_better: bool = False,
) -> Goal:
    """Return a figure of Slotcast alone, with absolute bounds. The source is `measurement.number`."""
    measurement, _, number = source.rpartition(".")
    bounds = () if must is None else (Bound(None, must, aim),)
    return Goal(title, measurement, number, unit, bounds, is_more_better)


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
    _alone("Lost of {dropped} clients dropped at once", "drop.lost", "", 0),
    _alone("Longest block of the loop meanwhile", "drop.loop_block_ms", "ms", 100, 30),
    Goal("CPU a delivery, {streams} event streams", "sse", "delivery_us", "us", (Bound(NCHAN, 1.1),)),
    Goal("CPU a delivery, {streams} plain WebSockets", "socket", "delivery_us", "us", (Bound(NCHAN, 1.1),)),
    _alone(
        "Bookings a second, 64 at a time, 200 watching",
        "book.bookings_per_second",
        "/s",
        4_000,
        6_000,
        is_more_better=True,
    ),
    _alone("p99 of a booking, 1,000 a second, 200 watching", "book.open_p99_ms", "ms", 40, 15),
    *(
        _alone(f"Bookings beside bare {driver}, the same SQL", f"bookings, {kind}.ratio", "", 0.5, is_more_better=True)
        for kind, driver in (("sqlite", "sqlite3"), ("postgres", "psycopg"))
    ),
    _alone("CPU a booking, 20 watched calendars", "calendars.booking_us", "us", 300, 220),
    _alone("The same with 1,000, against 20", "calendars.growth_1000", "×", 1.3, 1.1),
    _alone("The same with 6,000, against 20", "calendars.growth_6000", "×", 1.3, 1.1),
    _alone("Opening a calendar's room of 50 slots", "calendars.room_small_ms", "ms", 0.6, 0.4),
    _alone("Opening a calendar's room of 300 slots", "calendars.room_large_ms", "ms", 1.0, 0.6),
    # The bounds are 1.5 times the JSON and 5 KB, and 1.1 times and 3 KB. The JSON has 54 KB.
    _alone("Memory of such a room and its watcher, less 5 KB, of its JSON", "calendars.memory_ratio", "×", 1.5, 1.06),
    _alone("Idle process, 10,000 watched calendars", "calendars.idle_percent", "% of a core", 1.0, 0.3),
    _alone("Opening slots, CPU a slot", "calendars.open_slot_us", "us", 25, 15),
    _alone("A 304 of the feed of 8,000 slots", "calendars.feed_304_ms", "ms", 0.3),
    _alone("p99 of four weeks' slots among {slots}, over HTTP", "availability.p99_ms", "ms", 10),
    _alone("Growth of its median from 10,000 slots", "availability.growth", "", 1.5),
    _alone("Accepted at 3 times the load, of the peak", "overload.good_3", "", 0.9, is_more_better=True),
    _alone("p99 of these", "overload.p99_3_ms", "ms", 400),
    _alone("Accepted at 10 times the load, of the peak", "overload.good_10", "", 0.9, is_more_better=True),
    _alone("p99 of those", "overload.p99_10_ms", "ms", 400),
    _alone(
        "Bookings a second, two workers on SQLite, on two cores with the load",
        "writer.bookings_per_second",
        "/s",
        6_000,
        is_more_better=True,
    ),
    _alone(
        "Deliveries with two workers on PostgreSQL, against one",
        "workers.deliveries_times",
        "×",
        1.8,
        is_more_better=True,
    ),
    _alone(
        "Bookings with two workers on PostgreSQL, against one",
        "workers.bookings_times",
        "×",
        1.6,
        is_more_better=True,
    ),
    *(
        _alone(f"Commit to a client of another server, {name}, {point}", f"nodes.{way}_{point}_ms", "ms", must)
        for way, name in (("redis", "by Redis"), ("notifications", "by NOTIFY"))
        for point, must in (("p50", 8), ("p99", 25))
    ),
    _alone("The same by polls, p50", "nodes.polls_p50_ms", "ms"),
    _alone("Statements a second of an idle server", "nodes.idle_statements", "/s", 5),
    _alone("CPU a second of an idle server", "nodes.idle_ms", "ms", 5),
    _alone(
        "Frames a second of a booking page, 5,000 slots, 200 changes a second",
        "page.frames",
        "/s",
        50,
        is_more_better=True,
    ),
    _alone("CPU of that page's main thread, in a second of these changes", "page.main_thread_ms", "ms"),
    _alone("First slots of that page, from the start of a reload", "page.first_slots_ms", "ms"),
    _alone(
        "Frames a second of the staff's week grid in a scroll, 5,000 slots, 300 bookings",
        "console.frames",
        "/s",
        50,
        is_more_better=True,
    ),
    _alone("CPU of that page's main thread, a frame", "console.frame_ms", "ms", 16),
    _alone("First slots of that grid, from the start of a reload", "console.first_slots_ms", "ms"),
    _alone("Heap of that page after an hour of changes", "console.heap_after_mb", "MB"),
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
