"""The named JSON Schemas of the wire's types, for OpenAPI, AsyncAPI, the docs and TypeScript."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from models.contract import errors
from models.contract.answers import Snapshot, TicketAnswer
from models.contract.changes import Change
from models.contract.commands.calendars import Ticket
from models.contract.request import Request, describe_custom
from models.contract.requests import REQUESTS
from models.contract.values.proof import Challenge
from models.service import Schedule
from realtime import answers

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"
# The names for clients, where they differ from the class.
_NAMES = {"Info": "CalendarInfo", "Booking": "StaffBooking", "OwnBooking": "Booking"}
_OTHERS: tuple[type[Struct], ...] = (
    Ticket,
    Change,
    answers.StaffChange,
    Snapshot,
    answers.Poll,
    answers.CalendarAnswer,
    answers.CalendarsAnswer,
    answers.ScheduleRead,
    answers.Explanation,
    TicketAnswer,
    Challenge,
    answers.StatusAnswer,
    answers.ReadyAnswer,
    answers.Error,
    answers.Problem,
)


def name_of(kind: type[Struct]) -> str:
    """Return the name of a type in the descriptions."""
    return _NAMES.get(kind.__name__, kind.__name__)


def reference(*kinds: type[Struct]) -> Schema:
    """Return a pointer to a type, or to any of several."""
    pointers = [{"$ref": f"{REFERENCE}{name_of(kind)}"} for kind in kinds]
    return pointers[0] if len(pointers) == 1 else {"oneOf": pointers}


def every_type() -> list[type[Struct]]:
    """Return every type on the wire, requests first."""
    shapes = [shape for kind in REQUESTS.values() for shape in kind.wire.answers]
    every: list[type[Struct]] = [*REQUESTS.values(), *shapes, *_OTHERS]
    return list(dict.fromkeys(every))


@cache
def components() -> dict[str, Schema]:
    """Return every schema by its name."""
    requests: list[type[Struct]] = [*REQUESTS.values(), Schedule]
    read = {name_of(kind) for kind in requests}
    _, found = msgspec.json.schema_components(
        every_type(), schema_hook=describe_custom, ref_template=f"{REFERENCE}{{name}}"
    )
    for kind in REQUESTS.values():
        _without_server_fields(found[kind.__name__], kind)
    for of_server in ("Principal", "Expansion"):
        del found[of_server]
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
    for kind in REQUESTS.values():
        if kind.wire.needs_key:
            _always_given(named[name_of(kind)], "key")
    codes = [kind.code for kind in errors.EVERY]
    for name in ("Error", "Problem"):
        named[name]["properties"]["code"] = {"type": "string", "enum": codes}
    return dict(sorted(named.items()))


def _without_server_fields(schema: Schema, kind: type[Request]) -> None:
    """Remove the fields that the server fills in."""
    for name in kind.of_server:
        del schema["properties"][name]


def _renamed(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _pointer(value) if key == "$ref" else _renamed(value) for key, value in schema.items()}
    return [_renamed(item) for item in schema] if isinstance(schema, list | tuple) else schema


def _pointer(text: str) -> str:
    name = text.removeprefix(REFERENCE)
    return f"{REFERENCE}{_NAMES.get(name, name)}"


def _reached(named: dict[str, Schema], names: Iterable[str]) -> set[str]:
    """Return the names, and those of all schemas within reach of them."""
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
    """Make fields with a default required, because the server writes them always."""
    for name, field in schema.get("properties", {}).items():
        if "default" in field:
            _always_given(schema, name)


def _always_given(schema: Schema, name: str) -> None:
    del schema["properties"][name]["default"]
    schema["required"].append(name)
