"""Writes bookings as iCalendar events: a staff's feed, and the file of one booking for its holder (RFC 5545, 5546)."""

from __future__ import annotations

from collections.abc import Sequence

from models.contract.changes import Info
from models.contract.values.time import write_time
from models.service import BookingFeed, FeedBooking
from realtime.ical.icalendar import HEAD_BYTES, MOST_BYTES, Written, write_feed
from realtime.ical.text import escape, fold, one_line, quote, sequence, write_moment

# STATUS, and the words before the title.
_SHOWN = {
    "pending": ("TENTATIVE", "To be confirmed: "),
    "confirmed": ("CONFIRMED", ""),
    "no_show": ("CONFIRMED", "No-show: "),
    "cancelled": ("CANCELLED", "Cancelled: "),
    "rejected": ("CANCELLED", "Declined: "),
}
_HELD_FOR = "This is a request: the time is kept until it is confirmed or declined."


def write_staff_feed(found: BookingFeed, *, most_bytes: int = MOST_BYTES) -> Written:
    """Return the bookings of a calendar with their customers: the next ones that fit, then the latest past ones."""
    coming = [booking for booking in found.bookings if booking.end > found.now]
    past = [booking for booking in found.bookings if booking.end <= found.now]
    first, left = _fitting(coming, found.floor, most_bytes - HEAD_BYTES)
    last, _ = _fitting(past[::-1], found.floor, left if len(first) == len(coming) else 0)
    told = [f"bookings from {write_time(coming[len(first)].start)} on"] if len(first) < len(coming) else []
    if len(last) < len(past):
        told.append(f"{len(past) - len(last)} past bookings")
    cut = " and ".join(told) + " are left out" if told else ""
    changed_at = max((booking.changed_at for booking in found.bookings), default=0)
    return Written(write_feed(found.info, changed_at, [*last[::-1], *first], cut), cut)


def _fitting(bookings: Sequence[FeedBooking], floor: int, most: int) -> tuple[list[str], int]:
    """Return the events of the first bookings that fit into so many bytes, and the bytes that are left."""
    events: list[str] = []
    for booking in bookings:
        event = _event(booking, booking.name or "Booking", _customer(booking), floor)
        size = len(event.encode())
        if size > most:
            break
        most -= size
        events.append(event)
    return events, most


def write_booking(found: BookingFeed, page: str) -> str:
    """Return the file of one booking for its holder: PUBLISH, or CANCEL once it has ended. `page` is the calendar's."""
    (booking,) = found.bookings
    status, _ = _SHOWN[booking.status]
    description = [_HELD_FOR] if booking.status == "pending" else []
    # RFC 5546, 3.2.1: both methods name an organizer. A calendar has no address.
    organizer = f"ORGANIZER;CN={quote(found.info.name)}:invalid:nomail"
    event = _event(booking, found.info.name, description, found.floor, organizer, f"URL:{page}")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Slotcast//Slotcast//EN",
        "CALSCALE:GREGORIAN",
        f"METHOD:{'CANCEL' if status == 'CANCELLED' else 'PUBLISH'}",
    ]
    return "".join(map(fold, lines)) + event + "END:VCALENDAR\r\n"


def file_name(info: Info) -> str:
    return f"{info.id}.ics"


def _customer(booking: FeedBooking) -> list[str]:
    return [text for text in (booking.email, booking.phone, booking.note) if text]


def _event(booking: FeedBooking, title: str, description: list[str], floor: int, *more: str) -> str:
    status, before = _SHOWN[booking.status]
    told = [f"{booking.seats} places."] if booking.seats > 1 else []
    text = "\n".join([*told, *description])
    changed = write_moment(booking.changed_at or booking.created_at)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{booking.id}",
        f"DTSTAMP:{changed}",
        f"LAST-MODIFIED:{changed}",
        f"CREATED:{write_moment(booking.created_at)}",
        f"SEQUENCE:{sequence(booking.changed_at, floor)}",
        f"DTSTART:{write_moment(booking.start)}",
        f"DTEND:{write_moment(booking.end)}",
        f"SUMMARY:{one_line(before + title)}",
        *([f"DESCRIPTION:{escape(text)}"] if text else []),
        *more,
        f"STATUS:{status}",
        f"TRANSP:{'TRANSPARENT' if status == 'CANCELLED' else 'OPAQUE'}",
        "END:VEVENT",
    ]
    return "".join(map(fold, lines))
