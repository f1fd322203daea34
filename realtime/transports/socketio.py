"""The Socket.IO namespaces `/calendars` and `/staff`: connecting, and the handler of every request.

Every request is acknowledged, also one that is malformed or crashes. In `/staff` only staff connect, and changes have
their bookings.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from functools import partial
from typing import Any

import socketio
from socketio.exceptions import ConnectionRefusedError as Refusal

from models.contract.changes import encode
from models.contract.commands.calendars import RefreshToken, Subscribe, Unsubscribe
from models.contract.commands.command import Command
from models.contract.errors import BadRequest, Forbidden, Overloaded, Refused, Unauthorized
from models.contract.principal import Role
from models.contract.requests import EVERY_REQUEST
from realtime import protocol
from realtime.access.auth import Auth, Identity
from realtime.access.rate_limit import check
from realtime.engine import Connection, Encoded, SocketServer
from realtime.reads.read_queue import reading_for
from realtime.request_log import RequestCounts, RequestLog, new_request_id
from realtime.requests.request_handler import RequestHandler
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.recovery import Joined, Recovery, Wanted
from realtime.rooms.subscriber import Audience, CutReason, Subscriber, may_subscribe
from realtime.transports.session import Session
from realtime.transports.socketio_rooms import CalendarRooms
from realtime.transports.stream import MOST_SUBSCRIPTIONS

SESSION_KEY = "HTTP_SLOTCAST_SESSION"  # of `environ`: the secret of the session's cookie
_NO_ARRAY = "The request is no JSON array with a request's name."
_CLAIMS = frozenset({"slot.hold", "slot.book", "booking.reschedule"})  # unless they bring a hold
_CLAIM_PACKET = re.compile(rb'42/calendars,([0-9]{1,15})\["(slot\.hold|slot\.book|booking\.reschedule)",')
_HELD = b'"hold"'
_BINARY = "A request is JSON; binary attachments are not taken."


class CalendarNamespace(socketio.AsyncNamespace):
    """One of the two namespaces, by its audience."""

    connects_at_once = True

    def __init__(
        self,
        audience: Audience,
        *,
        auth: Auth,
        request_handler: RequestHandler,
        dispatcher: Dispatcher,
        recovery: Recovery,
        rooms: CalendarRooms,
        counts: RequestCounts,
    ) -> None:
        super().__init__(audience.value)
        self._audience = audience
        self._auth = auth
        self._request_handler = request_handler
        self._dispatcher = dispatcher
        self._recovery = recovery
        self._rooms = rooms
        self._log = RequestLog("slotcast.socketio", counts)

    @property
    def _server(self) -> SocketServer:
        server: SocketServer = self.server
        return server

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """Handle everything that arrives in the namespace (socketio.AsyncNamespace)."""
        if event == "connect":
            return self.on_connect(*args)
        if event == "disconnect":
            return self.on_disconnect(args[0])
        sid, *fields = args
        return await self._answer(sid, event, fields)

    async def on_unreadable(self, sid: str, *, is_binary: bool = False) -> Encoded:
        """Refuse a request that cannot be read. Its client waits for an acknowledgement."""
        return await self._answer(sid, "", _BINARY if is_binary else _NO_ARRAY)

    def must_refuse(self, connection: Connection) -> bool:
        return self._request_handler.must_refuse(connection)

    def refuse_early(self, sid: str, data: list[Any]) -> Encoded | None:
        """Refuse a customer's claim of free seats before it costs a task; return None for any other request."""
        name, *fields = data
        if name not in _CLAIMS or (fields and isinstance(fields[0], dict) and fields[0].get("hold") is not None):
            return None
        session = self._rooms.sessions.get(sid)
        if session is None or session.principal.highest_role >= Role.STAFF:
            return None
        began = time.perf_counter()
        ack = protocol.write_refusal(self._request_handler.refuse(session.connection))
        self._log.write(name, Overloaded.code, began, f"{self.namespace} {name}")
        return Encoded(ack)

    def refuse_late(self, sid: str, since: float, texts: list[bytes]) -> list[bytes]:
        """Return the acknowledgements of the first packets that are claims, if all have waited for too long."""
        session = self._rooms.sessions.get(sid)
        if session is None or session.principal.highest_role >= Role.STAFF:
            return []
        began, claims = time.perf_counter(), list[tuple[bytes, bytes]]()
        match = _CLAIM_PACKET.match
        for text in texts:
            found = match(text)
            if found is None or _HELD in text:
                break
            claims.append((found[1], found[2]))
        refusal = self._request_handler.refuse_late(since, len(claims)) if claims else None
        if refusal is None:
            return []
        names = [name for _, name in claims]
        counts = {name.decode(): names.count(name) for name in set(names)}
        self._log.write_many(Counter(counts), Overloaded.code, began)
        head, tail = f"43{self.namespace},".encode(), b"[%b]" % protocol.write_refusal(refusal)
        return [head + number + tail for number, _ in claims]

    def answer_at_once(self, sid: str, data: list[Any]) -> Encoded | None:
        """Subscribe a new client to a calendar in memory without a task; return None for any other request."""
        name, *fields = data
        session = self._rooms.sessions.get(sid)
        if name != Subscribe.wire.name or self._audience is not Audience.PUBLIC or not _knows_nothing(fields):
            return None
        if session is None or session.is_joining:
            return None
        room = self._dispatcher.rooms.get(fields[0]["calendar"])
        if room is None or not room.is_free:
            return None
        began = time.perf_counter()
        try:
            check(session.connection.budget.request() if session.connection.budget is not None else 0)
            subscriber, wanted = self._subscription(sid, session, protocol.read(Subscribe, fields[0]))
            joined = self._recovery.join_at_once(room, subscriber, wanted)
            if joined is None:
                return None
            code, ack = "ok", _joined(joined)
        except Refused as refusal:
            code, ack = refusal.code, protocol.write_refusal(refusal)
        except Exception:
            return None  # a task comes upon it too, and reports it
        self._log.write(name, code, began, f"{self.namespace} {name}")
        return Encoded(ack)

    async def _answer(self, sid: str, event: str, fields: list[Any] | str) -> Encoded:
        """Acknowledge, count and log a request; the log line has an id of its own."""
        received, began, request_id = self._request_handler.clock(), time.perf_counter(), ""
        name = event if event in EVERY_REQUEST else "unknown"
        try:
            ack = await self.on_request(sid, event, fields, received)
            code = "ok"
        except Refused as refusal:
            code, ack = refusal.code, protocol.write_refusal(refusal)
        except Exception as error:
            request_id = new_request_id()
            self._log.write_failure(request_id)
            code, ack = "internal", protocol.write_failure(error)
        self._log.write(name, code, began, f"{self.namespace} {name}", request_id)
        return Encoded(ack)

    def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        """Begin a session, or refuse it. A refusal is final: the client's library does not try again by itself."""
        try:
            identity = self._identify(auth, environ.get("REMOTE_ADDR", ""), environ.get(SESSION_KEY, ""))
        except Refused as refusal:
            raise Refusal(refusal.message, protocol.write_error(refusal)) from refusal
        session = Session(self._server.connection(sid, self.namespace), identity.principal)
        session.expire_with(identity, partial(self._on_expired, sid))
        self._rooms.sessions[sid] = session

    def _on_expired(self, sid: str) -> None:
        """Unsubscribe at once. The client's library reconnects, with a fresh token or to a clear refusal."""
        session = self._rooms.sessions[sid]
        session.give_up()
        for calendar in self._rooms.calendars(sid):
            self._rooms.leave(calendar, sid)
        session.connection.abort(CutReason.TOKEN_EXPIRED)

    def on_disconnect(self, sid: str) -> None:
        """End the session. The room manager takes the client out of its rooms in the same step."""
        session = self._rooms.sessions.pop(sid, None)
        if session is not None:
            session.close()

    def _identify(self, auth: Any, address: str, session: str = "") -> Identity:
        """Return the identity of a token; without one that of the session, by its cookie."""
        token = auth.get("token") if isinstance(auth, dict) else None
        if token is not None and not isinstance(token, str):
            raise Unauthorized("The `token` is a string.")
        identity = self._auth.identify_session(session, address) if session and not token else None
        identity = identity or self._auth.identify(token, address)
        if self._audience is Audience.STAFF and identity.principal.highest_role < Role.VIEWER:
            raise identity.principal.refusal()
        return identity

    async def on_request(self, sid: str, name: str, fields: list[Any] | str, received: int) -> bytes:
        """Return the ack of one request, or raise its refusal. Text instead of fields is the reason to refuse it."""
        session = self._rooms.sessions.get(sid)
        if session is None:
            raise Forbidden("The connection is closing.")
        budget = session.connection.budget  # of the connection: a new namespace gives no new one
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
                return protocol.write_answer(await self._request_handler.do(request, session.principal, received))
        with reading_for(session.peer):
            return await self._request_handler.answer(request, session.principal, received)

    async def on_subscribe(self, sid: str, session: Session[Connection], request: Subscribe) -> bytes:
        """Join the calendar's room. Nothing else runs between the subscription and the ack."""
        subscriber, wanted = self._subscription(sid, session, request)
        with session.join(subscriber):
            async with session.lock:
                await session.connection.until_writable()
                with reading_for(session.peer):
                    return _joined(await self._recovery.join(subscriber, wanted))

    def _subscription(self, sid: str, session: Session[Connection], request: Subscribe) -> tuple[Subscriber, Wanted]:
        """Return what the client asks for, or raise its refusal."""
        calendar = request.calendar
        if len({calendar, *session.joining, *self._rooms.calendars(sid)}) > MOST_SUBSCRIPTIONS:
            raise BadRequest(f"One connection watches {MOST_SUBSCRIPTIONS} calendars at most.", field="calendar")
        if self._audience is Audience.STAFF and not session.principal.is_viewer_of(calendar):
            raise Forbidden
        wanted = self._recovery.wanted(request.after, request.from_, request.to, request.at_least)
        return Subscriber(calendar, session.connection, self._audience, session.principal, sid), wanted

    def on_unsubscribe(self, sid: str, session: Session[Connection], request: Unsubscribe) -> bytes:
        """Leave the room, also before the join is answered. A client outside the room gets the same answer."""
        session.give_up(request.calendar)
        self._rooms.leave(request.calendar, sid)
        return protocol.write_ok()

    def on_refresh(self, sid: str, session: Session[Connection], request: RefreshToken) -> bytes:
        """Take a fresh token. The client stays in the rooms that the new token allows."""
        identity = self._identify({"token": request.token}, session.connection.address)
        session.become(identity.principal)
        session.expire_with(identity, partial(self._on_expired, sid))
        for calendar in self._rooms.calendars(sid):
            room = self._dispatcher.rooms.get(calendar)
            if room is not None and not may_subscribe(session.principal, self._audience, room.replica.info):
                self._rooms.leave(calendar, sid)
        return protocol.write_ok()


def _knows_nothing(fields: list[Any]) -> bool:
    """Whether a subscription names its calendar and has no cursor."""
    return (
        len(fields) == 1
        and isinstance(fields[0], dict)
        and isinstance(fields[0].get("calendar"), str)
        and fields[0].get("after", "") == ""
        and "at_least" not in fields[0]
    )


def _joined(joined: Joined) -> bytes:
    """Return the ack of a subscription."""
    return b'{"ok":true,"mode":%b,%b' % (encode(joined.mode), joined.body)
