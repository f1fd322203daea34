"""A histogram for /metrics, of seconds unless its bounds say otherwise. Only one thread may write it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Histogram:
    """Counts of values, each up to one of the bounds or above all, and the sum of the values."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float] = BUCKETS) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, count: int = 1) -> None:
        self.sum += value * count
        self.counts[bisect_left(self._bounds, value)] += count

    @property
    def cumulative(self) -> list[tuple[str, float]]:
        """Return Prometheus' buckets: the upper bound, and the number of values up to it."""
        total, buckets = 0, []
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self.counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        return buckets
