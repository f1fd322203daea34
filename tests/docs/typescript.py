"""The wire's types in TypeScript, from their schemas: what web/src/client/wire.ts is made by."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from models.contract import errors
from models.contract.changes import Type
from realtime import answers, protocol
from realtime.describe.schemas import REFERENCE, components, name_of

_HEAD = """/** Made by `python -m tests.docs.generate` from the types that the server reads and writes.
 *
 * Times are RFC 3339 in UTC; docs/protocol.md says what everything means. */
"""
_WIDTH = 100
# Unions that have a name of their own.
_UNIONS = {
    ("Slot", "status"): "SlotStatus",
    ("Booking", "status"): "BookingStatus",
    ("BookingOutcome", "status"): "BookingStatus",
    ("StaffBooking", "status"): "BookingStatus",
}
_SUBSCRIBE = "calendar.subscribe"
_INTERFACES = (
    "Slot",
    "Policy",
    "CalendarInfo",
    "Customer",
    "Booking",
    "BookingOutcome",
    "Left",
    "StaffBooking",
    "Hold",
    "EndedHold",
    "Change",
    "Snapshot",
    "Resumption",
    "Poll",
    "Window",
    "ExtraWindow",
    "ClosedRange",
    "Schedule",
    "ScheduleWarning",
)
_TAIL = """
export type SubscribeAnswer =
  ({ readonly mode: "snapshot" } & Snapshot) | ({ readonly mode: "resumed" } & Resumption);

export type Fields = Readonly<Record<string, unknown>>;
"""


def typescript() -> str:
    """The whole file, as prettier would have it."""
    schemas = _schemas()
    parts = [_HEAD]
    parts += [_alias("SlotStatus", schemas["Slot"]["properties"]["status"]["enum"])]
    parts += [_alias("BookingStatus", schemas["Booking"]["properties"]["status"]["enum"])]
    parts += [_alias("ChangeType", Type)]
    parts += [_alias("RequestName", protocol.REQUESTS)]
    parts += [_alias("StaffRequestName", protocol.STAFF_REQUESTS)]
    parts += [_alias("ServerErrorCode", (kind.code for kind in errors.EVERY))]
    parts += [_interface(name, schemas[name]) for name in (*_INTERFACES, *_answers())]
    parts += [_answer_of_each_request()]
    return "\n".join(parts) + _TAIL


def _answers() -> list[str]:
    """The answers to requests, but for the one that has a name of its own."""
    asked = (name for name in protocol.EVERY_REQUEST if name != _SUBSCRIBE)
    return list(dict.fromkeys(name_of(shape) for name in asked for shape in answers.ANSWERS[name].shapes))


def _answer_of_each_request() -> str:
    lines = ["/** What each request is answered with. */", "export interface Answers {"]
    for name in protocol.EVERY_REQUEST:
        shapes = [name_of(shape) for shape in answers.ANSWERS[name].shapes]
        kind = "SubscribeAnswer" if name == _SUBSCRIBE else " | ".join(shapes)
        lines.append(f'  readonly "{name}": {kind};')
    return "\n".join([*lines, "}"]) + "\n"


def _schemas() -> dict[str, Any]:
    """The components, in the few shapes that a client has a name for."""
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
        "description": "What followed a cursor, in order.",
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
    plain = {"string": "string", "integer": "number", "boolean": "boolean", "null": "null"}
    return plain.get(schema.get("type", ""), "unknown")
