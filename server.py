"""The front door: settings, the one place where everything is put together, and the command line.

`python server.py` serves; `python server.py --help` explains the rest. Nobody imports this module but tests.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import re
import resource
import secrets
import signal
import socket
import stat
import sys
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from aiohttp import web
from aiohttp.http import HttpProcessingError
from rich.console import Console
from rich.progress import Progress
from typer.exceptions import TyperException

from models import demo as demonstration
from models.contract.commands import CloseSlot, Command, CreateCalendar, NewSlot, OpenSlots, RemoveSlot, SetSchedule
from models.contract.errors import Refused
from models.contract.principal import OPERATOR
from models.contract.time import Clock, system_clock
from models.service import OnProgress, Retention, SlotService, no_progress
from models.storage.database import FIRST_MIGRATION, database_file, open_database
from models.storage.dialect import UnusableDatabase
from realtime import protocol
from realtime.app import GATE, build
from realtime.auth import Auth
from realtime.engine import tune_collector
from realtime.http.connection import LINGER_SECONDS, BoundedRunner, Bounds
from realtime.http.middleware import Network
from realtime.transports.stream import HEARTBEAT_SECONDS

WEB_FOLDER = Path(__file__).with_name("web") / "dist"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
SECRET_CHARACTERS = 32  # at least: RFC 7518, 3.2, wants 256 bits for HS256
IDLE_SECONDS = 75.0  # longer than a proxy keeps an idle connection (nginx: 60 s), or it would ask on a closed one
BACKLOG = 4_096  # connections that wait to be accepted: everyone comes back at once after a restart
SWITCH_SECONDS = 0.0005  # how long the writer's thread may wait for the loop's; Python's own 5 ms halves its speed

# What a browser or a web view sends: no user, path or query, and other letters than these as punycode.
_ORIGIN = re.compile(
    r"null|file://|[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE
)
# What a stranger makes aiohttp stumble over: what is no HTTP, a body that is not what its head says, who hangs up.
_NO_FAULTS = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
_log = logging.getLogger("slotcast")


class BadSetting(Exception):
    """A setting that can't be used; the message is one clear line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set, checked."""

    host: str = "127.0.0.1"
    port: int = 8080
    database: str = "sqlite:///slotcast.db"
    secret: bytes = b""
    is_secret_new: bool = False
    origins: tuple[str, ...] = ()
    proxies: tuple[Network, ...] = ()
    synchronous: str = "full"
    rate: float = 100.0
    address_factor: float = 10.0
    max_connections: int = 0
    max_connections_per_address: int = 0
    head_seconds: float = 20.0
    body_seconds: float = 30.0
    unread_seconds: float = 30.0
    max_queued_bytes: int = 1_000_000
    retention: Retention = field(default_factory=Retention)
    has_demo: bool = True
    log_level: str = "warning"

    def service(self, clock: Clock = system_clock) -> SlotService:
        """The book behind these settings, not open yet."""
        return SlotService(
            url=self.database, secret=self.secret, clock=clock, synchronous=self.synchronous, retention=self.retention
        )

    @property
    def most_open(self) -> int:
        """Connections that may be open: as set, or seven eighths of the open files; 0 for any number."""
        if self.max_connections:
            return self.max_connections
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return 0 if files == resource.RLIM_INFINITY else max(1, files - max(files // 8, 64))

    @property
    def most_open_per_address(self) -> int:
        """Connections of one address: as set, or half of all; any number where clients have no limit."""
        if self.max_connections_per_address:
            return self.max_connections_per_address
        return max(1, self.most_open // 2) if self.rate and self.most_open else 0

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.head_seconds, self.unread_seconds, self.most_open)


async def compose(
    settings: Settings,
    *,
    service: SlotService,
    clock: Clock | None = None,
    web_folder: Path = WEB_FOLDER,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> web.Application:
    """The whole server around an open book; the seats are for a test's own clock, pages and patience."""
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
        clock=clock or service.clock,
        web_folder=web_folder,
        heartbeat_seconds=heartbeat_seconds,
    )


def runner_of(
    app: web.Application,
    *,
    idle_seconds: float = IDLE_SECONDS,
    bounds: Bounds | None = None,
    linger_seconds: float = LINGER_SECONDS,
) -> web.AppRunner:
    """What runs the application. Who asks nothing for so long, or never ends its request's head, is hung up on."""
    return BoundedRunner(
        app,
        bounds or Bounds(),
        app[GATE],
        lingering_time=linger_seconds,
        access_log=None,
        auto_decompress=False,  # what says that it is compressed is refused, not unpacked
        logger=_connections_log(),
        shutdown_timeout=5.0,
        keepalive_timeout=idle_seconds,
        tcp_keepalive=False,  # whoever stays connected is sent pings or heartbeats; it would ask after two hours
    )


async def serve(settings: Settings, service: SlotService) -> None:
    """Serves until SIGINT or SIGTERM, then lets writes finish."""
    app = await compose(settings, service=service)
    runner = runner_of(app, bounds=settings.bounds, linger_seconds=min(LINGER_SECONDS, settings.body_seconds))
    tune_collector()  # before anyone can come: it takes 50 ms
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG).start()
    except (OSError, UnicodeError) as error:
        await runner.cleanup()
        raise BadSetting(_why_not_there(settings, error)) from error
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    # Elsewhere than on a terminal a token would stay in some log.
    _welcome(settings, service, with_token=sys.stdout.isatty())
    await stop.wait()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)  # a second one ends it at once
    print("\nStopping: writes finish, clients are told to come back …", flush=True)
    await runner.cleanup()
    print("Goodbye.", flush=True)


def _why_not_there(settings: Settings, error: OSError | UnicodeError) -> str:
    """One line, in the name of the setting that is to blame."""
    is_host = isinstance(error, (UnicodeError, socket.gaierror)) or error.errno == errno.EADDRNOTAVAIL
    reason = error.strerror if isinstance(error, OSError) else "that is no name of a host"
    return f"SLOTCAST_{'HOST' if is_host else 'PORT'}: can't listen on {settings.host}:{settings.port}: {reason}"


def _connections_log() -> logging.Logger:
    """Where aiohttp logs what goes wrong below the routes: what is no HTTP is no fault, and may hold secrets."""
    log = logging.getLogger("slotcast.connection")
    log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], _NO_FAULTS)))
    return log


def _welcome(settings: Settings, service: SlotService, *, with_token: bool) -> None:
    host = "localhost" if settings.host in {"127.0.0.1", "0.0.0.0", "::", "::1"} else settings.host  # noqa: S104 - compared
    here = f"http://{host}:{settings.port}"
    calendars = [info.id for info in service.calendars() if not info.archived]
    page = "demo" if "demo" in calendars else calendars[0] if calendars else ""
    print(f"Slotcast serves {without_secrets(settings.database)} on {here}  (Ctrl-C stops it)\n")
    print(f"  Booking page   {here}/c/{page}" if page else f"  Calendars      {here}/")
    if with_token:
        token = Auth(settings.secret, service.clock).write_token(
            "staff", scope="staff", calendars="*", seconds=30 * 86_400
        )
        print(f"  Staff page     {here}/staff#token={token}\n", flush=True)
    else:
        print(f"  Staff page     {here}/staff  (server.py token --scope staff prints a token)\n", flush=True)


# The command line

cli = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="A Socket.IO server for live time slots. Without a command it serves.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


calendar_cli = typer.Typer(help="Make and list calendars.", callback=_help, invoke_without_command=True)
slot_cli = typer.Typer(
    help="Open, close and remove slots; running servers push what is done.",
    callback=_help,
    invoke_without_command=True,
)
secret_cli = typer.Typer(help="Change the secret of a database.", callback=_help, invoke_without_command=True)
cli.add_typer(calendar_cli, name="calendar")
cli.add_typer(secret_cli, name="secret")
cli.add_typer(slot_cli, name="slot")


def _option(name: str, text: str, **more: Any) -> Any:
    variable = "SLOTCAST_" + name.partition("/")[0].upper().replace("-", "_")
    return typer.Option(f"--{name}", envvar=variable, help=text, **more)


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    *,
    host: Annotated[str, _option("host", "Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, _option("port", "Port to listen on.", min=1, max=65_535)] = 8080,
    database: Annotated[
        str, _option("database", "Where the book is: sqlite:///file.db or postgresql://user:password@host:5432/name.")
    ] = "sqlite:///slotcast.db",
    secret: Annotated[
        str,
        _option("secret", "Signs tokens, 32 characters or more. Unset: made and kept beside the database."),
    ] = "",
    origins: Annotated[
        str, _option("origins", "Other web origins that may connect, with commas between; apps too: file://, null.")
    ] = "",
    proxies: Annotated[str, _option("proxies", "Trusted proxies: addresses or networks, with commas between.")] = "",
    synchronous: Annotated[
        str, _option("synchronous", "full: what was answered survives a power cut; normal is a little faster.")
    ] = "full",
    rate: Annotated[
        float, _option("rate", "Requests a second from one client; 0 for no limit.", min=0, max=1e6)
    ] = 100.0,
    address_factor: Annotated[
        float,
        _option(
            "address-factor",
            "How many clients' requests one address may send, over all of its connections.",
            min=1,
            max=1e6,
        ),
    ] = 10.0,
    max_connections: Annotated[
        int, _option("max-connections", "Connections open at once; 0 for what the open files allow.", min=0)
    ] = 0,
    max_connections_per_address: Annotated[
        int, _option("max-connections-per-address", "Those of one address; 0 for half of all.", min=0)
    ] = 0,
    head_seconds: Annotated[
        float, _option("head-seconds", "Time for a request's head to come.", min=0.1, max=3_600)
    ] = 20.0,
    body_seconds: Annotated[
        float, _option("body-seconds", "Time for a body, or a WebSocket message, to come.", min=0.1, max=3_600)
    ] = 30.0,
    unread_seconds: Annotated[
        float, _option("unread-seconds", "How long a client may take nothing of what waits for it.", min=0.1, max=3_600)
    ] = 30.0,
    max_queued_bytes: Annotated[
        int, _option("max-queued-bytes", "What a client that does not read may hold.", min=65_536)
    ] = 1_000_000,
    log_days: Annotated[float, _option("log-days", "How long changes can be resumed from.", min=0.001, max=1e5)] = 7.0,
    log_changes: Annotated[int, _option("log-changes", "How many of a calendar's changes are kept.", min=1)] = 100_000,
    log_level: Annotated[str, _option("log-level", "debug, info, warning or error.")] = "warning",
    demo: Annotated[bool, _option("demo/--no-demo", "A demo calendar on a new database.")] = True,
) -> None:
    """Reads the settings; serves if no command is named."""
    if synchronous not in {"full", "normal"}:
        raise BadSetting(f"SLOTCAST_SYNCHRONOUS is full or normal, not {synchronous!r}")
    if log_level.lower() not in {"debug", "info", "warning", "error"}:
        raise BadSetting(f"SLOTCAST_LOG_LEVEL is debug, info, warning or error, not {log_level!r}")
    open_database(database)  # only looks at it, before a secret is kept beside it
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = context.obj = Settings(
        host=host,
        port=port,
        database=database,
        is_secret_new=not secret and not secret_file(database).exists(),
        secret=read_secret(secret, database),
        origins=read_origins(origins),
        proxies=read_proxies(proxies),
        synchronous=synchronous,
        rate=rate,
        address_factor=address_factor,
        max_connections=max_connections,
        max_connections_per_address=max_connections_per_address,
        head_seconds=head_seconds,
        body_seconds=body_seconds,
        unread_seconds=unread_seconds,
        max_queued_bytes=max_queued_bytes,
        retention=Retention(log_seconds=int(log_days * 86_400), log_changes=log_changes),
        has_demo=demo,
        log_level=log_level,
    )
    if context.invoked_subcommand is None:
        _serve(settings)


def _serve(settings: Settings) -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    service = settings.service()
    is_new = FIRST_MIGRATION in service.open()
    if is_new and settings.has_demo:
        demonstration.seed(service)
    warn_of_open_files(settings.database)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(settings, service))
    finally:
        service.close()


def _loop_factory() -> Any:
    """The loop of uvloop where there is one, else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def secret_file(database: str) -> Path:
    """Where the secret is kept that is not set."""
    return (database_file(database) or Path("slotcast.db")).with_suffix(".secret")


def read_secret(given: str, database: str) -> bytes:
    """The secret of the settings, or the one kept beside the database, made on the first start."""
    if given:
        if len(given) < SECRET_CHARACTERS:
            raise BadSetting(f"SLOTCAST_SECRET needs at least {SECRET_CHARACTERS} characters")
        try:
            return given.encode()
        except UnicodeEncodeError as error:
            raise BadSetting("SLOTCAST_SECRET is not UTF-8") from error
    path = secret_file(database)
    try:
        if not path.exists():
            # Written whole before it has its name: of two processes that start at once, one wins.
            draft = path.with_suffix(f".{os.getpid()}.draft")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(SECRET_CHARACTERS))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        kept = path.read_text().strip()
    except OSError as error:
        raise BadSetting(f"SLOTCAST_SECRET is not set, and {path} can't be kept: {error.strerror}") from error
    except UnicodeDecodeError:
        kept = ""
    if len(kept) < SECRET_CHARACTERS:
        raise BadSetting(f"SLOTCAST_SECRET: {path} holds no secret of {SECRET_CHARACTERS} characters; remove it")
    return kept.encode()


def warn_of_open_files(database: str) -> None:
    """Say which files of the database, and the secret, other users of the machine may read: customers are in them."""
    file = database_file(database)
    beside = [file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))] if file else []
    for path in (*beside, secret_file(database)):
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
        if mode & OTHERS:
            _log.warning("%s is open to other users of this machine (mode %04o): chmod 600 %s", path, mode, path)


def without_secrets(database: str) -> str:
    """The database's URL as it may be shown: without a user, a password or a query."""
    parts = urlsplit(database)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl() if parts.netloc else database


def read_origins(text: str) -> tuple[str, ...]:
    origins = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise BadSetting(
                f"SLOTCAST_ORIGINS: {origin!r} is no origin like https://example.org, capacitor://localhost or null"
            )
    return origins


def read_proxies(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BadSetting(f"SLOTCAST_PROXIES: {error}") from error


def _done(context: typer.Context, command: Command, on_progress: OnProgress = no_progress) -> dict[str, Any]:
    """Does one command on the database, as its operator; running servers hear of it from the log."""
    service = context.obj.service()
    service.on_progress = on_progress
    service.open()
    try:
        answer: dict[str, Any] = json.loads(service.run(command).result)
    finally:
        service.close()
    return answer


@cli.command()
def token(
    context: typer.Context,
    *,
    scope: Annotated[str, typer.Option(help="staff, or nothing for a guest.")] = "",
    calendars: Annotated[str, typer.Option(help="Ids with commas between, or * for all.")] = "",
    subject: Annotated[str, typer.Option(help="Whom the token stands for.")] = "",
    ttl: Annotated[int, typer.Option(help="Seconds until it ends.", min=1)] = 86_400,
) -> None:
    """Print a token (JWT)."""
    if scope not in {"", "staff"}:
        raise BadSetting(f"--scope is staff or nothing, not {scope!r}")
    named: list[str] | str = [part.strip() for part in calendars.split(",") if part.strip()]
    if "*" in named or (scope == "staff" and not named):
        named = "*"
    if context.obj.is_secret_new:
        made = secret_file(context.obj.database)
        print(f"slotcast: made a secret, {made}; a server with another one will refuse this token", file=sys.stderr)
    service = context.obj.service()
    service.check_secret()
    who = subject or scope or "guest"
    print(Auth(context.obj.secret, service.clock).write_token(who, scope=scope, calendars=named, seconds=ttl))


@secret_cli.command("replace")
def secret_replace(context: typer.Context) -> None:
    """Make the secret that is set the database's. Stop every server first.

    Void from then on: every token, the tokens of all holds and bookings (so the customers' links to them), and the
    keys of requests that are sent again.
    """
    context.obj.service().replace_secret()
    print("The database has a new secret. Tokens, links to bookings and keys made with another one are void.")


@cli.command()
def demo(context: typer.Context) -> None:
    """Make the demo calendar, with two weeks of slots."""
    service = context.obj.service()
    service.open()
    try:
        opened = demonstration.seed(service)
    finally:
        service.close()
    print(f"The calendar demo has {opened} new slots." if opened else "The calendar demo is there already.")


@cli.command()
def check(
    context: typer.Context,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Set right what can be, by changes like any other.")] = False,
) -> int:
    """Audit the database: one line for each thing that is wrong, and exit code 1 if any is left."""
    service = context.obj.service()
    service.open()
    try:
        found = service.audit()
        for finding in found:
            print(finding)
        if found and repair:
            service.repair(found)
            left = service.audit()
            print(f"{len(found)} found, {len(left)} left")
            for finding in left:
                print(f"left: {finding}")
            found = left
    finally:
        service.close()
    if not found:
        print("Nothing is wrong.")
    return 1 if found else 0


@calendar_cli.command("create")
def calendar_create(
    context: typer.Context,
    calendar: Annotated[str, typer.Argument(help="Its id: a-z, 0-9 and -.")],
    *,
    name: Annotated[str, typer.Option(help="What people read.")] = "",
    zone: Annotated[str, typer.Option(help="IANA time zone.")] = "UTC",
    private: Annotated[bool, typer.Option("--private", help="Only tokens that name it see it.")] = False,
) -> None:
    """Make a calendar."""
    visibility: Any = "private" if private else "public"
    command = CreateCalendar(
        principal=OPERATOR, calendar=calendar, name=name or calendar, zone=zone, visibility=visibility
    )
    print(_done(context, command)["info"]["id"])


@calendar_cli.command("list")
def calendar_list(context: typer.Context) -> None:
    """List the calendars."""
    service = context.obj.service()
    service.open()
    try:
        for info in service.calendars():
            print(f"{info.id}\t{info.zone}\t{info.visibility}{' archived' if info.archived else ''}\t{info.name}")
    finally:
        service.close()


@calendar_cli.command("schedule")
def calendar_schedule(
    context: typer.Context,
    calendar: str,
    hours: Annotated[Path, typer.Argument(help="A file with the schedule as JSON; - for standard input.")],
    *,
    preview: Annotated[bool, typer.Option("--preview", help="Only say what it would do.")] = False,
) -> None:
    """Set a calendar's opening hours; slots that somebody has a seat in are left alone, and named."""
    try:
        schedule = json.loads(sys.stdin.read() if str(hours) == "-" else hours.read_text())
    except (OSError, ValueError) as error:
        raise BadSetting(f"{hours} is no JSON that can be read: {error}") from error
    command = SetSchedule(principal=OPERATOR, calendar=calendar, schedule=schedule, preview=preview)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"Setting the opening hours of {calendar} …", total=None)
        done = _done(context, command, lambda count, of: progress.update(task, completed=count, total=of))
    would = "would be " if preview else ""
    print(", ".join(f"{done[what]} slots {would}{what}" for what in ("opened", "removed", "updated")))
    for slot in done["kept"]:
        print(f"kept\t{slot['start']}\t{slot['end']}\t{slot['status']}\t{slot['id']}")
    for warning in done.get("warnings", []):
        print(f"warning: {warning['message']}", file=sys.stderr)


@slot_cli.command("open")
def slot_open(
    context: typer.Context,
    calendar: str,
    start: Annotated[str, typer.Argument(help="RFC 3339, like 2027-01-31T09:00:00Z.")],
    end: str,
    *,
    capacity: Annotated[int, typer.Option(help="Seats.", min=1)] = 1,
) -> None:
    """Open one slot; prints its id."""
    slot = NewSlot(start=protocol.read_moment(start, "start"), end=protocol.read_moment(end, "end"), capacity=capacity)
    key = secrets.token_urlsafe(16)
    command = OpenSlots(principal=OPERATOR, key=key, calendar=calendar, slots=(slot,))
    print(_done(context, command)["slots"][0]["id"])


@slot_cli.command("close")
def slot_close(context: typer.Context, slot: str) -> None:
    """Let nobody new into a slot."""
    print(_done(context, CloseSlot(principal=OPERATOR, slot=slot))["slot"]["status"])


@slot_cli.command("remove")
def slot_remove(context: typer.Context, slot: str) -> None:
    """Remove a slot that nobody has a seat in."""
    print(_done(context, RemoveSlot(principal=OPERATOR, slot=slot))["slot"]["id"])


def run(arguments: list[str] | None = None) -> int:
    """The command line; whatever is wrong is one line on standard error, and 2."""
    try:
        code = cli(arguments, standalone_mode=False)
    except typer.Abort:
        return 130
    except TyperException as error:
        problem = error.format_message()
    except (BadSetting, UnusableDatabase) as error:
        problem = str(error)
    except Refused as refusal:
        problem = f"{refusal.code}: {refusal.message}"
    else:
        return code if isinstance(code, int) else 0
    print(f"slotcast: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(run())
