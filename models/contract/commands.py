"""What can be asked of the book: imperative, frozen, picklable. Whoever asks comes with it.

A command holds no times of its own but those of the slots it speaks of, and `received`: when the request arrived.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from models.contract.changes import Customer
from models.contract.principal import ANONYMOUS, Principal

GUEST_KEY_LENGTH = 22  # characters: what a random 128-bit key has in base64url


class Command(Struct, frozen=True, kw_only=True):
    """One thing asked. `key` makes it happen once however often it is sent; `received` is in milliseconds."""

    # Stored idempotency records have fingerprints of commands in which the field has its former name.
    principal: Principal = msgspec.field(default=ANONYMOUS, name="asker")
    key: str = ""
    received: int = 0


class CreateCalendar(Command, frozen=True, kw_only=True):
    """Policy fields are the wire's, durations in seconds."""

    calendar: str
    name: str
    zone: str
    visibility: Literal["public", "private"] = "public"
    booking: Literal["anyone", "token"] = "anyone"
    policy: dict[str, Any] = {}


class UpdateCalendar(Command, frozen=True, kw_only=True):
    """What is unset stays as it is; `policy` is merged."""

    calendar: str
    name: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    visibility: Literal["public", "private"] | UnsetType = UNSET
    booking: Literal["anyone", "token"] | UnsetType = UNSET
    policy: dict[str, Any] = {}


class ArchiveCalendar(Command, frozen=True, kw_only=True):
    calendar: str


class NewSlot(Struct, frozen=True, kw_only=True):
    """A slot to be opened, `[start, end)` in milliseconds; `data` is JSON for the public."""

    start: int
    end: int
    capacity: int = 1
    data: bytes | None = None


class OpenSlots(Command, frozen=True, kw_only=True):
    """At most 200 at once."""

    calendar: str
    slots: tuple[NewSlot, ...]


class UpdateSlot(Command, frozen=True, kw_only=True):
    slot: str
    start: int | UnsetType = UNSET
    end: int | UnsetType = UNSET
    capacity: int | UnsetType = UNSET
    data: bytes | UnsetType | None = UNSET
    if_version: int | None = None


class CloseSlot(Command, frozen=True, kw_only=True):
    slot: str
    if_version: int | None = None


class ReopenSlot(Command, frozen=True, kw_only=True):
    slot: str
    if_version: int | None = None


class RemoveSlot(Command, frozen=True, kw_only=True):
    slot: str
    if_version: int | None = None


class HeldSeat(Struct, frozen=True, kw_only=True):
    """A hold, and the proof that it is the asker's."""

    id: str
    token: str


class HoldSlot(Command, frozen=True, kw_only=True):
    slot: str
    seats: int = 1


class ExtendHold(Command, frozen=True, kw_only=True):
    hold: HeldSeat


class ReleaseHold(Command, frozen=True, kw_only=True):
    hold: HeldSeat


class BookSlot(Command, frozen=True, kw_only=True):
    """With `hold`, its seats unless fewer are named; without, one seat unless more are named."""

    slot: str
    customer: Customer
    seats: int | None = None
    hold: HeldSeat | None = None
    if_still_free: bool = False


class CancelBooking(Command, frozen=True, kw_only=True):
    """`token` is the booking's; staff of its calendar need none."""

    booking: str
    token: str = ""


class StaffOnBooking(Command, frozen=True, kw_only=True):
    """What the staff of its calendar do with a booking."""

    booking: str


class ConfirmBooking(StaffOnBooking, frozen=True, kw_only=True):
    """Pending becomes confirmed."""


class RejectBooking(StaffOnBooking, frozen=True, kw_only=True):
    """Pending becomes rejected, and its seats are free."""


class MarkNoShow(StaffOnBooking, frozen=True, kw_only=True):
    """Nobody came."""


class ReinstateBooking(StaffOnBooking, frozen=True, kw_only=True):
    """Takes MarkNoShow back."""


class EraseCustomer(StaffOnBooking, frozen=True, kw_only=True):
    """Forgets who booked; the booking stands."""


class RescheduleBooking(Command, frozen=True, kw_only=True):
    """Moves a booking to `slot`, with its seats; `token` is the booking's, staff of its calendar need none.

    With `hold`, which is the asker's own on that slot, its seats.
    """

    booking: str
    slot: str
    token: str = ""
    hold: HeldSeat | None = None


class ExpireHolds(Command, frozen=True, kw_only=True):
    """Asked by the clock: gives back the seats of the calendar's holds that have run out."""

    calendar: str


class SetSchedule(Command, frozen=True, kw_only=True):
    """The calendar's opening hours, as the wire has them; with `preview`, nothing is done."""

    calendar: str
    schedule: dict[str, Any]
    preview: bool = False


class FillHorizon(Command, frozen=True, kw_only=True):
    """Asked by the clock: opens the slots of the days that have come within the schedule's horizon."""

    calendar: str


class TrimLog(Command, frozen=True, kw_only=True):
    """Asked by the clock: forgets changes and receipts that are older than the settings keep."""

    calendar: str


class TakeOutside(Command, frozen=True, kw_only=True):
    """Asked when other writers have touched the calendar's rows: appends to the log what that led to."""

    calendar: str


class RepairCalendar(Command, frozen=True, kw_only=True):
    """Asked by an audit: sets right what it has found, (kind, id) each."""

    calendar: str
    wrong: tuple[tuple[str, str], ...]


CalendarCommand = (
    CreateCalendar
    | UpdateCalendar
    | ArchiveCalendar
    | OpenSlots
    | SetSchedule
    | FillHorizon
    | ExpireHolds
    | TrimLog
    | TakeOutside
    | RepairCalendar
)
SlotCommand = UpdateSlot | CloseSlot | ReopenSlot | RemoveSlot | HoldSlot | BookSlot
HoldCommand = ExtendHold | ReleaseHold
BookingCommand = CancelBooking


class Answer(Struct, frozen=True, kw_only=True):
    """What a command did: `result` as the wire's JSON object, tokens in it; where the calendar stands after it."""

    calendar: str
    seq: int
    cursor: str
    result: bytes


class WithToken(Struct, frozen=True, kw_only=True):
    """A question about one booking, by whoever has its token or is its calendar's staff."""

    principal: Principal
    booking: str
    token: str = ""
