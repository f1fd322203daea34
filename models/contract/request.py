"""The base of every request, its declaration, and the types of its fields.

A request is declared once, as one class. Its fields are the fields on the wire, its annotations are the limits, and
`wire` says the rest. JSON is decoded straight into the class.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import msgspec
from msgspec import Meta, Struct, UnsetType

from models.contract.changes import encode
from models.contract.principal import Role
from models.contract.values.proof import PROOF_CHARACTERS
from models.contract.values.time import read_time

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", max_length=63)]
Token = Annotated[str, Meta(max_length=4_096)]
Key = Annotated[str, Meta(max_length=200)]
Label = Annotated[str, Meta(max_length=200)]
LONGEST_TIME = 40  # characters
Time = Annotated[str, Meta(max_length=LONGEST_TIME, description="RFC 3339")]
Count = Annotated[int, Meta(ge=1, le=10_000)]
PageMark = Annotated[str, Meta(min_length=1, max_length=100, description="The `next_page` of an answer, as it came.")]
Language = Annotated[str, Meta(min_length=1, max_length=35, description="A language tag (BCP 47).")]
Version = Annotated[int, Meta(ge=0, le=1 << 53)]
# Staff only: pass over notice, horizon, the past, closing, neighbours and capacity. Left out, it is in no fingerprint.
Override = bool | UnsetType
# A solved challenge of `/api/challenge`; in no fingerprint, as a repeated request may have another one.
Proof = Annotated[str, Meta(max_length=PROOF_CHARACTERS)] | UnsetType

FIRST_MOMENT, LAST_MOMENT = read_time("0001-01-01T00:00:00Z"), read_time("9999-12-31T23:59:59Z")

if TYPE_CHECKING:
    Moment = int
    Json = bytes
else:

    class _Decoded(type):
        """The class of a type whose decoded values are of another type: only `isinstance` is asked of it."""

        def __instancecheck__(cls, value: Any) -> bool:
            return type(value) is cls.decoded

    class Moment(metaclass=_Decoded):
        """A time: a `Time` on the wire, an `int` of milliseconds in the command."""

        decoded = int

    class Json(metaclass=_Decoded):
        """Any JSON: a value on the wire, its encoding as `bytes` in the command."""

        decoded = bytes


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
    if type(value) is str and len(value) <= LONGEST_TIME:
        return parse_moment(value)
    try:
        text: str = msgspec.convert(value, Time)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None  # msgspec adds the path to a ValueError only
    return parse_moment(text)


def describe_custom(kind: type) -> dict[str, Any]:
    """Return the JSON Schema of a Moment or a Json (msgspec's `schema_hook`)."""
    return {"description": "Any JSON."} if kind is Json else msgspec.json.schema(Time)


class Wire(NamedTuple):
    """The declaration of a request: its name, one sentence, its possible answers, the least role and its key.

    A request over HTTP only has no name on Socket.IO.
    """

    name: str
    summary: str
    answers: tuple[type[Struct], ...]
    role: Role = Role.GUEST
    needs_key: bool = False
    is_http_only: bool = False

    @property
    def is_for_staff(self) -> bool:
        return self.role > Role.GUEST


def public(name: str, summary: str, *answers: type[Struct], needs_key: bool = False) -> Wire:
    """Declare a request that anyone may send."""
    return Wire(name, summary, answers, needs_key=needs_key)


def staff(name: str, summary: str, *answers: type[Struct], needs_key: bool = False) -> Wire:
    """Declare a request that the calendar's staff may send."""
    return Wire(name, summary, answers, Role.STAFF, needs_key=needs_key)


def viewer(name: str, summary: str, *answers: type[Struct], is_http_only: bool = False) -> Wire:
    """Declare a read for the calendar's staff and viewers."""
    return Wire(name, summary, answers, Role.VIEWER, is_http_only=is_http_only)


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of one request. A request without a name is not on the wire."""

    wire: ClassVar[Wire] = Wire("", "", ())
    # The fields that the server fills in; no client may send them.
    of_server: ClassVar[frozenset[str]] = frozenset()


def declared(module: ModuleType) -> list[type[Request]]:
    """Return the requests of a module that are on the wire, in the order of their declarations."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Request)]
    return [kind for kind in kinds if kind.wire.name]
