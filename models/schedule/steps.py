"""The bound on the work of expanding one schedule, so that nobody can occupy a thread with it for long."""

from __future__ import annotations

from models.contract.errors import BadRequest
from models.storage.cancellation import ITEMS_A_CHECK, current

# Some half a second. 32 windows on every day of the longest horizon take three quarters of it.
MOST_STEPS = 250_000


class Steps:
    """Counts the steps of one expansion: each date that a window or a rule looks at, and each slot that is cut.

    `take` raises BadRequest after MOST_STEPS, and Cancelled once the thread's read is cancelled.
    """

    __slots__ = ("_cancellation", "_next_check", "taken")

    def __init__(self) -> None:
        self.taken = 0
        self._cancellation = current()
        self._next_check = ITEMS_A_CHECK

    def take(self, count: int = 1) -> None:
        self.taken += count
        if self.taken > MOST_STEPS:
            raise BadRequest(
                f"The schedule takes more than {MOST_STEPS} steps to expand, one for each date and each slot;"
                " give its rules a later `from`, or have fewer windows.",
                field="windows",
                rule="steps",
                most=MOST_STEPS,
            )
        if self._cancellation is not None and self.taken >= self._next_check:
            self._next_check = self.taken + ITEMS_A_CHECK
            self._cancellation.check()
