"""Composes the server around an open `SlotService`: one aiohttp application that starts and ends all its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import chain
from pathlib import Path

from aiohttp import web

from models.contract.changes import Logged
from models.contract.commands.background import UseTicket
from models.contract.values.time import Clock
from models.service import SlotService
from realtime.access.auth import Auth, Tickets
from realtime.access.credentials import Credentials
from realtime.access.issuer import Issuer
from realtime.access.rate_limit import Addresses
from realtime.access.relay_mark import RelayMark
from realtime.app_settings import AppSettings
from realtime.async_service import AsyncService
from realtime.busy.importer import BusyImporter
from realtime.describe.routes import routes as schema_routes
from realtime.drain import Drain
from realtime.engine import Limits, SocketServer
from realtime.engine.origins import Origins
from realtime.faults.loop_lag import LoopLagMonitor
from realtime.http.access_api import AccessApi
from realtime.http.api import Api
from realtime.http.base_path import redirect_route
from realtime.http.body import Bodies
from realtime.http.compression import Compression
from realtime.http.handshake import Handshakes
from realtime.http.health import Health
from realtime.http.middleware import BODY_BYTES, Proxies, RequestGuard
from realtime.http.pages import Pages, add_headers
from realtime.http.problem import problems
from realtime.http.query import checks_query
from realtime.http.tickets import TicketApi
from realtime.http.verification import VerificationApi
from realtime.ical.feed import Feeds
from realtime.mail.outbox import Outbox
from realtime.nodes.leader import Leader
from realtime.nodes.relay import Relay
from realtime.nodes.workers import WorkerLinks
from realtime.operators.metrics import Metrics
from realtime.operators.parts import OperatorParts
from realtime.operators.server_figures import ServerFigures
from realtime.operators.tracing import make_handler
from realtime.request_log import RequestCounts
from realtime.requests.access_parts import AccessParts
from realtime.requests.snapshot_read import SnapshotReader
from realtime.rooms.change_listener import ChangeListener
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.outside_writes import OutsideWrites
from realtime.rooms.recovery import Recovery
from realtime.rooms.replica.text import ReplicaText
from realtime.rooms.subscriber import Audience
from realtime.scheduler import Scheduler
from realtime.sockets import make_sockets
from realtime.transports.long_poll import LongPoll
from realtime.transports.socket_session import SocketParts
from realtime.transports.socketio import CalendarNamespace
from realtime.transports.socketio_rooms import CalendarRooms
from realtime.transports.sse import ServerSentEvents
from realtime.transports.sse_many import ManyServerSentEvents
from realtime.transports.stream import HEARTBEAT_SECONDS, Streams, StreamSubscriptions
from realtime.transports.websocket import PlainWebSockets
from realtime.writer_link.client import WriterLink

SERVICE = web.AppKey("service", AsyncService)
GUARD = web.AppKey("guard", RequestGuard)
HANDSHAKES = web.AppKey("handshakes", Handshakes)
METRICS = web.AppKey("metrics", Metrics)
BASE_PATH = web.AppKey("base_path", str)
DRAIN: web.AppKey[Callable[[float], Awaitable[None]]] = web.AppKey("drain")
OPERATORS = web.AppKey("operators", web.Application)  # the routes of SLOTCAST_METRICS_LISTEN
SOCKETS = web.AppKey("sockets", SocketServer)  # an application may emit to `calendar:<id>`


async def build(
    slot_service: SlotService,
    settings: AppSettings,
    *,
    clock: Clock,
    web_folder: Path,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    links: WorkerLinks | None = None,
    writer: WriterLink | None = None,
) -> web.Application:
    """Return the application of these settings. Call it on the loop that runs it."""
    app = _App(slot_service, settings, clock, streams=Streams(clock, heartbeat_seconds), links=links, writer=writer)
    return app.build(web_folder)


def _admit(_request: web.Request) -> None:
    """Let everyone read the metrics."""


def _peer_urls(service: SlotService) -> set[str]:
    return service.notifications.peer_urls if service.notifications is not None else set()


class _App:
    """The parts of the server, each made once."""

    def __init__(
        self,
        slot_service: SlotService,
        settings: AppSettings,
        clock: Clock,
        *,
        streams: Streams,
        links: WorkerLinks | None,
        writer: WriterLink | None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.streams = streams
        self.links = links
        self.service = AsyncService(slot_service, lambda rows: self._take_rows(rows), writer)  # noqa: PLW0108 - its parts are made below
        self.issuer = Issuer(settings.issuer) if settings.issuer else None
        credentials = Credentials(clock)
        auth = Auth(settings.secret, clock, credentials, issuer=self.issuer, longest_seconds=settings.token_seconds)
        self.access = AccessParts(self.service, auth, credentials, clock, session_seconds=settings.session_seconds)
        self._make_entrance(slot_service, auth, credentials)
        self._make_rooms(slot_service)
        self._make_requests(auth)

    def _make_entrance(self, slot_service: SlotService, auth: Auth, credentials: Credentials) -> None:
        """Make what comes before a request is read: the guard, the engine, and the relay to other servers."""
        settings, clock = self.settings, self.clock
        mark = RelayMark(settings.secret, clock) if settings.internal_url else None
        peers = Proxies(settings.proxies, mark, settings.base_path)
        self.relay = (
            Relay(settings.internal_url, mark, peers.address_of, lambda: _peer_urls(slot_service), self.links)
            if mark
            else None
        )
        addresses = Addresses(settings.rate, settings.address_factor, settings.most_open_per_address)
        allowed = Origins(list(settings.origins) or None, setting="SLOTCAST_ORIGINS", scheme_of=peers.scheme_of)
        tickets = Tickets(
            settings.secret,
            clock,
            lambda ticket, ends_at: self.service.run(UseTicket(ticket=ticket, ends_at=ends_at)),
            credentials,
            read_rights=self.access.keeper.read,
        )
        self.guard = RequestGuard(
            auth,
            tickets,
            peers,
            allowed.without_credentials(),
            addresses,
            read_rights=self.access.keeper.read,
        )
        self.limits = Limits(settings.max_queued_bytes, message_seconds=settings.body_seconds)
        self.sockets = make_sockets(allowed, peers, addresses, self.limits)
        self.service.admission = self.sockets.eio.admission
        self.sockets.eio.elsewhere = self.relay or self.links
        self.sockets.eio.keep_parts = self.guard.handshake_parts
        self.sockets.eio.handshake_lines = self.guard.handshake_lines
        self.bodies = Bodies(self.guard, settings.body_seconds)

    def _make_rooms(self, slot_service: SlotService) -> None:
        """Make what brings the log to the subscribers."""
        self.rooms = {audience: CalendarRooms(self.sockets.manager, audience) for audience in Audience}
        self.dispatcher = Dispatcher(self.service, self.rooms, max_room_bytes=self.settings.max_room_bytes)
        text = ReplicaText(self.clock)
        self.recovery = Recovery(self.service, self.dispatcher, text, self.clock)
        self.snapshots = SnapshotReader(self.service, self.dispatcher, text, self.clock)
        self.leader = Leader(slot_service)
        self.scheduler = Scheduler(self.service, self.dispatcher, self.leader)
        self.outside = OutsideWrites(self.service, self.dispatcher, self.scheduler.hurry)
        self.listener = ChangeListener(
            self.service.sync.watch(),
            self.access.noticing(self.outside.read),
            self.access.noticing(self.outside.check),
            self.outside.take,
            self._take_rows,
        )

    def _make_requests(self, auth: Auth) -> None:
        """Make what answers requests, and what counts them."""
        self.counts = RequestCounts()
        self.loop_lag = LoopLagMonitor(lambda: self.service.is_full, self.sockets.set_refusing)
        self.operator = OperatorParts(self.service, self.loop_lag, lambda: self.listener.age, self.settings.otlp_url)
        self.request_handler = make_handler(
            self.operator.traces, self.service, self.dispatcher, self.clock, self.access.handler
        )
        self.socket_parts = SocketParts(auth, self.recovery, self.request_handler, self.counts)
        for audience in Audience:
            self.sockets.register_namespace(self._namespace(audience, auth, self.rooms[audience]))

    def _namespace(self, audience: Audience, auth: Auth, rooms: CalendarRooms) -> CalendarNamespace:
        return CalendarNamespace(
            audience,
            auth=auth,
            request_handler=self.request_handler,
            dispatcher=self.dispatcher,
            recovery=self.recovery,
            rooms=rooms,
            counts=self.counts,
        )

    def build(self, web_folder: Path) -> web.Application:
        """Return the application with its middlewares, routes and signals."""
        guard = self.guard
        middlewares = [
            self.bodies.middleware(),
            problems(self.counts),
            Compression().middleware(),
            guard.middleware(),
            checks_query(),
            guard.reads(),
        ]
        app = web.Application(client_max_size=BODY_BYTES, middlewares=middlewares)
        app[SERVICE], app[GUARD], app[SOCKETS], app[DRAIN] = self.service, guard, self.sockets, self._drain
        app[HANDSHAKES] = Handshakes(app, guard, self.sockets)
        app.on_shutdown.append(self._stop)  # before the engine's own, which attach() adds
        self.sockets.attach(app, "socket.io")
        app[BASE_PATH] = self.settings.base_path
        self._add_routes(app, web_folder)
        app.on_response_prepare.extend((guard.add_headers, add_headers))
        app.cleanup_ctx.append(self._run)
        return app

    def _add_routes(self, app: web.Application, web_folder: Path) -> None:
        guard, streams = self.guard, self.streams
        counters = self.sockets.counters
        metrics = Metrics(
            counters=counters,
            streams=streams,
            dispatcher=self.dispatcher,
            service=self.service,
            requests=self.counts,
            loop_lag=self.loop_lag,
            leader=self.leader,
            recovery=self.recovery,
            queued_bytes=self._queued_bytes,
            relay=self.relay,
            faults=self.operator.faults,
        )
        app[METRICS] = metrics
        self.figures = ServerFigures(metrics, self.links, self.service.sync, self.settings.name)
        self.request_handler.read_server = self.figures.read
        check_reader = _admit if self.settings.has_public_metrics else guard.check_operator
        self.health = Health(
            self.service,
            metrics.exposition,
            check_reader,
            faults=self.operator.faults,
            watch=self.operator.fault_watch,
            links=self.links,
        )
        app[OPERATORS] = self.health.operators(self.counts)
        app[OPERATORS].on_response_prepare.append(add_headers)
        subscriptions = StreamSubscriptions(
            guard=guard, recovery=self.recovery, streams=streams, limits=self.limits, counters=counters
        )
        sockets = PlainWebSockets(subscriptions, self.socket_parts)
        for handlers in (
            Feeds(guard, self.service, self.clock),  # before `/api/bookings/{id}`, which would take `{id}.ics`
            Api(guard, self.request_handler, self.snapshots),
            AccessApi(guard, self.access.handler, self.access.sessions),
            LongPoll(guard=guard, service=self.service, dispatcher=self.dispatcher, streams=streams, clock=self.clock),
            ServerSentEvents(subscriptions),
            ManyServerSentEvents(subscriptions),
            sockets,
            TicketApi(guard),
            VerificationApi(guard, self.service.sync.tokens, self.clock, self.settings.proof_number),
            self.health,
            Pages(web_folder, sockets.any_calendar),
        ):
            app.add_routes(handlers.routes())
        app.add_routes(schema_routes())
        app.add_routes(redirect_route(app[BASE_PATH], sockets.any_calendar))

    async def _run(self, _app: web.Application) -> AsyncIterator[None]:
        """Run all tasks and threads, from the first request to the last."""
        busy = BusyImporter(
            self.service,
            self.clock,
            self.leader,
            seconds=self.settings.busy_seconds,
            allows_private=self.settings.busy_allows_private,
        )
        outbox = Outbox(self.service, self.leader, self.settings.mail, self.clock)
        if self.issuer is not None:
            await self.issuer.start()
        self.service.start(self.listener.look)
        await self.access.start()
        for part in (
            self.dispatcher,
            self.listener,
            self.leader,
            self.scheduler,
            busy,
            outbox,
            self.streams,
            self.loop_lag,
            self.operator,
            self.figures,
        ):
            part.start()
        yield
        for close in (
            self.figures.close,
            self.operator.close,
            self.access.close,
            busy.close,
            outbox.close,
            self.scheduler.close,
            self.leader.close,
            self.listener.close,
            self.outside.close,
            self.dispatcher.close,
            self.service.close,
        ):
            await close()
        if self.issuer is not None:
            await self.issuer.close()
        if self.relay is not None:
            await self.relay.close()

    def _queued_bytes(self) -> int:
        """Return the bytes that wait in the buffers of all connections."""
        writers = chain(self.sockets.eio.sockets.values(), self.streams.open)
        return sum(getattr(writer, "queued_bytes", 0) for writer in writers)

    def _take_rows(self, rows: list[Logged]) -> None:
        self.access.take_rows(rows)
        self.dispatcher.on_rows(rows)

    async def _drain(self, seconds: float) -> None:
        """Let the clients leave one after another, before the stop."""

        def refuse() -> None:
            self.loop_lag.close()  # it would accept connections again
            self.sockets.refuse = True

        self.health.is_stopping = True
        await Drain(self.sockets, self.streams, refuse).run(seconds)

    async def _stop(self, _app: web.Application) -> None:
        """End everything that waits, before the engine closes its connections."""
        self.loop_lag.close()  # it would accept connections again
        self.sockets.refuse = self.health.is_stopping = True
        self.bodies.end()
        await self.scheduler.close()  # it would log the refusal of its reads
        self.service.end_heavy_reads()
        self.service.line.close()
        await self.streams.close()
