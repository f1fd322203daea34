"""Composes the server from its settings, and runs it until a signal stops it."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from cli.secret import warn_of_open_files
from cli.settings import BadSetting, Settings
from cli.workers import end_with_supervisor, supervise, this_worker
from models import demo
from models.contract.commands.background import RaiseFeedFloor
from models.contract.values.time import Clock
from models.service import SlotService
from models.storage.database import FIRST_MIGRATION, public_url
from models.storage.dialect import UnusableDatabase
from models.storage.secret import NOT_THIS_ONE
from realtime.access.auth import Auth
from realtime.app import GUARD, METRICS, SERVICE, build
from realtime.async_service import AsyncService
from realtime.engine import tune_collector
from realtime.http.connection import LINGER_SECONDS, BoundedRunner, Bounds
from realtime.transports.stream import HEARTBEAT_SECONDS
from realtime.workers import WorkerLinks

WEB_FOLDER = Path(__file__).parents[1] / "web" / "dist"
IDLE_SECONDS = 75.0  # nginx keeps an idle connection for 60 s, and must never send a request on a closed one
BACKLOG = 4_096  # connections that wait to be accepted: all clients reconnect at once after a restart
SWITCH_SECONDS = 0.0005  # how long the writer's thread may wait for the loop's; Python's own 5 ms halves its speed
STAFF_TOKEN_SECONDS = 30 * 86_400
SECRET_SECONDS = 5.0  # between two looks whether the database has another secret

# Strangers cause these in aiohttp: no HTTP, a body that differs from its head, a closed connection.
_NO_FAULTS = (HttpProcessingError, web.RequestPayloadError, ConnectionError)


def serve(settings: Settings) -> None:
    """Open the database and serve until SIGINT or SIGTERM."""
    sys.setswitchinterval(SWITCH_SECONDS)
    worker = this_worker()
    service = settings.service()
    is_new = FIRST_MIGRATION in service.open()
    if worker is None:
        if is_new and settings.demo:
            demo.seed(service)
        service.run(RaiseFeedFloor(calendar=""))  # the database may be a restored one
        warn_of_open_files(settings.database)
        if settings.workers > 1:
            _print_welcome(settings, service, with_token=sys.stdout.isatty())
            service.close()
            supervise(settings, settings.workers, _why_not_listening)
            return
    else:
        end_with_supervisor()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve_until_signal(settings, service))
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
) -> web.Application:
    """Return the whole server around an open service; a test passes its own clock, pages and heartbeat."""
    return await build(
        service,
        secret=settings.secret,
        origins=settings.origins,
        proxies=settings.proxies,
        rate=settings.rate,
        address_factor=settings.address_factor,
        most_open_per_address=settings.most_open_per_address,
        body_seconds=settings.body_seconds,
        max_queued_bytes=settings.max_queued_bytes,
        max_room_bytes=settings.max_room_bytes,
        clock=clock or service.clock,
        web_folder=web_folder,
        heartbeat_seconds=heartbeat_seconds,
        busy_seconds=settings.busy_minutes * 60,
        busy_allows_private=settings.busy_private,
        links=links,
    )


def runner_of(
    app: web.Application,
    bounds: Bounds,
    *,
    idle_seconds: float = IDLE_SECONDS,
    linger_seconds: float = LINGER_SECONDS,
) -> web.AppRunner:
    """Return the runner of the application; it closes connections that are idle or that exceed the bounds."""
    return BoundedRunner(
        app,
        bounds,
        app[GUARD],
        lingering_time=linger_seconds,
        access_log=None,
        auto_decompress=False,  # compressed bodies are refused, not unpacked
        logger=_connections_log(),
        shutdown_timeout=5.0,
        keepalive_timeout=idle_seconds,
        tcp_keepalive=False,  # pings and heartbeats find a dead peer; the kernel would ask after two hours
    )


async def _serve_until_signal(settings: Settings, service: SlotService) -> None:
    """Serve until SIGINT or SIGTERM, then let writes finish."""
    worker = this_worker()
    links = WorkerLinks(worker.folder, worker.number, worker.workers) if worker is not None else None
    app = await compose(settings, service=service, links=links)
    runner = runner_of(app, settings.bounds, linger_seconds=min(LINGER_SECONDS, settings.body_seconds))
    tune_collector()  # before the first client: it takes 50 ms
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG, reuse_port=worker is not None).start()
    except (OSError, UnicodeError) as error:
        await runner.cleanup()
        raise BadSetting(_why_not_listening(settings, error)) from error
    if links is not None:
        assert runner.server is not None
        links.start(runner.server, app[METRICS].exposition)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    # Elsewhere than on a terminal the token would stay in a log.
    if worker is None:
        _print_welcome(settings, service, with_token=sys.stdout.isatty())
    replaced = asyncio.create_task(_wait_for_other_secret(app[SERVICE]))
    replaced.add_done_callback(lambda _: stop.set())
    await stop.wait()
    is_replaced = replaced.done()
    replaced.cancel()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)  # a second signal ends the process at once
    if links is not None:
        links.close()
    if worker is None:
        print("\nStopping: writes finish, and clients reconnect by themselves …", flush=True)
    await runner.cleanup()
    if is_replaced:
        raise UnusableDatabase(NOT_THIS_ONE)
    if worker is None:
        print("Goodbye.", flush=True)


async def _wait_for_other_secret(service: AsyncService) -> None:
    """Return when the database has another secret. A server that went on with its own would book twice by one key."""
    while True:
        await asyncio.sleep(SECRET_SECONDS)
        with suppress(Exception):  # the database may not answer just now
            if await service.read(service.sync.has_other_secret):
                return


def _why_not_listening(settings: Settings, error: OSError | UnicodeError) -> str:
    """Return one line in the name of the setting at fault."""
    is_host = isinstance(error, (UnicodeError, socket.gaierror)) or error.errno == errno.EADDRNOTAVAIL
    reason = error.strerror if isinstance(error, OSError) else "that is no name of a host"
    return f"SLOTCAST_{'HOST' if is_host else 'PORT'}: can't listen on {settings.host}:{settings.port}: {reason}"


def _connections_log() -> logging.Logger:
    """Return aiohttp's log of faults below the routes. Bytes that are no HTTP are no fault, and may hold secrets."""
    log = logging.getLogger("slotcast.connection")
    log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], _NO_FAULTS)))
    return log


def _print_welcome(settings: Settings, service: SlotService, *, with_token: bool) -> None:
    host = "localhost" if settings.host in {"127.0.0.1", "0.0.0.0", "::", "::1"} else settings.host  # noqa: S104 - compared
    here = f"http://{host}:{settings.port}"
    calendars = [info.id for info in service.calendars() if not info.archived]
    page = "demo" if "demo" in calendars else calendars[0] if calendars else ""
    print(f"Slotcast serves {public_url(settings.database)} on {here}  (Ctrl-C stops it)\n")
    print(f"  Booking page   {here}/c/{page}" if page else f"  Calendars      {here}/")
    if with_token:
        token = Auth(settings.secret, service.clock).write_token(
            "staff", scope="staff", calendars="*", seconds=STAFF_TOKEN_SECONDS
        )
        print(f"  Staff page     {here}/staff#token={token}\n", flush=True)
    else:
        print(f"  Staff page     {here}/staff  (server.py token --scope staff prints a token)\n", flush=True)


def _loop_factory() -> Any:
    """Return the loop of uvloop where it is installed; None for asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
