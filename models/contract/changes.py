"""The public data and their changes: the slot, the calendar's info, the change, and their one encoding.

The encoding is the wire's. It is made once, in the transaction of the change, and stored in the log. Later it only
gets a prefix. Every type here is an allow-list; no field of a customer can get in.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

SLOTS_A_CHANGE = 200
NAME_CHARACTERS = 200  # of a calendar
PLACE_CHARACTERS = 200
MOST_QUESTIONS = 10  # of a calendar
QUESTIONS_BYTES = 4_096  # of their JSON
LABEL_CHARACTERS = 120  # of a question or a choice
ANSWER_CHARACTERS = 1_000
CUSTOMER_CHARACTERS = {"name": 200, "email": 254, "phone": 40, "note": 2_000}
_SEQ_DIGITS = 18  # 64 bits
_CURSOR_CHARACTERS = 64


class Type(StrEnum):
    """The type of a change; also the name of its Socket.IO event."""

    SLOT_OPENED = "slot.opened"
    SLOT_HELD = "slot.held"
    SLOT_RELEASED = "slot.released"
    SLOT_EXPIRED = "slot.expired"
    SLOT_BOOKED = "slot.booked"
    SLOT_CANCELLED = "slot.cancelled"
    SLOT_RESCHEDULED = "slot.rescheduled"
    SLOT_UPDATED = "slot.updated"
    SLOT_CLOSED = "slot.closed"
    SLOT_REOPENED = "slot.reopened"
    SLOT_REMOVED = "slot.removed"
    SCHEDULE_CHANGED = "schedule.changed"
    BOOKING_UPDATED = "booking.updated"
    CALENDAR_UPDATED = "calendar.updated"
    CALENDAR_ARCHIVED = "calendar.archived"
    CALENDAR_RESTORED = "calendar.restored"


class Slot(Struct, kw_only=True):
    """A slot as everyone may see it. `version` is the seq of its last change; times are RFC 3339."""

    id: str
    start: str
    end: str
    capacity: int
    held: int
    held_until: str | UnsetType = UNSET
    remaining: int
    status: Literal["open", "held", "booked", "closed"]
    bookable: bool
    version: int
    data: Raw | UnsetType = UNSET


class Question(Struct, kw_only=True, frozen=True):
    """A question of a calendar to its customers. Without choices the answer is a text."""

    label: str
    required: bool = False
    choices: list[str] = []


class Policy(Struct, kw_only=True, frozen=True):
    """A calendar's rules; durations in seconds. The default refuses nothing but the past."""

    hold_seconds: int = 300
    min_notice: int = 0
    max_advance: int | None = None
    cancel_notice: int = 0
    buffer_before: int = 0
    buffer_after: int = 0
    overlap: Literal["allow", "reject"] = "allow"
    max_holds: int = 10
    confirmation: Literal["none", "staff"] = "none"
    max_bookings: int | None = None
    max_bookings_per_day: int | None = None
    pending_seconds: int | None = None
    place: str | None = None
    phone: Literal["off", "optional", "required"] = "off"
    questions: list[Question] = []
    verification: Literal["none", "email", "proof"] = "none"

    @property
    def rejects_overlap(self) -> bool:
        """Whether a taken slot keeps its neighbours from being taken; a buffer means as much."""
        return self.overlap == "reject" or self.buffer_before > 0 or self.buffer_after > 0


class Info(Struct, kw_only=True, frozen=True):
    """A calendar as its viewers may see it."""

    id: str
    name: str
    zone: str
    visibility: Literal["public", "private"]
    booking: Literal["anyone", "token"]
    policy: Policy
    archived: bool
    data: Any = UNSET


class Change(Struct, kw_only=True):
    """One thing that happened to one calendar, whole. `seq` is gapless within the calendar."""

    calendar: str
    seq: int
    prev: int
    cursor: str
    at: str
    type: str
    slots: list[Slot]
    removed: list[str]
    info: Info | UnsetType = UNSET
    tx: str | UnsetType = UNSET


class Customer(Struct, kw_only=True):
    """The customer of a booking, for staff and for its holder only."""

    name: str
    email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    note: str | UnsetType = UNSET


class Booking(Struct, kw_only=True):
    """A booking as staff see it, to be upserted by `version`. An erased customer is null.

    `overridden` names the rules that staff passed over for its seats, `expires_at` the end of a pending one. `start`
    and `end` are the times of its slot: in the answer of `booking.get`, and for a removed slot (`slot_removed`).
    """

    id: str
    calendar: str
    slot: str
    seats: int
    status: Literal["pending", "confirmed", "cancelled", "rejected", "no_show"]
    customer: Customer | None
    created_at: str
    version: int
    data: dict[str, Any] | UnsetType = UNSET
    overridden: list[str] | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    start: str | UnsetType = UNSET
    end: str | UnsetType = UNSET
    slot_removed: bool | UnsetType = UNSET


class ListedBooking(Booking, kw_only=True):
    """A booking of a list, with the times of its slot and of its own last change."""

    start: str
    end: str
    updated_at: str


ACCESS_CALENDAR = ""  # of the rows of the log that say that rights have changed


class Logged(NamedTuple):
    """A row of the change log: the encoded change, and beside it the parts that must not be in it.

    `follows` is the nonce before this row. It is "" if an older program wrote the row and had forgotten the one before.
    """

    calendar: str
    seq: int
    nonce: str
    follows: str
    type: str
    body: bytes
    bookings: tuple[str, ...] = ()

    @property
    def cursor(self) -> str:
        return write_cursor(self.seq, self.nonce)


class Cursor(NamedTuple):
    """A place in one calendar's history."""

    seq: int
    nonce: str


class SlotKey(Struct):
    """The part of a public slot by which a replica stores it."""

    id: str
    start: str
    end: str


class Applied(Struct):
    """The part of a change for a replica. Its slots stay encoded."""

    slots: list[Raw]
    removed: list[str]
    info: Info | None = None


_encoder = msgspec.json.Encoder()
_applied = msgspec.json.Decoder(Applied)
_slot_key = msgspec.json.Decoder(SlotKey)


def encode(thing: Any) -> bytes:
    """The wire's JSON of anything here."""
    return _encoder.encode(thing)


def decode_applied(body: bytes) -> Applied:
    """Decode the part of a change for a replica."""
    return _applied.decode(body)


def decode_slot_key(body: bytes | Raw) -> SlotKey:
    """Decode the part of a slot by which a replica stores it."""
    return _slot_key.decode(body)


def with_bookings(body: bytes, bookings: list[Booking], gone: Sequence[str] = ()) -> bytes:
    """Return an encoded change in the form for staff: with its bookings as they are now.

    A booking that has moved to another calendar comes without its customer, for that calendar's staff only. `gone` are
    ids of deleted bookings: the service deletes none, but other programs may.
    """
    here = body[: body.index(b",")]
    told = [
        booking
        if here == b'{"calendar":"%b"' % booking.calendar.encode()
        else replace(booking, customer=None, data=UNSET)
        for booking in bookings
    ]
    tail = b',"bookings_gone":%b' % _encoder.encode(list(gone)) if gone else b""
    return b'%b,"bookings":%b%b}' % (body[:-1], _encoder.encode(told), tail)


def write_cursor(seq: int, nonce: str) -> str:
    return f"{seq}.{nonce}"


def read_cursor(text: str) -> Cursor:
    """Return the parts of a cursor; ValueError for a text that no server has written."""
    head, dot, nonce = text.partition(".")
    is_number = head.isascii() and head.isdigit() and len(head) <= _SEQ_DIGITS
    if not dot or not nonce or not is_number or len(text) > _CURSOR_CHARACTERS:
        message = "a cursor is sent back as it came, like 42.Zm9vYmFy"
        raise ValueError(message)
    return Cursor(int(head), nonce)
