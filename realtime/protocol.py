"""The wire's words: requests become commands and questions here, answers and refusals become JSON.

The only file beside `models/contract/changes.py` that knows JSON names. Whatever is malformed is refused with
`bad_request` and the name of the field.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from models.contract import commands
from models.contract.changes import Cursor, Customer, Info, encode, read_cursor
from models.contract.commands import Answer, Command
from models.contract.errors import BadRequest, Internal, NotFound, Refused
from models.contract.principal import Principal
from models.contract.time import read_time, write_time

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
    """A request that changes the book: its fields are those of the command `asks`, unless it says otherwise."""

    asks: ClassVar[type[Command]]

    key: Key = ""

    def fields(self) -> dict[str, Any]:
        """The command's fields, but for who asks and when."""
        return {name: getattr(self, name) for name in self.__struct_fields__}

    def command(self, principal: Principal, received: int) -> Command:
        """The command that this asks for; BadRequest names a field that can't be read."""
        return self.asks(principal=principal, received=received, **self.fields())


# What is asked without changing anything.


class Subscribe(Request, kw_only=True):
    calendar: Slug
    after: str | None = None
    at_least: str | None = None
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None


class Unsubscribe(Request, kw_only=True):
    calendar: Slug


class GetBooking(Request, kw_only=True):
    """`after` is the cursor that the answer must have; what is read from the database has every one."""

    booking: Id
    token: Token = ""
    after: str | None = None


class ListBookings(Request, kw_only=True):
    """`after` as with `GetBooking`."""

    calendar: Slug
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None
    after: str | None = None


class MakeLink(Request, kw_only=True):
    """A token for whoever a link is sent to: for a private calendar, or one in which only tokens book."""

    calendar: Slug
    lifetime_seconds: Annotated[int, Meta(ge=60, le=366 * 86_400)] = 30 * 86_400


class RefreshToken(Request, kw_only=True):
    token: Token


class Ticket(Request, kw_only=True):
    """Over HTTP only."""

    calendars: Annotated[list[Slug], Meta(min_length=1, max_length=100)]


# What changes the book.


class _OneCalendar(Mutation, kw_only=True):
    id: Slug

    def fields(self) -> dict[str, Any]:
        fields = Mutation.fields(self)
        return {"calendar": fields.pop("id"), **fields}


class CreateCalendar(_OneCalendar, kw_only=True):
    asks = commands.CreateCalendar

    name: str
    zone: str
    visibility: Literal["public", "private"] = "public"
    booking: Literal["anyone", "token"] = "anyone"
    policy: dict[str, Any] = {}


class UpdateCalendar(_OneCalendar, kw_only=True):
    asks = commands.UpdateCalendar

    name: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    visibility: Literal["public", "private"] | UnsetType = UNSET
    booking: Literal["anyone", "token"] | UnsetType = UNSET
    policy: dict[str, Any] = {}


class SetSchedule(Mutation, kw_only=True):
    asks = commands.SetSchedule

    calendar: Slug
    schedule: dict[str, Any]
    preview: bool = False


class ArchiveCalendar(_OneCalendar, kw_only=True):
    asks = commands.ArchiveCalendar


class NewSlot(Struct, kw_only=True, forbid_unknown_fields=True):
    start: Time
    end: Time
    capacity: Count = 1
    data: Any = None

    def opened(self, place: int) -> commands.NewSlot:
        return commands.NewSlot(
            start=read_moment(self.start, f"slots[{place}].start"),
            end=read_moment(self.end, f"slots[{place}].end"),
            capacity=self.capacity,
            data=None if self.data is None else encode(self.data),
        )


class OpenSlots(Mutation, kw_only=True):
    asks = commands.OpenSlots

    calendar: Slug
    slots: Annotated[list[NewSlot], Meta(min_length=1, max_length=200)]

    def fields(self) -> dict[str, Any]:
        slots = tuple(slot.opened(place) for place, slot in enumerate(self.slots))
        return {"calendar": self.calendar, "slots": slots, "key": self.key}


class _OneSlot(Mutation, kw_only=True):
    """A request that names a slot, and the version that the asker saw of it."""

    slot: Id
    if_version: Version | None = None


class UpdateSlot(_OneSlot, kw_only=True):
    asks = commands.UpdateSlot

    start: Time | UnsetType = UNSET
    end: Time | UnsetType = UNSET
    capacity: Count | UnsetType = UNSET
    data: Any = UNSET

    def fields(self) -> dict[str, Any]:
        fields = Mutation.fields(self)
        for name in ("start", "end"):
            if fields[name] is not UNSET:
                fields[name] = read_moment(fields[name], name)
        if self.data is not UNSET and self.data is not None:
            fields["data"] = encode(self.data)
        return fields


class CloseSlot(_OneSlot, kw_only=True):
    asks = commands.CloseSlot


class ReopenSlot(_OneSlot, kw_only=True):
    asks = commands.ReopenSlot


class RemoveSlot(_OneSlot, kw_only=True):
    asks = commands.RemoveSlot


class HoldSlot(Mutation, kw_only=True):
    asks = commands.HoldSlot

    slot: Id
    seats: Count = 1


class HeldSeat(Struct, kw_only=True, forbid_unknown_fields=True):
    id: Id
    token: Token

    def held(self) -> commands.HeldSeat:
        return commands.HeldSeat(id=self.id, token=self.token)


class _OneHold(Mutation, kw_only=True):
    """A request that names a hold, and proves that it is the asker's."""

    hold: Id
    token: Token

    def fields(self) -> dict[str, Any]:
        return {"hold": commands.HeldSeat(id=self.hold, token=self.token), "key": self.key}


class ExtendHold(_OneHold, kw_only=True):
    asks = commands.ExtendHold


class ReleaseHold(_OneHold, kw_only=True):
    asks = commands.ReleaseHold


class Person(Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    email: str | None = None
    phone: str | None = None
    note: str | None = None

    def customer(self) -> Customer:
        return Customer(name=self.name, email=self.email or UNSET, phone=self.phone or UNSET, note=self.note or UNSET)


class BookSlot(Mutation, kw_only=True):
    asks = commands.BookSlot

    slot: Id
    seats: Count | None = None
    hold: HeldSeat | None = None
    if_still_free: bool = False
    customer: Person

    def fields(self) -> dict[str, Any]:
        hold = self.hold.held() if self.hold is not None else None
        return {**Mutation.fields(self), "hold": hold, "customer": self.customer.customer()}


class CancelBooking(Mutation, kw_only=True):
    asks = commands.CancelBooking

    booking: Id
    token: Token = ""


class RescheduleBooking(Mutation, kw_only=True):
    asks = commands.RescheduleBooking

    booking: Id
    slot: Id
    token: Token = ""
    hold: HeldSeat | None = None

    def fields(self) -> dict[str, Any]:
        return {**Mutation.fields(self), "hold": self.hold.held() if self.hold is not None else None}


class _StaffOnBooking(Mutation, kw_only=True):
    booking: Id


class ConfirmBooking(_StaffOnBooking, kw_only=True):
    asks = commands.ConfirmBooking


class RejectBooking(_StaffOnBooking, kw_only=True):
    asks = commands.RejectBooking


class MarkNoShow(_StaffOnBooking, kw_only=True):
    asks = commands.MarkNoShow


class ReinstateBooking(_StaffOnBooking, kw_only=True):
    asks = commands.ReinstateBooking


class EraseCustomer(_StaffOnBooking, kw_only=True):
    asks = commands.EraseCustomer


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
    "booking.reschedule": RescheduleBooking,
}
STAFF_REQUESTS: dict[str, type[Request]] = {
    "calendar.create": CreateCalendar,
    "calendar.update": UpdateCalendar,
    "calendar.archive": ArchiveCalendar,
    "calendar.link": MakeLink,
    "schedule.set": SetSchedule,
    "slot.open": OpenSlots,
    "slot.update": UpdateSlot,
    "slot.close": CloseSlot,
    "slot.reopen": ReopenSlot,
    "slot.remove": RemoveSlot,
    "booking.list": ListBookings,
    "booking.confirm": ConfirmBooking,
    "booking.reject": RejectBooking,
    "booking.no_show": MarkNoShow,
    "booking.reinstate": ReinstateBooking,
    "booking.erase": EraseCustomer,
}
EVERY_REQUEST = REQUESTS | STAFF_REQUESTS
_NAMED = re.compile(r"(?:required|unknown) field `(.*?)`(?: - at |$)")
_PATH = re.compile(r" - at (?:`key` in )?`\$\.?(.*?)`$")
_KINDS: dict[str, type[Request]] = {**EVERY_REQUEST, "ticket": Ticket}


def read_request(name: str, fields: Any) -> Request:
    """The request `name` with these fields, a JSON object; BadRequest says what is wrong with it."""
    kind = _KINDS.get(name)
    if kind is None:
        raise BadRequest("There is no such request.")
    if not isinstance(fields, dict):
        raise BadRequest("A request has one argument, a JSON object.", request=name)
    try:
        encode(fields)
        return msgspec.convert(fields, kind)
    except (UnicodeEncodeError, RecursionError) as error:  # half of a surrogate pair, or a thousand arrays in another
        raise BadRequest("The request holds what JSON can't hold.", request=name) from error
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}", request=name, **_field_of(f"{error}")) from error


def _field_of(fault: str) -> dict[str, str]:
    """The field that msgspec's message is about, as `{field: "slots[0].start"}`; nothing where there is none."""
    named, path = _NAMED.search(fault), _PATH.search(fault)
    steps = [path[1] if path else "", named[1] if named else ""]
    field = ".".join(step for step in steps if step)
    return {"field": field} if field else {}


_FIRST, _LAST = read_time("0001-01-01T00:00:00Z"), read_time("9999-12-31T23:59:59Z")


def read_moment(text: str, field: str) -> int:
    """A time of the wire, in milliseconds; BadRequest names the field."""
    try:
        moment = read_time(text)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"`{field}`: {error}", field=field) from error
    if not _FIRST <= moment <= _LAST:  # an offset may push it over the edge
        raise BadRequest(f"`{field}`: a time is in the years 1 to 9999.", field=field)
    return moment


def read_window(begin: str | None, finish: str | None, now: int, default_span: int) -> tuple[int, int]:
    """`from` and `to` in milliseconds: from now, for `default_span`, where they are not given."""
    first = now if begin is None else read_moment(begin, "from")
    last = min(first + default_span, _LAST) if finish is None else read_moment(finish, "to")
    if last <= first:
        raise BadRequest("`to` is after `from`.", field="to")
    return first, last


GONE = Cursor(-1, "")  # no history has it


def read_after(text: str | None) -> Cursor | None:
    """A cursor as a client sent it back. What is none is one that is gone: its client would send it for ever."""
    if text is None or text == "":
        return None
    try:
        return read_cursor(text)
    except ValueError:
        return GONE


def write_error(refusal: Refused) -> dict[str, Any]:
    """The wire's `{code, message, retryable, details?}`."""
    error = {"code": refusal.code, "message": refusal.message, "retryable": refusal.retryable}
    return {**error, "details": refusal.details} if refusal.details else error


def write_unknown_namespace(namespace: str) -> dict[str, Any]:
    """The CONNECT_ERROR of a Socket.IO namespace that nobody serves: `io(url)` without one connects to `/`."""
    where = "There is no such Socket.IO namespace." if namespace != "/" else "Nothing answers in the namespace `/`."
    refusal = NotFound(f'{where} Connect to `/calendars`, or as staff to `/staff`: io(url + "/calendars").')
    return {"message": refusal.message, "data": write_error(refusal)}


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
