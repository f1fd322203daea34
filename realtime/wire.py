"""The wire's words: requests become commands and questions here, answers and refusals become JSON.

The only file beside `models/change.py` that knows JSON names. Whatever is malformed is refused with `bad_request`
and the name of the field.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from models import commands
from models.change import Cursor, Customer, Info, encode, read_cursor
from models.clock import read_time, write_time
from models.commands import Answer, Asker, Command
from models.errors import BadRequest, Internal, Refused

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", max_length=63)]
Token = Annotated[str, Meta(max_length=4_096)]
Key = Annotated[str, Meta(max_length=200)]
Time = Annotated[str, Meta(max_length=40, description="RFC 3339")]
Count = Annotated[int, Meta(ge=1, le=10_000)]
Version = Annotated[int, Meta(ge=0, le=1 << 53)]


class Request(Struct, kw_only=True, forbid_unknown_fields=True):
    """The fields of one request. `key` is read on every mutation."""


class Mutation(Request, kw_only=True):
    key: Key = ""

    def command(self, asker: Asker, received: int) -> Command:
        """The command that this asks for."""
        raise NotImplementedError


# What is asked without changing anything.


class Subscribe(Request, kw_only=True):
    calendar: Slug
    after: str | None = None
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None


class Unsubscribe(Request, kw_only=True):
    calendar: Slug


class GetBooking(Request, kw_only=True):
    booking: Id
    token: Token = ""


class ListBookings(Request, kw_only=True):
    calendar: Slug
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None


class RefreshToken(Request, kw_only=True):
    token: Token


# What changes the book.


class CreateCalendar(Mutation, kw_only=True):
    id: Slug
    name: str
    zone: str
    visibility: Literal["public", "private"] = "public"
    booking: Literal["anyone", "token"] = "anyone"
    policy: dict[str, Any] = {}

    def command(self, asker: Asker, received: int) -> Command:
        return commands.CreateCalendar(
            asker=asker,
            key=self.key,
            received=received,
            calendar=self.id,
            name=self.name,
            zone=self.zone,
            visibility=self.visibility,
            booking=self.booking,
            policy=self.policy,
        )


class UpdateCalendar(Mutation, kw_only=True):
    id: Slug
    name: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    visibility: Literal["public", "private"] | UnsetType = UNSET
    booking: Literal["anyone", "token"] | UnsetType = UNSET
    policy: dict[str, Any] = {}

    def command(self, asker: Asker, received: int) -> Command:
        return commands.UpdateCalendar(
            asker=asker,
            key=self.key,
            received=received,
            calendar=self.id,
            name=self.name,
            zone=self.zone,
            visibility=self.visibility,
            booking=self.booking,
            policy=self.policy,
        )


class ArchiveCalendar(Mutation, kw_only=True):
    id: Slug

    def command(self, asker: Asker, received: int) -> Command:
        return commands.ArchiveCalendar(asker=asker, key=self.key, received=received, calendar=self.id)


class NewSlot(Struct, kw_only=True, forbid_unknown_fields=True):
    start: Time
    end: Time
    capacity: Count = 1
    data: Any = None


class OpenSlots(Mutation, kw_only=True):
    calendar: Slug
    slots: Annotated[list[NewSlot], Meta(min_length=1, max_length=200)]

    def command(self, asker: Asker, received: int) -> Command:
        slots = tuple(
            commands.NewSlot(
                start=read_moment(slot.start, f"slots[{place}].start"),
                end=read_moment(slot.end, f"slots[{place}].end"),
                capacity=slot.capacity,
                data=None if slot.data is None else encode(slot.data),
            )
            for place, slot in enumerate(self.slots)
        )
        return commands.OpenSlots(asker=asker, key=self.key, received=received, calendar=self.calendar, slots=slots)


class UpdateSlot(Mutation, kw_only=True):
    slot: Id
    start: Time | UnsetType = UNSET
    end: Time | UnsetType = UNSET
    capacity: Count | UnsetType = UNSET
    data: Any = UNSET
    if_version: Version | None = None

    def command(self, asker: Asker, received: int) -> Command:
        data = UNSET if self.data is UNSET else None if self.data is None else encode(self.data)
        return commands.UpdateSlot(
            asker=asker,
            key=self.key,
            received=received,
            slot=self.slot,
            start=UNSET if isinstance(self.start, UnsetType) else read_moment(self.start, "start"),
            end=UNSET if isinstance(self.end, UnsetType) else read_moment(self.end, "end"),
            capacity=self.capacity,
            data=data,
            if_version=self.if_version,
        )


class _OneSlot(Mutation, kw_only=True):
    """A request that names a slot, and the version that the asker saw of it."""

    slot: Id
    if_version: Version | None = None
    _kind = commands.CloseSlot

    def command(self, asker: Asker, received: int) -> Command:
        return self._kind(asker=asker, key=self.key, received=received, slot=self.slot, if_version=self.if_version)


class CloseSlot(_OneSlot, kw_only=True):
    _kind = commands.CloseSlot


class ReopenSlot(_OneSlot, kw_only=True):
    _kind = commands.ReopenSlot


class RemoveSlot(_OneSlot, kw_only=True):
    _kind = commands.RemoveSlot


class HoldSlot(Mutation, kw_only=True):
    slot: Id
    seats: Count = 1

    def command(self, asker: Asker, received: int) -> Command:
        return commands.HoldSlot(asker=asker, key=self.key, received=received, slot=self.slot, seats=self.seats)


class HeldSeat(Struct, kw_only=True, forbid_unknown_fields=True):
    id: Id
    token: Token

    def held(self) -> commands.HeldSeat:
        return commands.HeldSeat(id=self.id, token=self.token)


class _OneHold(Mutation, kw_only=True):
    hold: Id
    token: Token
    _kind = commands.ExtendHold

    def command(self, asker: Asker, received: int) -> Command:
        held = commands.HeldSeat(id=self.hold, token=self.token)
        return self._kind(asker=asker, key=self.key, received=received, hold=held)


class ExtendHold(_OneHold, kw_only=True):
    _kind = commands.ExtendHold


class ReleaseHold(_OneHold, kw_only=True):
    _kind = commands.ReleaseHold


class Person(Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    email: str | None = None
    phone: str | None = None
    note: str | None = None

    def customer(self) -> Customer:
        return Customer(
            name=self.name, email=self.email or UNSET, phone=self.phone or UNSET, note=self.note or UNSET
        )


class BookSlot(Mutation, kw_only=True):
    slot: Id
    seats: Count | None = None
    hold: HeldSeat | None = None
    if_still_free: bool = False
    customer: Person

    def command(self, asker: Asker, received: int) -> Command:
        return commands.BookSlot(
            asker=asker,
            key=self.key,
            received=received,
            slot=self.slot,
            seats=self.seats,
            hold=self.hold and self.hold.held(),
            if_still_free=self.if_still_free,
            customer=self.customer.customer(),
        )


class CancelBooking(Mutation, kw_only=True):
    booking: Id
    token: Token = ""

    def command(self, asker: Asker, received: int) -> Command:
        return commands.CancelBooking(
            asker=asker, key=self.key, received=received, booking=self.booking, token=self.token
        )


REQUESTS: dict[str, type[Request]] = {
    "calendar.subscribe": Subscribe,
    "calendar.unsubscribe": Unsubscribe,
    "auth.refresh": RefreshToken,
    "slot.hold": HoldSlot,
    "hold.extend": ExtendHold,
    "hold.release": ReleaseHold,
    "slot.book": BookSlot,
    "booking.get": GetBooking,
    "booking.cancel": CancelBooking,
}
STAFF_REQUESTS: dict[str, type[Request]] = {
    "calendar.create": CreateCalendar,
    "calendar.update": UpdateCalendar,
    "calendar.archive": ArchiveCalendar,
    "slot.open": OpenSlots,
    "slot.update": UpdateSlot,
    "slot.close": CloseSlot,
    "slot.reopen": ReopenSlot,
    "slot.remove": RemoveSlot,
    "booking.list": ListBookings,
}
EVERY_REQUEST = REQUESTS | STAFF_REQUESTS


def read_request(name: str, fields: Any) -> Request:
    """The request `name` with these fields, a JSON object; BadRequest says what is wrong with it."""
    kind = EVERY_REQUEST.get(name)
    if kind is None:
        raise BadRequest("There is no such request.", request=name[:64])
    if not isinstance(fields, dict):
        raise BadRequest("A request has one argument, a JSON object.", request=name)
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}", request=name) from error


def read_moment(text: str, field: str) -> int:
    """A time of the wire, in milliseconds; BadRequest names the field."""
    try:
        return read_time(text)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"`{field}`: {error}", field=field) from error


def read_window(begin: str | None, finish: str | None, now: int, default_span: int) -> tuple[int, int]:
    """`from` and `to` in milliseconds: from now, for `default_span`, where they are not given."""
    first = now if begin is None else read_moment(begin, "from")
    last = first + default_span if finish is None else read_moment(finish, "to")
    if last <= first:
        raise BadRequest("`to` is after `from`.", field="to")
    return first, last


def read_after(text: str | None) -> Cursor | None:
    """A cursor as a client sent it back; BadRequest for what is none."""
    if text is None or text == "":
        return None
    try:
        return read_cursor(text)
    except ValueError as error:
        raise BadRequest(f"`after`: {error}", field="after") from error


def write_error(refusal: Refused) -> dict[str, Any]:
    """The wire's `{code, message, retryable, details?}`."""
    error = {"code": refusal.code, "message": refusal.message, "retryable": refusal.retryable}
    return {**error, "details": refusal.details} if refusal.details else error


def write_refusal(refusal: Refused) -> bytes:
    """The ack of a request that was refused."""
    return encode({"ok": False, "error": write_error(refusal)})


def write_failure(_error: BaseException) -> bytes:
    """The ack of a request that crashed; what crashed it is for the log only."""
    return write_refusal(Internal())


def write_answer(answer: Answer, *, head: bytes = b'{"ok":true,') -> bytes:
    """The ack of a command: its result, and the cursor of the change it made."""
    return b'%b"cursor":%b,%b' % (head, encode(answer.cursor), answer.result[1:])


def write_ok(**fields: Any) -> bytes:
    """An ack with these fields."""
    return encode({"ok": True, **fields})


def write_snapshot(
    info: Info, slots: bytes, *, seq: int, cursor: str, begin: int, finish: int, now: int, bookings: bytes = b""
) -> bytes:
    """The body of a snapshot; `slots` and `bookings` are encoded items with commas between."""
    return b'"info":%b,"slots":[%b],"seq":%d,"cursor":%b,"from":%b,"to":%b,"server_time":%b%b}' % (
        encode(info),
        slots,
        seq,
        encode(cursor),
        encode(write_time(begin)),
        encode(write_time(finish)),
        encode(write_time(now)),
        bookings and b',"bookings":' + bookings,
    )


def write_replay(info: Info, changes: bytes, *, seq: int, cursor: str, now: int) -> bytes:
    """The body of a resumption; `changes` are encoded changes with commas between."""
    return b'"info":%b,"changes":[%b],"seq":%d,"cursor":%b,"server_time":%b}' % (
        encode(info),
        changes,
        seq,
        encode(cursor),
        encode(write_time(now)),
    )


Writer = Callable[[Answer], bytes]
