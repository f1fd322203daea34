"""The Socket.IO namespaces `/calendars` and `/staff`: sessions, and what each request of theirs sets in motion.

Every request is acknowledged, also the malformed one and the one that crashed. The two differ in who may connect and
in what their rooms send: staff get each change with its bookings.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from sys import intern
from typing import Any

import socketio
from socketio.exceptions import ConnectionRefusedError as Refusal

from models.contract.changes import encode
from models.contract.commands import EVERY_REQUEST, Command, Principal, RefreshToken, Subscribe, Unsubscribe
from models.contract.errors import BadRequest, Forbidden, Refused, Unauthorized
from realtime import protocol
from realtime.auth import Auth, Expiry, Identity
from realtime.engine import Connection, Encoded, SocketServer
from realtime.metrics import Requests
from realtime.rate_limit import check
from realtime.readers import Peer, reading_for
from realtime.request_handler import RequestHandler
from realtime.rooms.recovery import Recovery
from realtime.rooms.room import Audience, Room, Subscriber

TOKEN_EXPIRED = "token expired"  # noqa: S105 - a reason
MOST_ROOMS = 100  # of one connection
_NO_ARRAY = "The request is no JSON array with a request's name."
_BINARY = "A request is JSON; binary attachments are not taken."

_log = logging.getLogger("slotcast.socketio")


class Session:
    """One client in one namespace: who it is, and the rooms it is in."""

    __slots__ = ("connection", "expiry", "joining", "principal", "rooms", "turn")

    def __init__(self, connection: Connection, principal: Principal) -> None:
        self.connection = connection
        self.principal = principal
        self.rooms: dict[str, tuple[Room, Subscriber]] = {}
        self.joining: tuple[
            tuple[str, Subscriber], ...
        ] = ()  # in which calendars a seat was asked for, and is not had yet
        self.expiry: Expiry | None = None
        self.turn = asyncio.Lock()  # snapshots are made one at a time, and each when the last one was taken

    @property
    def peer(self) -> Peer:
        """For whom the session's reads are."""
        return Peer(self.principal.address, lambda: not self.connection.is_open)

    def expire_at(self, expires_at: float | None) -> None:
        """The end of the session's token; without one there is no timer."""
        if self.expiry is None and expires_at is not None:
            self.expiry = Expiry(self._expired)
        if self.expiry is not None:
            self.expiry.set(expires_at)

    def _expired(self) -> None:
        """At once out of every room; the client's library reconnects, with a fresh token or to a clear refusal."""
        self.leave_all()
        self.connection.abort(TOKEN_EXPIRED)

    def leave(self, calendar: str) -> None:
        """Gives up the seat, also one that is still being waited for."""
        if calendar in self.rooms:
            room, subscriber = self.rooms.pop(calendar)
            room.leave(subscriber)
        for name, subscriber in self.joining:
            if name == calendar:
                subscriber.is_gone = True
        self.joining = tuple(asked for asked in self.joining if asked[0] != calendar)

    @property
    def calendars(self) -> set[str]:
        """Those that it watches, or is about to."""
        return {*self.rooms, *(calendar for calendar, _ in self.joining)}

    def leave_all(self) -> None:
        for calendar in self.calendars:
            self.leave(calendar)

    def become(self, principal: Principal) -> None:
        """From now on it is this asker who asks, and who sits in the rooms."""
        self.principal = principal
        for _, subscriber in (*self.rooms.values(), *self.joining):
            subscriber.principal = principal

    def end(self) -> None:
        self.leave_all()
        if self.expiry is not None:
            self.expiry.cancel()


class CalendarNamespace(socketio.AsyncNamespace):
    """Both namespaces; `audience` tells them apart."""

    def __init__(
        self, audience: Audience, *, auth: Auth, request_handler: RequestHandler, recovery: Recovery, requests: Requests
    ) -> None:
        super().__init__(audience.value)
        self._audience = audience
        self._auth = auth
        self._request_handler = request_handler
        self._recovery = recovery
        self._requests = requests
        self.sessions: dict[str, Session] = {}

    @property
    def _server(self) -> SocketServer:
        server: SocketServer = self.server
        return server

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """Everything that arrives in the namespace (socketio.AsyncNamespace)."""
        if event == "connect":
            return self.on_connect(*args)
        if event == "disconnect":
            return self.on_disconnect(args[0])
        sid, *fields = args
        return await self._answer(sid, event, fields)

    async def on_unreadable(self, sid: str, *, is_binary: bool = False) -> Encoded:
        """A request of which only its place is known, and that it waits for an answer."""
        return await self._answer(sid, "", _BINARY if is_binary else _NO_ARRAY)

    async def _answer(self, sid: str, event: str, fields: list[Any] | str) -> Encoded:
        """No request leaves without an ack, a count, and a line in the log with an id of its own."""
        received, began, request_id = self._request_handler.clock(), time.perf_counter(), ""
        name = event if event in EVERY_REQUEST else "unknown"
        try:
            ack = await self.on_request(sid, event, fields, received)
            code = "ok"
        except Refused as refusal:
            code, ack = refusal.code, protocol.write_refusal(refusal)
        except Exception as error:
            request_id = uuid.uuid4().hex
            _log.exception("request=%s failed", request_id)
            code, ack = "internal", protocol.write_failure(error)
        seconds = time.perf_counter() - began
        self._requests.count(name, code, seconds)
        if _log.isEnabledFor(logging.INFO):
            request_id = request_id or uuid.uuid4().hex
            _log.info("%s %s %s %.1fms request=%s", self.namespace, name, code, seconds * 1e3, request_id)
        return Encoded(ack)

    def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        """Who may come in. A refusal is final: the client's library will not try again by itself."""
        try:
            identity = self._identify(auth, environ.get("REMOTE_ADDR", ""))
        except Refused as refusal:
            raise Refusal(refusal.message, protocol.write_error(refusal)) from refusal
        session = Session(self._server.connection(sid, self.namespace), identity.principal)
        session.expire_at(identity.expires_at)
        self.sessions[sid] = session

    def on_disconnect(self, sid: str) -> None:
        session = self.sessions.pop(sid, None)
        if session is not None:
            session.end()

    def _identify(self, auth: Any, address: str) -> Identity:
        token = auth.get("token") if isinstance(auth, dict) else None
        if token is not None and not isinstance(token, str):
            raise Unauthorized("The `token` is a string.")
        identity = self._auth.identify(token, address)
        if self._audience is Audience.STAFF and not identity.principal.is_staff:
            raise identity.principal.refusal()
        return identity

    async def on_request(self, sid: str, name: str, fields: list[Any] | str, received: int) -> bytes:
        """The ack of one request; raises what refuses it. Text in the place of the fields is why there are none."""
        session = self.sessions.get(sid)
        if session is None:
            raise Forbidden("The connection is closing.")
        budget = session.connection.budget  # of the connection: leaving the namespace and coming back gives no other
        check(budget.request() if budget is not None else 0)
        if isinstance(fields, str):
            raise BadRequest(fields)
        if len(fields) > 1:
            raise BadRequest("A request has one argument, a JSON object.")
        request = protocol.read_request(name, fields[0] if fields else {})
        match request:
            case Subscribe():
                return await self.on_subscribe(sid, session, request)
            case Unsubscribe():
                return self.on_unsubscribe(sid, session, request)
            case RefreshToken():
                return self.on_refresh(sid, session, request)
            case Command():
                return await self._request_handler.answer(request, session.principal, received)
        with reading_for(session.peer):
            return await self._request_handler.answer(request, session.principal, received)

    async def on_subscribe(self, sid: str, session: Session, request: Subscribe) -> bytes:
        """Joins the calendar's room; between the seat and the ack nothing else runs."""
        calendar = request.calendar
        if len(session.calendars | {calendar}) > MOST_ROOMS:
            raise BadRequest(f"One connection watches {MOST_ROOMS} calendars at most.", field="calendar")
        if self._audience is Audience.STAFF and not session.principal.is_staff_of(calendar):
            raise Forbidden
        wanted = self._recovery.wanted(request.after, request.from_, request.to, request.at_least)
        subscriber = Subscriber(session.connection, self._audience, session.principal)
        asked = (calendar, subscriber)
        session.joining += (asked,)
        try:
            async with session.turn:
                await session.connection.until_clear()
                with reading_for(session.peer):
                    joined = await self._recovery.join(calendar, subscriber, wanted)
        finally:
            session.joining = tuple(other for other in session.joining if other is not asked)
        room = joined.room
        session.rooms[room.calendar] = (room, subscriber)
        self._server.manager.basic_enter_room(sid, self.namespace, room_name(room.calendar))
        return b'{"ok":true,"mode":%b,%b' % (encode(joined.mode), joined.body)

    def on_unsubscribe(self, sid: str, session: Session, request: Unsubscribe) -> bytes:
        """Leaves the room; not having been in it is no fault."""
        self._leave(sid, session, request.calendar)
        return protocol.write_ok()

    def _leave(self, sid: str, session: Session, calendar: str) -> None:
        session.leave(calendar)
        self._server.manager.basic_leave_room(sid, self.namespace, room_name(calendar))

    def on_refresh(self, sid: str, session: Session, request: RefreshToken) -> bytes:
        """A fresh token for the same connection: it stays in the rooms that the token still allows."""
        identity = self._identify({"token": request.token}, session.connection.address)
        session.become(identity.principal)
        session.expire_at(identity.expires_at)
        for calendar, (room, subscriber) in list(session.rooms.items()):
            if not subscriber.may_subscribe(room.replica.info):
                self._leave(sid, session, calendar)
        return protocol.write_ok()


def room_name(calendar: str) -> str:
    """The Socket.IO room of a calendar, in each namespace: one string, however many are in it."""
    return intern(f"calendar:{calendar}")
