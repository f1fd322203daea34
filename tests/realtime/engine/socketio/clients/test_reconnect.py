"""Python's official clients against the engine: each reconnects by itself after any end of its connection.

The reconnects of the JavaScript client are in test_official_client.
"""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

import pytest
import socketio

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve
from tests.support import eventually

OPTIONS = {"reconnection_delay": 0.02, "reconnection_delay_max": 0.1, "randomization_factor": 0}


class AsyncClient:
    """python-socketio's asyncio client."""

    def __init__(self, url: str, transports: list[str]) -> None:
        self.connects = 0
        self._url = url
        self._transports = transports
        self._socket: Any = socketio.AsyncClient(**OPTIONS)
        self._socket.on("connect", self._count)

    def _count(self) -> None:
        self.connects += 1

    async def __aenter__(self) -> Self:
        await self._socket.connect(self._url, transports=self._transports)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.shutdown()
        if self._socket.eio.http is not None:
            await self._socket.eio.http.close()

    @property
    def sid(self) -> str:
        return str(self._socket.get_sid())

    @property
    def is_upgraded(self) -> bool:
        return bool(self._socket.transport() == "websocket")

    async def call(self, *event: Any) -> Any:
        return await self._socket.call(*event)


class ThreadClient(AsyncClient):
    """python-socketio's client without asyncio."""

    def __init__(self, url: str, transports: list[str]) -> None:
        super().__init__(url, transports)
        self._socket = socketio.Client(**OPTIONS)
        self._socket.on("connect", self._count)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._socket.connect, self._url, transports=self._transports)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._socket.shutdown)
        await asyncio.to_thread(self._socket.eio.wait)
        del self._socket
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()  # the client drops its sockets without closing them

    async def call(self, *event: Any) -> Any:
        return await asyncio.to_thread(self._socket.call, *event)


@pytest.fixture
def server() -> SocketServer:
    """Make a server that echoes."""
    server = SocketServer()

    @server.on("echo")
    async def echo(_sid: str, word: str) -> str:
        return word

    return server


@pytest.fixture
async def endpoint(server: SocketServer, serve: Serve) -> Endpoint:
    return await serve(server)


@pytest.fixture(params=[AsyncClient, ThreadClient])
async def client(
    request: pytest.FixtureRequest, endpoint: Endpoint, transports: list[str]
) -> AsyncIterator[AsyncClient]:
    """Connect one of the two."""
    async with request.param(endpoint.http_url, transports) as client:
        yield client


async def _drain(server: SocketServer, _sid: str) -> None:
    await server.drain()
    server.refuse = server.eio.is_draining = False


def _cut(reason: str) -> Callable[[SocketServer, str], Awaitable[None]]:
    async def cut(server: SocketServer, sid: str) -> None:
        server.connection(sid).abort(reason)

    return cut


ENDINGS = {"drain": _drain, "slow": _cut("slow"), "token expired": _cut("token expired")}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]], ids="-".join)
@pytest.mark.parametrize("ending", ENDINGS)
async def test_it_comes_back(server: SocketServer, client: AsyncClient, ending: str) -> None:
    """A waiting client gets no packet that it takes for a DISCONNECT, and reconnects."""
    assert await client.call("echo", "before") == "before"
    sid = client.sid
    (connection,) = server.connections.values()
    await eventually(lambda: connection.mailbox is None or connection.mailbox.is_polled)
    await ENDINGS[ending](server, sid)
    await eventually(lambda: client.connects == 2)
    assert client.sid != sid
    assert await client.call("echo", "after") == "after"
    assert server.counters.closed[ending] == 1
