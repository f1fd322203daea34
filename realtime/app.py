"""Composes the server around an open `SlotService`: one aiohttp application that starts and ends all its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from models.contract.commands.background import UseTicket
from models.contract.values.time import Clock
from models.service import SlotService
from realtime import protocol
from realtime.access.auth import Auth, Tickets
from realtime.access.rate_limit import Addresses
from realtime.async_service import AsyncService
from realtime.busy.importer import BusyImporter
from realtime.describe.routes import routes as schema_routes
from realtime.engine import Encoded, Limits, SocketServer
from realtime.engine.origins import Origins
from realtime.http.api import Api
from realtime.http.body import Bodies
from realtime.http.health import Health
from realtime.http.middleware import BODY_BYTES, Network, Proxies, RequestGuard
from realtime.http.pages import Pages, add_headers
from realtime.http.problem import problems
from realtime.http.query import checks_query
from realtime.http.tickets import TicketApi
from realtime.ical.feed import Feeds
from realtime.loop_lag import LoopLagMonitor
from realtime.metrics import Metrics
from realtime.request_handler import RequestHandler
from realtime.request_log import RequestCounts
from realtime.rooms.change_listener import ChangeListener
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.outside_writes import OutsideWrites
from realtime.rooms.recovery import Recovery
from realtime.rooms.subscriber import Audience
from realtime.scheduler import Scheduler
from realtime.transports.long_poll import LongPoll
from realtime.transports.socketio import CalendarNamespace
from realtime.transports.socketio_rooms import CalendarRooms
from realtime.transports.sse import ServerSentEvents
from realtime.transports.stream import Streams, StreamSubscriptions
from realtime.transports.websocket import PlainWebSockets
from realtime.workers import WorkerLinks

SERVICE = web.AppKey("service", AsyncService)
GUARD = web.AppKey("guard", RequestGuard)
METRICS = web.AppKey("metrics", Metrics)
SOCKETS = web.AppKey("sockets", SocketServer)  # an application may emit to `calendar:<id>`


class _Sockets(SocketServer):
    """The engine with this server's error codes."""

    def encode_failure(self, error: Exception) -> bytes:
        return protocol.write_failure(error)

    async def answer_unreadable(self, sid: str, namespace: str) -> Encoded | None:
        handler = self.namespace_handlers.get(namespace)
        if isinstance(handler, CalendarNamespace):
            return await handler.on_unreadable(sid)
        return await super().answer_unreadable(sid, namespace)

    async def answer_binary(self, sid: str, namespace: str) -> Encoded | None:
        handler = self.namespace_handlers.get(namespace)
        if isinstance(handler, CalendarNamespace):
            return await handler.on_unreadable(sid, is_binary=True)
        return await super().answer_binary(sid, namespace)

    def describe_unknown(self, namespace: str) -> dict[str, Any]:
        return protocol.write_unknown_namespace(namespace)

    def set_refusing(self, is_refusing: bool) -> None:  # noqa: FBT001 - the value to set
        self.refuse = is_refusing


async def build(
    slot_service: SlotService,
    *,
    secret: bytes,
    origins: Sequence[str],
    proxies: Sequence[Network],
    rate: float,
    address_factor: float,
    most_open_per_address: int,
    body_seconds: float,
    max_queued_bytes: int,
    max_room_bytes: int,
    clock: Clock,
    web_folder: Path,
    heartbeat_seconds: float,
    busy_seconds: float = 900.0,
    busy_allows_private: bool = False,
    links: WorkerLinks | None = None,
) -> web.Application:
    """Return the application of these settings (see `cli.settings.Settings`). Call it on the loop that runs it."""
    auth, peers = Auth(secret, clock), Proxies(proxies)
    addresses = Addresses(rate, address_factor, most_open_per_address)
    allowed = Origins(list(origins) or None, setting="SLOTCAST_ORIGINS")
    sockets = _Sockets(
        cors_allowed_origins=allowed,
        max_attachments=0,
        namespaces=[audience.value for audience in Audience],
        address_of=peers.address_of,
        budget_of=addresses.connect,
        message_seconds=body_seconds,
        max_queued_bytes=max_queued_bytes,
    )
    tickets = Tickets(secret, clock, lambda ticket, ends_at: app.service.run(UseTicket(ticket=ticket, ends_at=ends_at)))
    app = _App(
        slot_service,
        clock=clock,
        auth=auth,
        guard=RequestGuard(auth, tickets, peers, allowed.without_credentials(), addresses),
        sockets=sockets,
        streams=Streams(clock, heartbeat_seconds),
        body_seconds=body_seconds,
        max_room_bytes=max_room_bytes,
        busy_seconds=busy_seconds,
        busy_allows_private=busy_allows_private,
        links=links,
    )
    return app.build(Limits(max_queued_bytes, message_seconds=body_seconds), web_folder)


class _App:
    """The parts of the server, each made once."""

    def __init__(
        self,
        slot_service: SlotService,
        *,
        clock: Clock,
        auth: Auth,
        guard: RequestGuard,
        sockets: _Sockets,
        streams: Streams,
        body_seconds: float,
        max_room_bytes: int,
        busy_seconds: float,
        busy_allows_private: bool,
        links: WorkerLinks | None,
    ) -> None:
        self.clock = clock
        self.guard = guard
        self.sockets = sockets
        self.streams = streams
        self.links = links
        sockets.eio.elsewhere = links
        self.bodies = Bodies(guard, body_seconds)
        self.counts = RequestCounts()
        self._busy_seconds, self._busy_allows_private = busy_seconds, busy_allows_private
        self.service = AsyncService(slot_service, on_commit=lambda rows: self.dispatcher.on_rows(rows))  # noqa: PLW0108 - made below
        rooms = {audience: CalendarRooms(sockets.manager, audience) for audience in Audience}
        self.dispatcher = Dispatcher(self.service, rooms, max_room_bytes=max_room_bytes)
        self.recovery = Recovery(self.service, self.dispatcher, clock)
        self.request_handler = RequestHandler(self.service, self.dispatcher, clock, auth)
        self.loop_lag = LoopLagMonitor(lambda: self.service.is_full, sockets.set_refusing)
        for audience in Audience:
            namespace = CalendarNamespace(
                audience,
                auth=auth,
                request_handler=self.request_handler,
                dispatcher=self.dispatcher,
                recovery=self.recovery,
                rooms=rooms[audience],
                counts=self.counts,
            )
            sockets.register_namespace(namespace)

    def build(self, limits: Limits, web_folder: Path) -> web.Application:
        """Return the application with its middlewares, routes and signals."""
        guard = self.guard
        middlewares = [
            self.bodies.middleware(),
            problems(self.counts),
            guard.middleware(),
            checks_query(),
            guard.reads(),
        ]
        app = web.Application(client_max_size=BODY_BYTES, middlewares=middlewares)
        app[SERVICE], app[GUARD], app[SOCKETS] = self.service, guard, self.sockets
        app.on_shutdown.append(self._stop)  # before the engine's own, which attach() adds
        self.sockets.attach(app, "socket.io")
        self._add_routes(app, limits, web_folder)
        app.on_response_prepare.extend((guard.add_headers, add_headers))
        app.cleanup_ctx.append(self._run)
        return app

    def _add_routes(self, app: web.Application, limits: Limits, web_folder: Path) -> None:
        guard, streams = self.guard, self.streams
        counters = self.sockets.counters
        metrics = Metrics(
            counters=counters,
            streams=streams,
            dispatcher=self.dispatcher,
            service=self.service,
            requests=self.counts,
            loop_lag=self.loop_lag,
        )
        app[METRICS] = metrics
        self.health = Health(self.service, metrics.exposition, self.links)
        subscriptions = StreamSubscriptions(
            guard=guard, recovery=self.recovery, streams=streams, limits=limits, counters=counters
        )
        for handlers in (
            Feeds(guard, self.service, self.clock),  # before `/api/bookings/{id}`, which would take `{id}.ics`
            Api(guard, self.request_handler, self.recovery),
            LongPoll(guard=guard, service=self.service, dispatcher=self.dispatcher, streams=streams, clock=self.clock),
            ServerSentEvents(subscriptions),
            PlainWebSockets(subscriptions),
            TicketApi(guard),
            self.health,
            Pages(web_folder),
        ):
            app.add_routes(handlers.routes())
        app.add_routes(schema_routes())

    async def _run(self, _app: web.Application) -> AsyncIterator[None]:
        """Run all tasks and threads, from the first request to the last."""
        outside = OutsideWrites(self.service, self.dispatcher)
        listener = ChangeListener(
            self.service.sync.watch(), outside.read, outside.check, outside.take, self.dispatcher.on_rows
        )
        scheduler = Scheduler(self.service, self.dispatcher)
        busy = BusyImporter(
            self.service, self.clock, seconds=self._busy_seconds, allows_private=self._busy_allows_private
        )
        for part in (self.dispatcher, listener, scheduler, busy, self.streams, self.loop_lag):
            part.start()
        yield
        for close in (
            busy.close,
            scheduler.close,
            listener.close,
            outside.close,
            self.dispatcher.close,
            self.service.close,
        ):
            await close()

    async def _stop(self, _app: web.Application) -> None:
        """End everything that waits, before the engine closes its connections."""
        self.loop_lag.close()  # it would accept connections again
        self.sockets.refuse = self.health.is_stopping = True
        self.bodies.end()
        self.service.end_heavy_reads()
        await self.streams.close()
