"""The JSON of the wire: requests are read here, answers and refusals are written here.

A malformed request is refused with `bad_request` and the name of the field.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from models.contract.changes import Cursor, Info, encode, read_cursor
from models.contract.commands.command import Answer
from models.contract.errors import BadRequest, Internal, NotFound, Refused
from models.contract.request import LAST_MOMENT, MalformedTime, Request, parse_moment, read_custom
from models.contract.requests import REQUESTS
from models.contract.values.time import DAY, write_time
from models.contract.values.zones import read_offsets

DEFAULT_WINDOW = 62 * DAY

R = TypeVar("R", bound=Request)

_NAMED = re.compile(r"(?:required|unknown) field `(.*?)`(?: - at |$)")
_PATH = re.compile(r" - at (?:`key` in )?`\$\.?(.*?)`$")


def read_request(name: str, fields: Any) -> Request:
    """Decode the request `name` from its fields, a JSON object; BadRequest says what is wrong with it."""
    kind = REQUESTS.get(name)
    if kind is None:
        raise BadRequest("There is no such request.")
    return read(kind, fields)


def read(kind: type[R], fields: Any, *, is_text: bool = False) -> R:
    """Decode a request of this class; BadRequest says what is wrong with it. Numbers of a query are text."""
    name = kind.wire.name
    if not isinstance(fields, dict):
        raise BadRequest("A request has one argument, a JSON object.", request=name)
    for field in kind.of_server & fields.keys():  # no client says for whom it asks, and when
        raise BadRequest(f"Object contains unknown field `{field}`", request=name, field=field)
    try:
        encode(fields)
        return msgspec.convert(fields, kind, strict=not is_text, dec_hook=read_custom)
    except (UnicodeEncodeError, RecursionError) as error:  # half of a surrogate pair, or a thousand nested arrays
        raise BadRequest("The request holds what JSON can't hold.", request=name) from error
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, MalformedTime):
            raise _malformed_time(error.__cause__, _field_of(f"{error}")["field"]) from error
        raise BadRequest(f"{error}", request=name, **_field_of(f"{error}")) from error


def _malformed_time(fault: MalformedTime, field: str) -> BadRequest:
    return BadRequest(f"`{field}`: {fault}", field=field)


def _field_of(fault: str) -> dict[str, str]:
    """Return the field of msgspec's message as `{field: "slots[0].start"}`, or nothing if it names none."""
    named, path = _NAMED.search(fault), _PATH.search(fault)
    steps = [path[1] if path else "", named[1] if named else ""]
    field = ".".join(step for step in steps if step)
    return {"field": field} if field else {}


def read_moment(text: str, field: str) -> int:
    """Read a time in milliseconds; BadRequest names the field."""
    try:
        return parse_moment(text)
    except MalformedTime as fault:
        raise _malformed_time(fault, field) from fault


def read_window(begin: str | None, finish: str | None, now: int) -> tuple[int, int]:
    """Read `from` and `to` in milliseconds. The defaults are now and `DEFAULT_WINDOW` later."""
    first = now if begin is None else read_moment(begin, "from")
    last = min(first + DEFAULT_WINDOW, LAST_MOMENT) if finish is None else read_moment(finish, "to")
    if last <= first:
        raise BadRequest("`to` is after `from`.", field="to")
    return first, last


GONE = Cursor(-1, "")  # in no history


def read_after(text: str | None) -> Cursor | None:
    """Read a cursor from a client. A malformed one counts as gone, because its client would send it for ever."""
    if text is None or text == "":
        return None
    try:
        return read_cursor(text)
    except ValueError:
        return GONE


def write_error(refusal: Refused) -> dict[str, Any]:
    """Return the wire's `{code, message, retryable, details?}`."""
    error = {"code": refusal.code, "message": refusal.message, "retryable": refusal.retryable}
    return {**error, "details": refusal.details} if refusal.details else error


def write_unknown_namespace(namespace: str) -> dict[str, Any]:
    """Return the CONNECT_ERROR of an unknown Socket.IO namespace. `io(url)` without one connects to `/`."""
    where = "There is no such Socket.IO namespace." if namespace != "/" else "Nothing answers in the namespace `/`."
    refusal = NotFound(f'{where} Connect to `/calendars`, or as staff to `/staff`: io(url + "/calendars").')
    return {"message": refusal.message, "data": write_error(refusal)}


def write_refusal(refusal: Refused) -> bytes:
    """Write the ack of a refused request."""
    return encode({"ok": False, "error": write_error(refusal)})


def write_failure(_error: BaseException) -> bytes:
    """Write the ack of a crashed request. The error itself goes to the log only."""
    return write_refusal(Internal())


def write_answer(answer: Answer, *, head: bytes = b'{"ok":true,') -> bytes:
    """Write the ack of a command: its result, and the cursor of its change."""
    return b'%b"cursor":%b,%b' % (head, encode(answer.cursor), answer.result[1:])


def write_ok(**fields: Any) -> bytes:
    """Write an ack with these fields."""
    return encode({"ok": True, **fields})


def write_snapshot(
    info: Info, slots: bytes, *, seq: int, cursor: str, begin: int, finish: int, now: int, bookings: bytes = b""
) -> bytes:
    """Write the body of a snapshot. `slots` and `bookings` are encoded items, joined by commas."""
    head = write_snapshot_head(info, slots, seq=seq, cursor=cursor)
    return head + write_snapshot_window(info.zone, begin, finish, now, bookings)


def write_snapshot_head(info: Info, slots: bytes, *, seq: int, cursor: str) -> bytes:
    """Write the first part of the body, which is the same while the calendar and the found slots are."""
    return b'"info":%b,"slots":[%b],"seq":%d,"cursor":%b,' % (encode(info), slots, seq, encode(cursor))


def write_snapshot_window(zone: str, begin: int, finish: int, now: int, bookings: bytes = b"") -> bytes:
    """Write the rest of the body, which differs by the millisecond."""
    offsets = ",".join(
        [f'{{"from":"{write_time(at)}","seconds":{of}}}' for at, of in read_offsets(zone, begin, finish)]
    )
    window = f'"from":"{write_time(begin)}","to":"{write_time(finish)}","offsets":[{offsets}]'
    text = f'{window},"server_time":"{write_time(now)}"'
    return b"%b%b}" % (text.encode(), bookings and b',"bookings":' + bookings)


def write_replay(info: Info, changes: bytes, *, seq: int, cursor: str, now: int) -> bytes:
    """Write the body of a resumption. `changes` are encoded changes, joined by commas."""
    return b'"info":%b,"changes":[%b],"seq":%d,"cursor":%b,"server_time":%b}' % (
        encode(info),
        changes,
        seq,
        encode(cursor),
        encode(write_time(now)),
    )
