"""The states of a booking, and the table of all moves between them.

A booking in a state of SEATED has its seats. A no-show has them too, unless its slot was removed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from models.contract.errors import InvalidTransition


class State(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    NO_SHOW = "no_show"


LIVE = frozenset({State.PENDING, State.CONFIRMED})
SEATED = LIVE | {State.NO_SHOW}


class Move(NamedTuple):
    """A move of a booking from one `of` some states. None as `to` leaves the booking in its state."""

    of: frozenset[State]
    to: State | None = None


MOVES: dict[str, Move] = {
    "confirm": Move(frozenset({State.PENDING}), State.CONFIRMED),
    "reject": Move(frozenset({State.PENDING}), State.REJECTED),
    "expire": Move(frozenset({State.PENDING}), State.REJECTED),
    "cancel": Move(LIVE, State.CANCELLED),
    "no_show": Move(frozenset({State.CONFIRMED}), State.NO_SHOW),
    "reinstate": Move(frozenset({State.NO_SHOW, State.CANCELLED, State.REJECTED}), State.CONFIRMED),
    "reschedule": Move(LIVE),
    "update": Move(LIVE),
    "change_seats": Move(LIVE),
}


def is_done(status: str, move: str) -> bool:
    """Say if the booking is in the state of the move's end already; raise InvalidTransition for a forbidden move."""
    wanted = MOVES[move]
    if status == wanted.to:
        return True
    if status not in wanted.of:
        raise InvalidTransition(f"The booking is {status}.", rule="status", status=status)
    return False
