"""Fetches an iCalendar file: bounded in time and bytes, and from public addresses only."""

from __future__ import annotations

import asyncio
import zlib
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp

from models.contract.values.text import is_storable
from realtime.busy.address import PrivateAddress, open_any, open_public

MOST_BYTES = 5_000_000  # after decompression
MOST_REDIRECTS = 5
LONGEST_VALIDATOR = 500
TIMEOUT_SECONDS = 30.0
_BROKEN = "Its gzip is broken."
_NOT_MODIFIED = 304
_OK = 200
_REDIRECTS = {301, 302, 303, 307, 308}
_GZIP = 31  # zlib's window bits for gzip
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)


class Unreadable(Exception):
    """An unreadable source; the message is for staff, and has no URL in it."""


class Fetched(NamedTuple):
    """The answer: a body, or None for an unchanged one."""

    body: bytes | None
    etag: str
    modified: str


async def fetch(url: str, etag: str, modified: str, *, allows_private: bool) -> Fetched:
    """Fetch a file unless it is the one of `etag` and `modified`; raise Unreadable with one clear sentence."""
    connector = aiohttp.TCPConnector(
        socket_factory=open_any if allows_private else open_public, use_dns_cache=False, force_close=True
    )
    headers = {"Accept": "text/calendar, */*;q=0.1", "Accept-Encoding": "gzip", "User-Agent": "Slotcast"}
    if etag:
        headers["If-None-Match"] = etag
    if modified:
        headers["If-Modified-Since"] = modified
    try:
        # A session's own time-out begins anew with each redirect.
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            aiohttp.ClientSession(
                connector=connector, timeout=_NO_TIMEOUT, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
        ):
            return await _follow(session, url, headers)
    except TimeoutError as error:
        raise Unreadable(f"It did not answer within {TIMEOUT_SECONDS:.0f} s.") from error
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, PrivateAddress):
            raise Unreadable("Its address is private.") from error
        raise Unreadable("It can't be reached.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Unreadable("It can't be reached.") from error


async def _follow(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> Fetched:
    """Follow redirects; each of them connects anew, and is checked anew."""
    for _ in range(MOST_REDIRECTS + 1):
        if urlsplit(url).scheme in {"webcal", "webcals"}:
            url = f"https:{url.partition(':')[2]}"
        if urlsplit(url).scheme not in {"http", "https"}:
            raise Unreadable("It leads to an address that is neither http nor https.")
        async with session.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status in _REDIRECTS and "Location" in answer.headers:
                url = urljoin(url, answer.headers["Location"])
                continue
            if answer.status == _NOT_MODIFIED:
                return Fetched(None, headers.get("If-None-Match", ""), headers.get("If-Modified-Since", ""))
            if answer.status != _OK:
                raise Unreadable(f"It answers with the status {answer.status}.")
            body = await _read(answer)
            return Fetched(body, _validator(answer, "ETag"), _validator(answer, "Last-Modified"))
    raise Unreadable(f"It redirects more than {MOST_REDIRECTS} times.")


def _validator(answer: aiohttp.ClientResponse, name: str) -> str:
    """Return a header to send back; "" for one that is too long, or that no database takes, as bytes outside UTF-8."""
    value = answer.headers.get(name, "")
    return value if len(value) <= LONGEST_VALIDATOR and is_storable(value) else ""


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Read the body, at most MOST_BYTES before and after its decompression."""
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise Unreadable(f"It answers with the encoding {encoding[:20]}.")
    unpacker = Unpacker() if "gzip" in encoding else None
    body, taken = bytearray(), 0
    async for piece in answer.content.iter_chunked(65_536):
        taken += len(piece)
        body += piece if unpacker is None else unpacker.unpack(piece, MOST_BYTES + 1 - len(body))
        if max(taken, len(body)) > MOST_BYTES:
            raise Unreadable(f"It has more than {MOST_BYTES // 1_000_000} MB.")
    if unpacker is not None and not unpacker.is_whole:
        raise Unreadable(_BROKEN)
    return bytes(body)


class Unpacker:
    """Undoes gzip: one member after another (RFC 1952, section 2.2), and zeros at the end."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    @property
    def is_whole(self) -> bool:
        return self._member.eof

    def unpack(self, piece: bytes, most: int) -> bytes:
        """Return the next bytes, `most` at most; raise Unreadable for what is no gzip."""
        found = b""
        while piece and len(found) < most and not (self._member.eof and not piece.strip(b"\0")):
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            try:
                found += self._member.decompress(piece, most - len(found))
            except zlib.error as error:
                raise Unreadable(_BROKEN) from error
            piece = self._member.unused_data
        return found
