"""The bad network of the tests is as bad as it says, and good otherwise."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from tests.support import Proxy, eventually


async def _echo(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return web.Response(text="plain")
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


@pytest.fixture
async def standing() -> AsyncIterator[Proxy]:
    """Put a proxy before a server that echoes WebSocket messages."""
    application = web.Application()
    application.router.add_get("/", _echo)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    with Proxy(port) as proxy:
        yield proxy
    await runner.cleanup()


async def test_a_good_network_lets_all_through(standing: Proxy) -> None:
    """Untouched, the proxy passes HTTP and WebSocket both ways."""
    async with aiohttp.ClientSession() as client:
        async with client.get(standing.url) as answer:
            assert await answer.text() == "plain"
        async with client.ws_connect(standing.url) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=5) == "hello"


async def test_a_cut_ends_connections_and_lets_new_ones_in(standing: Proxy) -> None:
    """After `cut` the client's connection is gone, and its next one works."""
    async with aiohttp.ClientSession() as client:
        async with client.ws_connect(standing.url) as socket:
            standing.cut()
            message = await socket.receive(timeout=5)
            assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE}
        async with client.get(standing.url) as answer:
            assert answer.status == 200


async def test_a_refusing_network_lets_nobody_in_until_restored(standing: Proxy) -> None:
    """Between `refuse` and `restore` no request is answered."""
    async with aiohttp.ClientSession() as client:
        standing.refuse()
        with pytest.raises(aiohttp.ClientError):
            await client.get(standing.url)
        standing.restore()
        async with client.get(standing.url) as answer:
            assert answer.status == 200


async def test_a_black_hole_delays_and_loses_nothing(standing: Proxy) -> None:
    """Bytes sent into a black hole arrive after `restore`, not before."""
    async with aiohttp.ClientSession() as client, client.ws_connect(standing.url) as socket:
        standing.blackhole()
        await socket.send_str("late")
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive_str(timeout=0.2)
        assert standing.connections == 1
        standing.restore()
        assert await socket.receive_str(timeout=5) == "late"


async def test_blocked_websockets_leave_plain_http_alone(standing: Proxy) -> None:
    """With upgrades refused, HTTP requests still pass."""
    standing.block_websocket()
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.ws_connect(standing.url)
        async with client.get(standing.url) as answer:
            assert answer.status == 200
    await eventually(lambda: standing.connections == 0, what="the end of all connections")
