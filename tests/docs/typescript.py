"""The wire in TypeScript: `wire.ts` has its types, from their schemas; `routes.ts` has the routes of the requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from models.contract import errors
from models.contract.changes import Type
from models.contract.request import Request
from models.contract.requests import EVERY_REQUEST, PUBLIC_REQUESTS, STAFF_REQUESTS
from realtime.describe.schemas import REFERENCE, components, name_of
from realtime.http.routes import COMMANDS, READS

_HEAD = """/** Made by `python -m tests.docs.generate` from the types that the server reads and writes.
 *
 * Times are RFC 3339 in UTC; docs/protocol.md says what everything means. */
"""
_ROUTES_HEAD = """/** Made by `python -m tests.docs.generate` from the table of routes in realtime/http/routes.py. */

/** A request's method, its path under `/api`, and the field in the place of the path's `{id}`. */
export type Route = readonly [method: string, path: string, id: string];

export const ROUTES: Readonly<Record<string, Route>> = {"""
_WIDTH = 100
# Unions with a name of their own.
_UNIONS = {
    ("Slot", "status"): "SlotStatus",
    ("Booking", "status"): "BookingStatus",
    ("BookingOutcome", "status"): "BookingStatus",
    ("StaffBooking", "status"): "BookingStatus",
    ("ListedBooking", "status"): "BookingStatus",
    ("FoundSlot", "status"): "SlotStatus",
}
_SUBSCRIBE = "calendar.subscribe"
_INTERFACES = (
    "Slot",
    "Question",
    "Policy",
    "CalendarInfo",
    "Customer",
    "Booking",
    "BookingOutcome",
    "Left",
    "StaffBooking",
    "ListedBooking",
    "FoundSlot",
    "Hold",
    "EndedHold",
    "Change",
    "Offset",
    "Snapshot",
    "Resumption",
    "Poll",
    "Window",
    "ExtraWindow",
    "ClosedRange",
    "Schedule",
    "ScheduleWarning",
    "Feed",
    "OwnFeed",
    "BusySource",
    "HistoryEntry",
    "ExportedEntry",
    "BlockOutcome",
    "Block",
    "Figure",
    "ServerRow",
)
_TAIL = """
export type SubscribeAnswer =
  ({ readonly mode: "snapshot" } & Snapshot) | ({ readonly mode: "resumed" } & Resumption);

export type Fields = Readonly<Record<string, unknown>>;
"""


def typescript() -> str:
    """Return `wire.ts`, as prettier formats it."""
    schemas = _schemas()
    parts = [_HEAD]
    parts += [_alias("SlotStatus", schemas["Slot"]["properties"]["status"]["enum"])]
    parts += [_alias("BookingStatus", schemas["Booking"]["properties"]["status"]["enum"])]
    parts += [_alias("ChangeType", Type)]
    parts += [_alias("RequestName", PUBLIC_REQUESTS)]
    parts += [_alias("StaffRequestName", STAFF_REQUESTS)]
    parts += [_alias("ServerErrorCode", (kind.code for kind in errors.EVERY))]
    parts += [_interface(name, schemas[name]) for name in (*_INTERFACES, *_answers())]
    parts += [_answer_of_each_request()]
    parts += [_name_of_each_answer("ANSWER_TYPES", "everyone", PUBLIC_REQUESTS)]
    parts += [_name_of_each_answer("STAFF_ANSWER_TYPES", "staff", STAFF_REQUESTS)]
    return "\n".join(parts) + _TAIL


def routes() -> str:
    """Return `routes.ts`: the routes of the public requests.

    A client sends these over HTTP too. A calendar is followed by a stream, and staff need Socket.IO.
    """
    rows: dict[type[Request], tuple[str, str, str]] = {
        route.command: (route.method, route.path, route.subject) for route in COMMANDS
    }
    rows |= {read.request: (read.method, read.path, read.subject) for read in READS if read.request and read.subject}
    lines = [_ROUTES_HEAD]
    for name, kind in PUBLIC_REQUESTS.items():
        if kind in rows and name != _SUBSCRIBE:
            method, path, subject = rows[kind]
            lines.append(f'  "{name}": ["{method}", "{path.removeprefix("/api")}", "{subject}"],')
    return "\n".join([*lines, "};"]) + "\n"


def _answers() -> list[str]:
    """Return the types of the answers, except the one with a name of its own."""
    asked = (kind for name, kind in EVERY_REQUEST.items() if name != _SUBSCRIBE)
    return list(dict.fromkeys(name_of(shape) for kind in asked for shape in kind.wire.answers))


def _answer_of_each_request() -> str:
    lines = ["/** The answer to each request. */", "export interface Answers {"]
    for name, kind_of_request in EVERY_REQUEST.items():
        shapes = [name_of(shape) for shape in kind_of_request.wire.answers]
        kind = "SubscribeAnswer" if name == _SUBSCRIBE else " | ".join(shapes)
        lines.append(f'  readonly "{name}": {kind};')
    return "\n".join([*lines, "}"]) + "\n"


def _name_of_each_answer(name: str, whose: str, requests: Mapping[str, type[Request]]) -> str:
    """Return the table by which the client finds the members to check in an answer."""
    lines = [f"/** The name of each answer's type, of the requests of {whose}. A subscription's answer has several. */"]
    lines.append(f"export const {name} = {{")
    for request, kind in requests.items():
        if request != _SUBSCRIBE:
            (shape,) = kind.wire.answers
            lines.append(f'  "{request}": "{name_of(shape)}",')
    return "\n".join([*lines, "} as const;"]) + "\n"


def _schemas() -> dict[str, Any]:
    """Return the components in the shapes of the client's names."""
    schemas = dict(components())
    staff = schemas["StaffChange"]
    optional = [name for name in staff["required"] if name != "bookings"]
    schemas["Change"] = {**staff, "description": schemas["Change"]["description"], "required": optional}
    answered = schemas["ResumedAnswer"]
    properties = {name: field for name, field in answered["properties"].items() if name != "mode"}
    schemas["Resumption"] = {
        **answered,
        "properties": properties,
        "required": [name for name in answered["required"] if name != "mode"],
        "description": "The changes after a cursor, in order.",
    }
    return schemas


def _alias(name: str, values: Iterable[str]) -> str:
    texts = [json.dumps(str(value)) for value in values]
    line = f"export type {name} = {' | '.join(texts)};"
    if len(line) <= _WIDTH:
        return f"{line}\n"
    return f"export type {name} =\n" + "\n".join(f"  | {text}" for text in texts) + ";\n"


def _interface(name: str, schema: dict[str, Any]) -> str:
    lines = [f"/** {schema['description']} */"] if "description" in schema else []
    if not schema["properties"]:
        return "\n".join([*lines, f"export interface {name} {{}}"]) + "\n"
    lines.append(f"export interface {name} {{")
    for field, given in schema["properties"].items():
        mark = "" if field in schema["required"] else "?"
        kind = _UNIONS.get((name, field)) or _type(given)
        lines.append(f"  readonly {field}{mark}: {kind};")
    return "\n".join([*lines, "}"]) + "\n"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(REFERENCE))
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        items = _type(schema["items"])
        return f"readonly ({items})[]" if " | " in items else f"readonly {items}[]"
    if "type" in schema.get("additionalProperties", {}):
        return f"Readonly<Record<string, {_type(schema['additionalProperties'])}>>"
    plain = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
    return plain.get(schema.get("type", ""), "unknown")
