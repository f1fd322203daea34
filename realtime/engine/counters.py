"""What the engine counts, for /metrics to read. Plain numbers: no lock, no label lookup on a write."""

from collections import Counter


class Counters:
    """Totals since the start, and how many connections are open now."""

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
        """Clients that were cut off because they did not read."""
        return self.closed[SLOW]


SLOW = "slow"
