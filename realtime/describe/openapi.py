"""The HTTP routes in OpenAPI 3.1, made from the table of routes and the declarations of the requests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import get_args

from msgspec import Struct

from models.contract import errors
from models.contract.answers import Status
from realtime.describe.operations import (
    SECURITY,
    TAGS,
    TICKET,
    example_of,
    name_of_read,
    security_of_command,
    security_of_read,
    tag_of,
)
from realtime.describe.schemas import REFERENCE, Schema, components, name_of, reference
from realtime.http.problem import STATUS
from realtime.http.read_route import ReadRoute
from realtime.http.routes import BOOKING_TOKEN, COMMANDS, READS, SWITCHING, CommandRoute
from realtime.protocol import write_error

PROBLEM = "application/problem+json"
_PARAMETER = re.compile(r"\{(\w+)\}")
_NO_METHOD, _TOO_LARGE = 405, 413
_ETAG: Schema = {
    "ETag": {"description": "A mark of the content, not of the time of the request.", "schema": {"type": "string"}}
}


QUERY: dict[str, tuple[Schema, str]] = {
    "from": (
        {"type": "string", "format": "date-time"},
        "Start of the window; now by default. A search of bookings has no start by default.",
    ),
    "to": (
        {"type": "string", "format": "date-time"},
        "End of the window; 62 days after its start by default. A search of bookings has no end by default.",
    ),
    "calendar": ({"type": "string"}, "Only the bookings of this calendar."),
    "calendars": ({"type": "string"}, "Ids of calendars, with commas: 1 to 50, for a stream to 100."),
    "bookable": ({"enum": ["0", "1"]}, "With 1 only the slots that can be taken now."),
    "seats": ({"type": "integer", "minimum": 1, "maximum": 10_000}, "Only the slots that can take so many seats now."),
    "status": ({"enum": list(get_args(Status))}, "Only the bookings of this status."),
    "q": (
        {"type": "string", "minLength": 1, "maxLength": 200},
        "Text within the customer's name, e-mail address, phone number or note, in any case.",
    ),
    "updated_after": ({"type": "string", "format": "date-time"}, "Only the bookings that changed after this time."),
    "limit": (
        {"type": "integer", "minimum": 1, "maximum": 1_000},
        "Most items of a page: 1,000 slots, 500 bookings, or 200 entries.",
    ),
    "page": ({"type": "string"}, "The `next_page` of the answer before, as it came."),
    "after": (
        {"type": "string"},
        "A cursor, as it came: a stream continues from it, and a read is at least as new; or `<calendar>:<cursor>`s.",
    ),
    "at_least": ({"type": "string"}, "The cursor of a command's answer: the answer is at least as new."),
    "wait": ({"type": "number", "minimum": 0, "maximum": 60, "default": 0}, "Seconds to wait for a change."),
    "ticket": ({"type": "string"}, TICKET),
    "archived": ({"enum": ["1"]}, "Also list archived calendars."),
    "merge": ({"enum": ["1"]}, "Join adjacent free slots into one event."),
    "whole": ({"enum": ["1"]}, "Send up to 20,000 slots instead of 1 MB."),
    "key": ({"type": "string"}, "The token of a private feed."),
    "slot": ({"type": "string"}, "Only what is about this slot."),
    "booking": ({"type": "string"}, "Only what is about this booking."),
    "before": ({"type": "integer", "minimum": 0}, "The `next` of the page before."),
    "preview": ({"enum": ["1"]}, "Only preview the outcome."),
    "beat": ({"enum": ["1"]}, "Send a comment or a message `beat` now and every 3 s, as a sign of a live network."),
}
_HEADERS = {
    "Idempotency-Key": "The `key`: a repeated request is done at most once and gets the same answer.",
    "If-Match": "The known `version` of the slot or booking, in quotes; `*` for any.",
    "If-None-Match": "The known ETag, or `*` for any; without a change the answer is 304.",
    BOOKING_TOKEN: "The booking's token; its calendar's staff need none.",
    "Last-Event-ID": "The cursor; EventSource sends it by itself, and it takes precedence over `after`.",
}


def openapi() -> Schema:
    """Return the whole document."""
    paths: dict[str, Schema] = {}
    for read in READS:
        paths.setdefault(read.path, {})[read.method.lower()] = _read(read)
    for route in COMMANDS:
        paths.setdefault(route.path, {})[route.method.lower()] = _command(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Slotcast",
            "version": "1",
            "description": "Live calendars of bookable time slots. A client resumes by a cursor and books with a key. "
            "An unsupported method of a path is a 405 with `Allow`, and a problem like every other refusal.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "./"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components(),
            "responses": _refusals(),
            "securitySchemes": SECURITY,
        },
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
    }


def _read(read: ReadRoute) -> Schema:
    name, query = name_of_read(read), [_query(name) for name in read.query]
    operation: Schema = {
        "operationId": name,
        "tags": [tag_of(name)],
        "summary": read.summary,
        "security": security_of_read(read),
        "parameters": _path(read.path) + query + [_header(name) for name in read.headers],
        "responses": _responses(read.status, read.summary, (read.shape,) if read.shape else (), read.media),
    }
    responses = operation["responses"]
    if read.takes_body and read.request is not None:
        schema, is_needed = body_of(read.request, read.subject)
        schema = schema if read.subject else reference(read.request)
        operation["requestBody"] = _json_body(schema, read.request.wire.name, is_needed=is_needed)
        responses |= _pointed([_TOO_LARGE])
    if "If-None-Match" in read.headers:
        responses[str(read.status)]["headers"] = _ETAG
        responses["304"] = {"description": "Nothing has changed.", "headers": _ETAG}
    return operation


def _json_body(schema: Schema, name: str, *, is_needed: bool) -> Schema:
    return {"required": is_needed, "content": {"application/json": {"schema": schema, **example_of(name)}}}


def _command(route: CommandRoute) -> Schema:
    wire = route.command.wire
    fields, is_needed = body_of(route.command, route.subject)
    headers = [_header("Idempotency-Key")]
    if wire.needs_key:
        headers[0]["description"] += " Required, here or as the body's `key`."
    query = [_query("preview")] if "preview" in fields["properties"] else []
    if "if_version" in fields["properties"]:
        headers.append(_header("If-Match"))
    return {
        "operationId": wire.name,
        "tags": [tag_of(wire.name)],
        "summary": wire.summary,
        "security": security_of_command(route),
        "parameters": _path(route.path) + query + headers,
        "requestBody": _json_body(fields, wire.name, is_needed=is_needed),
        "responses": _responses(route.status, wire.summary, wire.answers) | _pointed([_TOO_LARGE]),
    }


def body_of(kind: type[Struct], subject: str) -> tuple[Schema, bool]:
    """Return the schema of a body without the fields of path and headers, and whether a body is required."""
    schema = components()[name_of(kind)]
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
    if status != SWITCHING:
        schema = reference(*shapes) if shapes else {"type": "object" if "json" in media else "string"}
        answered["content"] = {media: {"schema": schema}}
    return {str(status): answered} | _pointed(sorted({*STATUS.values()} - {_NO_METHOD, _TOO_LARGE}))


def _pointed(statuses: Iterable[int]) -> Schema:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _refusals() -> Schema:
    """Return a response for each status, with each code's fact and advice."""
    responses: Schema = {}
    for status in sorted({*STATUS.values()}):
        kinds = [kind for kind in errors.EVERY if STATUS[kind.code] == status]
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
    return told | write_error(refusal)
