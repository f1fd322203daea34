"""Every request, declared once: commands and queries, in the order of the docs.

The base classes and the types of fields are in `models/contract/request.py`. A handler is registered beside its
definition with `@handles`. The HTTP route is one row in `realtime/http/routes.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from models.contract import answers
from models.contract.principal import ANONYMOUS, Principal
from models.contract.request import (
    Count,
    Id,
    Json,
    Key,
    Moment,
    Override,
    Request,
    Slug,
    Time,
    Token,
    Version,
    Wire,
    declared,
    public,
    staff,
)

GUEST_KEY_LENGTH = 22  # characters: what a random 128-bit key has in base64url


class Command(Request, frozen=True, kw_only=True):
    """A request that changes the database. `key` makes retries safe; `received` is in milliseconds.

    A command reads no clock. Its only times are those of slots and `received`, the arrival of the request.
    """

    of_server = frozenset({"principal", "received"})
    needs_calendar: ClassVar[bool] = True  # a calendar must exist for it
    is_background: ClassVar[bool] = False  # other commands go first

    principal: Principal = ANONYMOUS
    key: Key = ""
    received: int = 0

    def recorded(self) -> dict[str, Any]:
        """Return the fields for the fingerprint of an idempotency record, in the form of records already stored."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name not in _NOT_RECORDED}


_NOT_RECORDED = {"key", *Command.of_server}


class Subscribe(Request, frozen=True, kw_only=True):
    wire = public("calendar.subscribe", "Joins the calendar's room.", answers.SnapshotAnswer, answers.ResumedAnswer)

    calendar: Slug
    after: str | None = None
    at_least: str | None = None
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None


class Unsubscribe(Request, frozen=True, kw_only=True):
    wire = public("calendar.unsubscribe", "Leaves the room.", answers.Nothing)

    calendar: Slug


class RefreshToken(Request, frozen=True, kw_only=True):
    wire = public("auth.refresh", "Gives the connection a fresh token.", answers.Nothing)

    token: Token


class Ticket(Request, frozen=True, kw_only=True):
    """Over HTTP only."""

    wire = Wire("ticket", "Gets a ticket for what can't send a header.", (answers.TicketAnswer,), is_http_only=True)

    calendars: Annotated[list[Slug], Meta(min_length=1, max_length=100)]


class CreateCalendar(Command, frozen=True, kw_only=True):
    wire = staff("calendar.create", "Makes a calendar.", answers.InfoAnswer)
    needs_calendar = False

    calendar: Slug = msgspec.field(name="id")
    name: str
    zone: str
    visibility: Literal["public", "private"] = "public"
    booking: Literal["anyone", "token"] = "anyone"
    policy: dict[str, Any] = msgspec.field(default_factory=dict)
    data: Json | UnsetType | None = UNSET


class UpdateCalendar(Command, frozen=True, kw_only=True):
    wire = staff("calendar.update", "Changes a calendar; its policy is merged field by field.", answers.InfoAnswer)

    calendar: Slug = msgspec.field(name="id")
    name: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    visibility: Literal["public", "private"] | UnsetType = UNSET
    booking: Literal["anyone", "token"] | UnsetType = UNSET
    policy: dict[str, Any] = msgspec.field(default_factory=dict)
    data: Json | UnsetType | None = UNSET


class ArchiveCalendar(Command, frozen=True, kw_only=True):
    wire = staff("calendar.archive", "Ends a calendar; it takes nothing more.", answers.InfoAnswer)

    calendar: Slug = msgspec.field(name="id")


class RestoreCalendar(Command, frozen=True, kw_only=True):
    wire = staff("calendar.restore", "Brings an archived calendar back.", answers.InfoAnswer)

    calendar: Slug = msgspec.field(name="id")


class MakeLink(Request, frozen=True, kw_only=True):
    """Makes a guest's token for a private calendar, or for one with bookings by token only."""

    wire = staff(
        "calendar.link",
        "Makes the token of a link for guests of the calendar.",
        answers.LinkAnswer,
    )

    calendar: Slug
    lifetime_seconds: Annotated[int, Meta(ge=60, le=366 * 86_400)] = 30 * 86_400


class CreateFeed(Command, frozen=True, kw_only=True):
    """Makes a feed with its own key. Its scope is its content: the public slots, or the bookings."""

    wire = staff("feed.create", "Makes a private address of the calendar's iCalendar feed.", answers.OwnFeedAnswer)

    calendar: Slug
    name: Annotated[str, Meta(max_length=200)] = ""
    scope: Literal["slots", "bookings"] = "slots"


class ListFeeds(Request, frozen=True, kw_only=True):
    wire = staff("feed.list", "Lists the calendar's private feeds, without their keys.", answers.FeedsAnswer)

    calendar: Slug


class RevokeFeed(Command, frozen=True, kw_only=True):
    wire = staff("feed.revoke", "Ends a private feed and its address.", answers.FeedAnswer)

    feed: Id


class AddBusy(Command, frozen=True, kw_only=True):
    """Imports busy times from a URL or from the text of a file. The server fetches a URL again and again."""

    wire = staff("busy.add", "Imports the busy times of another calendar; they block slots.", answers.BusyAnswer)

    calendar: Slug
    name: Annotated[str, Meta(max_length=200)] = ""
    url: Annotated[str, Meta(max_length=2_000)] | None = None
    text: Annotated[str, Meta(max_length=900_000)] | None = None


class ListBusy(Request, frozen=True, kw_only=True):
    wire = staff("busy.list", "Lists the calendar's sources of busy times, with their faults.", answers.BusyListAnswer)

    calendar: Slug


class RemoveBusy(Command, frozen=True, kw_only=True):
    wire = staff("busy.remove", "Removes a source of busy times; its slots are free again.", answers.BusyAnswer)

    source: Id


class SetSchedule(Command, frozen=True, kw_only=True):
    wire = staff("schedule.set", "Sets the opening hours, or previews the outcome.", answers.ScheduleAnswer)

    calendar: Slug
    schedule: dict[str, Any]
    preview: bool = False


class NewSlot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A slot to open, `[start, end)`; `data` is JSON for the public."""

    start: Moment
    end: Moment
    capacity: Count = 1
    data: Json | None = None


class OpenSlots(Command, frozen=True, kw_only=True):
    """`duplicates` opens a slot at exactly the times of another one, where only one of them can be taken."""

    wire = staff("slot.open", "Opens slots, all or none.", answers.SlotsAnswer, needs_key=True)

    calendar: Slug
    slots: Annotated[tuple[NewSlot, ...], Meta(min_length=1, max_length=200)]
    duplicates: bool | UnsetType = UNSET


class UpdateSlot(Command, frozen=True, kw_only=True):
    """With `with_bookings` the times of a slot with taken seats change, and all who have them move along."""

    wire = staff("slot.update", "Changes a slot's time, capacity or data.", answers.SlotAnswer)

    slot: Id
    start: Moment | UnsetType = UNSET
    end: Moment | UnsetType = UNSET
    capacity: Count | UnsetType = UNSET
    data: Json | UnsetType | None = UNSET
    if_version: Version | None = None
    with_bookings: bool | UnsetType = UNSET
    override: Override = UNSET


class CloseSlot(Command, frozen=True, kw_only=True):
    wire = staff("slot.close", "Closes a slot to new holds and bookings.", answers.SlotAnswer)

    slot: Id
    if_version: Version | None = None


class ReopenSlot(Command, frozen=True, kw_only=True):
    wire = staff("slot.reopen", "Opens a closed slot again.", answers.SlotAnswer)

    slot: Id
    if_version: Version | None = None


class RemoveSlot(Command, frozen=True, kw_only=True):
    wire = staff("slot.remove", "Removes a slot without taken seats.", answers.SlotAnswer)

    slot: Id
    if_version: Version | None = None


class HeldSeat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hold, and the proof of the right to it."""

    id: Id
    token: Token


class HoldSlot(Command, frozen=True, kw_only=True):
    wire = public("slot.hold", "Keeps seats while the customer decides.", answers.HoldAnswer, needs_key=True)

    slot: Id
    seats: Count = 1
    override: Override = UNSET


class HoldCommand(Command, frozen=True, kw_only=True):
    """A command about one hold; `token` proves the right to it."""

    hold: Id
    token: Token

    @property
    def held(self) -> HeldSeat:
        return HeldSeat(id=self.hold, token=self.token)

    def recorded(self) -> dict[str, Any]:
        return {"hold": self.held}


class ExtendHold(HoldCommand, frozen=True, kw_only=True):
    wire = public("hold.extend", "Makes a hold last longer.", answers.HoldAnswer, needs_key=True)


class ReleaseHold(HoldCommand, frozen=True, kw_only=True):
    wire = public("hold.release", "Gives a hold's seats back.", answers.EndedHoldAnswer, needs_key=True)


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The customer of a new booking. An empty field is the same as none."""

    name: str
    email: str | None = None
    phone: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        for field in ("email", "phone", "note"):
            if getattr(self, field) == "":
                msgspec.structs.force_setattr(self, field, None)


class BookSlot(Command, frozen=True, kw_only=True):
    """The seats are all of `hold`'s unless fewer are named. Without a hold, one seat is the default.

    `data` is a JSON object for staff and the customer, never for the public.
    """

    wire = public("slot.book", "Books seats, held ones or free ones.", answers.OwnBookingAnswer, needs_key=True)

    slot: Id
    customer: Person
    seats: Count | None = None
    hold: HeldSeat | None = None
    if_still_free: bool = False
    data: dict[str, Any] | UnsetType = UNSET
    override: Override = UNSET


class GetBooking(Request, frozen=True, kw_only=True):
    """`after` is the cursor that the answer must have; what is read from the database has every one."""

    wire = public("booking.get", "Reads a booking, with its customer.", answers.BookingAnswer)

    booking: Id
    token: Token = ""
    after: str | None = None


class CancelBooking(Command, frozen=True, kw_only=True):
    """`token` is the booking's; staff of its calendar need none."""

    wire = public(
        "booking.cancel",
        "Cancels a booking; its seats are free at once.",
        answers.BookingOutcomeAnswer,
        needs_key=True,
    )

    booking: Id
    token: Token = ""
    if_version: Version | UnsetType = UNSET


class RescheduleBooking(Command, frozen=True, kw_only=True):
    """Moves a booking to `slot`, with its seats. `token` is the booking's; staff of its calendar need none.

    `hold` is the caller's own hold on that slot; its seats are used.
    """

    wire = public(
        "booking.reschedule",
        "Moves a booking to another slot; after a refusal it stays.",
        answers.RescheduledAnswer,
        needs_key=True,
    )

    booking: Id
    slot: Id
    token: Token = ""
    hold: HeldSeat | None = None
    if_version: Version | UnsetType = UNSET
    override: Override = UNSET


class NewDetails(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The details of a customer to replace. One left out stays, and null or an empty text takes it away."""

    name: str | UnsetType = UNSET
    email: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    note: str | UnsetType | None = UNSET


class UpdateBooking(Command, frozen=True, kw_only=True):
    """`token` is the booking's; staff of its calendar need none. `seats` are all of its seats from now on."""

    wire = public(
        "booking.update",
        "Corrects a booking: its customer, or its seats within what is free.",
        answers.BookingOutcomeAnswer,
        needs_key=True,
    )

    booking: Id
    token: Token = ""
    customer: NewDetails | UnsetType = UNSET
    seats: Count | UnsetType = UNSET
    if_version: Version | UnsetType = UNSET
    override: Override = UNSET


class ListBookings(Request, frozen=True, kw_only=True):
    """`after` as with `GetBooking`."""

    wire = staff("booking.list", "Lists the bookings of a window's slots.", answers.BookingsAnswer)

    calendar: Slug
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None
    after: str | None = None


class StaffOnBooking(Command, frozen=True, kw_only=True):
    """A command of the calendar's staff about one booking. `if_version` is left out of older fingerprints."""

    booking: Id
    if_version: Version | UnsetType = UNSET


class ConfirmBooking(StaffOnBooking, frozen=True, kw_only=True):
    wire = staff("booking.confirm", "Confirms a pending booking.", answers.BookingOutcomeAnswer)


class RejectBooking(StaffOnBooking, frozen=True, kw_only=True):
    wire = staff(
        "booking.reject", "Rejects a pending booking; its seats are free at once.", answers.BookingOutcomeAnswer
    )


class MarkNoShow(StaffOnBooking, frozen=True, kw_only=True):
    wire = staff(
        "booking.no_show", "Marks a booking as a no-show, after the start of its slot.", answers.BookingOutcomeAnswer
    )


class ReinstateBooking(StaffOnBooking, frozen=True, kw_only=True):
    """A booking that has given its seats back takes them anew, if they are there."""

    wire = staff(
        "booking.reinstate",
        "Makes a no-show, cancelled or rejected booking confirmed again.",
        answers.BookingOutcomeAnswer,
    )

    override: Override = UNSET


class EraseCustomer(StaffOnBooking, frozen=True, kw_only=True):
    wire = staff("booking.erase", "Erases a booking's customer.", answers.BookingOutcomeAnswer)


class ExpireHolds(Command, frozen=True, kw_only=True):
    """Frees the seats of the calendar's expired holds. The scheduler sends it."""

    calendar: str


class ExpireBookings(Command, frozen=True, kw_only=True):
    """Rejects the calendar's pending bookings that staff have not answered in time. The scheduler sends it."""

    calendar: str


class FillHorizon(Command, frozen=True, kw_only=True):
    """Opens the slots of new days within the schedule's horizon. The scheduler sends it."""

    calendar: str


class TrimLog(Command, frozen=True, kw_only=True):
    """Deletes changes and idempotency records past their retention. The scheduler sends it."""

    is_background = True

    calendar: str


class CheckBusy(Command, frozen=True, kw_only=True):
    """Takes the turn to read a source of busy times. The importer sends it."""

    calendar: str
    source: str
    checked_at: int


class SetBusy(Command, frozen=True, kw_only=True):
    """Writes the busy times of a source that end after `since`; None for no other ones. The importer sends it."""

    is_background = True

    calendar: str
    source: str
    since: int = 0
    times: tuple[tuple[int, int], ...] | None = None
    body: bytes | None = None
    etag: str = ""
    modified: str = ""


class FailBusy(Command, frozen=True, kw_only=True):
    """Notes the fault of a source of busy times. The importer sends it."""

    calendar: str
    source: str
    error: str


class RaiseFeedFloor(Command, frozen=True, kw_only=True):
    """Raises the SEQUENCE of a calendar's feed; "" for every calendar. The server sends it at its start."""

    needs_calendar = False

    calendar: str


class TakeOutside(Command, frozen=True, kw_only=True):
    """Appends the changes of other writers to the calendar's log. The watch on the database sends it."""

    needs_calendar = False
    is_background = True

    calendar: str


class RepairCalendar(Command, frozen=True, kw_only=True):
    """Repairs the findings of an audit, (kind, id) each. The audit sends it."""

    needs_calendar = False

    calendar: str
    wrong: tuple[tuple[str, str], ...]


class Answer(Struct, frozen=True, kw_only=True):
    """The outcome of a command: `result` is a JSON object with its tokens; `seq` and `cursor` are the calendar's."""

    calendar: str
    seq: int
    cursor: str
    result: bytes


class WithToken(Struct, frozen=True, kw_only=True):
    """A read of one booking, by the holder of its token or by its calendar's staff."""

    principal: Principal
    booking: str
    token: str = ""


REQUESTS: dict[str, type[Request]] = {kind.wire.name: kind for kind in declared(globals())}
_ON_SOCKETS = [kind for kind in REQUESTS.values() if not kind.wire.is_http_only]
PUBLIC_REQUESTS = {kind.wire.name: kind for kind in _ON_SOCKETS if not kind.wire.is_for_staff}
STAFF_REQUESTS = {kind.wire.name: kind for kind in _ON_SOCKETS if kind.wire.is_for_staff}
EVERY_REQUEST = PUBLIC_REQUESTS | STAFF_REQUESTS  # over Socket.IO
