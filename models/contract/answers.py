"""The answers to requests: one shape each, for the schemas, the generated types and the tests.

The service writes most of these shapes as bytes, without an object.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from models.contract.block_answers import Block, BlockOutcome
from models.contract.changes import Booking, Change, Info, ListedBooking, Slot

# The state of a booking.
Status = Literal["pending", "confirmed", "cancelled", "rejected", "no_show"]
# The kind of an actor in the history.
Actor = Literal["staff", "holder", "guest", "outside", "server"]


class Offset(Struct, kw_only=True):
    """An offset of a calendar's zone from UTC, and the time from which it holds."""

    from_: str = msgspec.field(name="from")
    seconds: int


class Snapshot(Struct, kw_only=True):
    """A window of a calendar as of `seq`. It replaces the state of its reader."""

    info: Info
    slots: list[Slot]
    seq: int
    cursor: str
    from_: str = msgspec.field(name="from")
    to: str
    offsets: list[Offset]
    server_time: str
    bookings: list[Booking] | UnsetType = UNSET


class Resumption(Struct, kw_only=True):
    """The changes after a cursor, in order. The changes for staff have their bookings."""

    info: Info
    changes: list[Change]
    seq: int
    cursor: str
    server_time: str


class SnapshotAnswer(Snapshot, kw_only=True):
    mode: Literal["snapshot"]


class ResumedAnswer(Resumption, kw_only=True):
    mode: Literal["resumed"]


class Hold(Struct, kw_only=True):
    """A hold as its holder sees it. The token proves the right to it."""

    id: str
    slot: str
    seats: int
    expires_at: str
    token: str


class EndedHold(Struct, kw_only=True):
    """A released hold."""

    id: str
    slot: str
    seats: int
    expires_at: str


class OwnBooking(Struct, kw_only=True):
    """A booking as its holder sees it. The token proves the right to it.

    With `verification` the booking waits for the code that its customer was mailed.
    """

    id: str
    calendar: str
    slot: str
    seats: int
    status: Status
    verification: Literal["email"] | UnsetType = UNSET
    token: str


class BookingOutcome(Struct, kw_only=True):
    """A booking after a request about it. The caller has its token, or needs none."""

    id: str
    calendar: str
    slot: str
    seats: int
    status: Status


class Nothing(Struct, kw_only=True):
    """An empty success."""


class Moved(Struct, kw_only=True):
    """The part of every command's answer: the cursor of its calendar after it."""

    cursor: str


class Overridden(Moved, kw_only=True):
    """The part of the answers to staff who ask for `override`: the rules passed over, by their names in `details`."""

    overridden: list[str] | UnsetType = UNSET


class HoldAnswer(Overridden, kw_only=True):
    hold: Hold


class EndedHoldAnswer(Moved, kw_only=True):
    hold: EndedHold


class OwnBookingAnswer(Overridden, kw_only=True):
    booking: OwnBooking


class BookingOutcomeAnswer(Overridden, kw_only=True):
    booking: BookingOutcome


class SentCodeAnswer(Moved, kw_only=True):
    """`sent` is false for a booking that waits for no code.

    `mails_left` further mails can be asked for, the next one after `wait_seconds`.
    """

    sent: bool
    mails_left: int
    wait_seconds: int
    booking: BookingOutcome


class VerifiedAnswer(Moved, kw_only=True):
    """`verified` is false for a wrong code. At 0 `tries_left` only the link of the mail is good."""

    verified: bool
    tries_left: int
    booking: BookingOutcome


class Left(Struct, kw_only=True):
    """The calendar that a booking has moved away from, and its cursor after it."""

    calendar: str
    cursor: str


class RescheduledAnswer(BookingOutcomeAnswer, kw_only=True):
    """`cursor` is of the booking's new calendar; `left` is present if it had another one before."""

    left: Left | UnsetType = UNSET


class Feed(Struct, kw_only=True):
    """A private feed. With the scope `bookings` it has the bookings and their customers."""

    id: str
    calendar: str
    name: str
    scope: Literal["slots", "bookings"]
    created_at: str


class OwnFeed(Feed, kw_only=True):
    """A new feed. Only this answer has the token, the `key` of its address."""

    token: str


class BusySource(Struct, kw_only=True):
    """A source of busy times: `host` of its URL, or none for a file. While it fails, its last good copy is in force."""

    id: str
    calendar: str
    name: str
    host: str | UnsetType = UNSET
    created_at: str
    fetched_at: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    failing_since: str | UnsetType = UNSET


class BusyAnswer(Moved, kw_only=True):
    source: BusySource


class BusyListAnswer(Struct, kw_only=True):
    sources: list[BusySource]


class BlockAnswer(Moved, kw_only=True):
    """A block changes no calendar: `cursor` is that of its calendar's last change, and empty for `*`."""

    block: BlockOutcome


class BlocksAnswer(Struct, kw_only=True):
    blocks: list[Block]


class FeedAnswer(Moved, kw_only=True):
    feed: Feed


class OwnFeedAnswer(Moved, kw_only=True):
    feed: OwnFeed


class FeedsAnswer(Struct, kw_only=True):
    feeds: list[Feed]


class ScheduleWarning(Struct, kw_only=True):
    """A likely mistake: `count` overlapping slots, the first of them from `start` to `end`."""

    rule: Literal["overlap"]
    message: str
    count: int
    start: str
    end: str


class InfoAnswer(Moved, kw_only=True):
    info: Info
    warnings: list[ScheduleWarning] | UnsetType = UNSET


class ScheduleAnswer(Moved, kw_only=True):
    """The numbers of slots that new opening hours open, remove and update; taken slots are `kept`."""

    opened: int
    removed: int
    updated: int
    kept: list[Slot]
    warnings: list[ScheduleWarning] | UnsetType = UNSET


class SlotAnswer(Overridden, kw_only=True):
    slot: Slot
    warnings: list[ScheduleWarning] | UnsetType = UNSET


class SlotsAnswer(Moved, kw_only=True):
    slots: list[Slot]
    warnings: list[ScheduleWarning] | UnsetType = UNSET


class BookingAnswer(Struct, kw_only=True):
    booking: Booking


class BookingsAnswer(Struct, kw_only=True):
    """The bookings of the window from `from` to `to`. Too many bookings end the window early.

    A search has pages instead: `next_page`, if present, is the `page` to ask for next.
    """

    bookings: list[ListedBooking]
    from_: str = msgspec.field(name="from")
    to: str
    next_page: str | UnsetType = UNSET


class ExportedEntry(Struct, kw_only=True):
    """The personal part of a change of the history that the customer asked for: `sub`, `address`, or both."""

    calendar: str
    seq: int
    at: str
    booking: str
    sub: str | UnsetType = UNSET
    address: str | UnsetType = UNSET


class ExportAnswer(Struct, kw_only=True):
    """All data about a person with an e-mail address: the bookings, and what the history says about the person.

    Addresses are those of calendars of which the caller is an owner. `blocks` are those of the e-mail address, on the
    first page. `next_page`, if present, is the `page` to ask for next.
    """

    bookings: list[ListedBooking]
    entries: list[ExportedEntry]
    blocks: list[Block] | UnsetType = UNSET
    next_page: str | UnsetType = UNSET


class ErasedAnswer(Struct, kw_only=True):
    """The number of bookings without their customer from now on, and of their calendars.

    `next_page`, if present, is the `page` to go on with: there may be more bookings.
    """

    erased: int
    calendars: int
    next_page: str | UnsetType = UNSET


class CancelledAnswer(Struct, kw_only=True):
    """The number of bookings cancelled, and of their calendars.

    `next_page`, if present, is the `page` to go on with: there may be more bookings.
    """

    cancelled: int
    calendars: int
    next_page: str | UnsetType = UNSET


class FoundSlot(Slot, kw_only=True):
    """A slot with its calendar."""

    calendar: str


class FoundSlotsAnswer(Struct, kw_only=True):
    """Slots of several calendars, by start, and the cursor of each calendar.

    `next_page`, if present, is the `page` to ask for next.
    """

    slots: list[FoundSlot]
    cursors: dict[str, str]
    from_: str = msgspec.field(name="from")
    to: str
    server_time: str
    next_page: str | UnsetType = UNSET


class HistoryEntry(Struct, kw_only=True):
    """A change in the history: `command` by `actor`, about these slots and bookings.

    A `holder` has shown the token of a hold or booking, a `guest` none; `outside` is another program. `sub` is the
    name in the actor's token, and is left out once a customer is erased. `overridden` are the rules passed over.
    `address` is the actor's IP address, for owners and as long as it is kept.
    """

    seq: int
    at: str
    command: str
    actor: Actor
    sub: str | UnsetType = UNSET
    slots: list[str]
    bookings: list[str]
    overridden: list[str] | UnsetType = UNSET
    address: str | UnsetType = UNSET


class HistoryAnswer(Struct, kw_only=True):
    """Entries of the history, newest first. With `next` there are older ones: it is their `before`."""

    entries: list[HistoryEntry]
    next: int | UnsetType = UNSET


class LinkAnswer(Struct, kw_only=True):
    """A guest's token for one calendar, for the end of `/c/<calendar>#token=`, and its expiry."""

    token: str
    expires_at: str


class TicketAnswer(Struct, kw_only=True):
    ticket: str
    expires_at: str
