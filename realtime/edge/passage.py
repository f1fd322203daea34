"""Passes what an edge does not answer itself on to the core: commands, requests of staff, pages, private calendars."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from aiohttp import web
from msgspec import UNSET, Raw, Struct

from models.contract.changes import encode, read_cursor
from models.contract.commands.calendars import Subscribe
from models.contract.errors import Forbidden, Overloaded, Unauthorized
from models.contract.request import Request
from realtime.edge.upstream import AWAY, Upstream
from realtime.engine import is_handshake
from realtime.http.routes import BOOKING_TOKEN, COMMANDS, READS

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 90.0  # longer than a poll waits
MOST_TOKEN_CHARACTERS = 8_100  # a header has 8,190 bytes at most
LOOK_SECONDS = 2.0  # between two looks at the core, and for the answer to one
_HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect"}
# aiohttp would add them.
_NO_OTHERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")

# Each request of Socket.IO that has a route: its method, path, and the field in the path.
ROUTES: dict[str, tuple[str, str, str]] = {
    **{
        read.request.wire.name: (read.method, read.path, read.subject)
        for read in READS
        if read.request is not None and read.request is not Subscribe and not read.request.wire.is_http_only
    },
    **{route.command.wire.name: (route.method, route.path, route.subject) for route in COMMANDS},
}


def fields_of(request: Request) -> dict[str, Any]:
    """Return the fields of a guest's request as they are on the wire."""
    names = zip(type(request).__struct_fields__, type(request).__struct_encode_fields__, strict=True)
    found = {wire: getattr(request, name) for name, wire in names if name not in type(request).of_server}
    return {
        wire: Raw(value) if isinstance(value, bytes) else value  # any JSON
        for wire, value in found.items()
        if value is not UNSET
    }


class _In(Struct):
    calendar: str = ""


class _Told(Struct):
    """The parts of an answer that name its change."""

    cursor: str = ""
    booking: _In | None = None


class _Problem(Struct):
    code: str
    message: str
    retryable: bool
    details: dict[str, Any] | None = None


class _Health(Struct):
    status: str


_health = msgspec.json.Decoder(_Health)
_told = msgspec.json.Decoder(_Told)
_problems = msgspec.json.Decoder(_Problem)


class Passage:
    """The way to the core. It tells the core each client's address, and the core believes the edge as a proxy."""

    def __init__(self, upstream: Upstream, address_of: Callable[[web.BaseRequest], str]) -> None:
        self._upstream = upstream
        self._address_of = address_of
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Return the core's answer to a request. Overloaded if it does not answer."""
        if is_handshake(request):
            raise Forbidden("This server has public calendars only; connect to the core.")
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        headers = [(name, value) for name, value in headers if not name.lower().startswith("x-forwarded-")]
        headers += [("X-Forwarded-For", self._address_of(request)), ("X-Forwarded-Proto", request.scheme)]
        body = await request.read()
        try:
            async with self._open().request(
                request.method,
                f"{self._upstream.url}{_path_of(request)}",
                headers=headers,
                data=body or None,
                allow_redirects=False,
                skip_auto_headers=_NO_OTHERS,
            ) as answer:
                return await self._copy(request, answer)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Overloaded(AWAY) from error

    async def _copy(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP]
        if answer.content_length is not None or answer.status in {204, 304}:
            return web.Response(status=answer.status, headers=kept, body=await answer.read())
        response = web.StreamResponse(status=answer.status, headers=kept)
        await response.prepare(request)
        async for part in answer.content.iter_any():
            await response.write(part)
        await response.write_eof()
        return response

    async def ask(self, name: str, fields: dict[str, Any], token: str, address: str) -> tuple[bytes, str, int]:
        """Return the ack of a request of Socket.IO, and calendar and seq of its change if the answer names them."""
        method, path, subject = ROUTES[name]
        rest = dict(fields)
        if subject:
            path = path.replace("{id}", quote(str(rest.pop(subject)), safe=""))
        if not _fits_header(token):
            raise Unauthorized
        headers = {"X-Forwarded-For": address} | ({"Authorization": f"Bearer {token}"} if token else {})
        if method == "GET":
            proof = str(rest.pop("token", ""))
            if not _fits_header(proof):
                raise Forbidden("The token is not the booking's.")
            headers |= {BOOKING_TOKEN: proof} if proof else {}
            query = urlencode({key: _text(value) for key, value in rest.items() if value is not None})
            path = f"{path}?{query}" if query else path
        body = None if method == "GET" else encode(rest)
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        try:
            async with self._open().request(
                method, f"{self._upstream.url}{path}", headers=headers, data=body, skip_auto_headers=_NO_OTHERS
            ) as answer:
                return _ack(answer.status, await answer.read())
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
            raise Overloaded(AWAY) from error

    async def watch(self) -> None:
        """Look again and again whether the core answers, for the readiness of an edge that asks it nothing else."""
        while True:
            began_at = asyncio.get_running_loop().time()
            self._upstream.is_reached = await self._is_core_there()
            await asyncio.sleep(max(0.0, began_at + LOOK_SECONDS - asyncio.get_running_loop().time()))

    async def _is_core_there(self) -> bool:
        try:
            async with (
                asyncio.timeout(LOOK_SECONDS),
                self._open().get(f"{self._upstream.url}/livez", skip_auto_headers=_NO_OTHERS) as answer,
            ):
                return bool(_health.decode(await answer.read()).status)
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError):
            return False

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS)
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False)
        return self._session


def _ack(status: int, body: bytes) -> tuple[bytes, str, int]:
    if status >= web.HTTPBadRequest.status_code:
        problem = _problems.decode(body)
        error = {"code": problem.code, "message": problem.message, "retryable": problem.retryable}
        details = {"details": problem.details} if problem.details else {}
        return encode({"ok": False, "error": {**error, **details}}), "", 0
    told = _told.decode(body)
    calendar = told.booking.calendar if told.booking is not None else ""
    return b'{"ok":true,%b' % body[1:], calendar, read_cursor(told.cursor).seq if calendar and told.cursor else 0


def _path_of(request: web.Request) -> str:
    """Return the path and the query as the client wrote them; a target with a host would name another server."""
    return request.raw_path if request.raw_path.startswith("/") else request.rel_url.raw_path_qs


def _fits_header(token: str) -> bool:
    """Say if the core could take this token: it comes in a header."""
    return len(token) <= MOST_TOKEN_CHARACTERS and token.isprintable()


def _text(value: Any) -> str:
    """Return a value as a query has it."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(int(value)) if isinstance(value, bool) else str(value)
