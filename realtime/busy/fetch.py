"""Fetches an iCalendar file: bounded in time and bytes, and from public addresses only."""

from __future__ import annotations

import zlib
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp

from realtime.busy.address import PrivateAddress, open_any, open_public

MOST_BYTES = 5_000_000  # after decompression
MOST_REDIRECTS = 5
TIMEOUT_SECONDS = 30.0
_NOT_MODIFIED = 304
_OK = 200
_REDIRECTS = {301, 302, 303, 307, 308}
_GZIP = 31  # zlib's window bits for gzip


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
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    headers = {"Accept": "text/calendar, */*;q=0.1", "Accept-Encoding": "gzip", "User-Agent": "Slotcast"}
    if etag:
        headers["If-None-Match"] = etag
    if modified:
        headers["If-Modified-Since"] = modified
    try:
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
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
            return Fetched(body, answer.headers.get("ETag", "")[:500], answer.headers.get("Last-Modified", "")[:100])
    raise Unreadable(f"It redirects more than {MOST_REDIRECTS} times.")


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Read the body, at most MOST_BYTES before and after its decompression."""
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise Unreadable(f"It answers with the encoding {encoding[:20]}.")
    unpacker = zlib.decompressobj(_GZIP) if "gzip" in encoding else None
    body, taken = bytearray(), 0
    async for piece in answer.content.iter_chunked(65_536):
        taken += len(piece)
        try:
            body += piece if unpacker is None else unpacker.decompress(piece, MOST_BYTES + 1 - len(body))
        except zlib.error as error:
            raise Unreadable("Its gzip is broken.") from error
        if max(taken, len(body)) > MOST_BYTES:
            raise Unreadable(f"It has more than {MOST_BYTES // 1_000_000} MB.")
    if unpacker is not None and not unpacker.eof:
        raise Unreadable("Its gzip is broken.")
    return bytes(body)
