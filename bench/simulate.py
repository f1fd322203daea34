"""Simulates one and ten million viewers on edge servers: the servers that they need, and their return after a loss.

`python -m bench.simulate` reads the measured costs from docs/bench.json and draws docs/scale.svg. An edge is one
process on one core. First comes the arithmetic of the steady state. Then edges are lost, and the viewers come back by
the client library's back-off: each wait is uniform between 0 and a ceiling that doubles. An edge takes the connects
that its free CPU allows, and refuses the others.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

DOCS = Path(__file__).parents[1] / "docs"
CALENDARS = 100_000
SECONDS_A_CHANGE = 60.0  # of each calendar
VIEWERS_AN_EDGE = 100_000
BUSY_SHARE = 0.9  # of a core; the rest is for the operating system
# `python -m bench.runs.edge`, and the costs of heartbeats in docs/bench.md.
EDGE_CHANGE_US = 300.0
HEARTBEAT_US = 4.0  # a second for each viewer
# The client library's back-off (web/src/client/connection/backoff.ts), and its time until it notices a lost edge.
FIRST_SECONDS, MOST_SECONDS = 0.5, 15.0
STEP_SECONDS = 0.05
MOST_MINUTES = 10
_ATTEMPTS = 6  # with different ceilings
_ALL = 0.9999


class Costs(NamedTuple):
    """Measured costs of a core: CPU in microseconds, and memory of a viewer."""

    delivery_us: float
    connect_us: float
    viewer_kb: float
    booking_us: float


class Steady(NamedTuple):
    """The steady state of a tier of edges."""

    viewers: int
    edges: int
    busy: float  # share of an edge's core
    memory_gb: float  # of an edge
    streams: int  # from the edges to the core, with each calendar on one edge
    unplaced_streams: int  # with viewers on any edge
    core_busy: float  # cores for the streams' changes
    booking_cores: float  # if each change is a booking
    connects_a_second: float  # of one edge


def read_costs(path: Path) -> Costs:
    """Return the medians of the last benchmark."""
    rounds = json.loads(path.read_text())["rounds"]
    many, book = rounds["many · Slotcast"], rounds["book · Slotcast"]

    def median(rows: Sequence[dict[str, float]], name: str) -> float:
        return sorted(row[name] for row in rows)[len(rows) // 2]

    return Costs(
        delivery_us=median(many, "delivery_us"),
        connect_us=median(many, "connect_us"),
        viewer_kb=median(many, "client_kb"),
        booking_us=median(book, "cpu_us_per_booking"),
    )


def steady(viewers: int, costs: Costs) -> Steady:
    """Return the arithmetic: changes and heartbeats take their CPU, and what is left takes connects."""
    edges = math.ceil(viewers / VIEWERS_AN_EDGE)
    changes = CALENDARS / SECONDS_A_CHANGE
    each = viewers / edges
    used_us = (
        changes / edges * EDGE_CHANGE_US + each / SECONDS_A_CHANGE * costs.delivery_us + each * HEARTBEAT_US
    )  # a second
    watched = CALENDARS * (1 - math.exp(-each / CALENDARS))  # calendars of an edge whose viewers are placed anyhow
    return Steady(
        viewers=viewers,
        edges=edges,
        busy=used_us / 1e6,
        memory_gb=each * costs.viewer_kb / 1e6,
        streams=CALENDARS,
        unplaced_streams=int(watched * edges),
        core_busy=changes * costs.delivery_us / 1e6,
        booking_cores=changes * costs.booking_us / 1e6,
        connects_a_second=max(0.0, BUSY_SHARE - used_us / 1e6) * 1e6 / costs.connect_us,
    )


def returns(state: Steady, lost: int) -> list[float]:
    """Return the share of the lost edges' viewers that are back, for each step since the loss.

    If every edge is lost, all of them start again at once. Otherwise the others take the viewers.
    """
    away = state.viewers * lost / state.edges
    takers = state.edges - lost or state.edges
    room = takers * state.connects_a_second * STEP_SECONDS
    waits = [_Wait(FIRST_SECONDS * 2**attempt) for attempt in range(_ATTEMPTS)]
    waits[0].begin(0, away)
    back, shares = 0.0, []
    for step in range(int(MOST_MINUTES * 60 / STEP_SECONDS)):
        asking = [wait.end(step) for wait in waits]
        count = sum(asking)
        taken = min(1.0, room / count) if count else 0.0
        for attempt, some in enumerate(asking):
            waits[min(attempt + 1, _ATTEMPTS - 1)].begin(step + 1, some * (1 - taken))
        back += count * taken
        shares.append(back / away)
        if back >= away * _ALL:
            break
    return shares


class _Wait:
    """The viewers before one attempt: each waits for a uniform time up to the ceiling."""

    def __init__(self, ceiling: float) -> None:
        self._steps = max(1, int(min(MOST_SECONDS, ceiling) / STEP_SECONDS))
        self._changes: dict[int, float] = defaultdict(float)  # of the rate, by step
        self._rate = 0.0  # viewers a step

    def begin(self, step: int, viewers: float) -> None:
        self._changes[step] += viewers / self._steps
        self._changes[step + self._steps] -= viewers / self._steps

    def end(self, step: int) -> float:
        """Return the viewers whose wait ends in this step."""
        self._rate += self._changes.pop(step, 0.0)
        return max(0.0, self._rate)


def until(shares: Sequence[float], share: float) -> float:
    """Return the seconds until so many are back."""
    return next((place + 1 for place, found in enumerate(shares) if found >= share), len(shares)) * STEP_SECONDS


_WIDTH, _HEIGHT, _LEFT, _TOP, _SPAN_SECONDS = 760, 260, 56, 40, 90.0
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 } .axis { stroke: #afb8c1 }
.all { stroke: #0969da } .one { stroke: #afb8c1 } polyline { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .axis { stroke: #484f58 } .all { stroke: #4493f8 } .one { stroke: #6e7681 }
}
"""


def draw(drawn: Sequence[tuple[str, list[float], list[float]]]) -> str:
    """Return an SVG: for each number of viewers the share that is back, after the loss of one edge and of all."""
    parts, wide = [], _WIDTH - _LEFT - 24
    for place, (title, one, every) in enumerate(drawn):
        top, high = place * _HEIGHT + _TOP, _HEIGHT - _TOP - 40
        parts.append(f'<text class="title" x="8" y="{top - 16}">{title}</text>')
        parts.append(f'<path class="axis" d="M{_LEFT} {top}V{top + high}H{_LEFT + wide}" fill="none"/>')
        parts += [
            f'<text x="8" y="{top + high * (1 - share / 100) + 5:.0f}">{share} %</text>' for share in (0, 50, 100)
        ]
        for seconds in range(0, int(_SPAN_SECONDS) + 1, 15):
            x = _LEFT + wide * seconds / _SPAN_SECONDS
            parts.append(f'<text x="{x - 8:.0f}" y="{top + high + 18}">{seconds} s</text>')
        for kind, shares in (("one", one), ("all", every)):
            kept = [*shares, *[1.0] * (int(_SPAN_SECONDS / STEP_SECONDS) - len(shares))]
            points = " ".join(
                f"{_LEFT + wide * number * STEP_SECONDS / _SPAN_SECONDS:.1f},{top + high * (1 - share):.1f}"
                for number, share in list(enumerate(kept))[: int(_SPAN_SECONDS / STEP_SECONDS) : 10]
            )
            parts.append(f'<polyline class="{kind}" points="{points}"/>')
    tall = _HEIGHT * len(drawn)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {tall}" width="{_WIDTH}" height="{tall}"'
    label = "<title>Viewers that are back</title>"
    return "\n".join([f'{head} role="img">', label, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])


def panels(states: Sequence[Steady]) -> list[tuple[str, list[float], list[float]]]:
    """Return a panel for each number of viewers."""
    return [
        (
            f"{state.viewers:,} viewers: back after the loss of one of {state.edges} edges (grey), and of all (blue)",
            returns(state, 1),
            returns(state, state.edges),
        )
        for state in states
    ]


def rows(states: Sequence[Steady]) -> list[tuple[str, ...]]:
    """Return the table of docs/scale.md: a row for each number, a column for each tier."""
    lost = [(returns(state, 1), returns(state, state.edges)) for state in states]
    return [
        ("edges, each one process", *(f"{one.edges:,}" for one in states)),
        ("core of an edge, busy", *(f"{one.busy:.0%}" for one in states)),
        ("memory of an edge", *(f"{one.memory_gb:.1f} GB" for one in states)),
        ("streams to the servers on the database", *(f"{one.streams:,}" for one in states)),
        ("the same without placement", *(f"{one.unplaced_streams:,}" for one in states)),
        ("cores for these streams' changes", *(f"{one.core_busy:.2f}" for one in states)),
        ("cores for as many bookings, without the database", *(f"{one.booking_cores:.1f}" for one in states)),
        ("99 % back after the loss of one edge", *(f"{until(one, 0.99):.1f} s" for one, _ in lost)),
        ("99 % back after a restart of all at once", *(f"{until(every, 0.99):.1f} s" for _, every in lost)),
    ]


def main(
    *,
    viewers: Annotated[str, typer.Option(help="Numbers of viewers, separated by commas.")] = "1000000,10000000",
    output: Annotated[Path | None, typer.Option(help="Folder for scale.svg.")] = None,
) -> None:
    """Print the arithmetic for these viewers of 100,000 calendars, and draw their return."""
    costs = read_costs(DOCS / "bench.json")
    states = [steady(int(number), costs) for number in viewers.split(",")]
    table = Table("", *(f"{state.viewers:,} viewers" for state in states))
    for row in rows(states):
        table.add_row(*row)
    Console().print(table)
    ((output or DOCS) / "scale.svg").write_text(draw(panels(states)))


if __name__ == "__main__":
    typer.run(main)
