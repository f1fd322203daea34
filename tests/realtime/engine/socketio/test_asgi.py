"""ASGI and the Admin UI around a server of the engine."""

import engineio
import pytest
import socketio

from realtime.engine import EngineServer, SocketServer


def test_asgi_and_the_admin_ui_refuse_the_server() -> None:
    """ASGI and the Admin UI refuse it when the application is put together; other servers they take as before."""
    for server, app in ((SocketServer(), socketio.ASGIApp), (EngineServer(), engineio.ASGIApp)):
        with pytest.raises(TypeError, match="aiohttp only"):
            app(server)
    assert socketio.ASGIApp(socketio.AsyncServer(async_mode="asgi")).engineio_path == "/socket.io/"
    with pytest.raises(NotImplementedError, match="Admin UI"):
        SocketServer().instrument(auth=False)
