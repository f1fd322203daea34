"""Opens the WebSocket of a Socket.IO client without aiohttp's routes, middlewares and loop of requests.

They were a fifth of a connect's CPU, and a handshake is the only request of its connection. Its head is still read by
aiohttp's parser, and the guard charges its address. Every other request takes the usual way.
"""

from __future__ import annotations

from aiohttp import StreamReader, hdrs, web
from aiohttp.http import RawRequestMessage

from realtime.engine import HandedOverResponse, SocketServer
from realtime.http.middleware import RequestGuard

_PATH = "/socket.io/?"


def is_first_handshake(message: object, body: StreamReader) -> bool:
    """Return whether the head opens a new session over WebSocket. A `sid` may belong to another process."""
    return (
        isinstance(message, RawRequestMessage)
        and message.upgrade
        and body.is_eof()
        and message.method == hdrs.METH_GET
        and message.path.startswith(_PATH)
        and "sid=" not in message.path
        and hdrs.EXPECT not in message.headers
    )


class Handshakes:
    """Answers the handshakes of new sessions."""

    def __init__(self, app: web.Application, guard: RequestGuard, sockets: SocketServer) -> None:
        self._app = app
        self._guard = guard
        self._sockets = sockets

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the answer. A refused client's connection ends with it."""
        assert isinstance(request, web.Request)
        await self._guard.settle_session(request)
        response = self._guard.charge(request) or await self._sockets.eio.handle_request(request)
        if not isinstance(response, HandedOverResponse):
            response.force_close()
            await self._app.on_response_prepare.send(request, response)
        return response
