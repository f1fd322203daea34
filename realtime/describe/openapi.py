"""The HTTP routes in OpenAPI 3.1, from the tables that make the routes and the types that they read and write. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from models.contract import errors
from realtime import answers, protocol
from realtime.describe.schemas import KEY_REQUIRED, REFERENCE, Schema, components, reference
from realtime.http.api import BOOKING_TOKEN, MUTATIONS
from realtime.http.problem import STATUS

PROBLEM = "application/problem+json"
EVENT_STREAM = "text/event-stream"
TICKET = "In the place of a token: good once, for 30 s."
_PARAMETER = re.compile(r"\{(\w+)\}")
_SWITCHING = 101
_TOO_LARGE = 413
_ETAG: Schema = {"ETag": {"description": "What is in it, not when it was asked for.", "schema": {"type": "string"}}}


class Read(NamedTuple):
    """A route that changes nothing: what it takes in its query, and what it answers with."""

    method: str
    path: str
    what: str
    query: tuple[str, ...] = ()
    shape: type[Struct] | None = None
    media: str = "application/json"
    status: int = 200
    body: type[Struct] | None = None
    headers: tuple[str, ...] = ()


QUERY: dict[str, tuple[Schema, str]] = {
    "from": ({"type": "string", "format": "date-time"}, "Where the window begins; now by default."),
    "to": ({"type": "string", "format": "date-time"}, "Where the window ends; 62 days on by default."),
    "after": ({"type": "string"}, "A cursor, as it came: a stream goes on from it, a read is at least as new."),
    "at_least": ({"type": "string"}, "A cursor that the answer must have reached, as a command's answer said it."),
    "wait": ({"type": "number", "minimum": 0, "maximum": 60, "default": 0}, "Seconds to wait for a change."),
    "ticket": ({"type": "string"}, TICKET),
    "preview": ({"enum": ["1"]}, "Only say what it would do."),
    "beat": ({"enum": ["1"]}, "Send a comment `beat` now and every 3 s, so that silence tells of a dead network."),
}
_HEADERS = {
    "Idempotency-Key": "The `key`: sent again, the request is done at most once and answers the same.",
    "If-Match": "The slot's `version` that the asker saw, in quotes.",
    "If-None-Match": "The ETag of what the asker has; unchanged, the answer is 304.",
    BOOKING_TOKEN: "The booking's token; its calendar's staff need none.",
    "Last-Event-ID": "The cursor, as EventSource sends it by itself; it wins over `after`.",
}
_WINDOW = ("from", "to")
FOLLOWING = ("after", "at_least", *_WINDOW, "ticket")
READS: tuple[Read, ...] = (
    Read("GET", "/api/calendars", "Lists the calendars that the asker may see.", shape=answers.CalendarsAnswer),
    Read("GET", "/api/calendars/{id}", "Reads a calendar's info.", ("after",), answers.CalendarAnswer),
    Read(
        "GET",
        "/api/calendars/{id}/slots",
        "Takes a snapshot of a window.",
        (*_WINDOW, "after"),
        answers.Snapshot,
        headers=("If-None-Match",),
    ),
    Read(
        "GET",
        "/api/calendars/{id}/bookings",
        "Lists the bookings of a window's slots. For staff.",
        (*_WINDOW, "after"),
        answers.BookingsAnswer,
    ),
    Read(
        "GET",
        "/api/calendars/{id}/schedule",
        "Reads a calendar's opening hours as they were set. For staff.",
        ("after",),
        answers.ScheduleRead,
    ),
    Read(
        "POST",
        "/api/calendars/{id}/links",
        "Makes the token of a link by which guests see and book the calendar. For staff.",
        shape=answers.LinkAnswer,
        status=201,
        body=protocol.MakeLink,
    ),
    Read(
        "GET",
        "/api/slots/{id}/explain",
        "Says why the asker can or can't take a slot, rule by rule.",
        ("after",),
        answers.Explanation,
    ),
    Read(
        "GET",
        "/api/bookings/{id}",
        "Reads a booking, with its customer.",
        ("after",),
        answers.BookingAnswer,
        headers=(BOOKING_TOKEN,),
    ),
    Read(
        "GET",
        "/api/calendars/{id}/changes",
        "Waits for what follows a cursor (long poll).",
        ("after", "at_least", "wait", "ticket"),
        answers.Poll,
    ),
    Read(
        "GET",
        "/api/calendars/{id}/events",
        "Follows a calendar by server-sent events.",
        (*FOLLOWING, "beat"),
        media=EVENT_STREAM,
        headers=("Last-Event-ID",),
    ),
    Read(
        "GET",
        "/api/calendars/{id}/socket",
        "Follows a calendar by a plain WebSocket.",
        FOLLOWING,
        status=_SWITCHING,
    ),
    Read(
        "POST",
        "/api/tickets",
        "Gets a ticket for what can't send a header.",
        shape=answers.TicketAnswer,
        body=protocol.Ticket,
    ),
    Read(
        "GET",
        "/calendars/{id}.ics",
        "The calendar as an iCalendar feed.",
        ("after", "ticket"),
        media="text/calendar",
        headers=("If-None-Match",),
    ),
    Read("GET", "/healthz", "Says that the process is alive.", shape=answers.StatusAnswer),
    Read("GET", "/readyz", "Says whether the database answers and newcomers are welcome.", shape=answers.StatusAnswer),
    Read("GET", "/metrics", "Tells Prometheus how it is doing.", media="text/plain"),
    Read("GET", "/openapi.json", "This description.", media="application/json"),
    Read("GET", "/asyncapi.json", "What is said on Socket.IO and the streams, in AsyncAPI 3.0."),
)


def openapi() -> Schema:
    """The whole document."""
    paths: dict[str, Schema] = {}
    for read in READS:
        paths.setdefault(read.path, {})[read.method.lower()] = _read(read)
    for method, path, name, subject, status in MUTATIONS:
        paths.setdefault(path, {})[method.lower()] = _mutation(path, name, subject, status)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Slotcast",
            "version": "1",
            "description": "Calendars of bookable time slots, live. Followed by cursor, booked with a key. "
            "What a path does not have as a method is a 405 with `Allow`, and a problem like every other refusal.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components(),
            "responses": _refusals(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
        # With and without a token: what a calendar's visibility and `booking` ask for.
        "security": [{}, {"token": []}],
    }


def _read(read: Read) -> Schema:
    query = [_query(name) for name in read.query]
    operation: Schema = {
        "operationId": _identity(read.method, read.path),
        "summary": read.what,
        "parameters": _path(read.path) + query + [_header(name) for name in read.headers],
        "responses": _responses(read.status, read.what, (read.shape,) if read.shape else (), read.media),
    }
    responses = operation["responses"]
    if read.body is not None:
        operation["requestBody"] = _body(read.body)
        responses |= _pointed([_TOO_LARGE])
    if "If-None-Match" in read.headers:
        responses[str(read.status)]["headers"] = _ETAG
        responses["304"] = {"description": "Nothing has changed.", "headers": _ETAG}
    return operation


def _body(kind: type[Struct]) -> Schema:
    """The fields of a body; those of a request of the wire less its calendar, which is in the path."""
    name = next((name for name, known in protocol.EVERY_REQUEST.items() if known is kind), "")
    schema, is_needed = body_of(name, "calendar") if name else (reference(kind), True)
    return {"required": is_needed, "content": {"application/json": {"schema": schema}}}


def _mutation(path: str, name: str, subject: str, status: int) -> Schema:
    told = answers.ANSWERS[name]
    fields, needs_body = body_of(name, subject)
    headers = [_header("Idempotency-Key")]
    if name in KEY_REQUIRED:
        headers[0]["description"] += " Required, here or as the body's `key`."
    query = [_query("preview")] if "preview" in fields["properties"] else []
    if "if_version" in fields["properties"]:
        headers.append(_header("If-Match"))
    return {
        "operationId": name,
        "summary": told.what,
        "parameters": _path(path) + query + headers,
        "requestBody": {"required": needs_body, "content": {"application/json": {"schema": fields}}},
        "responses": _responses(status, told.what, told.shapes) | _pointed([_TOO_LARGE]),
    }


def body_of(name: str, subject: str) -> tuple[Schema, bool]:
    """The fields of a request but for those that the path and the headers give, and whether any is needed."""
    schema = components()[protocol.EVERY_REQUEST[name].__name__]
    properties = {field: given for field, given in schema["properties"].items() if field != subject}
    required = [field for field in schema["required"] if field not in {subject, "key"}]
    return {**schema, "properties": properties, "required": required}, bool(required)


def _path(path: str) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]


def _query(name: str) -> Schema:
    schema, description = QUERY[name]
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(name: str) -> Schema:
    return {"name": name, "in": "header", "description": _HEADERS[name], "schema": {"type": "string"}}


def _responses(status: int, what: str, shapes: tuple[type[Struct], ...], media: str = "application/json") -> Schema:
    answered: Schema = {"description": what}
    if status != _SWITCHING:
        schema = reference(*shapes) if shapes else {"type": "object" if "json" in media else "string"}
        answered["content"] = {media: {"schema": schema}}
    return {str(status): answered} | _pointed(sorted(set(STATUS.values())))


def _pointed(statuses: Iterable[int]) -> Schema:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _refusals() -> Schema:
    """A response for each status, and in it each code's fact and advice; 413 is HTTP's own word for one of them."""
    responses: Schema = {}
    for status in sorted({*STATUS.values(), _TOO_LARGE}):
        kinds = [kind for kind in errors.EVERY if STATUS[kind.code] == status]
        kinds = [errors.BadRequest] if status == _TOO_LARGE else kinds
        responses[str(status)] = {
            "description": " ".join(f"`{kind.code}`: {kind.fact} {kind.advice}" for kind in kinds),
            "content": {
                PROBLEM: {
                    "schema": {"$ref": f"{REFERENCE}Problem"},
                    "examples": {kind.code: {"value": _example(kind, status)} for kind in kinds},
                }
            },
        }
        if any(kind.retryable for kind in kinds):
            responses[str(status)]["headers"] = {
                "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
            }
    return responses


def _example(kind: type[errors.Refused], status: int) -> Schema:
    refusal = kind()
    told = {"type": "about:blank", "title": kind.fact, "status": status, "detail": refusal.message}
    return told | protocol.write_error(refusal)


def _identity(method: str, path: str) -> str:
    words = [word for word in re.split(r"[^a-z]+", path) if word not in {"", "api", "id"}]
    subject = "of-one" if "{id}" in path else "of-all"
    return "-".join([method.lower(), *words, subject])
