"""The sessions of an Engine.IO server: their settings, their timers, and the life of each from open to forgotten."""

import asyncio
import contextlib
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import engineio
from aiohttp import web

from realtime.engine.admission import AdmissionQueue
from realtime.engine.budget import Budget
from realtime.engine.connection_writer import Limits
from realtime.engine.counters import Counters
from realtime.engine.engineio.back_pressure import BackPressure
from realtime.engine.engineio.connection import DEPARTURE_SECONDS, NOTHING, EngineConnection
from realtime.engine.engineio.heartbeat import Heartbeat
from realtime.engine.engineio.ping_timer import PingTimer
from realtime.engine.engineio.sid import new_sid
from realtime.engine.engineio.upgrade import SideSocket
from realtime.engine.origins import Allowed, Origins, origins_of
from realtime.engine.websocket.frame import CloseCode

logger: Final = logging.getLogger(__name__)

REQUEST_SECONDS: Final = 100e-6  # the cost of a request, roughly, without the size of its answer
REPLY_SECONDS_A_BYTE: Final = 2.5e-9  # 1 ms for 400 KB
LATE_POLL_SECONDS: Final = 1.0
MOST_LATE_POLLS: Final = 1_000
_DEFAULTS: Final = Limits()
_FADING: Final = 0.99  # a request: after a few hundred small answers a large one is forgotten


class Elsewhere(Protocol):
    """Knows the sessions of other processes on this address, and gives their requests to them."""

    @property
    def sid_prefix(self) -> str: ...

    def is_elsewhere(self, sid: str) -> bool: ...

    async def hand_over(self, request: web.Request, sid: str) -> web.StreamResponse: ...


class SessionServer(engineio.AsyncServer):
    """The part of EngineServer behind the HTTP requests. Its arguments are described there."""

    def __init__(
        self,
        *,
        max_queued_bytes: int = _DEFAULTS.max_queued_bytes,
        max_in_flight: int = 16,
        address_of: Callable[[web.Request], str] | None = None,
        budget_of: Callable[[str], Budget] | None = None,
        message_seconds: float = _DEFAULTS.message_seconds,
        keep_headers: Iterable[str] = (),
        cors_allowed_origins: "Allowed | Origins" = None,
        cors_credentials: bool = True,
        connection_class: type[EngineConnection] = EngineConnection,
        **options: Any,
    ) -> None:
        options.setdefault("async_mode", "aiohttp")
        if options.get("logger", False) is False:
            options["logger"] = logger  # else engineio adds a handler and sets a level
        super().__init__(**options)
        if self.async_mode != "aiohttp":
            raise ValueError("the engine runs on aiohttp only")
        self.limits = Limits(max_queued_bytes, self.max_http_buffer_size, message_seconds)
        self.max_in_flight = max_in_flight
        self.keep_headers = tuple(keep_headers)
        self.connection_class = connection_class
        self.origins = origins_of(cors_allowed_origins, with_credentials=cors_credentials)
        self.counters = Counters()
        self.ping_timer = PingTimer(self.ping_interval, self.ping_timeout)
        self.heartbeat = Heartbeat()
        self.admission = AdmissionQueue()
        self.request_seconds = 10 * REQUEST_SECONDS  # the estimate for the next one; at first nothing is known
        self.elsewhere: Elsewhere | None = None
        # Returns further parts of a handshake for `environ`, as headers: {"Name": "value"}.
        self.keep_parts: Callable[[web.Request], dict[str, str]] | None = None
        # Returns further lines for the head of the answer to a WebSocket's handshake.
        self.handshake_lines: Callable[[web.Request], bytes] = _no_lines
        self.refuse_late: Callable[[Any, list[bytes]], list[bytes]] = _refuse_none  # see ConnectionHost
        self.refuse = False
        self.is_draining = False
        self.sockets: dict[str, EngineConnection] = {}
        self.side_sockets: set[SideSocket] = set()
        self.address_of = address_of or _remote
        self.budget_of = budget_of
        self._leaving: set[EngineConnection] = set()
        self._all_left: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._late_polls: dict[str, float] = {}  # sid to end of validity

    def generate_id(self) -> str:
        """Return a new session's id; among several processes it begins with the number of this one."""
        sid = new_sid()
        return f"{self.elsewhere.sid_prefix}{sid}" if self.elsewhere is not None else sid

    @property
    def may_upgrade(self) -> bool:
        """Return whether a polling client may upgrade to WebSocket. Not during a drain, which would not close it."""
        return bool(self.allow_upgrades) and not self.is_draining and "websocket" in self.transports

    # -- called by connections

    def receive(self, connection: EngineConnection, data: str | bytes) -> None:
        """Pass a message to its handler. A coroutine ends before the next message is read."""
        try:
            result = self.handlers["message"](connection.sid, data)
        except Exception:
            logger.exception("message handler")
            return
        if result is not None and inspect.isawaitable(result):
            connection.pause_until_done(result)

    def expect_late_poll(self, sid: str) -> None:
        """Answer one more poll of this client: a poll sent together with its close may arrive behind it."""
        self._late_polls[sid] = self.ping_timer.now() + LATE_POLL_SECONDS
        if len(self._late_polls) > MOST_LATE_POLLS:
            del self._late_polls[next(iter(self._late_polls))]

    def run(self, connection: BackPressure, awaitable: Awaitable[Any]) -> None:
        """Run this, and remove the connection's blocker afterwards."""

        async def work() -> None:
            try:
                await awaitable
            except Exception:
                logger.exception("handler")
            finally:
                connection.remove_blocker()

        self.keep(work())

    def weigh(self, reply_bytes: int) -> None:
        """Charge this loop iteration for an answer, and expect the next to cost as much as recent large ones."""
        cost = reply_bytes * REPLY_SECONDS_A_BYTE
        self.admission.charge(cost)
        self.request_seconds = max(REQUEST_SECONDS + cost, self.request_seconds * _FADING)

    def keep(self, coroutine: Any) -> None:
        """Start a task, and keep a reference until it is done."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self, connection: EngineConnection, reason: str) -> None:
        """Tell the application that a connection has ended, then drop it."""
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
        self.admission.run(functools.partial(self._disconnected, connection, reason), DEPARTURE_SECONDS)

    def _disconnected(self, connection: EngineConnection, reason: str) -> None:
        handler = self.handlers.get("disconnect")
        result = None
        if handler is not None:
            try:
                result = _call_disconnect(handler, connection.sid, reason)
            except Exception:
                logger.exception("disconnect handler")
        if result is not None and inspect.isawaitable(result):
            self.keep(self._drop_after(connection, result))
        else:
            self.sockets.pop(connection.sid, None)

    async def _drop_after(self, connection: EngineConnection, handling: Awaitable[Any]) -> None:
        """Drop the connection after its disconnect handler, which may still read the session."""
        try:
            await handling
        except Exception:
            logger.exception("disconnect handler")
        finally:
            self.sockets.pop(connection.sid, None)

    def lost(self, connection: EngineConnection) -> None:
        """Note that a connection's transport is gone."""
        self._leaving.discard(connection)
        if self._all_left is not None and not self._leaving:
            self._all_left.set()

    # -- draining

    async def drain(self, seconds: float = 1.0) -> None:
        """Refuse new sessions and close every transport, so that clients reconnect elsewhere.

        Nothing more is read. Handlers of requests that were read get `seconds` to answer. Then all connections are
        closed, a few at a time, and the rest is aborted after `seconds` more.
        """
        self.refuse = self.is_draining = True
        for connection in list(self.sockets.values()):
            connection.pause_reading()
        await self.admission.until_served()
        await self._until_answered(seconds)
        side_sockets = list(self.side_sockets)  # no other one begins during a drain
        for socket in side_sockets:
            socket.shut(CloseCode.GOING_AWAY, "drain")
        for connection in list(self.sockets.values()):
            departure = functools.partial(connection.depart, "drain", NOTHING, CloseCode.GOING_AWAY)
            self.admission.run(departure, DEPARTURE_SECONDS)
        await self.admission.until_served()
        await self._until_answered(seconds)  # the disconnect handlers
        if self._leaving:
            self._all_left = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_left.wait(), seconds)
        for leaving in (*self._leaving, *side_sockets):
            if leaving.transport is not None:
                leaving.transport.abort()
        await asyncio.sleep(0)

    async def close_some(self, connections: Sequence[EngineConnection], seconds: float = 1.0) -> None:
        """Close these transports. Handlers of requests that were read get `seconds` to answer."""
        for connection in connections:
            connection.pause_reading()
        if running := list(self._tasks):
            await asyncio.wait(running, timeout=seconds)
        for connection in connections:
            departure = functools.partial(connection.depart, "drain", NOTHING, CloseCode.GOING_AWAY)
            self.admission.run(departure, DEPARTURE_SECONDS)

    async def _until_answered(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)


def _no_lines(_request: web.Request) -> bytes:
    return b""


def _refuse_none(_connection: Any, _texts: list[bytes]) -> list[bytes]:
    return []


def _call_disconnect(handler: Callable[..., Any], sid: str, reason: str) -> Any:
    """Call a disconnect handler as engineio does: old handlers take no reason."""
    try:
        return handler(sid, reason)
    except TypeError:
        return handler(sid)


def _remote(request: web.Request) -> str:
    return request.remote or ""
