"""Composes the server around an open `SlotService`: one aiohttp application that starts and ends what runs in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from models.contract.time import Clock
from models.service import SlotService
from realtime import protocol
from realtime.async_service import AsyncService
from realtime.auth import Auth
from realtime.describe.routes import routes as schema_routes
from realtime.engine import Encoded, Limits, SocketServer
from realtime.engine.origins import Origins
from realtime.http.api import Api
from realtime.http.body import Bodies
from realtime.http.health import Operator
from realtime.http.middleware import BODY_BYTES, Network, Proxies, RequestGuard
from realtime.http.pages import Pages, add_headers
from realtime.http.problem import problems
from realtime.ical.feed import Feeds
from realtime.loop_lag import LoopLagMonitor
from realtime.metrics import Metrics, Requests
from realtime.rate_limit import Addresses
from realtime.request_handler import RequestHandler
from realtime.rooms.change_listener import ChangeListener
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.outside_writes import Intake
from realtime.rooms.recovery import Recovery
from realtime.rooms.room import Audience
from realtime.scheduler import Scheduler
from realtime.transports.follow import Follow
from realtime.transports.socketio import CalendarNamespace
from realtime.transports.stream import Streams

SERVICE = web.AppKey("door", AsyncService)
GATE = web.AppKey("gate", RequestGuard)
Running = Callable[[web.Application], AsyncIterator[None]]


class _Sockets(SocketServer):  # the engine knows no codes of ours
    def encode_failure(self, error: Exception) -> bytes:
        return protocol.write_failure(error)

    async def answer_unreadable(self, sid: str, namespace: str) -> Encoded:
        asked = self.namespace_handlers.get(namespace)
        if isinstance(asked, CalendarNamespace):
            return await asked.on_unreadable(sid)
        return await super().answer_unreadable(sid, namespace)

    async def answer_binary(self, sid: str, namespace: str) -> Encoded:
        asked = self.namespace_handlers.get(namespace)
        if isinstance(asked, CalendarNamespace):
            return await asked.on_unreadable(sid, is_binary=True)
        return await super().answer_binary(sid, namespace)

    def describe_unknown(self, namespace: str) -> dict[str, Any]:
        return protocol.write_unknown_namespace(namespace)

    def set_refusing(self, is_refusing: bool) -> None:  # noqa: FBT001 - it is what is set
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
    clock: Clock,
    web_folder: Path,
    heartbeat_seconds: float,
) -> web.Application:
    """The application of these settings, see `cli.settings.Settings`. Call it on the loop that will run it."""
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
    dispatcher: Dispatcher
    service = AsyncService(slot_service, on_commit=lambda rows: dispatcher.hear(rows))  # noqa: PLW0108 - made in the next line
    dispatcher = Dispatcher(service)
    recovery = Recovery(service, dispatcher, clock)
    request_handler = RequestHandler(service, dispatcher, clock, auth)
    requests, streams = Requests(), Streams(clock, heartbeat_seconds)
    loop_lag = LoopLagMonitor(lambda: service.is_full, sockets.set_refusing)
    guard = RequestGuard(auth, peers, allowed.without_credentials(), addresses)
    for audience in Audience:
        sockets.register_namespace(
            CalendarNamespace(
                audience, auth=auth, request_handler=request_handler, recovery=recovery, requests=requests
            )
        )
    metrics = Metrics(
        counters=sockets.counters,
        streams=streams,
        dispatcher=dispatcher,
        service=service,
        requests=requests,
        loop_lag=loop_lag,
    )
    follow = Follow(
        guard=guard,
        request_handler=request_handler,
        recovery=recovery,
        dispatcher=dispatcher,
        streams=streams,
        limits=Limits(max_queued_bytes, message_seconds=body_seconds),
        counters=sockets.counters,
    )
    bodies = Bodies(guard, body_seconds)
    middlewares = [bodies.middleware(), problems(requests), guard.middleware(), guard.reads()]
    app = web.Application(client_max_size=BODY_BYTES, middlewares=middlewares)
    app[SERVICE], app[GATE] = service, guard
    _end_in_order(app, service=service, loop_lag=loop_lag, sockets=sockets, streams=streams, bodies=bodies)
    sockets.attach(app, "socket.io")
    for room in (
        Api(guard, request_handler, recovery),
        follow,
        Feeds(guard, service, clock),
        Operator(service, sockets, metrics),
        Pages(web_folder),
    ):
        app.add_routes(room.routes())
    app.add_routes(schema_routes())
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(_running(service, dispatcher, streams, loop_lag))
    return app


def _running(service: AsyncService, dispatcher: Dispatcher, streams: Streams, loop_lag: LoopLagMonitor) -> Running:
    """All tasks and threads, from the first request to the last."""

    async def run(_app: web.Application) -> AsyncIterator[None]:
        intake = Intake(service, dispatcher)
        bell = ChangeListener(service.sync.watch(), intake.look, intake.take)
        scheduler = Scheduler(service, dispatcher)
        for part in (dispatcher, bell, scheduler, streams, loop_lag):
            part.start()
        yield
        for ending in (scheduler.close, bell.close, intake.close, dispatcher.close, service.close):
            await ending()

    return run


def _end_in_order(
    app: web.Application,
    *,
    service: AsyncService,
    loop_lag: LoopLagMonitor,
    sockets: _Sockets,
    streams: Streams,
    bodies: Bodies,
) -> None:
    """What happens before connections are closed; the engine closes its own after this."""

    async def end(_app: web.Application) -> None:
        await loop_lag.close()  # or it might welcome newcomers again
        sockets.refuse = True
        bodies.end()
        service.end_heavy_reads()
        await streams.close()

    app.on_shutdown.append(end)
