"""Golden messages: one of each kind that the server writes, made by the server's own types and writers.

The Python and the TypeScript tests read them from tests/golden, and end with the state of `end.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from models.contract import answers, errors
from models.contract.changes import (
    Booking,
    Change,
    Customer,
    Info,
    ListedBooking,
    Logged,
    Policy,
    Slot,
    Type,
    encode,
    with_bookings,
)
from models.contract.commands.command import Answer
from models.contract.requests import EVERY_REQUEST
from models.contract.server_answers import ServerAnswer
from models.contract.values.time import read_time
from realtime import protocol
from realtime.http.problem import problem
from realtime.rooms.room import public_packet
from realtime.transports.event_stream import event_stream, named_event

FIRST = 41  # the snapshot's seq; the changes follow it
_BEGIN, _FINISH = "2027-01-30T12:00:00Z", "2027-04-02T12:00:00Z"
_NOW = "2027-01-30T12:00:00.123Z"
_CALENDAR = "demo"
_INFO = Info(
    id=_CALENDAR,
    name="Démo — Wien",
    zone="Europe/Vienna",
    visibility="public",
    booking="anyone",
    policy=Policy(),
    archived=False,
)


def _id(number: int) -> str:
    return f"01977420-0000-7000-8000-{number:012d}"


def _nonce(seq: int) -> str:
    return _cursor(seq).partition(".")[2]


def _cursor(seq: int) -> str:
    return f"{seq}.Zm9v{seq:04d}"


def _slot(number: int, hour: int, version: int, **fields: Any) -> Slot:
    given: dict[str, Any] = {"capacity": 1, "held": 0, "remaining": 1, "status": "open", "bookable": True, **fields}
    start, end = f"2027-01-31T{hour:02}:00:00Z", f"2027-01-31T{hour:02}:30:00Z"
    return Slot(id=_id(number), start=start, end=end, version=version, **given)


_TAKEN = {"remaining": 0, "status": "booked", "bookable": False}
_HELD = {"held": 1, "held_until": "2027-01-30T12:05:00Z", "remaining": 0, "status": "held", "bookable": False}
_CLOSED = {"status": "closed", "bookable": False}
_DATA = {"data": Raw(b'{"room":"2","note":"caf\xc3\xa9, \xe2\x80\xa8 and \\n"}')}


def _booking(version: int, status: Any = "confirmed", customer: Customer | None = None) -> Booking:
    return Booking(
        id=_id(900),
        calendar=_CALENDAR,
        slot=_id(1),
        seats=1,
        status=status,
        customer=customer,
        created_at=_NOW,
        version=version,
    )


def _listed(booking: Booking) -> ListedBooking:
    times: dict[str, Any] = {"start": "2027-01-31T09:00:00Z", "end": "2027-01-31T09:30:00Z", "updated_at": _NOW}
    return ListedBooking(**{**msgspec.structs.asdict(booking), **times})


_PAGE = "MDE5Nzc0MjA"
_ADA = Customer(name="Ada Lovelace", email="ada@example.org", note="0x1F 🎹")


def _story() -> dict[Type, dict[str, Any]]:
    """Return one change of each type; `at` counts on from the snapshot's seq."""
    kinds = list(Type)
    at = {kind: FIRST + 1 + kinds.index(kind) for kind in kinds}
    archived = msgspec.structs.replace(_INFO, name="Demo, renamed", archived=True)
    return {
        Type.SLOT_OPENED: {"slots": [_slot(2, 10, at[Type.SLOT_OPENED]), _slot(3, 11, at[Type.SLOT_OPENED], **_DATA)]},
        Type.SLOT_HELD: {"slots": [_slot(1, 9, at[Type.SLOT_HELD], **_HELD)]},
        Type.SLOT_RELEASED: {"slots": [_slot(1, 9, at[Type.SLOT_RELEASED])]},
        Type.SLOT_EXPIRED: {"slots": [_slot(2, 10, at[Type.SLOT_EXPIRED])]},
        Type.SLOT_BOOKED: {"slots": [_slot(1, 9, at[Type.SLOT_BOOKED], **_TAKEN)]},
        Type.SLOT_CANCELLED: {"slots": [_slot(1, 9, at[Type.SLOT_CANCELLED])]},
        Type.SLOT_RESCHEDULED: {
            "slots": [_slot(1, 9, at[Type.SLOT_RESCHEDULED]), _slot(2, 10, at[Type.SLOT_RESCHEDULED], **_TAKEN)],
            "tx": _id(800),
        },
        Type.SLOT_UPDATED: {"slots": [_slot(3, 11, at[Type.SLOT_UPDATED], capacity=4, remaining=4, **_DATA)]},
        Type.SLOT_CLOSED: {"slots": [_slot(3, 11, at[Type.SLOT_CLOSED], capacity=4, remaining=4, **_CLOSED)]},
        Type.SLOT_REOPENED: {"slots": [_slot(3, 11, at[Type.SLOT_REOPENED], capacity=4, remaining=4)]},
        Type.SLOT_REMOVED: {"removed": [_id(3)]},
        Type.SCHEDULE_CHANGED: {"slots": [_slot(4, 14, at[Type.SCHEDULE_CHANGED])], "removed": [_id(1)]},
        Type.BOOKING_UPDATED: {},
        Type.CALENDAR_UPDATED: {"info": msgspec.structs.replace(_INFO, name="Demo, renamed")},
        Type.CALENDAR_ARCHIVED: {"info": archived},
        Type.CALENDAR_RESTORED: {"info": msgspec.structs.replace(archived, archived=False)},
    }


def changes() -> list[Change]:
    """One of each type, in order, from the snapshot's seq on."""
    story = _story()
    return [
        Change(
            calendar=_CALENDAR,
            seq=seq,
            prev=seq - 1,
            cursor=_cursor(seq),
            at=_NOW,
            type=str(kind),
            slots=story[kind].get("slots", []),
            removed=story[kind].get("removed", []),
            **{name: story[kind][name] for name in ("info", "tx") if name in story[kind]},
        )
        for seq, kind in enumerate(Type, FIRST + 1)
    ]


def logged() -> list[Logged]:
    """The same, as rows of the log."""
    return [
        Logged(one.calendar, one.seq, _nonce(one.seq), _nonce(one.seq - 1), one.type, encode(one)) for one in changes()
    ]


def _snapshot(bookings: bytes = b"") -> bytes:
    return b"{" + protocol.write_snapshot(
        _INFO,
        encode(_slot(1, 9, 40)),
        seq=FIRST,
        cursor=_cursor(FIRST),
        begin=read_time(_BEGIN),
        finish=read_time(_FINISH),
        now=read_time(_NOW),
        bookings=bookings,
    )


def _resumed() -> bytes:
    rows = logged()
    body = protocol.write_replay(
        _INFO,
        b",".join(row.body for row in rows),
        seq=rows[-1].seq,
        cursor=rows[-1].cursor,
        now=read_time(_NOW),
    )
    return b'{"ok":true,"mode":"resumed",' + body


def _acks() -> dict[str, bytes]:
    """The answer to each request; of a request with more than one shape, the first."""
    written: dict[str, bytes] = {}
    for name, kind in EVERY_REQUEST.items():
        shape = kind.wire.answers[0]
        if shape is answers.SnapshotAnswer:
            written[name] = b'{"ok":true,"mode":"snapshot",' + _snapshot()[1:]
        elif issubclass(shape, answers.Moved):
            fields = [field for field in shape.__struct_fields__ if field != "cursor"]
            result = encode(_THINGS[shape] if len(fields) > 1 else {fields[0]: _THINGS[shape]})
            done = Answer(calendar=_CALENDAR, seq=FIRST + 1, cursor=_cursor(FIRST + 1), result=result)
            written[name] = protocol.write_answer(done)
        else:
            thing: Any = _THINGS.get(shape)
            names = shape.__struct_fields__
            written[name] = protocol.write_ok(**(thing if len(names) > 1 else dict.fromkeys(names, thing)))
    return written


_HOLD = {"id": _id(700), "slot": _id(1), "seats": 1, "expires_at": "2027-01-30T12:05:00Z"}
_OWN = {"id": _id(900), "calendar": _CALENDAR, "slot": _id(1), "seats": 1, "status": "confirmed"}
_FEED = {"id": _id(600), "calendar": _CALENDAR, "name": "Ada", "scope": "bookings", "created_at": _NOW}
_SOURCE = {
    "id": _id(500),
    "calendar": _CALENDAR,
    "name": "Own",
    "host": "calendar.example",
    "created_at": _NOW,
    "fetched_at": _NOW,
    "error": "It answers with the status 404.",
    "failing_since": _NOW,
}
_BLOCK = {"id": _id(400), "calendar": _CALENDAR, "kind": "email", "made_at": _NOW, "expires_at": None}
_THINGS: dict[type, Any] = {
    ServerAnswer: {
        "server_time": _NOW,
        "started_at": _BEGIN,
        "versions": {"Python": "3.11.7"},
        "nodes": 1,
        "workers": 1,
        "figures": [{"name": "slotcast_connections", "labels": {"transport": "websocket"}, "value": 3.0}],
        "servers": [
            {
                "name": "one.example:8080",
                "is_this": True,
                "told_at": _NOW,
                "started_at": _BEGIN,
                "is_leader": True,
                "workers": 1,
                "connections": 3,
                "subscribers": 2,
                "rooms": 1,
                "queued": 0,
                "changes": 5,
                "requests": 9,
                "slow": 0,
            }
        ],
    },
    answers.BlockAnswer: _BLOCK,
    answers.BlocksAnswer: [{**_BLOCK, "value": "eve@example.org", "reason": "never came", "made_by": "anna"}],
    answers.FeedAnswer: _FEED,
    answers.OwnFeedAnswer: {**_FEED, "token": "Zm9yIGEgZmVlZCBvbmx5IQ"},
    answers.FeedsAnswer: [_FEED],
    answers.BusyAnswer: _SOURCE,
    answers.BusyListAnswer: [_SOURCE],
    answers.HistoryAnswer: {
        "entries": [
            {
                "seq": FIRST + 1,
                "at": _NOW,
                "command": "slot.book",
                "actor": "staff",
                "sub": "anna",
                "slots": [_id(1)],
                "bookings": [_id(900)],
                "overridden": ["capacity"],
            }
        ],
        "next": FIRST + 1,
    },
    answers.HoldAnswer: {"hold": {**_HOLD, "token": "Zm9yIGEgaG9sZCBvbmx5IQ"}},
    answers.EndedHoldAnswer: _HOLD,
    answers.OwnBookingAnswer: {"booking": {**_OWN, "token": "Zm9yIGEgYm9va2luZyBvbg"}},
    answers.BookingOutcomeAnswer: {"booking": {**_OWN, "status": "cancelled"}},
    answers.RescheduledAnswer: {"booking": _OWN, "left": {"calendar": "before", "cursor": _cursor(9)}},
    answers.CancelledAnswer: {"cancelled": 3, "calendars": 1},
    answers.SentCodeAnswer: {
        "sent": True,
        "mails_left": 1,
        "wait_seconds": 60,
        "booking": {**_OWN, "status": "pending"},
    },
    answers.VerifiedAnswer: {"verified": True, "tries_left": 5, "booking": _OWN},
    answers.InfoAnswer: {"info": _INFO},
    answers.ScheduleAnswer: {
        "opened": 12,
        "removed": 2,
        "updated": 0,
        "kept": [_slot(1, 9, FIRST + 1)],
        "warnings": [
            {
                "rule": "overlap",
                "message": "One slot overlaps an earlier one.",
                "count": 1,
                "start": "2027-01-31T09:30:00Z",
                "end": "2027-01-31T10:30:00Z",
            }
        ],
    },
    answers.SlotAnswer: {"slot": _slot(1, 9, FIRST + 1)},
    answers.SlotsAnswer: {"slots": [_slot(2, 10, FIRST + 1), _slot(3, 11, FIRST + 1, **_DATA)]},
    answers.LinkAnswer: {"token": "Zm9y.IGEgbGluayBv.bmx5", "expires_at": "2027-03-01T12:00:00Z"},
    answers.BookingAnswer: _booking(FIRST + 1, customer=_ADA),
    answers.BookingsAnswer: {
        "bookings": [
            _listed(_booking(FIRST + 1, customer=_ADA)),
            _listed(_booking(FIRST + 2, status="cancelled")),
        ],
        "from": _BEGIN,
        "to": _FINISH,
        "next_page": _PAGE,
    },
    answers.ErasedAnswer: {"erased": 12, "calendars": 3, "next_page": _PAGE},
    answers.ExportAnswer: {
        "bookings": [_listed(_booking(FIRST + 1, customer=_ADA))],
        "entries": [
            {
                "calendar": _CALENDAR,
                "seq": FIRST,
                "at": _NOW,
                "booking": _booking(FIRST + 1).id,
                "sub": "ada",
                "address": "203.0.113.7",
            }
        ],
        "next_page": _PAGE,
    },
    answers.FoundSlotsAnswer: {
        "slots": [{"calendar": _CALENDAR, **msgspec.to_builtins(_slot(1, 9, FIRST))}],
        "cursors": {_CALENDAR: _cursor(FIRST)},
        "from": _BEGIN,
        "to": _FINISH,
        "server_time": _NOW,
        "next_page": _PAGE,
    },
}


def _refusals() -> Iterator[errors.Refused]:
    for kind in errors.EVERY:
        yield kind(**({"retry_after": 1.5} if kind is errors.RateLimited else {"rule": "example"}))


def _problems() -> dict[str, Any]:
    told = {}
    for refusal in _refusals():
        response = problem(refusal)
        assert isinstance(response.body, bytes)
        headers = {name: response.headers[name] for name in ("Content-Type", "Retry-After") if name in response.headers}
        told[refusal.code] = {"status": response.status, "headers": headers, "body": json.loads(response.body)}
    return told


def _events() -> dict[str, str]:
    stream = event_stream(public_packet(logged()))
    reset = named_event("reset", b'{"code":"cursor_gone"}')
    snapshot = named_event("snapshot", _snapshot(), _cursor(FIRST))
    return {"snapshot": snapshot.decode(), "reset": (reset + snapshot).decode(), "changes": stream.decode()}


def _end() -> dict[str, Any]:
    """Return the state of a client after the snapshot and every change."""
    every = changes()
    slots = {_id(1): _slot(1, 9, 40)}
    for one in every:
        slots |= {slot.id: slot for slot in one.slots}
        slots = {name: slot for name, slot in slots.items() if name not in one.removed}
    ordered = sorted(slots.values(), key=lambda slot: (slot.start, slot.id))
    return {"seq": every[-1].seq, "cursor": every[-1].cursor, "info": every[-1].info, "slots": ordered}


def goldens() -> dict[str, str]:
    """Each file's text by its name."""
    bookings = [_booking(FIRST + 1, customer=_ADA)]
    messages: dict[str, Any] = {
        "snapshot": Raw(b'{"ok":true,"mode":"snapshot",' + _snapshot()[1:]),
        "staff_snapshot": Raw(b'{"ok":true,"mode":"snapshot",' + _snapshot(encode(bookings))[1:]),
        "resumed": Raw(_resumed()),
        "changes": [Raw(row.body) for row in logged()],
        "staff_changes": [Raw(with_bookings(row.body, [_booking(row.seq, customer=_ADA)])) for row in logged()],
        "answers": {name: Raw(body) for name, body in _acks().items()},
        "errors": {refusal.code: Raw(protocol.write_refusal(refusal)) for refusal in _refusals()},
        "problems": _problems(),
        "events": _events(),
        "end": _end(),
    }
    return {f"{name}.json": _pretty(encode(message)) for name, message in messages.items()}


def _pretty(body: bytes) -> str:
    return msgspec.json.format(body, indent=1).decode() + "\n"
