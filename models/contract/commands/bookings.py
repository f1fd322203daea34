"""Requests about bookings."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from models.contract import answers
from models.contract.commands.command import Command
from models.contract.commands.holds import HeldSeat
from models.contract.request import (
    Count,
    Id,
    Language,
    Override,
    PageMark,
    Proof,
    Request,
    Slug,
    Time,
    Token,
    Version,
    public,
    staff,
    viewer,
)


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

    `data` is a JSON object for staff and the customer, never for the public. `language` is that of a mail with a code.
    """

    wire = public("slot.book", "Books seats, held ones or free ones.", answers.OwnBookingAnswer, needs_key=True)

    slot: Id
    customer: Person
    seats: Count | None = None
    hold: HeldSeat | None = None
    if_still_free: bool = False
    data: dict[str, Any] | UnsetType = UNSET
    override: Override = UNSET
    proof: Proof = UNSET
    language: Language | UnsetType = UNSET

    @property
    def is_claim(self) -> bool:
        return self.hold is None


class SendCode(Command, frozen=True, kw_only=True):
    """`token` is the booking's. The code is the same as before, in the language of the booking or in another one."""

    wire = public(
        "booking.send_code",
        "Mails a guest the code of a booking once more.",
        answers.SentCodeAnswer,
        needs_key=True,
    )

    booking: Id
    token: Token
    language: Language | UnsetType = UNSET


class VerifyBooking(Command, frozen=True, kw_only=True):
    """`code` is that of the mail, with the booking's `token`; or the last part of the mail's link, without one.

    A wrong code is no refusal: the answer has `verified: false`.
    """

    wire = public(
        "booking.verify",
        "Takes the code that a guest was mailed; the booking counts from then on.",
        answers.VerifiedAnswer,
    )

    booking: Id
    code: Annotated[str, Meta(min_length=1, max_length=64)]
    token: Token = ""


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

    @property
    def is_claim(self) -> bool:
        return self.hold is None


class NewDetails(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The details of a customer to replace. One left out stays, and null or an empty text takes it away."""

    name: str | UnsetType = UNSET
    email: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    note: str | UnsetType | None = UNSET


class UpdateBooking(Command, frozen=True, kw_only=True):
    """`token` is the booking's; staff of its calendar need none. `seats` are all of its seats from now on.

    `data` replaces the object of `slot.book` as a whole, and null takes it away.
    """

    wire = public(
        "booking.update",
        "Corrects a booking: its customer, its data, or its seats within what is free.",
        answers.BookingOutcomeAnswer,
        needs_key=True,
    )

    booking: Id
    token: Token = ""
    customer: NewDetails | UnsetType = UNSET
    data: dict[str, Any] | UnsetType | None = UNSET
    seats: Count | UnsetType = UNSET
    if_version: Version | UnsetType = UNSET
    override: Override = UNSET


class ListBookings(Request, frozen=True, kw_only=True):
    """With `calendar`, `from` and `to` alone it lists a window by start. Every other form is a search.

    A search is in all calendars of the caller, and has no window by default. `q` is text in the customer's fields.
    `after` is as with `GetBooking`.
    """

    wire = viewer(
        "booking.list",
        "Lists the bookings of a window's slots, or searches the bookings of all calendars.",
        answers.BookingsAnswer,
    )

    calendar: Slug | UnsetType = UNSET
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None
    status: answers.Status | UnsetType = UNSET
    q: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    updated_after: Time | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=500)] | UnsetType = UNSET
    page: PageMark | UnsetType = UNSET
    after: str | None = None

    @property
    def is_search(self) -> bool:
        given = (self.status, self.q, self.updated_after, self.limit, self.page)
        return self.calendar is UNSET or any(field is not UNSET for field in given)


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


class ExportCustomer(Request, frozen=True, kw_only=True):
    """The bookings are the latest made first, `limit` a page. A person gets the answer as a copy of their data."""

    wire = staff(
        "customer.export",
        "Returns all data about the customer with an e-mail address, in all calendars.",
        answers.ExportAnswer,
    )

    email: Annotated[str, Meta(min_length=1, max_length=254)]
    calendar: Slug | UnsetType = UNSET
    page: PageMark | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class CancelBookings(Request, frozen=True, kw_only=True):
    """`email` or `address` names the customer: an e-mail address, or the IP address of a guest (IPv6: its /64).

    Without `from` the slots are those that are not over. Without a `calendar` they are in all calendars of the caller.
    """

    wire = staff(
        "booking.cancel_all",
        "Cancels the bookings of one customer, in all calendars.",
        answers.CancelledAnswer,
    )

    email: Annotated[str, Meta(min_length=1, max_length=254)] | UnsetType = UNSET
    address: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    calendar: Slug | UnsetType = UNSET
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None
    page: PageMark | UnsetType = UNSET


class EraseCustomers(Request, frozen=True, kw_only=True):
    """Is repeated without a key: what is erased stays erased. It is in all calendars of the caller, or in one."""

    wire = staff(
        "customer.erase",
        "Erases the customer of every booking with an e-mail address, in all calendars.",
        answers.ErasedAnswer,
    )

    email: Annotated[str, Meta(min_length=1, max_length=254)]
    calendar: Slug | UnsetType = UNSET
    page: PageMark | UnsetType = UNSET
