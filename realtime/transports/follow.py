"""The three ways to follow a calendar without Socket.IO: server-sent events, a plain WebSocket, and long poll.

All start from the same cursor, read from the same room and have the same rights.
"""

from __future__ import annotations

import random
from itertools import chain
from typing import TypeVar

from aiohttp import web

from models.contract.changes import encode
from models.contract.commands import Ticket
from models.contract.errors import BadRequest, CursorGone, Overloaded, Unauthorized
from models.contract.time import write_time
from realtime import protocol
from realtime.auth import Expiry, Identity
from realtime.engine import Counters, Limits, answer_handshake, is_handshake, take_over
from realtime.engine.websocket.frame import Opcode, encode_frame
from realtime.engine.websocket.handshake import BadHandshake
from realtime.http.api import calendar_of
from realtime.http.middleware import RequestGuard
from realtime.http.problem import REQUEST_ID
from realtime.request_handler import RequestHandler
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.recovery import Joined, Recovery, Wanted, check_view
from realtime.rooms.room import Audience, Room, Subscriber, public_packet
from realtime.transports.stream import (
    RETRY_MILLISECONDS,
    EventStream,
    PlainSocket,
    Stream,
    Streams,
    event_stream,
    named_event,
)

LONGEST_WAIT_SECONDS = 60.0
CHANGES_A_POLL = 500
_TIMER_SECONDS = 0.01  # by which a timer may be early
Kind = TypeVar("Kind", EventStream, PlainSocket)
TOKEN_EXPIRED = "token expired"  # noqa: S105 - a reason


class Follow:
    """The handlers; `routes` is what an application adds."""

    def __init__(
        self,
        *,
        guard: RequestGuard,
        request_handler: RequestHandler,
        recovery: Recovery,
        dispatcher: Dispatcher,
        streams: Streams,
        limits: Limits,
        counters: Counters,
    ) -> None:
        self._guard = guard
        self._request_handler = request_handler
        self._recovery = recovery
        self._dispatcher = dispatcher
        self._streams = streams
        self._limits = limits
        self._counters = counters

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/calendars/{id}/changes", self.changes),
            web.get("/api/calendars/{id}/events", self.events, allow_head=False),
            web.get("/api/calendars/{id}/socket", self.socket, allow_head=False),
            web.post("/api/tickets", self.ticket),
        ]

    async def ticket(self, request: web.Request) -> web.Response:
        """`POST /api/tickets {calendars}`: for EventSource and WebSocket, which can't send a header."""
        asked = protocol.read(Ticket, await self._guard.body(request))
        ticket, ends_at = self._guard.ticket(request, frozenset(asked.calendars))
        body = encode({"ticket": ticket, "expires_at": write_time(int(ends_at * 1_000))})
        return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})

    async def changes(self, request: web.Request) -> web.Response:
        """Long poll: at once what followed the cursor, else the next change, else nothing after `wait` seconds."""
        self._guard.count(request)
        identity = self._guard.follower(request)
        principal, query = identity.principal, request.query
        after, wait = protocol.read_after(query.get("after")), read_wait(query.get("wait", "0"))
        room = await self._dispatcher.room_at(calendar_of(request), after, protocol.read_after(query.get("at_least")))
        check_view(principal, room)
        if after is not None and wait and room.replica.replay(after) == ():
            async with self._streams.polling(min(wait, identity.seconds_left + _TIMER_SECONDS)):
                await room.reached(after.seq + 1)
            if identity.seconds_left <= 0:
                raise Unauthorized("The token has ended.")
            check_view(principal, room)
        rows = () if after is None else room.replica.replay(after)
        if rows is None:
            raise CursorGone
        page = rows[:CHANGES_A_POLL]
        seq, cursor = (page[-1].seq, page[-1].cursor) if page else (room.replica.seq, room.replica.cursor)
        body = b'{"changes":[%b],"seq":%d,"cursor":%b,"more":%b,"server_time":%b}' % (
            b",".join([row.body for row in page]),
            seq,
            encode(cursor),
            encode(len(rows) > len(page)),
            encode(write_time(self._request_handler.clock())),
        )
        return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events. What EventSource sends by itself after a break wins over the URL's `after`."""
        after = request.headers.get("Last-Event-ID") or request.query.get("after")
        identity, wanted = self._asked(request, after)
        stream = self._made(EventStream, request)
        subscriber = Subscriber(stream, Audience.PUBLIC, identity.principal)
        joined = await self._recovery.join(calendar_of(request), subscriber, wanted)
        response = take_over(request, stream, self._event_stream_head(request))
        wait = random.choice(RETRY_MILLISECONDS)  # noqa: S311 - a wait is no secret
        stream.put_reply(b"retry: %d\n\n%b" % (wait, first_events(joined, wanted)))
        self._keep(subscriber, joined.room, identity, stream)
        if request.query.get("beat") == "1":
            self._streams.add_beat(stream)
        return response

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """A plain WebSocket: the first message is the subscribe answer, the others are changes."""
        if not is_handshake(request):
            raise BadRequest("This address is a WebSocket's.")
        try:
            head = answer_handshake(request)
        except BadHandshake as fault:
            raise BadRequest(f"{fault}.") from fault
        identity, wanted = self._asked(request, request.query.get("after"))
        stream = self._made(PlainSocket, request)
        subscriber = Subscriber(stream, Audience.PUBLIC, identity.principal)
        joined = await self._recovery.join(calendar_of(request), subscriber, wanted)
        response = take_over(request, stream, head)
        first = b'{"ok":true,"mode":%b,%b' % (encode(joined.mode), joined.body)
        stream.put_reply(encode_frame(Opcode.TEXT, first))
        self._keep(subscriber, joined.room, identity, stream)
        return response

    def _made(self, kind: type[Kind], request: web.Request) -> Kind:
        """A stream that is charged to its address; Overloaded if that has too many."""
        address = self._guard.address_of(request)
        stream = kind(self._limits, self._counters, address)
        stream.budget = self._guard.addresses.connect(address)
        if stream.budget.is_crowded:
            raise Overloaded
        return stream

    def _asked(self, request: web.Request, after: str | None) -> tuple[Identity, Wanted]:
        if self._streams.is_draining:
            raise Overloaded("The server is stopping.")
        query = request.query
        wanted = self._recovery.wanted(after, query.get("from"), query.get("to"), query.get("at_least"))
        return self._guard.follower(request), wanted

    def _keep(self, subscriber: Subscriber, room: Room, identity: Identity, stream: Stream) -> None:
        """The stream is looked after from now on, until its peer, its token or the server ends it."""
        expiry = Expiry(lambda: stream.abort(TOKEN_EXPIRED))
        expiry.set(identity.expires_at)
        budget = stream.budget
        assert budget is not None
        budget.open()
        self._streams.add(stream, lambda: room.leave(subscriber), expiry.cancel, budget.close)

    def _event_stream_head(self, request: web.Request) -> bytes:
        """The response ends when the connection does; nothing on the way may gather or change it."""
        headers = {
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-cache, no-store, no-transform",
            "X-Accel-Buffering": "no",
            "X-Content-Type-Options": "nosniff",
            "X-Request-ID": request[REQUEST_ID],
            "Connection": "close",
            **self._guard.origin_headers(request),
        }
        lines = chain(("HTTP/1.1 200 OK",), (f"{name}: {value}" for name, value in headers.items()), ("", ""))
        return "\r\n".join(lines).encode()


def first_events(joined: Joined, wanted: Wanted) -> bytes:
    """The replay as the changes it is made of; or a snapshot, after a `reset` where a cursor was asked for."""
    rows = joined.room.replica.replay(wanted.after) if wanted.after is not None else None
    if rows is not None:
        return event_stream(public_packet(rows))
    reset = named_event("reset", b'{"code":"cursor_gone"}') if wanted.after is not None else b""
    return reset + named_event("snapshot", b"{" + joined.body, joined.cursor)


def read_wait(text: str) -> float:
    """Seconds to wait, 0 to 60; BadRequest for anything else."""
    try:
        wait = float(text)
    except ValueError:
        wait = -1.0
    if not 0 <= wait <= LONGEST_WAIT_SECONDS:
        raise BadRequest("`wait` is 0 to 60 seconds.", field="wait")
    return wait
