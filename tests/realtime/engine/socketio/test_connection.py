"""The life of a connection's requests: they start in order, and each is acknowledged in one step."""

import asyncio
import fcntl
import termios
from array import array
from itertools import takewhile
from typing import Any

from realtime.engine import Connection, Encoded, SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, text_of
from tests.support import eventually


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


class Shedding(SocketServer):
    """A server that refuses late counts together, and keeps how many at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[int] = []

    def refuse_late(self, connection: Connection, texts: list[bytes]) -> list[bytes]:  # noqa: ARG002
        found = list(takewhile(lambda text: b"count" in text, texts))
        self.refused.append(len(found))
        return [b"43%c[false]" % text[2] for text in found]


def _unread_bytes(connection: Connection) -> int:
    assert connection.transport is not None
    size = array("i", [0])
    fcntl.ioctl(connection.transport.get_extra_info("socket").fileno(), termios.FIONREAD, size)
    return size[0]


async def test_late_requests_are_refused_together(serve: Serve) -> None:
    """Those at the begin that may be refused are, each with its own acknowledgement; the others are handled."""
    server = Shedding()

    @server.on("*")
    async def handle(event: str, _sid: str, number: int) -> list[Any]:
        return [event, number]

    socket = await (await serve(server)).join()
    (connection,) = server.connections.values()
    connection.enter_line()
    requests = [f'42{number}["{event}",{number}]' for number, event in enumerate(("count", "count", "other", "count"))]
    for request in requests:
        await socket.send(request)
    await eventually(lambda: _unread_bytes(connection) == sum(6 + len(request) for request in requests))
    connection.leave_line()
    answers = [await text_of(socket) for _ in range(4)]
    assert server.refused == [2]
    assert sorted(answers) == ["430[false]", "431[false]", '432[["other",2]]', '433[["count",3]]']
    await socket.send('424["count",4]')  # in time
    assert await text_of(socket) == '434[["count",4]]'
