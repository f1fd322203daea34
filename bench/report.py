"""The results: a table in the terminal, and JSON beside the docs."""

from __future__ import annotations

import json
import platform
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figure import Numbers, Size, json_of
from bench.goal import GOALS, Bound, Goal, Rows, Verdict, judge, median, values
from bench.peer import NCHAN, NODE, OURS, STOCK

SHORT = {OURS: "Slotcast", NODE: "Node", STOCK: "stock", NCHAN: "Nchan"}


def title_of(goal: Goal, size: Size) -> str:
    return goal.title.format(**{name: f"{count:,}" for name, count in json_of(size).items()})


def written(value: float) -> str:
    """Return a number with three significant figures."""
    if value >= 1_000_000:
        return f"{value / 1e6:.2f} M"
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _bound(verdict: Verdict, goal: Goal) -> str:
    sign = "≥" if goal.is_more_better else "≤"
    bound = verdict.bound
    color = "green" if verdict.is_aim_met else "yellow" if verdict.is_met else "red"
    of = f" × {SHORT[bound.of]}" if bound.of else f" {goal.unit}".rstrip()
    aim = f"; {bound.aim:g}" if bound.aim is not None else ""
    return f"[{color}]{written(verdict.value)}{of}[/] ({sign} {bound.must:g}{aim})"


def show(rows: Rows, peers: list[str], size: Size, console: Console) -> None:
    table = Table(title="Medians; the server on one core, the load on the other")
    table.add_column("figure", min_width=26)
    for peer in peers:
        table.add_column(SHORT[peer], justify="right", no_wrap=True)
    table.add_column("ours (must; aim)", no_wrap=True)
    for goal in GOALS:
        found = [median(values(rows, goal, peer)) for peer in peers]
        if found[0] is None:
            continue
        cells = ["" if value is None else f"{written(value)} {goal.unit}".rstrip() for value in found]
        judged = "\n".join(_bound(verdict, goal) for verdict in judge(rows, goal))
        table.add_row(title_of(goal, size), *cells, judged)
    console.print(table)


def tell(measurement: str, rounds: list[Numbers]) -> None:
    """Print every figure of one measurement, and those of the table with their bounds."""
    console = Console()
    for name in sorted(rounds[0]):
        found = [row[name] for row in rounds if name in row]
        console.print(f"{name}: {written(median(found) or 0)}  ({', '.join(map(written, found))})")
    show({(measurement, OURS): rounds}, [OURS], Size(), console)


def collect(
    rows: Rows, peers: list[str], size: Size, *, notes: list[str], book: dict[str, Any] | None
) -> dict[str, Any]:
    """Return everything, round by round."""
    return {
        "machine": _machine(),
        "notes": notes,
        "size": json_of(size),
        "figures": [_figure(goal, rows, peers, size) for goal in GOALS],
        "rounds": {f"{measurement} · {peer}": found for (measurement, peer), found in rows.items()},
        "book": book,
    }


def _figure(goal: Goal, rows: Rows, peers: list[str], size: Size) -> dict[str, Any]:
    return {
        "title": title_of(goal, size),
        "unit": goal.unit,
        "medians": {peer: round(value, 3) for peer in peers if (value := median(values(rows, goal, peer))) is not None},
        "bounds": [
            {
                "of": verdict.bound.of,
                "must": verdict.bound.must,
                "aim": verdict.bound.aim,
                "value": round(verdict.value, 3),
                "must_met": verdict.is_met,
                "aim_met": verdict.is_aim_met,
            }
            for verdict in judge(rows, goal)
        ],
    }


def markdown(result: dict[str, Any]) -> str:
    """Write the table of the figures, as `collect` returns them, for docs/bench.md. The bounds are those of today."""
    lines = ["| figure | Slotcast | beside | must; aim | |", "| --- | --- | --- | --- | --- |"]
    medians = {figure["title"]: figure["medians"] for figure in result["figures"]}
    for goal in GOALS:
        title = title_of(goal, Size(**result["size"]))
        found = medians.get(title, {})
        if OURS not in found:
            continue
        rows: Rows = {(goal.measurement, peer): [{goal.number: value}] for peer, value in found.items()}
        verdicts = judge(rows, goal)
        beside = ", ".join(f"{written(one.value)} of {SHORT[one.bound.of]}" for one in verdicts if one.bound.of)
        bounds = " and ".join(f"{one.bound.must:,}{_aim(one.bound)}" for one in verdicts)
        lines.append(
            f"| {title} | {written(found[OURS])} {goal.unit}".rstrip() + f" | {beside} | {bounds} | {_said(verdicts)} |"
        )
    return "\n".join(lines)


def _aim(bound: Bound) -> str:
    return "" if bound.aim is None else f"; {bound.aim:,}"


def _said(verdicts: list[Verdict]) -> str:
    if not all(verdict.is_met for verdict in verdicts):
        return "**missed**"
    aimed = [verdict for verdict in verdicts if verdict.bound.aim is not None]
    if not aimed:
        return "met" if verdicts else ""
    return "aim met" if all(verdict.is_aim_met for verdict in aimed) else "met; aim missed"


def _machine() -> dict[str, str]:
    def said(*command: str) -> str:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return (done.stdout or done.stderr).strip()

    info = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "")
    return {
        "processor": f"{model or platform.machine()}, 2 cores used",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "node": said("node", "--version"),
        "nginx": said("nginx", "-v").rpartition("/")[2],
    }


def write(result: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
