"""Composes an edge: the transports, the rooms that follow the core, and the passage of everything else."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple, cast

from aiohttp import web

from models.contract.changes import encode
from models.contract.errors import BadRequest, Overloaded
from models.contract.principal import Principal
from models.contract.request import Request
from realtime.access.auth import Auth, Tickets
from realtime.access.rate_limit import Addresses
from realtime.access.visibility import hiding
from realtime.async_service import AsyncService
from realtime.background_task import end_tasks
from realtime.drain import Drain
from realtime.edge.following import EdgeRooms
from realtime.edge.namespace import EdgeNamespace
from realtime.edge.passage import ROUTES, Passage, fields_of
from realtime.edge.upstream import Upstream
from realtime.engine import Limits, SocketServer, is_handshake
from realtime.engine.origins import Origins
from realtime.faults.loop_lag import LoopLagMonitor
from realtime.http.api import Api
from realtime.http.body import Bodies
from realtime.http.middleware import BODY_BYTES, Network, Proxies, RequestGuard
from realtime.http.pages import add_headers
from realtime.http.problem import problems
from realtime.http.query import checks_query
from realtime.nodes.leader import Leader
from realtime.operators.metrics import Metrics
from realtime.request_log import RequestCounts
from realtime.requests.access_handler import AccessHandler
from realtime.requests.etag import Tagged
from realtime.requests.request_handler import RequestHandler
from realtime.requests.snapshot_read import Asked, SnapshotReader
from realtime.rooms.recovery import Recovery
from realtime.rooms.replica.text import ReplicaText
from realtime.rooms.subscriber import Audience
from realtime.transports.long_poll import LongPoll
from realtime.transports.socket_session import SocketParts
from realtime.transports.socketio_rooms import CalendarRooms
from realtime.transports.sse import ServerSentEvents
from realtime.transports.sse_many import ManyServerSentEvents
from realtime.transports.stream import HEARTBEAT_SECONDS, Streams, StreamSubscriptions
from realtime.transports.websocket import PlainWebSockets

HOUSEKEEPING_SECONDS = 10.0
_CALENDAR = "/api/calendars/{id}/"
# The paths that an edge answers itself.
_OWN = {"/", "/api/events", "/api/socket", *(f"{_CALENDAR}{end}" for end in ("slots", "changes", "events", "socket"))}

GUARD = web.AppKey("edge_guard", RequestGuard)
DRAIN: web.AppKey[Callable[[float], Awaitable[None]]] = web.AppKey("edge_drain")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class EdgeSettings(NamedTuple):
    """The settings of a server that an edge has too."""

    origins: Sequence[str]
    proxies: Sequence[Network]
    rate: float
    address_factor: float
    most_open_per_address: int
    body_seconds: float
    max_queued_bytes: int
    max_room_bytes: int
    has_public_metrics: bool


class _Snapshots(SnapshotReader):
    """Snapshots of rooms: each read opens one, and the next reads are of memory."""

    async def read(self, calendar: str, principal: Principal, asked: Asked, has: str = "") -> Tagged:
        with hiding(calendar, principal):
            await self._dispatcher.room(calendar)
        return await super().read(calendar, principal, asked, has)


class _Handler(RequestHandler):
    """Requests of plain WebSockets: the core answers them. An edge knows guests only."""

    passage: Passage

    async def answer(self, request: Request, principal: Principal, received: int) -> bytes:  # noqa: ARG002
        name = type(request).wire.name
        if name not in ROUTES:
            raise BadRequest("That can't be asked here.")
        ack, _, _ = await self.passage.ask(name, fields_of(request), "", principal.address)
        return ack


class _Follower:
    """The lead, which an edge never has."""

    is_leader = False


_NO_ACCESS = cast("AccessHandler", None)  # staff's accounts and tokens are the core's


async def _no_rights() -> None:
    """Read no accounts and tokens."""


class EdgeApp:
    """The parts of an edge, each made once. Make it on the loop that runs it."""

    def __init__(self, core: str, settings: EdgeSettings) -> None:
        self.upstream = upstream = Upstream(core)
        clock, secret = upstream.clock, secrets.token_bytes(32)  # it signs nothing that anybody reads
        auth, peers = Auth(secret, clock), Proxies(settings.proxies)
        addresses = Addresses(settings.rate, settings.address_factor, settings.most_open_per_address)
        allowed = Origins(list(settings.origins) or None, setting="SLOTCAST_ORIGINS", scheme_of=peers.scheme_of)
        limits = Limits(settings.max_queued_bytes, message_seconds=settings.body_seconds)
        self.sockets = SocketServer(
            cors_allowed_origins=allowed,
            max_attachments=0,
            namespaces=[Audience.PUBLIC.value],
            address_of=peers.address_of,
            budget_of=addresses.connect,
            message_seconds=limits.message_seconds,
            max_queued_bytes=limits.max_queued_bytes,
        )
        self.service = AsyncService(cast("Any", upstream), on_commit=lambda _rows: None)
        rooms = CalendarRooms(self.sockets.manager, Audience.PUBLIC)
        self.dispatcher = EdgeRooms(
            self.service, {Audience.PUBLIC: rooms}, upstream=upstream, max_room_bytes=settings.max_room_bytes
        )
        self.passage = Passage(upstream, peers.address_of)
        self.counts, self.streams = RequestCounts(), Streams(clock, HEARTBEAT_SECONDS)
        self.is_stopping = False
        self._limits, self._has_public_metrics = limits, settings.has_public_metrics
        self.guard = RequestGuard(
            auth,
            Tickets(secret, clock, _no_ticket),
            peers,
            allowed.without_credentials(),
            addresses,
            read_rights=_no_rights,
        )
        self.sockets.eio.handshake_lines = self.guard.handshake_lines
        self.bodies = Bodies(self.guard, settings.body_seconds)
        self._text = ReplicaText(clock)
        self._recovery = Recovery(self.service, self.dispatcher, self._text, clock)
        self._auth, self._handler = auth, _Handler(self.service, self.dispatcher, clock, _NO_ACCESS)
        self._handler.passage = self.passage
        self._loop_lag = LoopLagMonitor(lambda: False, self._set_refusing)
        self.sockets.register_namespace(
            EdgeNamespace(
                Audience.PUBLIC,
                passage=self.passage,
                auth=auth,
                request_handler=self._handler,
                dispatcher=self.dispatcher,
                recovery=self._recovery,
                rooms=rooms,
                counts=self.counts,
            )
        )

    def build(self) -> web.Application:
        """Return the application with its middlewares, routes and signals."""
        guard = self.guard
        middlewares = [
            self.bodies.middleware(), problems(self.counts), guard.middleware(), checks_query(), guard.reads(),
        ]  # fmt: skip
        app = web.Application(client_max_size=BODY_BYTES, middlewares=middlewares)
        app[GUARD], app[DRAIN] = guard, self._drain
        app.on_shutdown.append(self._stop)
        self.sockets.attach(app, "socket.io")
        app.add_routes(self._routes())
        app.on_response_prepare.extend((guard.add_headers, add_headers))
        app.cleanup_ctx.append(self._run)
        return app

    def _routes(self) -> list[web.AbstractRouteDef]:
        subscriptions = StreamSubscriptions(
            guard=self.guard,
            recovery=self._recovery,
            streams=self.streams,
            limits=self._limits,
            counters=self.sockets.counters,
        )
        clock = self.upstream.clock
        snapshots = _Snapshots(self.service, self.dispatcher, self._text, clock)
        polls = LongPoll(
            guard=self.guard, service=self.service, dispatcher=self.dispatcher, streams=self.streams, clock=clock
        )
        sockets = PlainWebSockets(subscriptions, SocketParts(self._auth, self._recovery, self._handler, self.counts))
        own = [
            *Api(self.guard, self._handler, snapshots).routes(), *polls.routes(), *sockets.routes(),
            *ServerSentEvents(subscriptions).routes(), *ManyServerSentEvents(subscriptions).routes(),
            web.get("/", self._page_or_socket(sockets.any_calendar)),
        ]  # fmt: skip
        public = [
            web.get(route.path, self._own_or_core(cast("Handler", route.handler)), allow_head=False)
            for route in own
            if route.method == "GET" and route.path in _OWN
        ]
        operators = [
            web.get("/livez", self._health), web.get("/healthz", self._health),
            web.get("/readyz", self._readiness), web.get("/metrics", self._exposition),
        ]  # fmt: skip
        return [*public, *operators, web.route("*", "/{path:.*}", self.passage.pass_on)]

    def _page_or_socket(self, socket: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await (socket(request) if is_handshake(request) else self.passage.pass_on(request))

        return answer

    def _own_or_core(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            """Leave a client with a token or a ticket to the core: only that knows what it may see."""
            if "Authorization" in request.headers or "ticket" in request.query:
                return await self.passage.pass_on(request)
            return await handler(request)

        return answer

    async def _health(self, _request: web.Request) -> web.Response:
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
        return web.Response(body=encode({"status": "ok"}), content_type="application/json", headers=headers)

    async def _readiness(self, _request: web.Request) -> web.Response:
        """Answer that the edge is ready, also without the core: its watchers keep what they have."""
        if self.is_stopping:
            raise Overloaded("The server is stopping.")
        is_well = self.upstream.is_reached and self.dispatcher.is_following
        body = {"status": "ready", "degraded": [] if is_well else ["core"]}
        return web.Response(body=encode(body), content_type="application/json")

    async def _exposition(self, request: web.Request) -> web.Response:
        if not self._has_public_metrics:
            self.guard.check_operator(request)
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._metrics.exposition(), headers=headers)

    def _set_refusing(self, is_refusing: bool) -> None:  # noqa: FBT001 - the value to set
        self.sockets.refuse = is_refusing

    async def _run(self, _app: web.Application) -> AsyncIterator[None]:
        self._metrics = Metrics(
            counters=self.sockets.counters,
            streams=self.streams,
            dispatcher=self.dispatcher,
            service=self.service,
            requests=self.counts,
            loop_lag=self._loop_lag,
            leader=cast("Leader", _Follower()),
            recovery=self._recovery,
        )
        self.dispatcher.start()
        self.streams.start()
        self._loop_lag.start()
        tasks = [asyncio.create_task(self._close_idle_rooms()), asyncio.create_task(self.passage.watch())]
        yield
        await end_tasks(tasks)
        await self.dispatcher.close()
        await self.passage.close()
        await self.service.close()

    async def _close_idle_rooms(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            self.dispatcher.close_idle_rooms()

    async def _drain(self, seconds: float) -> None:
        """Let the clients leave one after another, before the stop."""

        def refuse() -> None:
            self._loop_lag.close()
            self.sockets.refuse = True

        self.is_stopping = True
        await Drain(self.sockets, self.streams, refuse).run(seconds)

    async def _stop(self, _app: web.Application) -> None:
        """End everything that waits, before the engine closes its connections."""
        self._loop_lag.close()
        self.sockets.refuse = self.is_stopping = True
        self.bodies.end()
        self.service.end_heavy_reads()
        await self.streams.close()


async def _no_ticket(_ticket: str, _ends_at: int) -> bool:
    """Refuse: tickets are the core's."""
    return False
