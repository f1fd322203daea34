"""Counts of answered requests and of the seconds they took, over HTTP and Socket.IO."""

from __future__ import annotations

from collections import Counter

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class RequestCounts:
    """The counts by request and code, and a histogram of the seconds. Only the loop's thread writes them."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str]] = Counter()
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0

    def count(self, name: str, code: str, seconds: float) -> None:
        """Count an answer. `name` is a route or a Socket.IO event, `code` is "ok" or the error's."""
        self.answers[name, code] += 1
        self.seconds += seconds
        bucket = next((index for index, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        self.buckets[bucket] += 1
