"""The figures of a server: those of all its workers, each with the number of its process."""

from realtime.operators.server_figures import of_workers

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
