"""Pending bookings: each expires at a time of its own, and is rejected then if staff have not answered.

The time is fixed when the booking becomes pending: `pending_seconds` later, and at the start of its slot at the latest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from peewee import SQL, Case

from models.contract.changes import Policy
from models.contract.values.time import SECOND
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind
from models.storage.tables import Booking, Slot
from models.transaction.transaction import Transaction

IS_PENDING = Booking.status == SQL("'pending'")  # a constant, so that the partial index is used
_start = Slot.select(Slot.start).where(Slot.id == Booking.slot)
_IS_WRONG = (IS_PENDING & (Booking.expires_at.is_null() | (Booking.expires_at > _start))) | (
    ~IS_PENDING & Booking.expires_at.is_null(False)  # noqa: FBT003 - Peewee's IS NOT NULL
)


def _bounding(by: Any) -> CompiledListQuery:
    right = {Booking.expires_at: Case(None, [(IS_PENDING, _start)], None)}
    return CompiledListQuery(lambda ids: Booking.update(right).where(by.in_(ids) & _IS_WRONG).returning(Booking.id))


_bound = {"slot": _bounding(Booking.slot), "booking": _bounding(Booking.id)}
_shift = CompiledQuery(
    Booking.update(
        {
            Booking.expires_at: Case(
                None,
                [((Booking.expires_at == bind("before")) | (Booking.expires_at > bind("start")), bind("start"))],
                Booking.expires_at,
            )
        }
    ).where((Booking.slot == bind("slot")) & IS_PENDING)
)


def expires_at(policy: Policy, start: int, now: int) -> int:
    """Return the time to expire of a booking pending from now on."""
    return start if policy.pending_seconds is None else min(start, now + policy.pending_seconds * SECOND)


def bound_by_start(transaction: Transaction, kind: Literal["slot", "booking"], ids: Sequence[str]) -> list[str]:
    """Let no pending booking with these ids, or of these slots, last past the start of its slot.

    A booking of an outside writer may have no time to expire at, and a slot may have been moved. Return the ids of the
    bookings with another time now.
    """
    bounded = _bound[kind]
    some = (ids[place : place + 256] for place in range(0, len(ids), 256))
    return [booking for part in some for (booking,) in bounded.rows(transaction.db, part)]


def shift(transaction: Transaction, slot: str, before: int, start: int) -> None:
    """Move the times to expire with the start of a slot."""
    _shift.execute(transaction.db, slot=slot, before=before, start=start)
