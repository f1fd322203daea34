"""Composes the server from its settings, and runs it until a signal stops it."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import sys
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http import HttpProcessingError

from cli.database_wait import open_patiently
from cli.heartbeat import beat_on_loop
from cli.secret import warn_of_open_files
from cli.settings import BadSetting, Settings
from cli.workers import Worker, follow_supervisor, reserved, supervise, this_worker
from cli.writer import has_writer, socket_in, write, writers_of_each
from models import demo
from models.contract.commands.background import RaiseFeedFloor
from models.contract.values.time import Clock
from models.service import SlotService
from models.storage.database import FIRST_MIGRATION, public_url
from models.storage.dialect import UnusableDatabase
from realtime.access.auth import Auth
from realtime.app import BASE_PATH, DRAIN, GUARD, HANDSHAKES, METRICS, OPERATORS, SERVICE, build
from realtime.app_settings import AppSettings
from realtime.async_service import AsyncService
from realtime.engine import tune_collector
from realtime.http.connection import LINGER_SECONDS, BoundedRunner, BoundedSite, Bounds
from realtime.http.middleware import RequestGuard
from realtime.nodes.workers import WorkerLinks
from realtime.transports.stream import HEARTBEAT_SECONDS
from realtime.writer_link.client import WriterLink

WEB_FOLDER = Path(__file__).parents[1] / "web" / "dist"
IDLE_SECONDS = 75.0  # nginx keeps an idle connection for 60 s, and must never send a request on a closed one
OPERATOR_CONNECTIONS = 100  # to the operator's address, by anyone
BACKLOG = 4_096  # connections that wait to be accepted: all clients reconnect at once after a restart
SWITCH_SECONDS = 0.0005  # how long the writer's thread may wait for the loop's; Python's own 5 ms halves its speed
STAFF_TOKEN_SECONDS = 30 * 86_400
FIT_SECONDS = 5.0  # between two looks whether this server still fits the database

# Strangers cause these in aiohttp: no HTTP, a body that differs from its head, a closed connection.
_NO_FAULTS = (HttpProcessingError, web.RequestPayloadError, ConnectionError)


def serve(settings: Settings) -> None:
    """Open the database and serve until SIGINT or SIGTERM."""
    sys.setswitchinterval(SWITCH_SECONDS)
    worker = this_worker()
    if worker is not None and worker.is_writer:
        write(settings, worker.folder, worker.number)
        return
    if worker is None:
        _check_address(settings)
    service = settings.service()
    if worker is not None:
        service.writers = 0 if has_writer(settings) else writers_of_each(service.writers, settings.workers)
        open_patiently(service)
    else:
        if FIRST_MIGRATION in service.open() and settings.demo:
            demo.seed(service)
        service.run(RaiseFeedFloor(calendar=""))  # the database may be a restored one
        warn_of_open_files(settings.database)
        if settings.workers > 1:
            welcome = _welcome(settings, service, with_token=sys.stdout.isatty())
            service.close()
            supervise(settings, why_not_listening, welcome, has_writer=has_writer(settings))
            return
    may_listen = follow_supervisor() if worker is not None else None
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve_until_signal(settings, service, may_listen))
    finally:
        service.close()


async def compose(
    settings: Settings,
    *,
    service: SlotService,
    clock: Clock | None = None,
    web_folder: Path = WEB_FOLDER,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    links: WorkerLinks | None = None,
    writer: WriterLink | None = None,
) -> web.Application:
    """Return the whole server around an open service; a test passes its own clock, pages and heartbeat."""
    return await build(
        service,
        _app_settings(settings),
        clock=clock or service.clock,
        web_folder=web_folder,
        heartbeat_seconds=heartbeat_seconds,
        links=links,
        writer=writer,
    )


def _app_settings(settings: Settings) -> AppSettings:
    return AppSettings(
        secret=settings.keys,
        origins=settings.origins,
        proxies=settings.proxies,
        base_path=settings.base_path,
        internal_url=settings.peer_url,
        name=server_name(settings),
        rate=settings.rate,
        address_factor=settings.address_factor,
        most_open_per_address=settings.most_open_per_address,
        body_seconds=settings.body_seconds,
        max_queued_bytes=settings.max_queued_bytes,
        max_room_bytes=settings.max_room_bytes,
        proof_number=settings.proof_number,
        issuer=settings.issuer,
        token_seconds=settings.token_seconds,
        session_seconds=int(settings.session_days * 86_400),
        has_public_metrics=settings.metrics_public,
        busy_seconds=settings.busy_minutes * 60,
        busy_allows_private=settings.busy_private,
        mail=settings.mail,
        otlp_url=settings.otlp,
    )


def server_name(settings: Settings) -> str:
    """Return the host and the port of this server, as the page of the servers shows them to owners."""
    parts = urlsplit(settings.peer_url)
    if parts.hostname:
        return parts.netloc.rpartition("@")[2]
    return f"{socket.gethostname()}:{settings.port}"


def runner_of(
    app: web.Application,
    bounds: Bounds,
    *,
    guard: RequestGuard | None = None,
    idle_seconds: float = IDLE_SECONDS,
    linger_seconds: float = LINGER_SECONDS,
) -> web.AppRunner:
    """Return the runner of the application; it closes idle connections, and those beyond the bounds."""
    return BoundedRunner(
        app,
        bounds,
        guard or app[GUARD],
        app.get(HANDSHAKES),
        app.get(BASE_PATH, ""),
        lingering_time=linger_seconds,
        access_log=None,
        auto_decompress=False,  # compressed bodies are refused, not unpacked
        logger=_connections_log(),
        shutdown_timeout=5.0,
        keepalive_timeout=idle_seconds,
        tcp_keepalive=False,  # pings and heartbeats find a dead peer; the kernel would ask after two hours
    )


def _operators_runner(app: web.Application, settings: Settings) -> web.AppRunner:
    """Return the runner of the operator's address. Strangers who reach it can take its few connections at most."""
    return BoundedRunner(
        app[OPERATORS],
        settings.bounds._replace(most_open=OPERATOR_CONNECTIONS),
        None,
        access_log=None,
        auto_decompress=False,
        logger=_connections_log(),
        keepalive_timeout=IDLE_SECONDS,
    )


async def _serve_until_signal(settings: Settings, service: SlotService, may_listen: Future[None] | None) -> None:
    """Serve until SIGINT or SIGTERM, then let writes finish. A worker listens as soon as it `may_listen`."""
    worker = this_worker()
    links = WorkerLinks(worker.folder, worker.number, worker.workers) if worker is not None else None
    writer = _writer_link(settings, worker)
    app = await compose(settings, service=service, links=links, writer=writer)
    runner = runner_of(app, settings.bounds, linger_seconds=min(LINGER_SECONDS, settings.body_seconds))
    tune_collector()  # before the first client: it takes 50 ms
    await runner.setup()
    operators = _operators_runner(app, settings)
    await operators.setup()
    beats = _work(worker, links, runner, app) if worker is not None and links is not None else None
    if may_listen is not None:
        await asyncio.wrap_future(may_listen)
    try:
        await _listen(settings, runner, operators, shares_port=worker is not None)
    except BadSetting:
        await operators.cleanup()
        await runner.cleanup()
        raise
    stop = stop_by_signal()
    # Elsewhere than on a terminal the token would stay in a log.
    if worker is None:
        print(_welcome(settings, service, with_token=sys.stdout.isatty()), flush=True)
    why = await _until_stopped(stop, app[SERVICE], is_worker=worker is not None)
    if settings.drain_seconds and not why:
        await app[DRAIN](settings.drain_seconds)
    if links is not None and beats is not None:
        links.close()
        beats.cancel()
    if worker is None:
        print("\nStopping: writes finish, and clients reconnect by themselves …", flush=True)
    await runner.cleanup()
    await operators.cleanup()
    if why:
        raise UnusableDatabase(why)
    if worker is None:
        print("Goodbye.", flush=True)


def _writer_link(settings: Settings, worker: Worker | None) -> WriterLink | None:
    """Return the link to the process that writes for this worker, if there is one."""
    if worker is None or not has_writer(settings):
        return None
    return WriterLink(socket_in(worker.folder), worker.number, worker.workers)


def _work(worker: Worker, links: WorkerLinks, runner: web.AppRunner, app: web.Application) -> asyncio.Task[None]:
    """Take connections of the other workers, and return the task that tells the supervisor that this one goes on."""
    assert runner.server is not None
    links.start(runner.server, app[METRICS].exposition)
    return asyncio.create_task(beat_on_loop(worker.folder, worker.number), name="heartbeat")


async def _listen(settings: Settings, runner: web.AppRunner, operators: web.AppRunner, *, shares_port: bool) -> None:
    """Listen on the address for operators, if there is one, and then on the one for clients.

    So a server that is ready for clients answers its operators.
    """
    if settings.metrics_listen is not None:
        try:
            await web.TCPSite(operators, *settings.metrics_listen, reuse_port=shares_port).start()
        except (OSError, UnicodeError) as error:
            raise BadSetting(f"SLOTCAST_METRICS_LISTEN: {error}") from error
    site = BoundedSite(runner, settings.host, settings.port, backlog=BACKLOG, reuse_port=shares_port)
    try:
        await site.start()
    except (OSError, UnicodeError) as error:
        raise BadSetting(why_not_listening(settings, error)) from error


def stop_by_signal() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _until_stopped(stop: asyncio.Event, service: AsyncService, *, is_worker: bool) -> str:
    """Wait for a signal. Return why this server must end without one; "" after a signal.

    A second signal ends the process at once. A worker gets one from its supervisor, and may have got one before that,
    as a service's stop reaches all processes. So it takes any number, and the supervisor ends it.
    """
    unfit = asyncio.create_task(_wait_until_unfit(service))
    unfit.add_done_callback(lambda _: stop.set())
    await stop.wait()
    why = unfit.result() if unfit.done() else ""
    unfit.cancel()
    for number in () if is_worker else (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(number)
    return why


async def _wait_until_unfit(service: AsyncService) -> str:
    """Return why this server must not serve the database any more: it has another secret by now, or another schema.

    With another secret a server would book twice by one key.
    """
    while True:
        await asyncio.sleep(FIT_SECONDS)
        with suppress(Exception):  # the database may not answer just now
            if why := await service.read(service.sync.why_unfit):
                return why


def _check_address(settings: Settings) -> None:
    """Refuse a used address before the database is made, or migrated below a server that runs."""
    try:
        reserved(settings.host, settings.port).close()
    except (OSError, UnicodeError) as error:
        raise BadSetting(why_not_listening(settings, error)) from error


def why_not_listening(settings: Settings, error: OSError | UnicodeError) -> str:
    """Return one line in the name of the setting at fault."""
    is_host = isinstance(error, (UnicodeError, socket.gaierror)) or error.errno == errno.EADDRNOTAVAIL
    reason = error.strerror if isinstance(error, OSError) else "that is no name of a host"
    return f"SLOTCAST_{'HOST' if is_host else 'PORT'}: can't listen on {settings.host}:{settings.port}: {reason}"


def _connections_log() -> logging.Logger:
    """Return aiohttp's log of faults below the routes. Bytes that are no HTTP are no fault, and may hold secrets."""
    log = logging.getLogger("slotcast.connection")
    log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], _NO_FAULTS)))
    return log


def _welcome(settings: Settings, service: SlotService, *, with_token: bool) -> str:
    """Return what the server says at its start."""
    host = "localhost" if settings.host in {"127.0.0.1", "0.0.0.0", "::", "::1"} else settings.host  # noqa: S104 - compared
    here = f"http://{host}:{settings.port}"
    calendars = [info.id for info in service.calendars() if not info.archived]
    page = "demo" if "demo" in calendars else calendars[0] if calendars else ""
    lines = [f"Slotcast serves {public_url(settings.database)} on {here}  (Ctrl-C stops it)\n"]
    lines.append(f"  Booking page   {here}/c/{page}" if page else f"  Calendars      {here}/")
    if with_token:
        token = Auth(settings.secret, service.clock).write_token(
            "staff", scope="owner", calendars="*", seconds=STAFF_TOKEN_SECONDS, made_by="server.py"
        )
        lines.append(f"  Staff page     {here}/staff#token={token}\n")
    else:
        lines.append(f"  Staff page     {here}/staff  (server.py account create makes an account)\n")
    return "\n".join(lines)


def loop_factory() -> Any:
    """Return the loop of uvloop where it is installed; None for asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
