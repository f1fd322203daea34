"""The engine's counters."""

from realtime.engine import Counters
from realtime.engine.counters import SLOW


def test_slow_clients_are_counted_by_their_reason() -> None:
    """Other reasons do not count, and a reason that never happened is 0."""
    counters = Counters()
    counters.closed["transport close"] += 3
    assert counters.dropped_slow == 0
    counters.closed[SLOW] += 1
    assert counters.dropped_slow == 1
