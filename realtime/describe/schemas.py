"""The wire's types as named JSON Schemas, made from the types themselves: what both descriptions are built of."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from models.contract import errors
from models.contract.changes import Change
from models.service import Schedule
from realtime import answers, protocol

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"
# The names that clients know; the others are the types' own.
_NAMES = {"Info": "CalendarInfo", "Booking": "StaffBooking", "OwnBooking": "Booking"}
# Where the book wants a `key`; elsewhere it takes one.
KEY_REQUIRED = (
    "slot.hold",
    "hold.extend",
    "hold.release",
    "slot.book",
    "booking.cancel",
    "booking.reschedule",
    "slot.open",
)
_OTHERS: tuple[type[Struct], ...] = (
    protocol.Ticket,
    Change,
    answers.StaffChange,
    answers.Snapshot,
    answers.Poll,
    answers.CalendarAnswer,
    answers.CalendarsAnswer,
    answers.ScheduleRead,
    answers.Explanation,
    answers.TicketAnswer,
    answers.StatusAnswer,
    answers.Error,
    answers.Problem,
)


def name_of(kind: type[Struct]) -> str:
    """Under which name a type stands in the descriptions."""
    return _NAMES.get(kind.__name__, kind.__name__)


def reference(*kinds: type[Struct]) -> Schema:
    """Points at a type, or at any of several."""
    pointers = [{"$ref": f"{REFERENCE}{name_of(kind)}"} for kind in kinds]
    return pointers[0] if len(pointers) == 1 else {"oneOf": pointers}


def every_type() -> list[type[Struct]]:
    """Every type that is read or written on the wire."""
    shapes = [shape for name in protocol.EVERY_REQUEST for shape in answers.ANSWERS[name].shapes]
    every: list[type[Struct]] = [*protocol.EVERY_REQUEST.values(), *shapes, *_OTHERS]
    return list(dict.fromkeys(every))


@cache
def components() -> dict[str, Schema]:
    """Every schema by its name."""
    taken: list[type[Struct]] = [*protocol.EVERY_REQUEST.values(), protocol.Ticket, Schedule]
    read = {name_of(kind) for kind in taken}
    _, found = msgspec.json.schema_components(every_type(), ref_template=f"{REFERENCE}{{name}}")
    named: dict[str, Schema] = {}
    for name, schema in found.items():
        mine = _NAMES.get(name, name)
        named[mine] = _renamed(schema) | {"title": mine}
    given = _reached(named, read)
    for name, schema in named.items():
        if name not in given and schema.get("type") == "object":
            _always_written(schema)
    named["PolicyFields"] = {**named["Policy"], "title": "PolicyFields", "required": [], "additionalProperties": False}
    for name in ("CreateCalendar", "UpdateCalendar"):
        named[name]["properties"]["policy"] = {"$ref": f"{REFERENCE}PolicyFields"}
    named["SetSchedule"]["properties"]["schedule"] = reference(Schedule)
    for name, kind in protocol.EVERY_REQUEST.items():
        if name in KEY_REQUIRED:
            _always_given(named[name_of(kind)], "key")
    codes = [kind.code for kind in errors.EVERY]
    for name in ("Error", "Problem"):
        named[name]["properties"]["code"] = {"type": "string", "enum": codes}
    return dict(sorted(named.items()))


def _renamed(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _pointer(value) if key == "$ref" else _renamed(value) for key, value in schema.items()}
    return [_renamed(item) for item in schema] if isinstance(schema, list | tuple) else schema


def _pointer(text: str) -> str:
    name = text.removeprefix(REFERENCE)
    return f"{REFERENCE}{_NAMES.get(name, name)}"


def _reached(named: dict[str, Schema], names: Iterable[str]) -> set[str]:
    """The names, and all that their schemas point at."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [pointer.removeprefix(REFERENCE) for pointer in _pointers(named[name])]
    return seen


def _pointers(schema: Any) -> Iterable[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value
            else:
                yield from _pointers(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _pointers(item)


def _always_written(schema: Schema) -> None:
    """The server leaves nothing out of what it writes but what is unset: a default is no licence to."""
    for name, field in schema.get("properties", {}).items():
        if "default" in field:
            _always_given(schema, name)


def _always_given(schema: Schema, name: str) -> None:
    del schema["properties"][name]["default"]
    schema["required"].append(name)
