"""The names, the tags and the rights of the operations of `/openapi.json`, and examples of their bodies."""

from __future__ import annotations

from typing import Any

from models.contract.principal import Role
from realtime.describe.schemas import Schema
from realtime.http.read_route import ReadRoute
from realtime.http.routes import BOOKING_TOKEN, CommandRoute

TICKET = "In the place of a token: good once, for 30 s."
SECURITY: Schema = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`server.py token` prints one. Public calendars need none.",
    },
    "bookingToken": {
        "type": "apiKey",
        "in": "header",
        "name": BOOKING_TOKEN,
        "description": "The token of one booking, for its holder.",
    },
    "ticket": {"type": "apiKey", "in": "query", "name": "ticket", "description": TICKET},
}
TAGS = {
    "calendar": "Calendars, their rights and policies.",
    "slot": "Slots: the times that can be booked.",
    "hold": "Holds keep seats while a customer decides.",
    "booking": "Bookings, for their holders and for staff.",
    "schedule": "Opening hours, from which slots are opened.",
    "feed": "iCalendar feeds and their private addresses.",
    "busy": "Busy times of other calendars.",
    "history": "Who changed what, and when.",
    "customer": "Customers and their erasure.",
    "block": "Blocks: whose holds and bookings are refused.",
    "account": "Staff's accounts and their roles.",
    "session": "Signing in and out.",
    "token": "Tokens of programs and people, listed and revoked.",
    "link": "Private links to calendars, listed and revoked.",
    "stream": "The ways to follow calendars.",
    "server": "For operators: health, metrics, descriptions.",
}
_NAMES = {
    "/api/calendars": "calendar.list",
    "/api/calendars/{id}": "calendar.get",
    "/api/calendars/{id}/slots": "slot.snapshot",
    "/api/calendars/{id}/bookings": "booking.list",
    "/api/bookings": "booking.search",
    "/api/calendars/{id}/schedule": "schedule.get",
    "/api/bookings/{id}.ics": "booking.file",
    "/calendars/{id}.ics": "feed.get",
    "/api/slots/{id}/explain": "slot.explain",
    "/api/calendars/{id}/changes": "stream.changes",
    "/api/calendars/{id}/events": "stream.events",
    "/api/events": "stream.events_of_many",
    "/api/calendars/{id}/socket": "stream.socket",
    "/api/socket": "stream.any_socket",
    "/api/tickets": "stream.ticket",
    "/api/challenge": "slot.challenge",
}
_EXAMPLES: dict[str, dict[str, Any]] = {
    "calendar.create": {"id": "room-1", "name": "Room 1", "zone": "Europe/Vienna"},
    "calendar.update": {"policy": {"min_notice": 3600, "confirmation": "staff"}},
    "calendar.link": {"lifetime_seconds": 604800},
    "schedule.set": {
        "schedule": {
            "windows": [{"days": ["mon", "tue"], "start": "09:00", "end": "17:00"}],
            "slot_minutes": 30,
            "from": "2027-01-01",
        }
    },
    "block.add": {"calendar": "room-1", "kind": "email", "value": "eve@example.org", "reason": "never came"},
    "slot.open": {"slots": [{"start": "2027-01-31T09:00:00Z", "end": "2027-01-31T09:30:00Z", "capacity": 4}]},
    "slot.update": {"capacity": 2, "data": {"room": "2"}},
    "slot.hold": {"seats": 1},
    "slot.book": {"customer": {"name": "Ada Lovelace", "email": "ada@example.org"}},
    "booking.verify": {"code": "043917", "token": "JgV2sXo0bqm1k9"},
    "booking.cancel": {"token": "JgV2sXo0bqm1k9"},
    "booking.reschedule": {"slot": "01977420-0000-7000-8000-000000000002", "token": "JgV2sXo0bqm1k9"},
    "booking.update": {"customer": {"phone": "+43 1 234 567"}, "token": "JgV2sXo0bqm1k9"},
    "customer.erase": {"email": "ada@example.org"},
    "customer.export": {"email": "ada@example.org"},
    "busy.add": {"name": "Holidays", "url": "https://calendar.example.org/holidays.ics"},
    "feed.create": {"name": "My phone", "scope": "bookings"},
    "ticket": {"calendars": ["room-1"]},
}


def name_of_read(read: ReadRoute) -> str:
    """Return the operation's name: that of the request, or a name in its form."""
    if read.path in _NAMES:
        return _NAMES[read.path] if read.method == "GET" or read.request is None else _of_request(read)
    return _of_request(read) if read.request is not None else f"server.{read.path.strip('/').partition('.')[0]}"


def _of_request(read: ReadRoute) -> str:
    assert read.request is not None
    name = read.request.wire.name
    return name if "." in name else f"stream.{name}"


def tag_of(name: str) -> str:
    """Return the tag of an operation: the first part of its name."""
    return name.partition(".")[0]


def example_of(name: str) -> Schema:
    """Return the example of a request's body, as a part of its media type; nothing for a body without one."""
    found = _EXAMPLES.get(name)
    return {} if found is None else {"example": found}


def security_of_command(route: CommandRoute) -> list[Schema]:
    """Return what a command asks for: a token of staff, or for the public at most a token."""
    return [{"token": []}] if route.command.wire.is_for_staff else [{}, {"token": []}]


def security_of_read(read: ReadRoute) -> list[Schema]:
    """Return what a read asks for; any one of them is enough. An empty one asks for nothing."""
    if not read.path.startswith(("/api/", "/calendars/")):
        return [{}]
    is_for_staff = read.request is not None and read.request.wire.role > Role.GUEST
    told: list[Schema] = [{"token": []}] if is_for_staff or "For staff" in read.summary else [{}, {"token": []}]
    if "ticket" in read.query:
        told.append({"ticket": []})
    if BOOKING_TOKEN in read.headers:
        told = [{"bookingToken": []}, {"token": []}]
    return told
