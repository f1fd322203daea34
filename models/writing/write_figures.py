"""The figures of the writers, for /metrics: how many commands a transaction has, how long it takes, and its wait."""

from __future__ import annotations

import threading

from models.contract.values.histogram import Histogram

SIZES = (1, 2, 5, 10, 20, 50)


class WriteFigures:
    """Shared by all writers of one database. A transaction that was rolled back counts too."""

    def __init__(self) -> None:
        self.sizes = Histogram(SIZES)  # commands of a transaction
        self.seconds = Histogram()  # from its begin to the end of its COMMIT
        self.lock_seconds = Histogram()  # of these, until it has its locks
        self._noting = threading.Lock()

    @property
    def histograms(self) -> tuple[Histogram, ...]:
        return self.sizes, self.seconds, self.lock_seconds

    def note(self, size: int, lock_seconds: float, seconds: float) -> None:
        """Note a transaction, from any thread."""
        with self._noting:
            self.sizes.observe(size)
            self.lock_seconds.observe(lock_seconds)
            self.seconds.observe(seconds)
