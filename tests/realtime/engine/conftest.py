"""Runs servers of the engine on real ports, and talks to them with raw clients."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from yarl import URL

from realtime.engine import EngineServer, SocketServer

PING_INTERVAL_SECONDS = 0.3
PING_TIMEOUT_SECONDS = 0.2

# The modules of these tests see no transport of a loop.
ON_ONE_LOOP = {
    "test_admission", "test_asgi", "test_attachment", "test_budget", "test_call", "test_counters", "test_decoder",
    "test_encoder", "test_namespaces", "test_origins", "test_packet", "test_room_manager",
}  # fmt: skip

Serve = Callable[..., Awaitable["Endpoint"]]


class Endpoint:
    """The address of a running server, and the raw requests of a client."""

    def __init__(self, port: int, path: str, http: aiohttp.ClientSession, stack: AsyncExitStack) -> None:
        self.port = port
        self.http_url = f"http://127.0.0.1:{port}"
        self._url = URL(f"{self.http_url}/{path}/")
        self._http = http
        self.stack = stack

    async def request(self, method: str, body: str | bytes | None = None, **query: str) -> tuple[int, str]:
        """Return status and text of one request with exactly this query."""
        return await self.request_with({}, method, body, **query)

    async def request_with(
        self, headers: dict[str, str], method: str, body: str | bytes | None = None, **query: str
    ) -> tuple[int, str]:
        async with self._http.request(method, self._url.with_query(query), data=body, headers=headers) as response:
            return response.status, await response.text()

    async def response(
        self, method: str, headers: dict[str, str] | None = None, **query: str
    ) -> aiohttp.ClientResponse:
        async with self._http.request(method, self._url.with_query(query), headers=headers) as response:
            await response.read()
            return response

    async def open_polling(self) -> str:
        """Open a polling session and return its sid."""
        status, text = await self.request("GET", EIO="4", transport="polling")
        assert status == 200
        return str(json.loads(text[1:])["sid"])

    async def poll(self, sid: str, **query: str) -> tuple[int, str]:
        return await self.request("GET", EIO="4", transport="polling", sid=sid, **query)

    async def post(self, sid: str, body: str | bytes) -> tuple[int, str]:
        return await self.request("POST", body, EIO="4", transport="polling", sid=sid)

    async def dial(self, **query: str) -> ClientConnection:
        """Open a WebSocket with exactly this query."""
        return await self.dial_with({}, **query)

    async def dial_with(self, headers: dict[str, str], **query: str) -> ClientConnection:
        url = self._url.with_scheme("ws").with_query(query)
        dialing = connect(
            str(url), compression=None, ping_interval=None, additional_headers=headers, proxy=None, close_timeout=2
        )
        return await self.stack.enter_async_context(dialing)

    async def open_websocket(self) -> tuple[ClientConnection, dict[str, Any]]:
        """Open a WebSocket session and return it with its handshake."""
        socket = await self.dial(EIO="4", transport="websocket")
        opening = await text_of(socket)
        assert opening[0] == "0"
        return socket, json.loads(opening[1:])

    async def join(self, namespace: str = "/") -> ClientConnection:
        """Open a WebSocket session and connect to a namespace."""
        socket, _ = await self.open_websocket()
        prefix = "" if namespace == "/" else f"{namespace},"
        await socket.send(f"40{prefix}")
        assert (await text_of(socket)).startswith(f"40{prefix}")
        return socket


async def text_of(socket: ClientConnection, *, skip_pings: bool = True) -> str:
    """Return the next text message; pings are answered and left out unless asked for."""
    while True:
        message = await socket.recv()
        assert isinstance(message, str)
        if message == "2" and skip_pings:
            await socket.send("3")
            continue
        return message


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests of connections on both loops, and those of packets and heads on one."""
    if item.path.stem in ON_ONE_LOOP:
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


async def closes(socket: ClientConnection) -> None:
    """Read until the server closes; an endless wait fails the test."""
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(_read_to_the_end(socket), 20)


async def _read_to_the_end(socket: ClientConnection) -> None:
    while True:
        await text_of(socket)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Return a function that runs a server on a free port until the test ends."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())

        async def start(
            server: SocketServer | EngineServer, path: str = "socket.io", send_buffer_bytes: int = 0
        ) -> Endpoint:
            app = web.Application()
            server.attach(app, path)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            listener = sockets.create_server(("127.0.0.1", 0), backlog=128)
            if send_buffer_bytes:
                listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, send_buffer_bytes)
            await web.SockSite(runner, listener).start()
            return Endpoint(runner.addresses[0][1], path, http, stack)

        yield start


@pytest.fixture
def server() -> SocketServer:
    """Make a server that keeps the numbers of its `count` events, for a test without a server of its own."""
    server = SocketServer()
    server.heard = []

    @server.on("count")
    async def count(_sid: str, number: int) -> int:
        server.heard.append(number)
        return number

    return server


@pytest.fixture
async def endpoint(server: SocketServer, serve: Serve) -> Endpoint:
    """Put it on a port."""
    return await serve(server)
