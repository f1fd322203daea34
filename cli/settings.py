"""Declares each setting once, with its default, its help text and its check.

The flags, the environment variables, `--help`, README's table and the messages about bad values come from `Settings`.
A part with a default of its own, such as the engine, is the source of that default.
"""

from __future__ import annotations

import difflib
import os
import re
import resource
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_network
from typing import Any, Self
from urllib.parse import urlsplit

from models.contract.values.time import Clock, system_clock
from models.service import Retention, SlotService
from models.storage.database import SYNCHRONOUS, open_database
from realtime.engine import Limits
from realtime.http.connection import Bounds
from realtime.http.middleware import Network

MOST_WORKERS = 64
SECRET_CHARACTERS = 32  # at least: RFC 7518, 3.2, requires 256 bits for HS256
_DAY_SECONDS = 86_400
_LONGEST_SECONDS = 3_600
# A default that a library class has too stands there.
_LIMITS = Limits()
_RETENTION = Retention()

# Browsers and web views send no user, path or query, and write other letters than these as punycode.
_ORIGIN = re.compile(
    r"null|file://|[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE
)


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


def _one_of(*choices: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if value not in choices:
            raise ValueError(f"it is {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}")

    return check


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def read_secret(text: str) -> bytes:
    """Return the bytes of a secret; none for an empty text."""
    if text and len(text) < SECRET_CHARACTERS:
        raise ValueError(f"it needs at least {SECRET_CHARACTERS} characters")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("it is not UTF-8") from error


def read_origins(text: str) -> tuple[str, ...]:
    """Return the origins of a list separated by commas; `*` stands for any."""
    origins = _parts(text)
    for origin in origins:
        if not origin.isascii():
            raise ValueError(f"{origin!r} is written as browsers send it, with its host in punycode (xn--...)")
        if origin != "*" and not (_ORIGIN.fullmatch(origin) and _has_port(origin)):
            raise ValueError(f"{origin!r} is no origin like https://example.org, capacitor://localhost or null")
    return origins


def _has_port(origin: str) -> bool:
    """Return whether the port of an origin, if it has one, is a port."""
    try:
        return urlsplit(origin).port != 0
    except ValueError:
        return False


def read_proxies(text: str) -> tuple[Network, ...]:
    """Return the networks of a list of addresses and networks separated by commas."""
    return tuple(ip_network(part, strict=False) for part in _parts(text))


def read_workers(text: str) -> int:
    """Return the number of workers; `auto` is one a core."""
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise ValueError(f"it is auto or a number from 1 to {MOST_WORKERS}, not {text!r}")
    return int(text)


def _check_direct(url: str) -> None:
    """Check the URL for notifications, without a connection."""
    if url and not url.startswith(("postgresql:", "postgres:")):
        raise ValueError("it must look like postgresql://user:password@host:5432/name")
    if url:
        open_database(url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a server or a command, checked."""

    host: str = _setting("127.0.0.1", "Address to listen on; 0.0.0.0 for all.")
    port: int = _setting(8080, "Port to listen on.", least=1, most=65_535)
    workers: int = _setting(
        "1",
        "Worker processes on this address; auto for one a core.",
        read=read_workers,
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
        check=_check_direct,
    )
    secret: bytes = _setting(
        "", "Signs tokens; 32 characters or more. Unset: a generated one, kept beside the database.", read=read_secret
    )
    origins: tuple[str, ...] = _setting(
        "", "Other allowed web origins, separated by commas; apps too: file://, null.", read=read_origins
    )
    proxies: tuple[Network, ...] = _setting(
        "", "Trusted proxies: addresses or networks, separated by commas.", read=read_proxies
    )
    synchronous: str = _setting(
        SYNCHRONOUS,
        "full: an answered request survives a power cut; normal is a little faster.",
        check=_one_of("full", "normal"),
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
    log_level: str = _setting(
        "warning",
        "debug, info, warning or error.",
        read=str.lower,
        check=_one_of("debug", "info", "warning", "error"),
    )
    demo: bool = _setting(True, "A demo calendar on a new database.")  # noqa: FBT003 - it is the default
    is_secret_new: bool = False

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Self:
        """Check the values of the command line, by the settings' names; raise BadSetting for the first bad one."""
        return cls(**{setting.name: setting.value_of(written[setting.name]) for setting in declared()})

    def service(self, clock: Clock = system_clock) -> SlotService:
        """Return the service layer of these settings, not open yet."""
        return SlotService(
            url=self.database,
            secret=self.secret,
            clock=clock,
            synchronous=self.synchronous,
            retention=self.retention,
            notifies=self.notifications,
            listen_url=self.database_direct,
        )

    @property
    def retention(self) -> Retention:
        return Retention(
            log_seconds=int(self.log_days * _DAY_SECONDS),
            history_seconds=int(self.history_days * _DAY_SECONDS),
            log_changes=self.log_changes,
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
