"""The voice put together around an open book: one aiohttp application, which starts and ends all that runs in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from models.clock import Clock
from models.service import Book
from realtime import wire
from realtime.auth import Auth
from realtime.bell import ForeignBell
from realtime.catch_up import CatchUp
from realtime.desk import Desk
from realtime.dispatcher import Dispatcher
from realtime.door import Door
from realtime.engine import Encoded, Limits, SocketServer
from realtime.engine.origin import Origins
from realtime.http.api import Api
from realtime.http.body import Bodies
from realtime.http.feed import Feeds
from realtime.http.follow import Follow
from realtime.http.gate import BODY_BYTES, Gate, Network, Proxies
from realtime.http.operator import Operator
from realtime.http.pages import Pages, add_headers
from realtime.http.problem import problems
from realtime.http.schema import routes as schema_routes
from realtime.intake import Intake
from realtime.limits import Addresses
from realtime.metrics import Metrics, Requests
from realtime.namespaces import CalendarNamespace
from realtime.pulse import Pulse
from realtime.room import Audience
from realtime.stream import Streams
from realtime.timekeeper import Timekeeper

DOOR = web.AppKey("door", Door)
GATE = web.AppKey("gate", Gate)
Running = Callable[[web.Application], AsyncIterator[None]]


class _Sockets(SocketServer):  # the engine knows no codes of ours
    def encode_failure(self, error: Exception) -> bytes:
        return wire.write_failure(error)

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
        return wire.write_unknown_namespace(namespace)

    def set_refusing(self, is_refusing: bool) -> None:  # noqa: FBT001 - it is what is set
        self.refuse = is_refusing


async def build(
    book: Book,
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
    """The application of these settings, see `server.Settings`. Call it on the loop that will run it."""
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
    door = Door(book, on_commit=lambda rows: dispatcher.hear(rows))  # noqa: PLW0108 - made in the next line
    dispatcher = Dispatcher(door)
    catch_up = CatchUp(door, dispatcher, clock)
    desk = Desk(door, dispatcher, clock, auth)
    requests, streams = Requests(), Streams(clock, heartbeat_seconds)
    pulse = Pulse(lambda: door.is_full, sockets.set_refusing)
    gate = Gate(auth, peers, allowed.without_credentials(), addresses)
    for audience in Audience:
        sockets.register_namespace(
            CalendarNamespace(audience, auth=auth, desk=desk, catch_up=catch_up, requests=requests)
        )
    metrics = Metrics(
        counters=sockets.counters, streams=streams, dispatcher=dispatcher, door=door, requests=requests, pulse=pulse
    )
    follow = Follow(
        gate=gate,
        desk=desk,
        catch_up=catch_up,
        dispatcher=dispatcher,
        streams=streams,
        limits=Limits(max_queued_bytes, message_seconds=body_seconds),
        counters=sockets.counters,
    )
    bodies = Bodies(gate, body_seconds)
    middlewares = [bodies.middleware(), problems(requests), gate.middleware(), gate.reads()]
    app = web.Application(client_max_size=BODY_BYTES, middlewares=middlewares)
    app[DOOR], app[GATE] = door, gate
    _end_in_order(app, door=door, pulse=pulse, sockets=sockets, streams=streams, bodies=bodies)
    sockets.attach(app, "socket.io")
    for room in (
        Api(gate, desk, catch_up),
        follow,
        Feeds(gate, door, clock),
        Operator(door, sockets, metrics),
        Pages(web_folder),
    ):
        app.add_routes(room.routes())
    app.add_routes(schema_routes())
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(_running(door, dispatcher, streams, pulse))
    return app


def _running(door: Door, dispatcher: Dispatcher, streams: Streams, pulse: Pulse) -> Running:
    """All tasks and threads, from the first request to the last."""

    async def run(_app: web.Application) -> AsyncIterator[None]:
        intake = Intake(door, dispatcher)
        bell = ForeignBell(door.book.watch(), intake.look, intake.take)
        timekeeper = Timekeeper(door, dispatcher)
        for part in (dispatcher, bell, timekeeper, streams, pulse):
            part.start()
        yield
        for ending in (timekeeper.close, bell.close, intake.close, dispatcher.close, door.close):
            await ending()

    return run


def _end_in_order(
    app: web.Application, *, door: Door, pulse: Pulse, sockets: _Sockets, streams: Streams, bodies: Bodies
) -> None:
    """What happens before connections are closed; the engine closes its own after this."""

    async def end(_app: web.Application) -> None:
        await pulse.close()  # or it might welcome newcomers again
        sockets.refuse = True
        bodies.end()
        door.end_heavy_reads()
        await streams.close()

    app.on_shutdown.append(end)
