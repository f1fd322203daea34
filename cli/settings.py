"""Declares each setting once, with its default, its help text and its check.

The flags, the environment variables, `--help`, README's table and the messages about bad values come from `Settings`.
A part with a default of its own, such as the engine, is the source of that default.
"""

from __future__ import annotations

import difflib
import resource
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from math import ceil
from typing import Any, Self

from cli.setting_values import (
    LAST_PORT,
    check_direct,
    check_otlp,
    check_peer_url,
    check_redis,
    check_sender,
    one_of,
    read_listen,
    read_origins,
    read_pooled,
    read_proxies,
    read_secret,
    read_workers,
)
from models.contract.values.time import Clock, system_clock
from models.service import Retention, SlotService
from models.storage.database import SYNCHRONOUS, open_database
from realtime.access.issuer import IssuerSettings, check_jwks_url
from realtime.access.token_keys import TokenKeys
from realtime.engine import Limits
from realtime.http.base_path import read_base_path
from realtime.http.connection import Bounds
from realtime.http.middleware import Network
from realtime.http.verification import PROOF_NUMBER
from realtime.mail.outbox import MailSettings
from realtime.mail.smtp import read_server

_DAY_SECONDS = 86_400
_LONGEST_SECONDS = 3_600
# A default that a library class has too stands there.
_LIMITS = Limits()
_RETENTION = Retention()


class BadSetting(Exception):
    """An invalid value of a setting; the message is one clear line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The declaration of one setting.

    `default` is the value as it is written on the command line, and its type is the setting's type. `least` and `most`
    bound a number. `read` turns the written value into the value of `Settings`. `check` raises ValueError for an
    invalid value.
    """

    name: str = ""
    default: str | int | float | bool
    help: str
    least: float | None = None
    most: float | None = None
    read: Callable[[Any], Any] | None = None
    check: Callable[[Any], object] | None = None

    @property
    def flags(self) -> str:
        """The flag in Typer's notation; a setting that is on or off has a second flag, `--no-…`."""
        flag = self.name.replace("_", "-")
        return f"--{flag}/--no-{flag}" if isinstance(self.default, bool) else f"--{flag}"

    @property
    def variable(self) -> str:
        return f"SLOTCAST_{self.name.upper()}"

    def value_of(self, written: Any) -> Any:
        """Return the checked value, or raise BadSetting in the name of the variable."""
        try:
            value = self.read(written) if self.read else written
            if self.check:
                self.check(value)
        except ValueError as error:
            raise BadSetting(f"{self.variable}: {error}") from error
        return value


def _setting(default: str | float, text: str, **more: Any) -> Any:
    setting = Setting(default=default, help=text, **more)
    value = setting.read(default) if setting.read else default
    return field(default=value, metadata={"setting": setting})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a server or a command, checked."""

    host: str = _setting("127.0.0.1", "Address to listen on; 0.0.0.0 for all.")
    port: int = _setting(8080, "Port to listen on.", least=1, most=LAST_PORT)
    workers: int = _setting(
        "1",
        "Worker processes on this address; auto for one a core.",
        read=read_workers,
    )
    metrics_listen: tuple[str, int] | None = _setting(
        "", "Another address, host:port, with /metrics, /livez and /readyz for everyone.", read=read_listen
    )
    metrics_public: bool = _setting(
        False,  # noqa: FBT003 - it is the default
        "Whether everyone may read /metrics; otherwise this machine, and staff tokens for all calendars.",
    )
    database: str = _setting(
        "sqlite:///slotcast.db",
        "URL of the database: sqlite:///file.db or postgresql://user:password@host:5432/name.",
        check=open_database,  # does not connect
    )
    notifications: bool = _setting(
        True,  # noqa: FBT003 - it is the default
        "Whether servers on one PostgreSQL notify each other of changes; otherwise each one polls 20 times a second.",
    )
    database_direct: str = _setting(
        "",
        "URL of the same PostgreSQL without a pooler between, to listen for notifications.",
        check=check_direct,
    )
    database_replica: str = _setting(
        "",
        "URL of a read replica of the same PostgreSQL: snapshots are read there while it has the newest state.",
        check=check_direct,
    )
    database_pooled: bool | None = _setting(
        "auto",
        "Whether a pooler (PgBouncer) shares connections between transactions: auto, yes or no.",
        read=read_pooled,
    )
    redis: str = _setting(
        "",
        "URL of a Redis or Valkey that carries changes between servers: redis://user:password@host:6379, rediss:// for"
        " TLS.",
        check=check_redis,
    )
    peer_url: str = _setting(
        "",
        "This server's internal URL (http://10.0.0.1:8080). The others pass requests for its sessions on to it.",
        check=check_peer_url,
    )
    secret: bytes = _setting(
        "", "Signs tokens; 32 characters or more. Unset: a generated one, kept beside the database.", read=read_secret
    )
    secret_previous: bytes = _setting(
        "", "The secret before this one, or after it: what it has signed stays valid.", read=read_secret
    )
    token_days: float = _setting(
        0.0, "Longest life of a token in days, from its `iat`; 0 for no bound.", least=0, most=1e5
    )
    jwks_url: str = _setting(
        "",
        "URL of the public keys (JWKS) of your own issuer of tokens: RS256, ES256 and EdDSA.",
        check=check_jwks_url,
    )
    jwt_issuer: str = _setting("", "The `iss` of that issuer's tokens.")
    jwt_audience: str = _setting("", "The `aud` of its tokens for this server.")
    origins: tuple[str, ...] = _setting(
        "", "Other allowed web origins, separated by commas; apps too: file://, null.", read=read_origins
    )
    proxies: tuple[Network, ...] = _setting(
        "", "Trusted proxies: addresses or networks, separated by commas.", read=read_proxies
    )
    base_path: str = _setting(
        "", "Path under which a proxy serves Slotcast, such as /slots; the proxy may strip it.", read=read_base_path
    )
    synchronous: str = _setting(
        SYNCHRONOUS,
        "full: an answered request survives a power cut; normal is a little faster.",
        check=one_of("full", "normal"),
    )
    rate: float = _setting(100.0, "Requests a second from one client; 0 for no limit.", least=0, most=1e6)
    address_factor: float = _setting(
        10.0, "Budget of one address, over all its connections, as a multiple of one client's.", least=1, most=1e6
    )
    max_connections: int = _setting(0, "Most open connections; 0 for seven eighths of the open files.", least=0)
    max_connections_per_address: int = _setting(0, "Most open connections of one address; 0 for half of all.", least=0)
    head_seconds: float = _setting(
        20.0, "Longest time for a request's head to arrive.", least=0.1, most=_LONGEST_SECONDS
    )
    body_seconds: float = _setting(
        _LIMITS.message_seconds,
        "Longest time for a body, or a WebSocket message, to arrive.",
        least=0.1,
        most=_LONGEST_SECONDS,
    )
    unread_seconds: float = _setting(
        30.0, "Longest time a client may leave an answer unread.", least=0.1, most=_LONGEST_SECONDS
    )
    drain_seconds: float = _setting(
        0.0, "Seconds over which a stopping server closes its clients, one after another.", least=0, most=600
    )
    max_wait_ms: int = _setting(
        250,
        "Longest time a command may wait for the writer, in milliseconds, before it is refused; 0 for no bound.",
        least=0,
        most=60_000,
    )
    max_queued_bytes: int = _setting(_LIMITS.max_queued_bytes, "Most bytes queued for one slow client.", least=65_536)
    max_room_bytes: int = _setting(
        256_000_000,
        "Bytes of slots and changes in memory. Beyond them, calendars without subscribers leave memory at once.",
        least=0,
    )
    busy_minutes: float = _setting(
        15.0, "How often the URLs of imported busy times are fetched.", least=0.01, most=10_080
    )
    busy_private: bool = _setting(
        False,  # noqa: FBT003 - it is the default
        "Whether busy times may be fetched from private addresses, this machine's included.",
    )
    smtp_url: str = _setting(
        "",
        "Mail server for codes to guests: smtp://user:password@host:587 with STARTTLS, or smtps://host:465.",
        check=read_server,
    )
    mail_from: str = _setting(
        "", "Sender of these mails: bookings@example.org, or Name <bookings@example.org>.", check=check_sender
    )
    public_url: str = _setting(
        "", "This server's address for the links in mails: https://book.example.org.", check=check_peer_url
    )
    proof_number: int = _setting(
        PROOF_NUMBER,
        "Difficulty of proofs of work: the greatest number to be found; half as many hashes on average.",
        least=1_000,
        most=10_000_000,
    )
    session_days: float = _setting(30.0, "Days for which staff stay signed in.", least=0.01, most=366)
    log_days: float = _setting(
        _RETENTION.log_seconds / _DAY_SECONDS, "Days for which the log keeps changes.", least=0.001, most=1e5
    )
    log_changes: int = _setting(_RETENTION.log_changes, "Most changes kept of one calendar.", least=1)
    history_days: float = _setting(
        _RETENTION.history_seconds / _DAY_SECONDS,
        "Days for which the history says who changed what; at least as long as the log.",
        least=0.001,
        most=1e5,
    )
    keep_addresses_days: float = _setting(
        _RETENTION.address_seconds / _DAY_SECONDS,
        "Days for which owners see in the history from which address a change was asked for; 0 to keep none.",
        least=0,
        most=1e5,
    )
    keep_customers_days: float = _setting(
        0.0, "Days after a booking's end until its customer is erased; 0 for never.", least=0, most=1e5
    )
    log_level: str = _setting(
        "warning",
        "debug, info, warning or error.",
        read=str.lower,
        check=one_of("debug", "info", "warning", "error"),
    )
    log_format: str = _setting(
        "text", "text, or json: one object a line.", read=str.lower, check=one_of("text", "json")
    )
    otlp: str = _setting(
        "",
        "URL of an OpenTelemetry collector (http://127.0.0.1:4318) for traces of commands; it needs"
        " deploy/requirements-otlp.txt.",
        check=check_otlp,
    )
    demo: bool = _setting(True, "A demo calendar on a new database.")  # noqa: FBT003 - it is the default
    is_secret_new: bool = False

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Self:
        """Check the values of the command line, by the settings' names; raise BadSetting for the first bad one."""
        settings = cls(**{setting.name: setting.value_of(written[setting.name]) for setting in declared()})
        if settings.redis and settings.database.startswith("sqlite:"):
            raise BadSetting("SLOTCAST_REDIS: it carries changes between servers on one PostgreSQL, not on SQLite")
        if settings.database_replica and settings.database.startswith("sqlite:"):
            raise BadSetting("SLOTCAST_DATABASE_REPLICA: SLOTCAST_DATABASE is no PostgreSQL")
        if settings.secret_previous and settings.secret_previous == settings.secret:
            raise BadSetting("SLOTCAST_SECRET_PREVIOUS: it is SLOTCAST_SECRET itself")
        if settings.jwks_url and not (settings.jwt_issuer and settings.jwt_audience):
            raise BadSetting("SLOTCAST_JWKS_URL: it needs SLOTCAST_JWT_ISSUER and SLOTCAST_JWT_AUDIENCE beside it")
        if not settings.jwks_url and (settings.jwt_issuer or settings.jwt_audience):
            raise BadSetting("SLOTCAST_JWT_ISSUER, SLOTCAST_JWT_AUDIENCE: they need SLOTCAST_JWKS_URL beside them")
        if bool(settings.smtp_url) != bool(settings.mail_from):
            raise BadSetting("SLOTCAST_SMTP_URL, SLOTCAST_MAIL_FROM: each needs the other beside it")
        return settings

    def service(self, clock: Clock = system_clock) -> SlotService:
        """Return the service layer of these settings, not open yet."""
        return SlotService(
            url=self.database,
            secret=self.secret,
            previous_secret=self.secret_previous,
            clock=clock,
            synchronous=self.synchronous,
            retention=self.retention,
            notifies=self.notifications,
            listen_url=self.database_direct,
            redis_url=self.redis,
            is_pooled=self.database_pooled,
            internal_url=self.peer_url,
            replica_url=self.database_replica,
            max_wait_seconds=self.max_wait_ms / 1_000,
            sends_mail=bool(self.smtp_url),
        )

    @property
    def keys(self) -> TokenKeys:
        return TokenKeys(self.secret, self.secret_previous)

    @property
    def issuer(self) -> IssuerSettings | None:
        """The issuer of tokens besides this server; None for no other."""
        if not self.jwks_url:
            return None
        return IssuerSettings(jwks_url=self.jwks_url, issuer=self.jwt_issuer, audience=self.jwt_audience)

    @property
    def mail(self) -> MailSettings | None:
        """The mail server with the sender; None on a server that sends no mail."""
        server = read_server(self.smtp_url)
        return MailSettings(server, self.mail_from, self.public_url) if server is not None else None

    @property
    def token_seconds(self) -> int:
        return ceil(self.token_days * _DAY_SECONDS)  # 0 is for no bound

    @property
    def retention(self) -> Retention:
        """The times in whole seconds. A part of a second is one: 0 would keep customers for ever."""
        return Retention(
            log_seconds=int(self.log_days * _DAY_SECONDS),
            history_seconds=int(self.history_days * _DAY_SECONDS),
            log_changes=self.log_changes,
            address_seconds=ceil(self.keep_addresses_days * _DAY_SECONDS),
            customer_seconds=ceil(self.keep_customers_days * _DAY_SECONDS),
        )

    @property
    def most_open(self) -> int:
        """The most connections at once: as set, or seven eighths of the open files; 0 for any number."""
        if self.max_connections:
            return self.max_connections
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return 0 if files == resource.RLIM_INFINITY else max(1, files - max(files // 8, 64))

    @property
    def most_open_per_address(self) -> int:
        """The most connections of one address: as set, or half of all; any number where clients have no limit."""
        if self.max_connections_per_address:
            return self.max_connections_per_address
        return max(1, self.most_open // 2) if self.rate and self.most_open else 0

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.head_seconds, self.unread_seconds, self.most_open)


def declared() -> tuple[Setting, ...]:
    """Return every setting in the order of `--help`."""
    return tuple(
        replace(declared_field.metadata["setting"], name=declared_field.name)
        for declared_field in fields(Settings)
        if declared_field.metadata
    )


def unknown_variables(environment: Iterable[str]) -> list[str]:
    """Return a line for each variable that looks like a setting and is none."""
    known = [setting.variable for setting in declared()]
    unknown = sorted(name for name in environment if name.startswith("SLOTCAST_") and name not in known)
    nearest = [difflib.get_close_matches(name, known, n=1) for name in unknown]
    return [
        f"{name} is no setting and changes nothing." + (f" Did you mean {near[0]}?" if near else "")
        for name, near in zip(unknown, nearest, strict=True)
    ]
