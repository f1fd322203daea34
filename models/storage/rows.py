"""The rows of the tables as named tuples, and the numbers of their states. Times are milliseconds since the epoch."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class SlotState(IntEnum):
    """OPEN and CLOSED change into each other. REMOVED is final; the row stays for clients with its id."""

    OPEN = 0
    CLOSED = 1
    REMOVED = 2


class Origin(IntEnum):
    """The origin of a slot. A schedule touches only its own slots."""

    MANUAL = 0
    SCHEDULE = 1


class HoldState(IntEnum):
    """An ACTIVE hold has seats. The other states are its end."""

    ACTIVE = 0
    BOOKED = 1
    RELEASED = 2
    EXPIRED = 3


class CalendarRow(NamedTuple):
    """A row in the order of the table's columns, like every row type here."""

    id: str
    name: str
    zone: str
    visibility: str
    booking: str
    policy: str
    archived: bool
    created_at: int
    seq: int
    nonce: str
    data: str | None = None


_SEQ = CalendarRow._fields.index("seq")  # the nonce follows it


def with_head(row: CalendarRow, seq: int, nonce: str) -> CalendarRow:
    """Return the row with another head. `_replace` takes three times as long, and each change needs it."""
    return CalendarRow._make((*row[:_SEQ], seq, nonce, *row[_SEQ + 2 :]))


class SlotRow(NamedTuple):
    """A slot, with the seat guard's answer in `bookable`.

    A `dropped` slot is in its schedule no more. It is closed, and is removed with its last booking. A `busy` slot
    overlaps an imported busy time. `overbooked` are the seats that staff have taken over its capacity.
    """

    id: str
    calendar: str
    start: int
    end: int
    capacity: int
    held: int
    booked: int
    blocked: int
    held_until: int | None
    state: int
    origin: int
    version: int
    data: str | None
    dropped: bool
    changed_at: int
    busy: int
    overbooked: int
    bookable: bool

    @property
    def remaining(self) -> int:
        """Return the seats neither held nor booked; none where the slot is overbooked."""
        return max(0, self.capacity - self.held - self.booked)


class FeedRow(NamedTuple):
    id: str
    calendar: str
    name: str
    scope: str
    created_at: int
    revoked: int


class HoldRow(NamedTuple):
    """A hold; `overridden` names the rules that staff passed over, with spaces between."""

    id: str
    calendar: str
    slot: str
    seats: int
    holder: str
    state: int
    created_at: int
    expires_at: int
    overridden: str = ""


class VerificationRow(NamedTuple):
    booking: str
    caller: str
    email: str
    tries: int
    mails: int
    mail_at: int | None
    created_at: int
    language: str = ""
    repeats: int = 0
    asked_at: int | None = None


class BookingRow(NamedTuple):
    """A booking. `booked_by` is the pseudonym of its caller, "" for staff and for outside writers.

    `overridden` is as with a hold. A pending booking expires at `expires_at`.
    """

    id: str
    calendar: str
    slot: str
    seats: int
    status: str
    name: str | None
    email: str | None
    phone: str | None
    note: str | None
    created_at: int
    version: int
    changed_at: int
    booked_by: str = ""
    data: str | None = None
    overridden: str = ""
    expires_at: int | None = None
