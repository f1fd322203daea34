"""How much one client may ask: a token bucket each, so that nobody's loop is everybody's outage."""

from __future__ import annotations

import time
from collections import OrderedDict

from models.errors import RateLimited

_MOST_CLIENTS = 10_000


class Bucket:
    """`rate` requests a second, `burst` of them at once. A rate of 0 is no limit."""

    __slots__ = ("_at", "_left", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._left = burst
        self._at = time.monotonic()

    def take(self) -> None:
        """RateLimited, with the seconds to wait, if there is nothing left."""
        if not self.rate:
            return
        now = time.monotonic()
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            raise RateLimited(retry_after=round((1 - self._left) / self.rate, 3))
        self._left -= 1


class Buckets:
    """A bucket for each client by name; those not seen for longest are forgotten, full as they are by then."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, client: str) -> None:
        """RateLimited if this client asks too much."""
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = Bucket(self._rate, self._burst)
            if len(self._buckets) > _MOST_CLIENTS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(client)
        bucket.take()
