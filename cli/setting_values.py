"""Reads the written values of settings, and checks them: each function raises ValueError with the reason."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from email.utils import getaddresses
from importlib.util import find_spec
from ipaddress import ip_network
from urllib.parse import urlsplit

from models.storage.database import open_database
from realtime.http.middleware import Network

MOST_WORKERS = 64
SECRET_CHARACTERS = 32  # at least: RFC 7518, 3.2, requires 256 bits for HS256
LAST_PORT = 65_535

# Browsers and web views send no user, path or query, and write other letters than these as punycode.
_ORIGIN = re.compile(
    r"null|file://|[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE
)


def one_of(*choices: str) -> Callable[[str], None]:
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


def read_listen(text: str) -> tuple[str, int] | None:
    """Return the host and the port of an address to listen on; None for an empty text."""
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 1 <= int(port) <= LAST_PORT:
        raise ValueError(f"it looks like 127.0.0.1:9090, not {text!r}")
    return host.strip("[]"), int(port)


def read_pooled(text: str) -> bool | None:
    """Return whether the database is pooled; None for `auto`."""
    answers = {"auto": None, "yes": True, "no": False}
    if text.lower() not in answers:
        raise ValueError(f"it is auto, yes or no, not {text!r}")
    return answers[text.lower()]


def check_direct(url: str) -> None:
    """Check another URL of the PostgreSQL, without a connection."""
    if url and not url.startswith(("postgresql:", "postgres:")):
        raise ValueError("it must look like postgresql://user:password@host:5432/name")
    if url:
        open_database(url)


def check_peer_url(url: str) -> None:
    """Raise ValueError unless the URL has a scheme, a host and a port at most."""
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or url != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("it must look like http://10.0.0.1:8080, without a path")
    if parts.username is not None or not _has_port(url):
        raise ValueError("it must look like http://10.0.0.1:8080, without a user")


def check_otlp(url: str) -> None:
    """Raise ValueError unless this is the URL of a collector, and the packages to reach it are installed."""
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None or not _has_port(url):
        raise ValueError("it must look like http://127.0.0.1:4318")
    try:
        is_installed = find_spec("opentelemetry.exporter.otlp.proto.http") and find_spec("opentelemetry.sdk")
    except ModuleNotFoundError:
        is_installed = None
    if not is_installed:
        raise ValueError("it needs OpenTelemetry: pip install -r deploy/requirements-otlp.txt")


def check_redis(url: str) -> None:
    """Check the URL of the Redis, without a connection."""
    if url:
        from models.storage.commits.redis_bus import checked_url  # noqa: PLC0415 - its import takes 80 ms

        checked_url(url)


def check_sender(text: str) -> None:
    """Check the sender of mails: one address, with a name or without."""
    if not text:
        return
    addresses = [address for _, address in getaddresses([text])]
    is_one = len(addresses) == 1 and addresses[0].count("@") == 1 and all(addresses[0].split("@"))
    if not is_one or not text.isprintable():
        raise ValueError(f"it looks like bookings@example.org, not {text!r}")
