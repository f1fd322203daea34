"""Reads private feeds: the list for staff, the scope of a key, and the bookings of a feed or of one file."""

from __future__ import annotations

from typing import NamedTuple

from models.contract.changes import Info
from models.contract.commands.command import WithToken
from models.contract.errors import NotFound
from models.contract.principal import Role
from models.contract.values.time import DAY
from models.contract.values.tokens import Tokens
from models.domain.bookings import bookings
from models.domain.calendars import feeds
from models.domain.calendars.feeds import PublicFeed
from models.domain.log.public_view import calendar_info
from models.query.calendars import read_calendar_row
from models.query.feeds.feed import read_floor
from models.storage.cancellation import checked
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.rows import FeedRow
from models.storage.tables import Booking, PrivateFeed, Slot, columns

ENDED_LATELY = 30 * DAY  # for which a cancelled booking stays in a feed

_feeds = CompiledQuery(
    PrivateFeed.select(*columns(PrivateFeed))
    .where((PrivateFeed.calendar == bind("calendar")) & (PrivateFeed.revoked == literal(0)))
    .order_by(PrivateFeed.created_at, PrivateFeed.id)
)
_EVENT = (
    Booking.id,
    Slot.start,
    Slot.end,
    Booking.seats,
    Booking.status,
    Booking.name,
    Booking.email,
    Booking.phone,
    Booking.note,
    Booking.changed_at,
    Booking.created_at,
)
_FOUND = (
    (Booking.calendar == bind("calendar"))
    & (Slot.end > bind("begin"))
    & (Slot.start < bind("finish"))
    & (Booking.status.in_(["pending", "confirmed", "no_show"]) | (Booking.changed_at >= bind("since")))
)
_events = Booking.select(*_EVENT).join(Slot, on=(Booking.slot == Slot.id))
_coming = CompiledQuery(
    _events.where(_FOUND & (Slot.end > bind("now"))).order_by(Slot.start, Booking.id).limit(bind("most"))
)
_past = CompiledQuery(
    _events.where(_FOUND & (Slot.end <= bind("now"))).order_by(Slot.start.desc(), Booking.id.desc()).limit(bind("most"))
)
_event = CompiledQuery(
    Booking.select(*_EVENT).join(Slot, on=(Booking.slot == Slot.id)).where(Booking.id == bind("booking"))
)


class FeedBooking(NamedTuple):
    """A booking as an event; times are in milliseconds. An erased customer has no name."""

    id: str
    start: int
    end: int
    seats: int
    status: str
    name: str | None
    email: str | None
    phone: str | None
    note: str | None
    changed_at: int
    created_at: int


class BookingFeed(NamedTuple):
    """Bookings by start, with their calendar. `floor` is the least SEQUENCE, as a time; `now` is that of the read."""

    info: Info
    floor: int
    bookings: list[FeedBooking]
    now: int = 0


def read_feeds(db: Dialect, calendar: str) -> list[PublicFeed]:
    """Return the calendar's private feeds, for its staff; raise NotFound without the calendar."""
    with reading(db):
        read_calendar_row(db, calendar)
        return [feeds.public(FeedRow._make(row)) for row in _feeds.rows(db, calendar=calendar)]


def read_scope(db: Dialect, tokens: Tokens, calendar: str, key: str) -> str:
    """Return the scope of the feed with this key; raise NotFound for none, also for an unknown calendar."""
    with reading(db):
        rows = [FeedRow._make(row) for row in _feeds.rows(db, calendar=calendar)]
    for row in rows:
        if tokens.is_token(key, "feed", row.id):
            return row.scope
    raise NotFound(what="feed")


def read_booking_feed(db: Dialect, calendar: str, begin: int, finish: int, *, most: int, now: int) -> BookingFeed:
    """Return the bookings whose slots touch `[begin, finish)`, and those that ended lately. For staff.

    They are at most `most` of the slots to come, the next first, and as many of the others, the latest first.
    """
    with reading(db):
        head = read_calendar_row(db, calendar)
        floor = read_floor(db, calendar)
        past, coming = (
            query.rows(db, calendar=calendar, begin=begin, finish=finish, most=most, since=now - ENDED_LATELY, now=now)
            for query in (_past, _coming)
        )
    rows = [*reversed(past), *coming]
    return BookingFeed(calendar_info(head), floor, [FeedBooking._make(row) for row in checked(rows)], now)


def read_booking_event(db: Dialect, tokens: Tokens, asked: WithToken) -> BookingFeed:
    """Return one booking, for the bearer of its token or its calendar's staff."""
    with reading(db):
        row = bookings.find(db, tokens, asked.principal, asked.booking, asked.token, role=Role.VIEWER)
        head = read_calendar_row(db, row.calendar)
        floor = read_floor(db, row.calendar)
        found = _event.row(db, booking=row.id)
    if found is None:
        raise NotFound(what="booking")
    return BookingFeed(calendar_info(head), floor, [FeedBooking._make(found)])
