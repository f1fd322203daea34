"""A read is cancelled from another thread, between two items or inside the database."""

import pytest

from models.storage.cancellation import ITEMS_A_CHECK, Cancellation, Cancelled, checked, current


def test_a_cancelled_read_stops_within_some_items() -> None:
    """The generator raises at its next check, and not later."""
    cancellation, seen = Cancellation(), 0

    def read() -> None:
        nonlocal seen
        for _ in checked(range(10 * ITEMS_A_CHECK)):
            seen += 1
            cancellation.cancel()

    with cancellation.running(), pytest.raises(Cancelled):
        read()
    assert seen == ITEMS_A_CHECK
    assert current() is None


def test_only_the_running_statement_is_interrupted() -> None:
    """A cancellation before the statement keeps it from running, and one after it reaches no other read."""
    interrupts: list[str] = []
    early, late = Cancellation(), Cancellation()
    early.cancel()
    with pytest.raises(Cancelled), early.interruptible(lambda: interrupts.append("early")):
        interrupts.append("ran")
    with late.interruptible(lambda: interrupts.append("late")):
        pass
    late.cancel()
    assert interrupts == []
