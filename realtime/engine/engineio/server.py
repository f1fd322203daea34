"""Engine.IO on aiohttp: sessions, and the HTTP requests that open, poll, post to and upgrade them."""

import asyncio
import contextlib
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import engineio
from aiohttp import web

from realtime.engine.admission import AdmissionQueue
from realtime.engine.budget import Budget
from realtime.engine.connection_writer import Limits
from realtime.engine.counters import Counters
from realtime.engine.engineio.heartbeat import Heartbeat
from realtime.engine.engineio.join_deadline import JoinDeadlines
from realtime.engine.engineio.opening import FORBIDDEN, Refused, error_response, open_session
from realtime.engine.engineio.ping_timer import PingTimer
from realtime.engine.engineio.polling import answer_poll, take_post
from realtime.engine.engineio.session import NOOP, NOTHING, Connection
from realtime.engine.engineio.upgrade import UpgradeProbe
from realtime.engine.origins import Allowed, Origins
from realtime.engine.websocket.frame import CloseCode
from realtime.engine.websocket.handshake import (
    BadHandshake,
    HandedOverResponse,
    answer_handshake,
    is_handshake,
    take_over,
)
from realtime.engine.websocket.websocket import WebSocket

logger: Final = logging.getLogger(__name__)

UNSUPPORTED_VERSION: Final = (
    "This server speaks Engine.IO 4. Use a Socket.IO client of version 3 or 4 for JavaScript, 2 for Java, "
    "16 for Swift, 2 for Dart or 5 for Python, or later."
)
DEPARTURE_SECONDS: Final = 50e-6  # what it takes to see one client off, roughly
REQUEST_SECONDS: Final = 100e-6  # what it takes to answer one, roughly, without what its answer weighs
REPLY_SECONDS_A_BYTE: Final = 2.5e-9  # 1 ms for 400 KB
LATE_POLL_SECONDS: Final = 1.0
MOST_LATE_POLLS: Final = 1_000
_FADING: Final = 0.99  # a request: after a few hundred small answers a large one is forgotten


class EngineServer(engineio.AsyncServer):
    """engineio.AsyncServer whose connections own their transports.

    Beyond engineio's arguments: `max_queued_bytes`, what a client that does not read may hold;
    `max_in_flight`, requests of one client that run at once; `join_timeout`, seconds for a client to
    join a namespace; `address_of`, the peer's address from the request; `budget_of`, the budget of a new
    connection of this address; `keep_headers`, the request headers that handlers will see in `environ`, for
    nothing else of the request is kept; `message_seconds`, for a WebSocket message to come to its end.
    """

    def __init__(
        self,
        *,
        max_queued_bytes: int = 1_000_000,
        max_in_flight: int = 16,
        join_timeout: float | None = None,
        address_of: Callable[[web.Request], str] | None = None,
        budget_of: Callable[[str], Budget] | None = None,
        message_seconds: float = 30.0,
        keep_headers: Iterable[str] = (),
        cors_allowed_origins: "Allowed | Origins" = None,
        cors_credentials: bool = True,
        **options: Any,
    ) -> None:
        options.setdefault("async_mode", "aiohttp")
        if options.get("logger", False) is False:
            options["logger"] = logger  # else engineio adds a handler and sets a level behind our back
        super().__init__(**options)
        if self.async_mode != "aiohttp":
            raise ValueError("the engine runs on aiohttp only")
        self.limits = Limits(max_queued_bytes, self.max_http_buffer_size, message_seconds)
        self.max_in_flight = max_in_flight
        self.join_timeout = join_timeout
        self.keep_headers = tuple(keep_headers)
        self.origins = (
            cors_allowed_origins
            if isinstance(cors_allowed_origins, Origins)
            else Origins(cors_allowed_origins, with_credentials=cors_credentials)
        )
        self.counters = Counters()
        self.ping_timer = PingTimer(self.ping_interval, self.ping_timeout)
        self.heartbeat = Heartbeat()
        self.admission = AdmissionQueue()
        self.request_seconds = 10 * REQUEST_SECONDS  # what the next is taken to cost; at first nothing is known
        self.refuse = False
        self.is_draining = False
        self.sockets: dict[str, Connection] = {}
        self.probes: set[UpgradeProbe] = set()
        self.address_of = address_of or _remote
        self.budget_of = budget_of
        self._leaving: set[Connection] = set()
        self._all_left: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._late_polls: dict[str, float] = {}  # until when, by sid
        self._newcomers = JoinDeadlines(join_timeout, self.sockets) if join_timeout else None

    # -- the application's side

    def attach(self, app: web.Application, engineio_path: str = "engine.io") -> None:
        """Serve under this path, and close the connections when the application stops."""
        app.router.add_route("*", f"/{engineio_path.strip('/')}/", self.handle_request)
        app.on_shutdown.append(self._on_shutdown)

    async def drain(self, seconds: float = 1.0) -> None:
        """Refuse newcomers and close every transport, so that clients reconnect elsewhere.

        Nothing more is read, and what was read is answered first: its handlers have `seconds` to end. Then
        everyone is seen off, a few at a time, and what is left after as long again is cut.
        """
        self.refuse = self.is_draining = True
        for connection in list(self.sockets.values()):
            connection.hold()
        await self.admission.until_served()
        await self._until_answered(seconds)
        for probe in list(self.probes):
            probe.shut(CloseCode.GOING_AWAY, "drain")
        for connection in list(self.sockets.values()):
            goodbye = functools.partial(connection.depart, "drain", NOTHING, CloseCode.GOING_AWAY)
            self.admission.run(goodbye, DEPARTURE_SECONDS)
        await self.admission.until_served()
        await self._until_answered(seconds)  # the disconnect handlers
        if self._leaving:
            self._all_left = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_left.wait(), seconds)
        for connection in list(self._leaving):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)

    async def _until_answered(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)

    async def disconnect(self, sid: str | None = None) -> None:
        """Close this session, or all; the disconnect handlers see them before they are forgotten."""
        for connection in list(self.sockets.values()) if sid is None else [self.sockets.get(sid)]:
            if connection is not None:
                await connection.close()

    async def shutdown(self) -> None:
        """Stop the timers."""
        self.ping_timer.stop()
        self.heartbeat.stop()

    async def _on_shutdown(self, _app: web.Application) -> None:
        await self.drain()
        await self.shutdown()

    # -- what connections call

    def receive(self, connection: Connection, data: str | bytes) -> None:
        """Hand a message to its handler. A coroutine is waited for before the next message is read."""
        try:
            result = self.handlers["message"](connection.sid, data)
        except Exception:
            logger.exception("message handler")
            return
        if result is not None and inspect.isawaitable(result):
            connection.hold_for(result)

    def expect_joining(self, connection: Connection) -> None:
        """This connection is in no namespace; unless it joins one in time, it is closed."""
        if self._newcomers is not None:
            self._newcomers.add(connection)

    def expect_late_poll(self, sid: str) -> None:
        """This polling client has said goodbye, and the poll that it sent at the same time may come behind it."""
        self._late_polls[sid] = self.ping_timer.now() + LATE_POLL_SECONDS
        if len(self._late_polls) > MOST_LATE_POLLS:
            del self._late_polls[next(iter(self._late_polls))]

    def run(self, connection: Connection, awaitable: Awaitable[Any]) -> None:
        """Run what a connection is held for, and tell it when that is done."""

        async def work() -> None:
            try:
                await awaitable
            except Exception:
                logger.exception("handler")
            finally:
                connection.end_hold()

        self.keep(work())

    def weigh(self, reply_bytes: int) -> None:
        """Charge this turn of the loop for an answer; the next are taken to cost what the dearest of late did."""
        cost = reply_bytes * REPLY_SECONDS_A_BYTE
        self.admission.charge(cost)
        self.request_seconds = max(REQUEST_SECONDS + cost, self.request_seconds * _FADING)

    def keep(self, coroutine: Any) -> None:
        """Start a task and hold on to it until it is done."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self, connection: Connection, reason: str) -> None:
        """A connection is over: tell the application, then drop it."""
        self.ping_timer.discard(connection)
        self.heartbeat.discard(connection)
        if connection.budget is not None:
            connection.budget.close(is_polling=not connection.upgraded)
        if connection.transport is not None:
            self._leaving.add(connection)
        if connection.upgraded:
            self.counters.open_websocket -= 1
        else:
            self.counters.open_polling -= 1
        self.admission.run(functools.partial(self._say_farewell, connection, reason), DEPARTURE_SECONDS)

    def _say_farewell(self, connection: Connection, reason: str) -> None:
        handler = self.handlers.get("disconnect")
        farewell = None
        if handler is not None:
            try:
                farewell = _call_farewell(handler, connection.sid, reason)
            except Exception:
                logger.exception("disconnect handler")
        if farewell is not None and inspect.isawaitable(farewell):
            self.keep(self._see_off(connection, farewell))
        else:
            self.sockets.pop(connection.sid, None)

    def lost(self, connection: Connection) -> None:
        """A connection's transport is gone."""
        self._leaving.discard(connection)
        if self._all_left is not None and not self._leaving:
            self._all_left.set()

    async def _see_off(self, connection: Connection, farewell: Awaitable[Any]) -> None:
        """The application may still read the session while its disconnect handler runs."""
        try:
            await farewell
        except Exception:
            logger.exception("disconnect handler")
        finally:
            self.sockets.pop(connection.sid, None)

    def _get_socket(self, sid: str) -> Connection:
        try:
            return self.sockets[sid]
        except KeyError:
            raise KeyError("Session not found") from None

    # -- requests

    @property
    def may_upgrade(self) -> bool:
        """Whether a polling client may become a WebSocket one."""
        return bool(self.allow_upgrades) and "websocket" in self.transports

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request of the protocol."""
        if not self.origins.is_allowed(request):
            return error_response(FORBIDDEN, self.origins.refuse(request))
        try:
            response = await self._route(request)
        except Refused as refusal:
            response = web.Response(status=refusal.status, text=refusal.message)
        except BadHandshake as fault:
            response = web.Response(status=400, text=str(fault))
        if not response.prepared and not isinstance(response, HandedOverResponse):
            response.headers.update(self.origins.headers(request))
        return response

    async def _route(self, request: web.Request) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return web.Response(status=204)
        query = request.query
        if query.get("EIO") != "4":
            raise Refused(UNSUPPORTED_VERSION)
        transport = query.get("transport", "")
        if transport not in self.transports:
            raise Refused("The transport is unknown.")
        sid = query.get("sid")
        if request.method == "GET":
            if sid is None:
                return await open_session(self, request, transport)
            if sid in self._late_polls and self._late_polls.pop(sid) > self.ping_timer.now():
                return web.Response(body=NOOP, content_type="text/plain", charset="utf-8")
            connection = self._session(sid)
            if is_handshake(request):
                return self._upgrade(request, connection)
            if transport != "polling" or connection.mailbox is None:
                raise Refused("This session is not polling.")
            compress_above = self.compression_threshold if self.http_compression else None
            return await answer_poll(connection, request, compress_above)
        if request.method == "POST" and sid is not None:
            return await take_post(self._session(sid), request)
        raise Refused("This request has no meaning here.")

    def _session(self, sid: str) -> Connection:
        connection = self.sockets.get(sid)
        if connection is None or not connection.is_open:
            raise Refused("The session is unknown.")
        if self.ping_timer.now() >= connection.deadline and not connection.is_held:
            connection.abort(self.reason.PING_TIMEOUT)
            raise Refused("The session is unknown.")
        return connection

    def _upgrade(self, request: web.Request, connection: Connection) -> web.StreamResponse:
        mailbox = connection.mailbox
        if not self.may_upgrade:
            raise Refused("This session cannot be upgraded.")
        head = answer_handshake(request)
        if mailbox is not None:
            return take_over(request, UpgradeProbe(connection, mailbox), head)
        # As the reference does: a refused handshake is an uncaught error for some WebSocket clients, a close is not.
        stray = WebSocket(self.limits, self.counters, self.address_of(request))
        response = take_over(request, stray, head)
        stray.shut(CloseCode.NORMAL, "upgraded already")
        return response


def _call_farewell(handler: Callable[..., Any], sid: str, reason: str) -> Any:
    """As engineio does: handlers of old take no reason."""
    try:
        return handler(sid, reason)
    except TypeError:
        return handler(sid)


def _remote(request: web.Request) -> str:
    return request.remote or ""
