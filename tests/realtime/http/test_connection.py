"""Bounded connections: the private parts of aiohttp that they need, and peers that do not speak HTTP."""

import asyncio
import inspect
import socket

import pytest
from aiohttp import StreamReader, web
from aiohttp.web_protocol import RequestHandler

from realtime.http.connection import BoundedHandler, BoundedRunner, BoundedServer, BoundedSite, Bounds
from tests.support import Server

SLOTS = (
    "_force_close",
    "_keepalive_timeout",
    "_lingering_time",
    "_loop",
    "_manager",
    "_messages",
    "_request_count",
    "_task_handler",
    "_upgraded",
    "_waiter",
    "transport",
)

HANDLER = ("close", "connection_made", "connection_lost", "data_received", "finish_response", "handle_error")


def test_overridden_methods_exist() -> None:
    """Overridden methods exist, and take our arguments."""
    for ours, theirs, names in (
        (BoundedHandler, RequestHandler, HANDLER),
        (BoundedServer, web.Server, ("__call__", "shutdown")),
        (BoundedRunner, web.AppRunner, ("_make_server",)),
        (BoundedSite, web.TCPSite, ("start",)),
    ):
        for name in names:
            assert name in ours.__dict__, f"{name} is not ours"
            mine, base = (inspect.signature(getattr(kind, name)).parameters for kind in (ours, theirs))
            assert list(mine) == list(base), f"{theirs.__name__}.{name}{tuple(base)} is not {tuple(mine)}"


def test_attributes_in_use_exist() -> None:
    """A handler's state, a server's parts and a body's fields have their names."""
    slots = {name for kind in RequestHandler.__mro__ for name in getattr(kind, "__slots__", ())}
    assert set(SLOTS) <= slots
    assert {"request_factory", "handler_cancellation", "loop"} <= set(inspect.signature(web.Server).parameters)
    assert list(inspect.signature(RequestHandler._handle_request).parameters) == [
        "self",
        "request",
        "start_time",
        "request_handler",
    ]
    assert "task" in inspect.signature(web.Application._make_request).parameters
    assert {"is_eof", "feed_eof", "set_exception", "total_bytes"} <= set(dir(StreamReader))


async def test_the_parts_of_a_server_exist() -> None:
    """A server keeps its options, its loop and its handlers under these names."""
    server = web.Server(_unused, keepalive_timeout=7.0)
    assert server._kwargs == {"keepalive_timeout": 7.0}
    assert server._loop.is_running()
    assert (server.connections, server.request_handler) == ([], _unused)
    assert callable(server.request_factory)
    handler = server()
    assert (handler._waiter, handler._request_count, handler._force_close) == (None, 0, False)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the time-out is Linux's")
@pytest.mark.parametrize("kind", [BoundedSite, web.TCPSite])
async def test_the_kernel_gives_up_peers_that_read_nothing(kind: type[web.TCPSite]) -> None:
    """An accepted connection has the time-out: from its listening socket, or else by a call."""
    bounded: list[int] = []

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        own = request.transport.get_extra_info("socket")
        bounded.append(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
        return web.Response()

    app = web.Application()
    app.router.add_get("/", note)
    runner = BoundedRunner(app, Bounds(10.0, 7.0, 0), None)
    await runner.setup()
    try:
        await kind(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.0 200")
        writer.close()
    finally:
        await runner.cleanup()
    assert bounded == [7_000]


async def _unused(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response()


async def test_what_is_no_http(served: Server) -> None:
    """A peer that does not speak HTTP is closed, without a traceback and without the versions of libraries."""
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"\0" * 9_000,
                     b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n",
                     b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):  # fmt: skip
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(nonsense)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 10)
        assert not answer or (b" 4" in answer and b"Server: Slotcast\r\n" in answer and b"nosniff" in answer), answer
        writer.close()
        await writer.wait_closed()
    assert "Traceback" not in served.log
