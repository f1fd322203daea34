"""Encodes what workers and the writer's process send each other: frames of msgpack, each with its length before it.

A frame holds many messages of one kind, so many commands take one write, and many answers one read. Both ends are the
same program. Nothing is pickled: a frame can only make the types that are declared here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.msgpack import Decoder, Encoder, Ext

from models.contract.changes import Logged
from models.contract.commands import access, background, blocks, bookings, calendars, holds, slots
from models.contract.commands.command import Answer, Command
from models.contract.errors import BadRequest, Internal, Refused
from models.service import Outcome, WriterState

T = TypeVar("T")

MOST_FRAME_BYTES = 64 << 20  # no message of ours is longer: the largest command is a schedule of a few MB
FRAME_BYTES = 256 << 10  # of one frame, unless a single message is longer
DECLARED = (access, background, blocks, bookings, calendars, holds, slots)  # the modules of the commands
_HEAD_BYTES = 5
_MANY = b"\xdd"  # msgpack's mark of an array with a length of 32 bits
_LARGE_INTEGER = 1  # the code of an integer beyond 64 bits: JSON has them, and msgpack does not


class Kind(IntEnum):
    """The kind of a frame's messages. A `LOOK` has none: the log may have more than the rows that were sent."""

    COMMANDS = 1
    ANSWERS = 2
    ROWS = 3
    LOOK = 4
    STATE = 5


class BrokenLink(Exception):
    """The other end has sent what no end sends."""


class SentCommand(NamedTuple):
    """A command with the number by which its link knows it; a refusal instead of one that can't be decoded."""

    number: int
    command: Command | Refused


class _Answered(Struct, array_like=True, tag=0):
    number: int
    calendar: str
    seq: int
    cursor: str
    result: bytes


class _Refusal(Struct, array_like=True, tag=1):
    number: int
    name: str
    message: str
    details: dict[str, Any]


def encode_command(number: int, command: Command) -> bytes:
    """Return a message; raise BadRequest for a command that can't be written down."""
    name = type(command).__name__
    try:
        return _encode((number, name, command))
    except OverflowError:
        return _encode((number, name, _with_large_integers(msgspec.to_builtins(command, builtin_types=(bytes,)))))
    except (UnicodeEncodeError, RecursionError, ValueError) as error:
        raise BadRequest(f"The command can't be written down: {error}") from error


def encode_outcome(number: int, outcome: Outcome) -> bytes:
    """Return a message."""
    if not isinstance(outcome, Refused):
        return _encode(_Answered(number, outcome.calendar, outcome.seq, outcome.cursor, outcome.result))
    return _encode(_Refusal(number, type(outcome).__name__, outcome.message, outcome.details))


def encode_rows(rows: Iterable[Logged]) -> list[bytes]:
    """Return a message for each row."""
    return [_encode(row) for row in rows]


def encode_state(state: WriterState) -> bytes:
    """Return a message."""
    return _encode(state)


def frames(kind: Kind, messages: Sequence[bytes]) -> bytes:
    """Return the messages in frames, in their order."""
    done: list[bytes] = []
    first = size = 0
    for place, message in enumerate(messages):
        if size and size + len(message) > FRAME_BYTES:
            done.append(_frame(kind, messages[first:place], size))
            first, size = place, 0
        size += len(message)
    return b"".join([*done, _frame(kind, messages[first:], size)])


def _frame(kind: Kind, messages: Sequence[bytes], size: int) -> bytes:
    head = (size + _HEAD_BYTES).to_bytes(4, "big") + bytes((kind,))
    return b"".join((head, _MANY, len(messages).to_bytes(4, "big"), *messages))


LOOK = _frame(Kind.LOOK, (), 0)


class FrameReader:
    """Cuts what arrives on one link into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def read(self, data: bytes) -> Iterator[tuple[Kind, memoryview]]:
        """Yield the frames that are complete now, in their order. Raise BrokenLink for a length that no frame has."""
        data = self._rest + data if self._rest else data
        self._rest = b""
        view = memoryview(data)
        place = 0
        while len(data) - place >= _HEAD_BYTES:
            size = int.from_bytes(view[place : place + 4], "big")
            if size > MOST_FRAME_BYTES:
                raise BrokenLink(f"a frame of {size} bytes")
            end = place + _HEAD_BYTES + size
            if end > len(data):
                break
            yield _kind(data[place + 4]), view[place + _HEAD_BYTES : end]
            place = end
        self._rest = data[place:]


def _kind(code: int) -> Kind:
    try:
        return Kind(code)
    except ValueError as error:
        raise BrokenLink(f"a frame of kind {code}") from error


def decode_commands(body: memoryview) -> Iterator[SentCommand]:
    """Yield the commands of a frame, in their order."""
    for number, name, fields in _decode(_sent, body):
        try:
            yield SentCommand(number, _decoder_of(name).decode(fields))
        except (msgspec.MsgspecError, KeyError, RecursionError) as error:
            yield SentCommand(number, BadRequest(f"The command can't be read: {error}"))


def decode_outcomes(body: memoryview) -> Iterator[tuple[int, Outcome]]:
    """Yield the numbers of commands, with their outcomes."""
    decoded: list[_Answered | _Refusal] = _decode(_outcomes, body)
    for one in decoded:
        if isinstance(one, _Answered):
            yield one.number, Answer(calendar=one.calendar, seq=one.seq, cursor=one.cursor, result=one.result)
        else:
            yield one.number, _refusals().get(one.name, Internal)(one.message, **one.details)


def decode_rows(body: memoryview) -> list[Logged]:
    """Return the rows of a frame."""
    rows: list[Logged] = _decode(_rows, body)
    return rows


def decode_state(body: memoryview) -> WriterState:
    """Return the state of a frame."""
    states: list[WriterState] = _decode(_states, body)
    return states[-1]


def _decode(decoder: Decoder[Any], body: memoryview) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise BrokenLink(str(error)) from error


def _every(kind: type[T]) -> Iterator[type[T]]:
    """Yield the class and all that are made from it."""
    yield kind
    for one in kind.__subclasses__():
        yield from _every(one)


@lru_cache(maxsize=256)
def _decoder_of(name: str) -> Decoder[Any]:
    kinds = {kind.__name__: kind for kind in _every(Command)}
    return Decoder(kinds[name], dec_hook=_as_it_is, ext_hook=_read_extension)


@lru_cache(maxsize=1)
def _refusals() -> dict[str, type[Refused]]:
    return {kind.__name__: kind for kind in _every(Refused)}


def _as_it_is(_kind: type, value: Any) -> Any:
    """Take a `Moment` or a `Json` as it is in a command: msgpack has integers and bytes (msgspec's `dec_hook`)."""
    return value


def _with_large_integers(value: Any) -> Any:
    """Return JSON of Python's with its integers as msgpack can hold them."""
    if isinstance(value, dict):
        return {key: _with_large_integers(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_with_large_integers(one) for one in value]
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return Ext(_LARGE_INTEGER, str(value).encode())
    return value


def _read_extension(code: int, data: memoryview) -> Any:
    if code != _LARGE_INTEGER:
        raise ValueError(f"an extension of code {code}")
    return int(bytes(data))


_encode = Encoder().encode
_sent: Decoder[Any] = Decoder(list[tuple[int, str, Raw]])
_outcomes: Decoder[Any] = Decoder(list[_Answered | _Refusal])
_rows: Decoder[Any] = Decoder(list[Logged])
_states: Decoder[Any] = Decoder(Annotated[list[WriterState], Meta(min_length=1)])
