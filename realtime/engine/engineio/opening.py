"""Opens a session: answers its first request with OPEN and keeps nothing else of that request."""

import inspect
from functools import lru_cache
from sys import intern
from typing import Any, Final

import msgspec
from aiohttp import web

from realtime.engine.engineio.connection import EngineConnection
from realtime.engine.engineio.sessions import SessionServer
from realtime.engine.websocket.frame import Opcode, encode_frame
from realtime.engine.websocket.handshake import answer_handshake, is_handshake, take_over

FORBIDDEN: Final = 4  # the reference server's number
RETRY_AFTER_SECONDS: Final = 5
OPENING_SECONDS: Final = 100e-6  # the cost of opening a session, roughly


class RejectedRequest(Exception):
    """A request that is answered with an error and changes nothing."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def error_response(code: int, message: str) -> web.Response:
    """Return the reference server's `{code, message}`, which python-engineio passes to the application too."""
    return web.Response(
        status=400, body=msgspec.json.encode({"code": code, "message": message}), content_type="application/json"
    )


async def open_session(server: SessionServer, request: web.Request, transport: str) -> web.StreamResponse:
    """Open a session on this transport. Raises RejectedRequest and BadHandshake."""
    await server.admission.admit(OPENING_SECONDS)
    address = server.address_of(request)
    budget = server.budget_of(address) if server.budget_of is not None else None
    if server.refuse or (budget is not None and budget.is_crowded):
        server.counters.refused += 1
        return web.Response(status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}, text="Try again later.")
    is_websocket = transport == "websocket"
    if is_websocket is not is_handshake(request):
        raise RejectedRequest("The transport and the Upgrade header do not agree.")
    head = answer_handshake(request, server.handshake_lines(request)) if is_websocket else b""
    connection = server.connection_class(server, server.generate_id(), address, intern(request.query_string))
    connection.budget = budget
    if server.keep_headers:
        connection.headers = {name: request.headers[name] for name in server.keep_headers if name in request.headers}
    if server.keep_parts is not None and (parts := server.keep_parts(request)):
        connection.headers = {**(connection.headers or {}), **parts}
    await _authorize(server, connection)
    if request.transport is None or request.transport.is_closing():
        raise RejectedRequest("The client has gone.")
    response = _answer(server, request, connection, head)
    if connection.is_open:
        server.ping_timer.add(connection)
        if request.query.get("beat") == "1":
            server.heartbeat.add(connection)
    return response


def _answer(server: SessionServer, request: web.Request, connection: EngineConnection, head: bytes) -> web.Response:
    """Register the session and answer OPEN. Nothing suspends here: the session exists wholly or not at all."""
    server.sockets[connection.sid] = connection
    server.counters.accepted += 1
    if connection.budget is not None:
        connection.budget.open(is_polling=not head)
    if head:
        server.counters.open_websocket += 1
        frame = encode_frame(Opcode.TEXT, _open_packet(server, request, connection.sid, upgrades=[]))
        return take_over(request, connection, head + frame)
    server.counters.open_polling += 1
    connection.open_mailbox()
    upgrades = ["websocket"] if server.may_upgrade else []
    body = _open_packet(server, request, connection.sid, upgrades)
    response = web.Response(body=body, content_type="text/plain", charset="utf-8")
    if server.cookie:
        response.headers["Set-Cookie"] = server._generate_sid_cookie(connection.sid, _cookie(server.cookie))  # noqa: SLF001  engineio's
    return response


def _open_packet(server: SessionServer, request: web.Request, sid: str, upgrades: list[str]) -> bytes:
    """Return the OPEN packet, in whole milliseconds. `beatInterval` is there for clients with heartbeats."""
    beat_seconds = server.heartbeat.interval_seconds if request.query.get("beat") == "1" else 0.0
    interval_seconds = server.ping_interval + server.ping_interval_grace_period
    terms = _terms(tuple(upgrades), interval_seconds, server.ping_timeout, server.max_http_buffer_size, beat_seconds)
    return b'0{"sid":%b,%b' % (msgspec.json.encode(sid), terms)


@lru_cache(maxsize=16)
def _terms(
    upgrades: tuple[str, ...], interval_seconds: float, timeout_seconds: float, max_bytes: int, beat_seconds: float
) -> bytes:
    """Return the fields of OPEN behind the id, which all clients of a kind get."""
    fields: dict[str, Any] = {
        "upgrades": upgrades,
        "pingInterval": round(interval_seconds * 1000),
        "pingTimeout": round(timeout_seconds * 1000),
        "maxPayload": max_bytes,
    }
    if beat_seconds:
        fields["beatInterval"] = round(beat_seconds * 1000)
    return msgspec.json.encode(fields)[1:]


def _cookie(cookie: str | dict[str, Any]) -> dict[str, Any]:
    return cookie if isinstance(cookie, dict) else {"name": cookie, "path": "/", "SameSite": "Lax"}


async def _authorize(server: SessionServer, connection: EngineConnection) -> None:
    """Ask the application whether this client may connect."""
    handler = server.handlers.get("connect")
    if handler is None:
        return
    verdict = handler(connection.sid, connection.environ)
    if inspect.isawaitable(verdict):
        verdict = await verdict
    if verdict is not None and verdict is not True:
        raise RejectedRequest(verdict if isinstance(verdict, str) else "Unauthorized", 401)
