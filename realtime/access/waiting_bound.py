"""The number of commands that may wait for the writer, and the early refusal of the others.

A refusal on arrival costs a tenth of one by the writer, so an overloaded server spends its time on answers. The number
is a window that follows the wait, as the congestion window of TCP does: it shrinks once commands wait for too long, and
grows while they don't. So the queue is bounded by time, and not by a count.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from models.contract.errors import Overloaded

TARGET_SHARE = 0.5  # of the longest wait; the rest is for the way from the writer to the client
LEAST_WINDOW = 150  # commands: some batches, so that the writer is never idle
FIRST_WINDOW = 500
MOST_WINDOW = 5_000
READ_SHARE = 0.8  # of the window: below it clients who ignore refusals are read
IGNORING_SHARE = 0.9  # of the window: from there on their claims are refused; the rest is for the others
SHRINK = 0.8  # once in each wait that is too long
GROWTH = 0.1  # for each answer in time, while the window is full
LEAST_RETRY_SECONDS, MOST_RETRY_SECONDS = 0.5, 6.0  # the bundled client gives up if it has to wait for 10 s
_PERIOD_SECONDS = 0.5


class WaitingBound:
    """Counts commands and their answers. `max_wait_seconds` is 0 if nothing is to be refused."""

    def __init__(self, max_wait_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = max_wait_seconds
        self._clock = clock
        self._window = float(FIRST_WINDOW)
        self._is_full = False  # since the last answers
        self._shrunk_at = float("-inf")
        self._moved_at = 0.0  # the time of the last answers, or of the first command after all answers
        self._period_began = clock()
        self._done = self._refused = 0  # in this period
        self._load = 1.0  # commands that came for each one done, in the last period
        self.under_way = 0

    def asked(self) -> None:
        if not self.under_way:
            self._moved_at = self._clock()
        self.under_way += 1

    def answered(self, done: int, refused: int, waited: float = 0.0) -> None:
        """Count answers that came at once: commands that were run, and those that had waited too long.

        `waited` is the longest time of the former from its request to the writer's answer.
        """
        now = self._clock()
        self._moved_at = now
        if (waited or refused) and self._most:
            self._adapt(now, done, self._most if refused else waited)
        self.under_way -= done + refused
        self._done += done
        self._refused += refused
        self._end_period(now)

    def _adapt(self, now: float, done: int, waited: float) -> None:
        if waited > TARGET_SHARE * self._most:
            if now - self._shrunk_at > waited:  # the commands since the last time had the smaller window
                self._window = max(LEAST_WINDOW, SHRINK * min(self._window, self.under_way))
                self._shrunk_at = now
        elif self._is_full:
            self._is_full = False
            self._window = min(MOST_WINDOW, self._window + GROWTH * done)

    @property
    def standstill_seconds(self) -> float:
        """Return how long commands have waited without any answer; 0 if none waits."""
        return self._clock() - self._moved_at if self.under_way else 0.0

    @property
    def is_standing(self) -> bool:
        """Whether no command was answered for as long as one may wait."""
        return self.standstill_seconds > self._most

    @property
    def is_too_long(self) -> bool:
        """Whether a command that comes now would wait too long."""
        return self.is_beyond(1.0)

    def is_beyond(self, share: float, waiting: int = 0) -> bool:
        """Whether the commands under way, and so many before them, fill this share of the window, or stand still."""
        if not self._most or not self.under_way:
            return False
        if self.under_way + waiting >= share * self._window:
            self._is_full = True
            return True
        return self.is_standing

    def is_late(self, since: float) -> bool:
        """Whether a command that has waited since then can't be done in time any more."""
        return bool(self._most) and self._clock() - since > TARGET_SHARE * self._most

    def read_room(self, waiting: int = 0) -> float:
        """Return the number of commands that clients who ignore refusals may bring, besides so many that wait."""
        return 0.0 if self.is_standing else max(0.0, READ_SHARE * self._window - self.under_way - waiting)

    def refusal(self, count: int = 1) -> Overloaded:
        """Count commands that are refused on arrival, and return their refusal."""
        self._refused += count
        self._end_period(self._clock())
        return Overloaded(retry_after=self.retry_seconds())

    def retry_seconds(self) -> float:
        """Return the time after which a refused client may come again.

        It grows with the load, and it is random: else all clients would come again together.
        """
        longest = min(max(self._load, 2 * LEAST_RETRY_SECONDS), MOST_RETRY_SECONDS)
        return round(random.uniform(longest / 2, longest), 3)  # noqa: S311 - no secret

    def _end_period(self, now: float) -> None:
        if now - self._period_began >= _PERIOD_SECONDS:
            self._load = 1 + self._refused / max(self._done, 1)
            self._period_began, self._done, self._refused = now, 0, 0
