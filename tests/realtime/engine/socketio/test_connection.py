"""The life of a connection's requests: they start in order, and each is acknowledged in one step."""

import asyncio

from realtime.engine import Encoded, SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, text_of


async def test_requests_start_in_order(server: SocketServer, endpoint: Endpoint) -> None:
    """Requests of one socket start in the order they were sent, however long each takes."""
    started: list[int] = []
    latches = [asyncio.Event() for _ in range(10)]

    @server.on("slow")
    async def slow(_sid: str, number: int) -> int:
        started.append(number)
        await latches[number].wait()
        return number

    socket = await endpoint.join()
    for number in range(10):
        await socket.send(f'42{number}["slow",{number}]')
    await socket.send('4299["count",7]')
    assert await text_of(socket) == "4399[7]"
    assert started == list(range(10))
    for number in reversed(range(10)):
        latches[number].set()
        assert await text_of(socket) == f"43{number}[{number}]"


class Failing(SocketServer):
    """A server that acknowledges failures."""

    def encode_failure(self, error: Exception) -> bytes:
        return b'"%b"' % type(error).__name__.encode()


async def test_failure_without_acknowledgement(server: SocketServer, endpoint: Endpoint) -> None:
    """A handler that raises is not acknowledged, as in AsyncServer, and its connection stays."""

    @server.on("crash")
    async def crash(_sid: str) -> None:
        raise RuntimeError("secret")

    socket = await endpoint.join()
    await socket.send('421["crash"]')
    await socket.send('422["count",5]')
    assert await text_of(socket) == "432[5]"


async def test_failure_is_acknowledged(serve: Serve) -> None:
    """A subclass acknowledges a handler that raises, that gets wrong arguments, or that returns no JSON."""
    server = Failing()

    @server.on("crash")
    async def crash(_sid: str) -> None:
        raise RuntimeError("secret")

    @server.on("odd")
    async def odd(_sid: str) -> object:
        return object()

    socket = await (await serve(server)).join()
    for event, error in (("crash", "RuntimeError"), ("odd", "TypeError")):
        await socket.send(f'421["{event}"]')
        assert await text_of(socket) == f'431["{error}"]'
    await socket.send('421["crash",1]')
    assert await text_of(socket) == '431["TypeError"]'


async def test_acknowledged_in_the_step_of_the_return(server: SocketServer, endpoint: Endpoint) -> None:
    """Nothing comes between a handler's return and its answer, not even a queued write."""

    @server.on("subscribe")
    async def subscribe(sid: str) -> Encoded:
        connection = server.connection(sid, "/")
        packet = server.encode_event("/", "change", b'{"seq":2}')
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(connection.write, packet)
        return Encoded(b'{"seq":1}')

    socket = await endpoint.join()
    await socket.send('421["subscribe"]')
    assert [await text_of(socket), await text_of(socket)] == ['431[{"seq":1}]', '42["change",{"seq":2}]']
