"""A client joins a namespace: the CONNECT reply, refusals, and packets around the connect handler."""

import asyncio

import pytest
import socketio
from socketio.exceptions import ConnectionRefusedError as Refusal
from websockets.exceptions import ConnectionClosed

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint, text_of
from tests.support import eventually


@pytest.mark.parametrize("is_rude", [False, True])
async def test_early_emits_follow_the_connect_reply(server: SocketServer, endpoint: Endpoint, is_rude: bool) -> None:
    """Events of the connect handler go out after the CONNECT reply; the Swift client needs this order."""

    @server.on("connect")
    async def connect(sid: str, _environ: object, auth: object) -> None:
        await server.emit("first", auth, to=sid)
        await asyncio.sleep(0)
        await server.emit("second", b"x" if is_rude else 2, to=sid, callback=print if is_rude else None)

    socket, _ = await endpoint.open_websocket()
    await socket.send('40{"token":"t"}')
    assert (await text_of(socket)).startswith("40{")
    assert await text_of(socket) == '42["first",{"token":"t"}]'
    assert (await text_of(socket)).startswith("451-1[" if is_rude else '42["second",2]')


async def test_events_behind_connect_wait_for_it(server: SocketServer, endpoint: Endpoint) -> None:
    """Events sent together with CONNECT are handled after its answer."""
    order: list[str] = []

    @server.on("connect")
    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        await asyncio.sleep(0)
        order.append("connected")

    @server.on("event")
    async def event(_sid: str) -> None:
        order.append("event")

    socket, _ = await endpoint.open_websocket()
    await socket.send("40")
    await socket.send('421["event"]')
    assert (await text_of(socket)).startswith("40")
    assert await text_of(socket) == "431[]"
    assert order == ["connected", "event"]


async def test_refusal_is_an_object(server: SocketServer, endpoint: Endpoint) -> None:
    """A refused client gets CONNECT_ERROR with an object, because clients read its `message`."""

    @server.on("connect")
    async def connect(_sid: str, _environ: object, auth: object) -> bool:
        return auth is not None

    socket, _ = await endpoint.open_websocket()
    await socket.send("40")
    assert await text_of(socket) == '44{"message":"Connection rejected by server"}'


async def test_a_crashing_connect_handler_does_not_refuse(server: SocketServer, endpoint: Endpoint) -> None:
    """A connect handler that crashes closes the transport: CONNECT_ERROR would stop clients for good."""

    @server.on("connect")
    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        raise RuntimeError("no database")

    socket, _ = await endpoint.open_websocket()
    await socket.send("40")
    with pytest.raises(ConnectionClosed):
        await socket.recv()


async def test_upgrading_while_joining(server: SocketServer, endpoint: Endpoint) -> None:
    """A client that upgrades during its connect handler is read on only after that handler."""
    latch = asyncio.Event()
    order: list[str] = []

    @server.on("connect")
    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        await latch.wait()
        order.append("connected")

    @server.on("event")
    async def event(_sid: str) -> None:
        order.append("event")

    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("2probe")
    assert await socket.recv() == "3probe"
    await socket.send("5")
    await socket.send('421["event"]')
    await eventually(lambda: server.eio.sockets[sid].upgraded)
    assert order == []
    latch.set()
    assert (await text_of(socket)).startswith("40")
    assert await text_of(socket) == "431[]"
    assert order == ["connected", "event"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_namespace_may_connect_at_once(server: SocketServer, endpoint: Endpoint, *, at_once: bool) -> None:
    """A handler that never suspends runs without a task: it accepts and refuses as with one."""

    class Hall(socketio.AsyncNamespace):
        connects_at_once = at_once

        def on_connect(self, _sid: str, _environ: object, auth: object) -> None:
            if auth == {"token": "bad"}:
                raise Refusal("no", 1)

        def on_ask(self, _sid: str) -> int:
            return 7

    server.register_namespace(Hall("/hall"))
    socket, _ = await endpoint.open_websocket()
    await socket.send('40/hall,{"token":"bad"}')
    assert await text_of(socket) == '44/hall,{"message":"no","data":1}'
    await socket.send("40/hall,")
    await socket.send('42/hall,1["ask"]')
    assert (await text_of(socket)).startswith('40/hall,{"sid":"')
    assert await text_of(socket) == "43/hall,1[7]"


async def test_a_namespace_that_suspends_can_not_connect_at_once(
    server: SocketServer, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """The mistake is logged, and the client is not left half joined."""

    class Hall(socketio.AsyncNamespace):
        connects_at_once = True

        async def on_connect(self, _sid: str, _environ: object, _auth: object) -> None:
            await asyncio.sleep(0)

    server.register_namespace(Hall("/hall"))
    socket, _ = await endpoint.open_websocket()
    await socket.send("40/hall,")
    with pytest.raises(ConnectionClosed):
        await text_of(socket)
    assert "not done at once" in caplog.text
