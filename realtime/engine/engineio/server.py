"""Engine.IO on aiohttp: the HTTP requests that open, poll, post to and upgrade a session."""

from typing import Any

from aiohttp import web

from realtime.engine.engineio.connection import NOOP, EngineConnection
from realtime.engine.engineio.opening import FORBIDDEN, RejectedRequest, error_response, open_session
from realtime.engine.engineio.polling import answer_poll, is_encoded, take_post
from realtime.engine.engineio.sessions import SessionServer
from realtime.engine.engineio.upgrade import SideSocket, UpgradeProbe
from realtime.engine.websocket.frame import CloseCode
from realtime.engine.websocket.handshake import (
    BadHandshake,
    HandedOverResponse,
    answer_handshake,
    is_handshake,
    take_over,
)

UNSUPPORTED_VERSION = (
    "This server speaks Engine.IO 4. Use a Socket.IO client of version 3 or 4 for JavaScript, 2 for Java, "
    "16 for Swift, 2 for Dart or 5 for Python, or later."
)


class EngineServer(SessionServer):
    """engineio.AsyncServer with connections that own their transports.

    Arguments beyond engineio's:
    - `max_queued_bytes`: the cap on the bytes that wait for a slow client.
    - `max_in_flight`: the requests of one client that run at once.
    - `address_of`: returns the peer's address of a request.
    - `budget_of`: returns the budget of a new connection of this address.
    - `keep_headers`: the request headers that handlers see in `environ`. No other part of the request is kept.
    - `message_seconds`: the time for a WebSocket message to arrive.
    - `connection_class`: the class of the connections.
    """

    # -- the application's side

    def attach(self, app: web.Application, engineio_path: str = "engine.io") -> None:
        """Serve under this path, and close the connections when the application stops."""
        app.router.add_route("*", f"/{engineio_path.strip('/')}/", self.handle_request)
        app.on_shutdown.append(self._on_shutdown)

    async def disconnect(self, sid: str | None = None) -> None:
        """Close this session, or all. Disconnect handlers run before the sessions are forgotten."""
        for connection in list(self.sockets.values()) if sid is None else [self.sockets.get(sid)]:
            if connection is not None:
                await connection.close()

    async def shutdown(self) -> None:
        """Stop the timers."""
        self.ping_timer.stop()
        self.heartbeat.stop()

    async def _on_shutdown(self, _app: web.Application) -> None:
        await self.drain()
        await self.shutdown()

    def _get_socket(self, sid: str) -> EngineConnection:
        try:
            return self.sockets[sid]
        except KeyError:
            raise KeyError("Session not found") from None

    # -- requests

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request of the protocol."""
        if not self.origins.is_allowed(request):
            return error_response(FORBIDDEN, self.origins.refuse(request))
        try:
            response = await self._route(request)
        except RejectedRequest as rejection:
            response = web.Response(status=rejection.status, text=rejection.message)
        except BadHandshake as fault:
            response = web.Response(status=400, text=str(fault))
        if not response.prepared and not isinstance(response, HandedOverResponse):
            response.headers.update(self.origins.headers(request))
        return response

    async def _route(self, request: web.Request) -> web.StreamResponse:
        if is_encoded(request) and (request.body_exists or request.method == "POST"):
            raise RejectedRequest("The server takes no compressed bodies.", 415)
        if request.method == "OPTIONS":
            return web.Response(status=204)
        query = request.query
        if query.get("EIO") != "4":
            raise RejectedRequest(UNSUPPORTED_VERSION)
        transport = query.get("transport", "")
        if transport not in self.transports:
            raise RejectedRequest("The transport is unknown.")
        sid = query.get("sid")
        if sid is not None and self.elsewhere is not None and self.elsewhere.is_elsewhere(sid):
            return await self.elsewhere.hand_over(request, sid)
        if request.method == "GET":
            if sid is None:
                return await open_session(self, request, transport)
            return await self._continue(request, transport, sid)
        if request.method == "POST" and sid is not None:
            return await take_post(self._session(sid), request)
        raise RejectedRequest("This request has no meaning here.")

    async def _continue(self, request: web.Request, transport: str, sid: str) -> web.StreamResponse:
        """Answer a poll or an upgrade of this session."""
        if sid in self._late_polls and self._late_polls.pop(sid) > self.ping_timer.now():
            return web.Response(body=NOOP, content_type="text/plain", charset="utf-8")
        connection = self._session(sid)
        if is_handshake(request):
            return self._upgrade(request, connection)
        if transport != "polling" or connection.mailbox is None:
            raise RejectedRequest("This session is not polling.")
        compress_above: Any = self.compression_threshold if self.http_compression else None
        return await answer_poll(connection, request, compress_above)

    def _session(self, sid: str) -> EngineConnection:
        connection = self.sockets.get(sid)
        if connection is None or not connection.is_open:
            raise RejectedRequest("The session is unknown.")
        if self.ping_timer.now() >= connection.deadline and not connection.is_reading_paused:
            connection.abort(self.reason.PING_TIMEOUT)
            raise RejectedRequest("The session is unknown.")
        return connection

    def _upgrade(self, request: web.Request, connection: EngineConnection) -> web.StreamResponse:
        mailbox = connection.mailbox
        if not self.may_upgrade:
            raise RejectedRequest("This session cannot be upgraded.")
        if connection.budget is not None and connection.budget.is_full:
            raise RejectedRequest("Too many connections are open.", 503)
        head = answer_handshake(request, self.handshake_lines(request))
        if mailbox is not None:
            return take_over(request, UpgradeProbe(connection, mailbox, self.side_sockets), head)
        # As in the reference server: a refused handshake is an uncaught error for some clients, a close is not.
        stray = SideSocket(connection, self.address_of(request), self.side_sockets)
        response = take_over(request, stray, head)
        stray.shut(CloseCode.NORMAL, "upgraded already")
        return response
