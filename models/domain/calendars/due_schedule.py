"""Lets the scheduler look at a calendar's schedule again, after a change of its zone or of its being in use."""

from __future__ import annotations

from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.tables import StoredSchedule
from models.transaction.transaction import Transaction

_look_again = CompiledQuery(
    StoredSchedule.update({StoredSchedule.due_at: literal(0)}).where(StoredSchedule.calendar == bind("calendar"))
)


def look_again(transaction: Transaction, calendar: str) -> None:
    """Make the calendar's schedule due at once. The scheduler's next command gives it the right time."""
    _look_again.execute(transaction.db, calendar=calendar)
