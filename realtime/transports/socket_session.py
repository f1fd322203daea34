"""The session of a plain WebSocket: JSON both ways, for any number of calendars and every request.

A message is `{"request", "fields", "id"}`, or a short form: `{"subscribe": …}`, `{"unsubscribe": …}`, `{"token": …}`.
Every message is answered, with its `id` if it has one. Requests begin in the order of sending. Reads take turns, so
that one large answer at most is on its way to the client.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from models.contract.changes import encode
from models.contract.commands.calendars import RefreshToken, Subscribe, Unsubscribe
from models.contract.commands.command import Command
from models.contract.errors import BadRequest, Forbidden, Overloaded, Refused
from models.contract.principal import Principal, Role
from models.contract.request import Request
from models.contract.requests import EVERY_REQUEST
from realtime import protocol
from realtime.access.auth import Auth, Identity
from realtime.access.rate_limit import check
from realtime.engine import WebSocket
from realtime.engine.arrival import ARRIVAL
from realtime.reads.read_queue import reading_for
from realtime.request_log import RequestCounts, RequestLog, new_request_id
from realtime.requests.request_handler import RequestHandler
from realtime.rooms.recovery import Joined, Recovery
from realtime.rooms.room import Room
from realtime.rooms.subscriber import Audience, CutReason, Subscriber
from realtime.transports.session import Session
from realtime.transports.stream import MOST_SUBSCRIPTIONS, until_taken

_SHORT = {
    "subscribe": ("calendar.subscribe", "calendar"),
    "unsubscribe": ("calendar.unsubscribe", "calendar"),
    "token": ("auth.refresh", "token"),
}
_FORMS = (
    'A message is a JSON object: {"subscribe": "<calendar>", "after": "<cursor>"}, '
    'or {"request": "<name>", "fields": {…}, "id": 1}.'
)
_LONGEST_ID = 64
_CLAIM = re.compile(r'"request"\s*:\s*"(slot\.hold|slot\.book|booking\.reschedule)"')
_HELD = '"hold"'


class SocketParts(NamedTuple):
    """The parts of the server that every session needs."""

    auth: Auth
    recovery: Recovery
    request_handler: RequestHandler
    counts: RequestCounts


class _Message(NamedTuple):
    """A message of the client, read up to its request."""

    name: str
    fields: Any
    audience: Audience
    form: str = ""  # `subscribe` or `unsubscribe`: the answer repeats it with the calendar


class SocketSession:
    """The calendars that one client follows, and its requests. `reply` sends one answer.

    `named` are the calendars of a ticket: its client follows these, and nothing else, until it sends a token.
    """

    def __init__(
        self,
        parts: SocketParts,
        connection: WebSocket,
        identity: Identity,
        reply: Callable[[bytes], None],
        *,
        named: frozenset[str] | None = None,
    ) -> None:
        self._parts = parts
        self._connection = connection
        self._reply = reply
        self._named = named
        self._session = Session(connection, identity.principal)
        self._session.expire_with(identity, self._on_expired)
        self._followed: dict[str, tuple[Subscriber, Room]] = {}
        self._log = RequestLog("slotcast.websocket", parts.counts)

    def follow(self, subscriber: Subscriber, joined: Joined) -> bytes:
        """Keep a subscription and return its answer. The caller sends it in the same step."""
        older = self._followed.get(subscriber.calendar)
        if older is not None and older[0].audience is not subscriber.audience:
            older[1].leave(older[0])
        self._followed[subscriber.calendar] = (subscriber, joined.room)
        return b'{"ok":true,"mode":%b,%b' % (encode(joined.mode), joined.body)

    def close(self) -> None:
        """Leave every calendar."""
        self._session.close()
        for subscriber, room in self._followed.values():
            room.leave(subscriber)
        self._followed.clear()

    def _on_expired(self) -> None:
        self._connection.abort(CutReason.TOKEN_EXPIRED)

    def refuse_early(self, text: str, since: float) -> bool:
        """Refuse a customer's claim of free seats before it costs a task, in an overload. Return whether it did so.

        `since` is not 0 if the message may have waited unread since then.
        """
        handler = self._parts.request_handler
        if not (since and handler.is_late(since)) and not handler.must_refuse(self._connection):
            return False
        found = _CLAIM.search(text)
        is_customer = self._named is None and self._session.principal.highest_role < Role.STAFF
        if found is None or _HELD in text or not is_customer:
            return False
        began = time.perf_counter()
        try:
            mark = _read_id(_read_object(text))
        except BadRequest:
            return False
        self._send(mark, protocol.write_refusal(handler.refuse(self._connection)))
        self._log.write(found[1], Overloaded.code, began, f"/ {found[1]}")
        return True

    async def answer(self, text: str, since: float = 0.0) -> None:
        """Answer one message, count it and log it. `since` is as in `refuse_early`."""
        if since:
            ARRIVAL.set(since)  # of this task
        received, began, request_id = self._parts.request_handler.clock(), time.perf_counter(), ""
        mark, name, code = b"", "unknown", "ok"
        try:
            fields = _read_object(text)
            mark = _read_id(fields)
            budget = self._connection.budget
            check(budget.request() if budget is not None else 0)
            message = _read_form(fields)
            name = message.name if message.name in EVERY_REQUEST else name
            request = protocol.read_request(message.name, message.fields)
            if message.form:  # the calendar was read
                mark += b'"%b":%b,' % (message.form.encode(), encode(message.fields["calendar"]))
            await self._do(request, message.audience, received, mark)
        except Refused as refusal:
            code = refusal.code
            self._send(mark, protocol.write_refusal(refusal))
        except Exception as error:
            code, request_id = "internal", new_request_id()
            self._log.write_failure(request_id)
            self._send(mark, protocol.write_failure(error))
        self._log.write(name, code, began, f"/ {name}", request_id)

    def _send(self, mark: bytes, ack: bytes) -> None:
        self._reply(b"{%b%b" % (mark, ack[1:]))

    async def _do(self, request: Request, audience: Audience, received: int, mark: bytes) -> None:
        match request:
            case Unsubscribe():
                self._send(mark, self._unsubscribe(request.calendar))
            case RefreshToken():
                self._send(mark, self._refresh(request.token))
            case Command():
                answer = await self._parts.request_handler.answer(request, self._principal(), received)
                self._send(mark, answer)
            case Subscribe():
                await self._subscribe(request, audience, mark)
            case _:
                async with self._session.lock:
                    await until_taken(self._connection)
                    with reading_for(self._session.peer):
                        answer = await self._parts.request_handler.answer(request, self._principal(), received)
                    self._send(mark, answer)

    def _principal(self) -> Principal:
        if self._named is not None:
            raise Forbidden('A ticket follows its calendars only. Send {"token": "…"} first.')
        return self._session.principal

    async def _subscribe(self, request: Subscribe, audience: Audience, mark: bytes) -> None:
        """Join the calendar's room and answer. Nothing else runs between the two."""
        subscriber = self._subscriber(request.calendar, audience)
        wanted = self._parts.recovery.wanted(request.after, request.from_, request.to, request.at_least)
        with self._session.join(subscriber):
            async with self._session.lock:
                await until_taken(self._connection)
                with reading_for(self._session.peer):
                    joined = await self._parts.recovery.join(subscriber, wanted)
                self._send(mark, self.follow(subscriber, joined))

    def _subscriber(self, calendar: str, audience: Audience) -> Subscriber:
        """Return a subscriber of the calendar; raise the refusal of one that may not be."""
        principal = self._session.principal
        if self._named is not None and calendar not in self._named:
            raise Forbidden("The ticket is for other calendars.")
        if len({calendar, *self._session.joining, *self._followed}) > MOST_SUBSCRIPTIONS:
            raise BadRequest(f"One connection watches {MOST_SUBSCRIPTIONS} calendars at most.", field="calendar")
        if audience is Audience.STAFF and not principal.is_viewer_of(calendar):
            raise principal.refusal()
        return Subscriber(calendar, self._connection, audience, principal)

    def _unsubscribe(self, calendar: str) -> bytes:
        """Leave a calendar, also before its subscription is answered."""
        self._session.give_up(calendar)
        self._leave(calendar)
        return protocol.write_ok()

    def _leave(self, calendar: str) -> None:
        followed = self._followed.pop(calendar, None)
        if followed is not None:
            followed[1].leave(followed[0])

    def _refresh(self, token: str) -> bytes:
        """Take a token. The client stays in the calendars that it allows."""
        identity = self._parts.auth.identify(token, self._connection.address)
        self._named = None
        self._session.become(identity.principal)
        self._session.expire_with(identity, self._on_expired)
        for calendar, (subscriber, room) in list(self._followed.items()):
            subscriber.principal = identity.principal
            if not subscriber.may_subscribe(room.replica.info):
                self._leave(calendar)
        return protocol.write_ok()


def _read_object(text: str) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise BadRequest(_FORMS) from error
    if not isinstance(fields, dict):
        raise BadRequest(_FORMS)
    return fields


def _read_id(fields: dict[str, Any]) -> bytes:
    """Take the `id` out of a message, and return the answer's copy of it."""
    if "id" not in fields:
        return b""
    given = fields.pop("id")
    is_short = isinstance(given, str) and len(given) <= _LONGEST_ID
    if not is_short and (isinstance(given, bool) or not isinstance(given, int) or abs(given) > 1 << 53):
        raise BadRequest(f"`id` is a number, or a text of at most {_LONGEST_ID} characters.", field="id")
    try:
        return b'"id":%b,' % encode(given)
    except UnicodeEncodeError as error:
        raise BadRequest("`id` holds what JSON can't hold.", field="id") from error


def _read_form(message: dict[str, Any]) -> _Message:
    """Read a message as a request and its fields; BadRequest for one of no known form."""
    is_staff = message.pop("staff", False)
    if not isinstance(is_staff, bool):
        raise BadRequest("`staff` is true or false.", field="staff")
    audience = Audience.STAFF if is_staff else Audience.PUBLIC
    if "request" in message:
        name, fields = message.pop("request"), message.pop("fields", {})
        if message or not isinstance(name, str):
            raise BadRequest(_FORMS)
        return _Message(name, fields, audience)
    for form, (name, field) in _SHORT.items():
        if form in message:
            fields = {field: message.pop(form), **message}
            return _Message(name, fields, audience, form if field == "calendar" else "")
    raise BadRequest(_FORMS)
