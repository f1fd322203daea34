"""The command `server.py doctor`: checks a deployment, and says what to mend."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import typer
from peewee import DatabaseError, InterfaceError

from cli.secret import is_kept, open_files, secret_file
from cli.secret_strength import can_be_guessed
from cli.setting_values import SECRET_CHARACTERS
from cli.settings import BadSetting, Settings, unknown_variables
from models.contract.values.time import system_clock
from models.storage.backup import is_ours
from models.storage.database import database_file, needs_migration, open_database
from models.storage.dialect import UnusableDatabase
from realtime.access.issuer import UnusableKeys, count_keys
from realtime.mail.smtp import MailFailed, greet

_LEAST_FILES = 4_096
_LEAST_DISK_BYTES = 1_000_000_000
_CERTIFICATE_DAYS = 14
_URL_SECONDS = 10.0
_MAIL_SECONDS = 10.0
_OK = 200
# The shortest prefix of a public network of proxies alone; those of the big providers have 12 bits, or 29.
_PUBLIC_BITS = {4: 10, 6: 20}
_PRIVATE_4 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")
_PRIVATE = tuple(map(ip_network, (*_PRIVATE_4, "fc00::/7", "fe80::/10", "::1/128")))


class Verdict(NamedTuple):
    """The result of one check. A text that is not `good` says what to mend."""

    is_good: bool
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.is_good else 'MEND'}  {self.subject}: {self.text}"


Verdicts = Iterator[Verdict]


def _good(subject: str, text: str) -> Verdict:
    return Verdict(is_good=True, subject=subject, text=text)


def _bad(subject: str, text: str) -> Verdict:
    return Verdict(is_good=False, subject=subject, text=text)


def doctor(
    context: typer.Context,
    *,
    url: Annotated[str, typer.Option(help="The server's address for clients, to check TLS and the proxy.")] = "",
) -> int:
    """Check this deployment: print a line for each check, and end with exit code 1 if something is to be mended.

    It reads the settings that the server would have, changes nothing, and may run beside the server.
    """
    if url and not _is_web_address(url):
        raise BadSetting("--url looks like https://slots.example.org")
    settings: Settings = context.obj
    verdicts = [verdict for check in _CHECKS for verdict in _verdicts(check, settings)]
    if url:
        verdicts += asyncio.run(_check_url(url.rstrip("/")))
    for verdict in verdicts:
        print(verdict)
    wrong = sum(not verdict.is_good for verdict in verdicts)
    print(f"{wrong} to mend." if wrong else "Nothing to mend.")
    return 1 if wrong else 0


def _verdicts(check: Callable[[Settings], Verdicts], settings: Settings) -> Verdicts:
    """Yield the verdicts of a check, also where this user may not look at a file."""
    try:
        yield from check(settings)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        yield _bad("files", f"{error}; run doctor as the server's user")


def _check_variables(_: Settings) -> Verdicts:
    unknown = unknown_variables(os.environ)
    yield from (_bad("settings", line) for line in unknown)
    if not unknown:
        yield _good("settings", "every SLOTCAST_ variable is a setting")


def _check_secret(settings: Settings) -> Verdicts:
    is_kept_here = not settings.secret or is_kept(settings)
    where = "its file" if is_kept_here else "SLOTCAST_SECRET"
    if not settings.secret:
        yield _good("secret", f"the first start makes {secret_file(settings.database)}")
    elif can_be_guessed(settings.secret):
        yield _bad("secret", f"{where} can be guessed; `openssl rand -base64 {SECRET_CHARACTERS}` prints a strong one")
    else:
        yield _good("secret", f"{where} has {len(settings.secret)} characters")
    if settings.secret_previous and can_be_guessed(settings.secret_previous):
        text = "SLOTCAST_SECRET_PREVIOUS can be guessed, and makes tokens of staff while it is set; remove it soon"
        yield _bad("secret", text)
    if is_kept_here and not settings.database.startswith("sqlite:"):
        text = f"each server makes its own {secret_file(settings.database)}; set the same SLOTCAST_SECRET on all"
        yield _bad("secret", text)


def _check_files(settings: Settings) -> Verdicts:
    file = database_file(settings.database)
    opened = list(open_files(settings.database))
    for path, mode in opened:
        yield _bad("files", f"other users can read {path} (mode {mode:04o}); chmod 600 {path}")
    if not opened:
        yield _good("files", "only their owner can read the database and the secret")
    if file is None:
        return
    folder = file.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield _bad("files", f"this user cannot write in {folder}; SQLite needs it for its WAL")
        return
    if stat.S_IMODE(folder.stat().st_mode) & stat.S_IWOTH and not folder.stat().st_mode & stat.S_ISVTX:
        yield _bad("files", f"any user can replace files in {folder}; chmod o-w {folder}")
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:,.1f} GB are free in {folder}"
    yield (
        _good("disk", text) if free >= _LEAST_DISK_BYTES else _bad("disk", f"{text}; a full disk stops every booking")
    )


def _check_database(settings: Settings) -> Verdicts:
    file = database_file(settings.database)
    if file is not None and (not file.exists() or (file.is_file() and not file.stat().st_size)):
        yield _good("database", f"{file} does not exist; the first start makes it")
        return
    if file is not None and not os.access(file, os.R_OK | os.W_OK):
        yield _bad("database", f"this user cannot read and write {file}; run doctor as the server's user")
        return
    if file is not None and not (file.is_file() and is_ours(file)):  # another program's would be changed to a WAL
        yield _bad("database", f"{file} is no database of Slotcast")
        return
    try:
        settings.service().check_secret()
        db = open_database(settings.database, synchronous=settings.synchronous, is_pooled=settings.database_pooled)
        with db:
            db.check()
            is_old = db.table_exists("schema_migration") and needs_migration(db)
    except (UnusableDatabase, DatabaseError, InterfaceError) as error:
        yield _bad("database", str(error).strip().splitlines()[0])
        return
    yield _good("database", "it answers" + ("; the next start migrates its schema" if is_old else ""))
    if settings.synchronous != "full":
        yield _bad("database", "SLOTCAST_SYNCHRONOUS=normal can lose the last bookings in a power cut; full")
    host = urlsplit(settings.database).hostname or ""
    if file is None and not _is_local(host) and not _has_tls(settings.database):
        yield _bad("database", "the connection has no TLS; add ?sslmode=verify-full to SLOTCAST_DATABASE")


def _check_network(settings: Settings) -> Verdicts:
    is_local = _is_local(settings.host)
    if "*" in settings.origins:
        yield _bad("origins", "SLOTCAST_ORIGINS=* lets every web page use a visitor's browser; list your own")
    plain = [origin for origin in settings.origins if origin.startswith("http://") and not _is_local(_host_of(origin))]
    for origin in plain:
        yield _bad("origins", f"{origin} has no TLS, so anyone on its way can act as that page; use https")
    if "*" not in settings.origins and not plain:
        yield _good("origins", ", ".join(settings.origins) or "only the server's own pages")
    wide = [network for network in settings.proxies if _has_strangers(network)]
    for network in wide:
        yield _bad("proxies", f"{network} lets anyone write the address that limits count; name your proxies")
    if not settings.proxies and is_local:
        text = "SLOTCAST_PROXIES is empty: behind a proxy all visitors share one address's limits; set its address"
        yield _bad("proxies", text)
    elif not wide:
        yield _good("proxies", ", ".join(map(str, settings.proxies)) or "none; clients connect directly")
    if settings.public_url.startswith("http://") and not _is_local(_host_of(settings.public_url)):
        yield _bad(
            "tls", f"SLOTCAST_PUBLIC_URL={settings.public_url} brings guests to their bookings in clear; use https"
        )
    if settings.metrics_public:
        yield _bad("metrics", "SLOTCAST_METRICS_PUBLIC lets everyone read them; use SLOTCAST_METRICS_LISTEN")
    if not is_local and not settings.proxies:
        yield _bad("tls", f"{settings.host}:{settings.port} is plain HTTP for every machine; put TLS in front")


def _check_limits(settings: Settings) -> Verdicts:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _LEAST_FILES:
        yield _bad("open files", f"{soft:,} allow {settings.most_open:,} clients; raise ulimit -n")
    else:
        yield _good("open files", f"{settings.most_open:,} clients at once" if settings.most_open else "no limit")
    if not settings.rate:
        yield _bad("limits", "SLOTCAST_RATE=0 lets one client take the whole server; 100 is the default")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if settings.workers > cores:
        yield _bad("workers", f"{settings.workers} workers share {cores} cores; at most one a core")


def _check_clock(settings: Settings) -> Verdicts:
    """Compare the clock with the database's; SQLite has this machine's."""
    if settings.database.startswith("sqlite:"):
        return
    try:
        service = settings.service()
        service.check_secret()
        offset = service.clock_offset / 1_000
    except (UnusableDatabase, DatabaseError, InterfaceError):
        return  # told by the check of the database
    text = f"this machine's clock is {offset:+.1f} s off the database's"
    yield _good("clock", text) if abs(offset) < 1 else _bad("clock", f"{text}; run an NTP client")


def _check_issuer(settings: Settings) -> Verdicts:
    """Fetch the keys of the company's issuer as the server does."""
    if settings.issuer is None:
        return
    try:
        count = asyncio.run(count_keys(settings.jwks_url))
    except UnusableKeys as error:
        yield _bad("issuer", f"no keys at SLOTCAST_JWKS_URL ({error}); its tokens are refused")
        return
    yield _good("issuer", f"{count} keys at SLOTCAST_JWKS_URL")


def _check_mail(settings: Settings) -> Verdicts:
    """Connect to the mail server and log in as the server does, and send no mail.

    A thread bounds the time: a mail server that sends its lines slowly would have it for each of them.
    """
    mail = settings.mail
    if mail is None:
        return
    where, found = f"{mail.server.host}:{mail.server.port}", list[Verdict]()

    def ask() -> None:
        try:
            found.append(_good("mail", f"{where} answers {greet(mail.server, _MAIL_SECONDS)}"))
        except MailFailed as failed:
            found.append(_bad("mail", f"{where} takes no mail of this server ({failed}); check SLOTCAST_SMTP_URL"))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_MAIL_SECONDS)
    yield (
        found[0]
        if found
        else _bad("mail", f"{where} did not answer within {_MAIL_SECONDS:.0f} s; check SLOTCAST_SMTP_URL and firewalls")
    )


_CHECKS: tuple[Callable[[Settings], Verdicts], ...] = (
    _check_variables,
    _check_secret,
    _check_files,
    _check_database,
    _check_clock,
    _check_network,
    _check_limits,
    _check_issuer,
    _check_mail,
)


def _is_web_address(url: str) -> bool:
    """Say if the URL is one of HTTP, without a user and a password, which a line of the output would show."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None


async def _check_url(url: str) -> list[Verdict]:
    """Check the way of a client: TLS and its certificate, the proxy's answers, and WebSocket."""
    timeout = aiohttp.ClientTimeout(total=_URL_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            async with session.get(f"{url}/livez", allow_redirects=False) as answer:
                verdicts = [_status(answer), *_tls(url, answer), *await _certificate(url)]
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: a name that is none
            return [_bad("url", f"{url} does not answer: {str(error) or type(error).__name__}")]
        return [*verdicts, await _check_websocket(session, url), *await _check_metrics(session, url)]


async def _check_websocket(session: aiohttp.ClientSession, url: str) -> Verdict:
    try:
        async with session.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket", origin=url) as socket:
            is_open = (await socket.receive()).type is aiohttp.WSMsgType.TEXT
    except (aiohttp.ClientError, OSError) as error:
        reason = str(error) or type(error).__name__
        return _bad("websocket", f"none ({reason}); the proxy must pass Upgrade, Connection and Host on")
    return _good("websocket", "it opens") if is_open else _bad("websocket", "it closes at once")


async def _check_metrics(session: aiohttp.ClientSession, url: str) -> list[Verdict]:
    """Check that strangers can't read the metrics; this machine may."""
    if _is_local(_host_of(url)):
        return []
    try:
        async with session.get(f"{url}/metrics") as answer:
            is_open = answer.status == _OK
    except (aiohttp.ClientError, OSError) as error:
        return [_bad("metrics", f"no answer: {str(error) or type(error).__name__}")]
    text = "everyone can read them; the proxy must send X-Forwarded-For, and SLOTCAST_METRICS_PUBLIC be off"
    return [_bad("metrics", text) if is_open else _good("metrics", "strangers can't read them")]


def _status(answer: aiohttp.ClientResponse) -> Verdict:
    if answer.status == _OK:
        return _good("url", f"{answer.url.origin()} answers")
    return _bad("url", f"{answer.url} answers {answer.status}; the proxy must pass every path on")


def _tls(url: str, answer: aiohttp.ClientResponse) -> Verdicts:
    host = urlsplit(url).hostname or ""
    if not url.startswith("https:"):
        yield Verdict(
            _is_local(host), "tls", "none, on this machine" if _is_local(host) else "none; tokens go in clear"
        )
        return
    has = "Strict-Transport-Security" in answer.headers
    yield Verdict(has, "tls", "HSTS is on" if has else "no HSTS: the proxy should send Strict-Transport-Security")


async def _certificate(url: str) -> list[Verdict]:
    """Check how long the certificate is good. A client refuses an invalid one, as the request before has."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return []
    _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=ssl.create_default_context())
    try:
        certificate = writer.get_extra_info("peercert")
    finally:
        writer.close()
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - system_clock() / 1_000) // 86_400)
    return [Verdict(days >= _CERTIFICATE_DAYS, "certificate", f"it ends in {days} days")]


def _has_strangers(network: IPv4Network | IPv6Network) -> bool:
    """Say if strangers have addresses in the network: it is public, and wider than that of any provider of proxies."""
    is_private = any(network.version == own.version and network.subnet_of(own) for own in _PRIVATE)  # type: ignore[arg-type]
    return not is_private and network.prefixlen < _PUBLIC_BITS[network.version]


def _host_of(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _is_local(host: str) -> bool:
    if host in {"localhost", ""}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _has_tls(url: str) -> bool:
    return any(f"sslmode={mode}" in urlsplit(url).query for mode in ("require", "verify-ca", "verify-full"))
