"""The figures of a server: those of all its workers, each with the number of its process."""

from typing import Any

from models.contract.server_answers import ToldFigures
from realtime.operators.server_figures import Heard, of_workers, rows_of, told_of

FIRST = b"""# HELP slotcast_connections Open connections.
# TYPE slotcast_connections gauge
slotcast_connections{transport="websocket"} 3.0
# HELP slotcast_changes_total Changes sent to rooms.
# TYPE slotcast_changes_total counter
slotcast_changes_total 7.0
"""
SECOND = FIRST.replace(b"3.0", b"1.0")


def test_workers_are_told_apart() -> None:
    """A figure keeps its labels and gets the worker's number; a worker without an answer is not counted."""
    answer = of_workers({2: SECOND, 0: FIRST})
    assert answer["workers"] == 2
    connections = [one for one in answer["figures"] if one["name"] == "slotcast_connections"]
    assert connections == [
        {"name": "slotcast_connections", "labels": {"transport": "websocket", "worker": "0"}, "value": 3.0},
        {"name": "slotcast_connections", "labels": {"transport": "websocket", "worker": "2"}, "value": 1.0},
    ]
    assert {one["name"] for one in answer["figures"]} == {"slotcast_connections", "slotcast_changes_total"}


def _told(name: str, place: str, **sums: Any) -> ToldFigures:
    figures = [
        {"name": "slotcast_connections", "labels": {"transport": "websocket"}, "value": float(sums.get("sockets", 0))},
        {"name": "slotcast_connections", "labels": {"transport": "polling"}, "value": 1.0},
        {"name": "slotcast_connections_closed_total", "labels": {"reason": "slow"}, "value": 3.0},
        {"name": "slotcast_connections_closed_total", "labels": {"reason": "left"}, "value": 9.0},
        {"name": "slotcast_start_time_seconds", "labels": {}, "value": float(sums.get("started", 5))},
        {"name": "slotcast_leader", "labels": {}, "value": float(sums.get("leads", 0))},
    ]
    return told_of(figures, place=place, name=name)


def test_processes_of_one_place_are_one_server() -> None:
    """A row has the sums of its workers, the earliest start, and the age of its oldest figures; rows go by name."""
    one, two = _told("b:80", "here", sockets=4, started=7), _told("b:80", "here", sockets=2, leads=1)
    rows = rows_of([Heard(one, 0.1), Heard(_told("a:80", "there"), 0.2), Heard(two, 4.0)])
    assert [(row["name"], row["workers"], row["connections"], row["slow"]) for row in rows] == [
        ("a:80", 1, 1, 3),
        ("b:80", 2, 8, 6),
    ]
    assert (rows[1]["started_at"], rows[1]["is_leader"]) == ("1970-01-01T00:00:05Z", True)
    assert rows[1]["told_at"] < rows[0]["told_at"]


def test_two_servers_with_one_name_are_two() -> None:
    """Copied machines have the same name, and each has a row."""
    assert len(rows_of([Heard(_told("a:80", "here"), 0.0), Heard(_told("a:80", "there"), 0.0)])) == 2
