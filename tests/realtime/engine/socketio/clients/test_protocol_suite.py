"""The official Socket.IO v5 suite, case by case, against a SocketServer.

Each test is one case of docs/socket.io-protocol/v5-test-suite in the reference repository. Half of them are the
Engine.IO cases again, imported for the other server.
"""

import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import PING_INTERVAL_SECONDS, PING_TIMEOUT_SECONDS, Endpoint, Serve, closes, text_of
from tests.realtime.engine.engineio.test_protocol_suite import (
    test_close_polling,
    test_close_polling_overtaken,
    test_close_websocket,
    test_handshake_polling,
    test_handshake_polling_invalid_method,
    test_handshake_polling_invalid_transport,
    test_handshake_polling_invalid_version,
    test_handshake_websocket,
    test_handshake_websocket_invalid_transport,
    test_handshake_websocket_invalid_version,
    test_heartbeat_polling,
    test_heartbeat_polling_timeout,
    test_heartbeat_websocket,
    test_heartbeat_websocket_timeout,
)

__all__ = [
    "test_close_polling",
    "test_close_polling_overtaken",
    "test_close_websocket",
    "test_handshake_polling",
    "test_handshake_polling_invalid_method",
    "test_handshake_polling_invalid_transport",
    "test_handshake_polling_invalid_version",
    "test_handshake_websocket",
    "test_handshake_websocket_invalid_transport",
    "test_handshake_websocket_invalid_version",
    "test_heartbeat_polling",
    "test_heartbeat_polling_timeout",
    "test_heartbeat_websocket",
    "test_heartbeat_websocket_timeout",
]


@pytest.fixture
async def endpoint(serve: Serve) -> Endpoint:
    """Run the suite's own server: it echoes messages, sends the authentication back, and acks."""
    server = SocketServer(
        ping_interval=PING_INTERVAL_SECONDS,
        ping_timeout=PING_TIMEOUT_SECONDS,
        join_timeout=1.0,
    )

    async def connect(sid: str, _environ: object, auth: object, namespace: str) -> None:
        await server.emit("auth", auth or {}, to=sid, namespace=namespace)

    for namespace in ("/", "/custom"):

        @server.on("connect", namespace=namespace)
        async def on_connect(sid: str, environ: object, auth: object, namespace: str = namespace) -> None:
            await connect(sid, environ, auth, namespace)

    @server.on("message")
    async def message(sid: str, *arguments: Any) -> None:
        await server.emit("message-back", arguments, to=sid)

    @server.on("message-with-ack")
    async def message_with_ack(_sid: str, *arguments: Any) -> tuple[Any, ...]:
        return arguments

    return await serve(server)


@pytest.fixture
async def socket(endpoint: Endpoint) -> ClientConnection:
    """Open a WebSocket and join the main namespace."""
    socket = await endpoint.join()
    assert await text_of(socket) == '42["auth",{}]'
    return socket


async def test_upgrade(endpoint: Endpoint) -> None:
    """A polling session is probed and upgraded."""
    sid = await endpoint.open_polling()
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("2probe")
    assert await socket.recv() == "3probe"
    await socket.send("5")
    await socket.send("40")
    assert (await text_of(socket)).startswith("40")


async def test_upgrade_then_poll(endpoint: Endpoint) -> None:
    """After an upgrade without a wait for the probe's answer, polls are refused."""
    sid = await endpoint.open_polling()
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("2probe")
    await socket.send("5")
    assert (await endpoint.poll(sid))[0] == 400


async def test_upgrade_then_second_websocket(endpoint: Endpoint) -> None:
    """After such an upgrade a second WebSocket is let in and closed."""
    sid = await endpoint.open_polling()
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("2probe")
    await socket.send("5")
    second = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    with pytest.raises(ConnectionClosed):
        await second.recv()


@pytest.mark.parametrize(
    ("namespace", "payload"),
    [("", ""), ("", '{"token":"123"}'), ("/custom,", ""), ("/custom,", '{"token":"abc"}')],
)
async def test_connect(endpoint: Endpoint, namespace: str, payload: str) -> None:
    """Four cases: the main and a custom namespace, without and with a payload."""
    socket, _ = await endpoint.open_websocket()
    await socket.send(f"40{namespace}{payload}")
    answer = await text_of(socket)
    assert answer.startswith(f"40{namespace}")
    assert list(json.loads(answer[2 + len(namespace) :])) == ["sid"]
    assert await text_of(socket) == f'42{namespace}["auth",{payload or "{}"}]'


async def test_connect_unknown_namespace(endpoint: Endpoint) -> None:
    """An unknown namespace is refused with an object."""
    socket, _ = await endpoint.open_websocket()
    await socket.send("40/random")
    assert await text_of(socket) == '44/random,{"message":"Invalid namespace"}'


async def test_connect_invalid_handshake(endpoint: Endpoint) -> None:
    """A packet of no known type closes the connection."""
    socket, _ = await endpoint.open_websocket()
    await socket.send("4abc")
    await closes(socket)


async def test_connect_never(endpoint: Endpoint) -> None:
    """A client without a namespace is closed, though it answers its pings."""
    socket, _ = await endpoint.open_websocket()
    await closes(socket)


async def test_disconnect_main(socket: ClientConnection) -> None:
    """Leaving the main namespace leaves the connection open."""
    await socket.send("41")
    assert await text_of(socket, skip_pings=False) == "2"


async def test_disconnect_custom(socket: ClientConnection) -> None:
    """Leaving a custom namespace leaves the main one as it was."""
    await socket.send("40/custom")
    assert (await text_of(socket)).startswith("40/custom")
    assert await text_of(socket) == '42/custom,["auth",{}]'
    await socket.send("41/custom")
    await socket.send('42["message","message to main namespace"]')
    assert await text_of(socket) == '42["message-back","message to main namespace"]'


async def test_message(socket: ClientConnection) -> None:
    """An event with several arguments comes back with them."""
    await socket.send('42["message",1,"2",{"3":[true]}]')
    assert await text_of(socket) == '42["message-back",1,"2",{"3":[true]}]'


async def test_message_binary(socket: ClientConnection) -> None:
    """An event with attachments comes back with them, in order."""
    placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
    await socket.send(f'452-["message",{placeholders}]')
    await socket.send(bytes([1, 2, 3]))
    await socket.send(bytes([4, 5, 6]))
    assert await text_of(socket) == f'452-["message-back",{placeholders}]'
    assert await socket.recv() == bytes([1, 2, 3])
    assert await socket.recv() == bytes([4, 5, 6])


async def test_message_with_ack(socket: ClientConnection) -> None:
    """An event with an id is acknowledged under it."""
    await socket.send('42456["message-with-ack",1,"2",{"3":[false]}]')
    assert await text_of(socket) == '43456[1,"2",{"3":[false]}]'


async def test_message_binary_with_ack(socket: ClientConnection) -> None:
    """An acknowledgement may carry attachments too."""
    placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
    await socket.send(f'452-789["message-with-ack",{placeholders}]')
    await socket.send(bytes([1, 2, 3]))
    await socket.send(bytes([4, 5, 6]))
    assert await text_of(socket) == f"462-789[{placeholders}]"
    assert await socket.recv() == bytes([1, 2, 3])
    assert await socket.recv() == bytes([4, 5, 6])


@pytest.mark.parametrize("packet", ["4abc", "42{}", '42abc["message-with-ack",1,"2",{"3":[false]}]'])
async def test_message_invalid(socket: ClientConnection, packet: str) -> None:
    """Three cases close: an unknown type, a payload other than an array, and an id other than a number."""
    await socket.send(packet)
    await closes(socket)
