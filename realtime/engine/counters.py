"""Counts the engine's connections and packets for /metrics. Plain numbers: no lock, no label lookup on a write."""

from collections import Counter

SLOW = "slow"  # the reason of a client that did not read


class Counters:
    """Totals since the start, and the number of open connections."""

    __slots__ = (
        "accepted",
        "bytes_out",
        "closed",
        "open_polling",
        "open_websocket",
        "packets_out",
        "refused",
    )

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self.packets_out = 0
        self.bytes_out = 0
        self.open_polling = 0
        self.open_websocket = 0
        self.closed: Counter[str] = Counter()

    @property
    def dropped_slow(self) -> int:
        """Return the number of clients disconnected because they did not read."""
        return self.closed[SLOW]
