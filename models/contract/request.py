"""The base of every request, its declaration, and the types of its fields.

A request is declared once, as one class. Its fields are the fields on the wire, its annotations are the limits, and
`wire` says the rest. JSON is decoded straight into the class.
"""

from __future__ import annotations

from abc import ABC
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import msgspec
from msgspec import Meta, Struct, UnsetType

from models.contract.changes import encode
from models.contract.values.time import read_time

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", max_length=63)]
Token = Annotated[str, Meta(max_length=4_096)]
Key = Annotated[str, Meta(max_length=200)]
Time = Annotated[str, Meta(max_length=40, description="RFC 3339")]
Count = Annotated[int, Meta(ge=1, le=10_000)]
PageMark = Annotated[str, Meta(min_length=1, max_length=100, description="The `next_page` of an answer, as it came.")]
Version = Annotated[int, Meta(ge=0, le=1 << 53)]
# Staff only: pass over notice, horizon, the past, closing, neighbours and capacity. Left out, it is in no fingerprint.
Override = bool | UnsetType

FIRST_MOMENT, LAST_MOMENT = read_time("0001-01-01T00:00:00Z"), read_time("9999-12-31T23:59:59Z")

if TYPE_CHECKING:
    Moment = int
    Json = bytes
else:

    class Moment(ABC):  # noqa: B024 - only `isinstance` is asked of it
        """A time: a `Time` on the wire, an `int` of milliseconds in the command."""

    class Json(ABC):  # noqa: B024 - the same
        """Any JSON: a value on the wire, its encoding as `bytes` in the command."""

    Moment.register(int)
    Json.register(bytes)


class MalformedTime(ValueError):
    """A text in the place of a time that is not a time."""


def parse_moment(text: str) -> int:
    """Return a time of the wire in milliseconds; MalformedTime says why it is not one."""
    try:
        moment = read_time(text)
    except (ValueError, OverflowError) as error:
        raise MalformedTime(str(error)) from error
    if not FIRST_MOMENT <= moment <= LAST_MOMENT:  # an offset may push it over the edge
        message = "a time is in the years 1 to 9999."
        raise MalformedTime(message)
    return moment


def read_custom(kind: type, value: Any) -> Any:
    """Decode a Moment or a Json (msgspec's `dec_hook`)."""
    if kind is Json:
        return encode(value)
    try:
        text: str = msgspec.convert(value, Time)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None  # msgspec adds the path to a ValueError only
    return parse_moment(text)


def describe_custom(kind: type) -> dict[str, Any]:
    """Return the JSON Schema of a Moment or a Json (msgspec's `schema_hook`)."""
    return {"description": "Any JSON."} if kind is Json else msgspec.json.schema(Time)


class Wire(NamedTuple):
    """The declaration of a request: its name, one sentence, its possible answers, its audience and its key.

    A request over HTTP only has no name on Socket.IO.
    """

    name: str
    summary: str
    answers: tuple[type[Struct], ...]
    is_for_staff: bool = False
    needs_key: bool = False
    is_http_only: bool = False


def public(name: str, summary: str, *answers: type[Struct], needs_key: bool = False) -> Wire:
    """Declare a request that anyone may send."""
    return Wire(name, summary, answers, needs_key=needs_key)


def staff(name: str, summary: str, *answers: type[Struct], needs_key: bool = False) -> Wire:
    """Declare a request that the calendar's staff may send."""
    return Wire(name, summary, answers, is_for_staff=True, needs_key=needs_key)


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of one request. A request without a name is not on the wire."""

    wire: ClassVar[Wire] = Wire("", "", ())
    # The fields that the server fills in; no client may send them.
    of_server: ClassVar[frozenset[str]] = frozenset()


def declared(module: ModuleType) -> list[type[Request]]:
    """Return the requests of a module that are on the wire, in the order of their declarations."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Request)]
    return [kind for kind in kinds if kind.wire.name]
