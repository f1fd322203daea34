"""What each request is answered with: the shapes of the answers, for the schemas and the tests to hold the wire to.

The book and the wire write these as bytes, once; nothing is built from the types here while the server runs.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

from models.contract.changes import Booking, Change, Info, Slot
from models.service import Schedule

# What happened to a booking's seats.
Status = Literal["pending", "confirmed", "cancelled", "rejected", "no_show"]


class StaffChange(Change, kw_only=True):
    """A change as staff get it: its bookings are joined as they are when it is sent.

    `bookings_gone` are ids of bookings that are in the database no more.
    """

    bookings: list[Booking]
    bookings_gone: list[str] | UnsetType = UNSET


class Snapshot(Struct, kw_only=True):
    """A window of a calendar as of `seq`; it replaces whatever its reader has."""

    info: Info
    slots: list[Slot]
    seq: int
    cursor: str
    from_: str = msgspec.field(name="from")
    to: str
    server_time: str
    bookings: list[Booking] | UnsetType = UNSET


class Resumption(Struct, kw_only=True):
    """What followed a cursor, in order; staff's changes have their bookings."""

    info: Info
    changes: list[Change]
    seq: int
    cursor: str
    server_time: str


class SnapshotAnswer(Snapshot, kw_only=True):
    mode: Literal["snapshot"]


class ResumedAnswer(Resumption, kw_only=True):
    mode: Literal["resumed"]


class Poll(Struct, kw_only=True):
    """A long poll's answer; `more` says that there is more to be had at once."""

    changes: list[Change]
    seq: int
    cursor: str
    more: bool
    server_time: str


class Hold(Struct, kw_only=True):
    """A hold as its holder sees it. The token is the proof that it is theirs."""

    id: str
    slot: str
    seats: int
    expires_at: str
    token: str


class EndedHold(Struct, kw_only=True):
    """A hold that was released."""

    id: str
    slot: str
    seats: int
    expires_at: str


class OwnBooking(Struct, kw_only=True):
    """What the one who booked is told. The token is the proof that it is theirs."""

    id: str
    calendar: str
    slot: str
    seats: int
    status: Status
    token: str


class BookingOutcome(Struct, kw_only=True):
    """A booking as it is after a request about it; whoever asks has its token, or needs none."""

    id: str
    calendar: str
    slot: str
    seats: int
    status: Status


class Nothing(Struct, kw_only=True):
    """Only that it was done."""


class Moved(Struct, kw_only=True):
    """Every mutation says where its calendar stands after it."""

    cursor: str


class HoldAnswer(Moved, kw_only=True):
    hold: Hold


class EndedHoldAnswer(Moved, kw_only=True):
    hold: EndedHold


class OwnBookingAnswer(Moved, kw_only=True):
    booking: OwnBooking


class BookingOutcomeAnswer(Moved, kw_only=True):
    booking: BookingOutcome


class Left(Struct, kw_only=True):
    """The calendar that a booking has moved away from, and where that one stands after it."""

    calendar: str
    cursor: str


class RescheduledAnswer(BookingOutcomeAnswer, kw_only=True):
    """`cursor` is of the booking's calendar; `left` is there where that was another one before."""

    left: Left | UnsetType = UNSET


class InfoAnswer(Moved, kw_only=True):
    info: Info


class ScheduleWarning(Struct, kw_only=True):
    """What was done, or would be, and may not be meant: so many slots, the first of them from `start` to `end`."""

    rule: Literal["overlap"]
    message: str
    count: int
    start: str
    end: str


class ScheduleAnswer(Moved, kw_only=True):
    """How many slots the new opening hours open, remove and change; and those left alone, as they are taken."""

    opened: int
    removed: int
    updated: int
    kept: list[Slot]
    warnings: list[ScheduleWarning] | UnsetType = UNSET


class SlotAnswer(Moved, kw_only=True):
    slot: Slot


class SlotsAnswer(Moved, kw_only=True):
    slots: list[Slot]


class BookingAnswer(Struct, kw_only=True):
    booking: Booking


class BookingsAnswer(Struct, kw_only=True):
    """The bookings of the window from `from` to `to`, which ends before the one asked for where there are too many."""

    bookings: list[Booking]
    from_: str = msgspec.field(name="from")
    to: str


class CalendarAnswer(Struct, kw_only=True):
    info: Info


class CalendarsAnswer(Struct, kw_only=True):
    calendars: list[Info]


class ScheduleRead(Struct, kw_only=True):
    """The opening hours as they were set; null where none were."""

    schedule: Schedule | None


class Rule(Struct, kw_only=True):
    """Whether one rule lets the asker take the slot: its code and message where it does not, and its numbers."""

    rule: str
    ok: bool
    code: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    booking: Literal["anyone", "token"] | UnsetType = UNSET
    min_notice: int | UnsetType = UNSET
    max_advance: int | UnsetType | None = UNSET
    max_holds: int | UnsetType = UNSET
    holds: int | UnsetType = UNSET
    capacity: int | UnsetType = UNSET
    remaining: int | UnsetType = UNSET


class Explanation(Struct, kw_only=True):
    """Why the asker can or can't take a slot, rule by rule, in the order in which they are asked."""

    bookable: bool
    rules: list[Rule]


class LinkAnswer(Struct, kw_only=True):
    """A guest's token for one calendar, to be put after `/c/<calendar>#token=`, and when it ends."""

    token: str
    expires_at: str


class TicketAnswer(Struct, kw_only=True):
    ticket: str
    expires_at: str


class StatusAnswer(Struct, kw_only=True):
    status: str


class Error(Struct, kw_only=True):
    """Why a request was refused; `details` names the field or the rule, and its numbers."""

    code: str
    message: str
    retryable: bool
    details: dict[str, Any] | UnsetType = UNSET


class Problem(Error, kw_only=True):
    """The same over HTTP (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str


class Answered(NamedTuple):
    """A request in one sentence, and the shape of its answer (any of them, where there are more)."""

    what: str
    shapes: tuple[type[Struct], ...]


def _told(what: str, *shapes: type[Struct]) -> Answered:
    return Answered(what, shapes)


ANSWERS: dict[str, Answered] = {
    "calendar.subscribe": _told("Joins the calendar's room.", SnapshotAnswer, ResumedAnswer),
    "calendar.unsubscribe": _told("Leaves the room.", Nothing),
    "auth.refresh": _told("Gives the connection a fresh token.", Nothing),
    "slot.hold": _told("Keeps seats while their asker decides.", HoldAnswer),
    "hold.extend": _told("Makes a hold last longer.", HoldAnswer),
    "hold.release": _told("Gives a hold's seats back.", EndedHoldAnswer),
    "slot.book": _told("Books seats, held ones or free ones.", OwnBookingAnswer),
    "booking.get": _told("Reads a booking, with its customer.", BookingAnswer),
    "booking.cancel": _told("Cancels a booking; its seats are free at once.", BookingOutcomeAnswer),
    "booking.reschedule": _told("NewRows a booking to another slot, or leaves it where it is.", RescheduledAnswer),
    "calendar.create": _told("Makes a calendar.", InfoAnswer),
    "calendar.update": _told("Changes a calendar; its policy is merged field by field.", InfoAnswer),
    "calendar.archive": _told("Ends a calendar for good.", InfoAnswer),
    "calendar.link": _told("Makes the token of a link by which guests see and book the calendar.", LinkAnswer),
    "schedule.set": _told("Sets the opening hours, or says what that would do.", ScheduleAnswer),
    "slot.open": _told("Opens slots, all or none.", SlotsAnswer),
    "slot.update": _told("Changes a slot's time, capacity or data.", SlotAnswer),
    "slot.close": _told("Lets nobody new into a slot.", SlotAnswer),
    "slot.reopen": _told("Lets people into a closed slot again.", SlotAnswer),
    "slot.remove": _told("Removes a slot that nobody has a seat in.", SlotAnswer),
    "booking.list": _told("Lists the bookings of a window's slots.", BookingsAnswer),
    "booking.confirm": _told("Confirms a pending booking.", BookingOutcomeAnswer),
    "booking.reject": _told("Rejects a pending booking; its seats are free at once.", BookingOutcomeAnswer),
    "booking.no_show": _told("Notes that nobody came, once the slot has begun.", BookingOutcomeAnswer),
    "booking.reinstate": _told("Takes a no-show back: the booking is confirmed again.", BookingOutcomeAnswer),
    "booking.erase": _told("Forgets a booking's customer.", BookingOutcomeAnswer),
}
