"""Ends a read from another thread: the database is interrupted, and Python code stops at its next checkpoint."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

ITEMS_A_CHECK = 256  # some 2 ms of work on slots

_running = threading.local()


class Cancelled(Exception):
    """The caller does not wait for the result any more."""


class Cancellation:
    """The handle of one read: the reading thread runs it, any other thread may cancel it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None
        self.is_cancelled = False

    def cancel(self) -> None:
        """End the read. A PostgreSQL connection is interrupted over the network, so this may block."""
        with self._lock:  # otherwise the interrupt could end the thread's next read
            self.is_cancelled = True
            if self._interrupt is not None:
                self._interrupt()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Make this the calling thread's read."""
        _running.cancellation = self
        try:
            yield
        finally:
            _running.cancellation = None

    @contextmanager
    def interruptible(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Let `cancel` call `interrupt` inside this block."""
        with self._lock:
            self._interrupt = interrupt
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._interrupt = None

    def check(self) -> None:
        if self.is_cancelled:
            raise Cancelled


def current() -> Cancellation | None:
    """Return the read that the calling thread runs; None for a thread whose reads nobody cancels."""
    found: Cancellation | None = getattr(_running, "cancellation", None)
    return found


def checked(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and raise Cancelled between two of them once the read is cancelled."""
    cancellation = current()
    for place, item in enumerate(items):
        if cancellation is not None and not place % ITEMS_A_CHECK:
            cancellation.check()
        yield item


def blocks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the items in blocks, and raise Cancelled between two of them once the read is cancelled."""
    cancellation = current()
    for place in range(0, len(items), ITEMS_A_CHECK):
        if cancellation is not None:
            cancellation.check()
        yield items[place : place + ITEMS_A_CHECK]
