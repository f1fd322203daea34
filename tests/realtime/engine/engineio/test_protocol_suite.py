"""The official Engine.IO v4 suite, case by case, against an EngineServer that echoes.

Each test is one case of docs/engine.io-protocol/v4-test-suite in the reference repository.
"""

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from realtime.engine import EngineServer
from tests.realtime.engine.conftest import PING_INTERVAL_SECONDS, PING_TIMEOUT_SECONDS, Endpoint, Serve, text_of

OPEN_KEYS = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}


@pytest.fixture
async def endpoint(serve: Serve) -> Endpoint:
    """Run an Engine.IO server that echoes."""
    server = EngineServer(ping_interval=PING_INTERVAL_SECONDS, ping_timeout=PING_TIMEOUT_SECONDS)

    @server.on("message")
    async def echo(sid: str, data: str | bytes) -> None:
        await server.send(sid, data)

    return await serve(server, "engine.io")


async def test_handshake_polling(endpoint: Endpoint) -> None:
    """A polling session opens with exactly the five keys, and offers WebSocket."""
    status, text = await endpoint.request("GET", EIO="4", transport="polling")
    assert status == 200
    assert text[0] == "0"
    opening = json.loads(text[1:])
    assert opening.keys() == OPEN_KEYS
    assert isinstance(opening.pop("sid"), str)
    assert opening == {"upgrades": ["websocket"], "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1000000}


@pytest.mark.parametrize("query", [{}, {"EIO": "abc"}])
async def test_handshake_polling_invalid_version(endpoint: Endpoint, query: dict[str, str]) -> None:
    """A missing or unknown EIO is refused over HTTP."""
    assert (await endpoint.request("GET", transport="polling", **query))[0] == 400


@pytest.mark.parametrize("query", [{}, {"transport": "abc"}])
async def test_handshake_polling_invalid_transport(endpoint: Endpoint, query: dict[str, str]) -> None:
    """A missing or unknown transport is refused over HTTP."""
    assert (await endpoint.request("GET", EIO="4", **query))[0] == 400


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_handshake_polling_invalid_method(endpoint: Endpoint, method: str) -> None:
    """Only GET opens a session."""
    assert (await endpoint.request(method, EIO="4", transport="polling"))[0] == 400


async def test_handshake_websocket(endpoint: Endpoint) -> None:
    """A WebSocket session opens with the same keys and offers no upgrade."""
    _, opening = await endpoint.open_websocket()
    assert opening.keys() == OPEN_KEYS
    assert isinstance(opening.pop("sid"), str)
    assert opening == {"upgrades": [], "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1000000}


@pytest.mark.parametrize("query", [{}, {"EIO": "abc"}])
async def test_handshake_websocket_invalid_version(endpoint: Endpoint, query: dict[str, str]) -> None:
    """A missing or unknown EIO is refused over WebSocket."""
    with pytest.raises(InvalidStatus, match="400"):
        await endpoint.dial(transport="websocket", **query)


@pytest.mark.parametrize("query", [{}, {"transport": "abc"}])
async def test_handshake_websocket_invalid_transport(endpoint: Endpoint, query: dict[str, str]) -> None:
    """A missing or unknown transport is refused over WebSocket."""
    with pytest.raises(InvalidStatus, match="400"):
        await endpoint.dial(EIO="4", **query)


@pytest.mark.parametrize("payload", ["4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA=="])
async def test_message_polling(endpoint: Endpoint, payload: str) -> None:
    """Three cases: one text packet, several, and text with binary come back as they went."""
    sid = await endpoint.open_polling()
    assert await endpoint.post(sid, payload) == (200, "ok")
    assert await endpoint.poll(sid) == (200, payload)


async def test_message_polling_invalid_format(endpoint: Endpoint) -> None:
    """A malformed payload ends the session."""
    sid = await endpoint.open_polling()
    assert (await endpoint.post(sid, "abc"))[0] == 400
    assert (await endpoint.poll(sid))[0] == 400


async def test_message_polling_duplicate_poll(endpoint: Endpoint) -> None:
    """A second poll beside the first ends the session, and the first poll is answered."""
    sid = await endpoint.open_polling()
    first = asyncio.ensure_future(endpoint.poll(sid))
    await asyncio.sleep(0.005)  # the suite's own pause
    second = await endpoint.poll(sid, t="burst")
    assert await first == (200, "1")
    assert second[0] == 400
    assert (await endpoint.poll(sid))[0] == 400


async def test_message_polling_cancelled_poll(endpoint: Endpoint) -> None:
    """A client that hangs up on its poll ends the session."""
    sid = await endpoint.open_polling()
    poll = asyncio.ensure_future(endpoint.poll(sid))
    await asyncio.sleep(0.005)  # the suite's own pause
    poll.cancel()
    await asyncio.sleep(0)
    assert (await endpoint.poll(sid))[0] == 400


async def test_message_websocket_text(endpoint: Endpoint) -> None:
    """A text packet comes back."""
    socket, _ = await endpoint.open_websocket()
    await socket.send("4hello")
    assert await socket.recv() == "4hello"


async def test_message_websocket_binary(endpoint: Endpoint) -> None:
    """A binary packet comes back."""
    socket, _ = await endpoint.open_websocket()
    await socket.send(bytes([1, 2, 3, 4]))
    assert await socket.recv() == bytes([1, 2, 3, 4])


async def test_message_websocket_invalid_format(endpoint: Endpoint) -> None:
    """A malformed packet closes the WebSocket."""
    socket, _ = await endpoint.open_websocket()
    await socket.send("abc")
    with pytest.raises(ConnectionClosed):
        await socket.recv()


async def test_heartbeat_polling(endpoint: Endpoint) -> None:
    """The server pings a polling client, and again after each pong."""
    sid = await endpoint.open_polling()
    for _ in range(3):
        assert await endpoint.poll(sid) == (200, "2")
        assert (await endpoint.post(sid, "3"))[0] == 200


async def test_heartbeat_polling_timeout(endpoint: Endpoint) -> None:
    """A polling client that never answers is gone after interval and time-out, to the millisecond."""
    sid = await endpoint.open_polling()
    await asyncio.sleep(PING_INTERVAL_SECONDS + PING_TIMEOUT_SECONDS)
    assert (await endpoint.poll(sid))[0] == 400


async def test_heartbeat_websocket(endpoint: Endpoint) -> None:
    """The server pings over WebSocket, and again after each pong."""
    socket, _ = await endpoint.open_websocket()
    for _ in range(3):
        assert await text_of(socket, skip_pings=False) == "2"
        await socket.send("3")


async def test_heartbeat_websocket_timeout(endpoint: Endpoint) -> None:
    """A WebSocket client that never answers is closed."""
    socket, _ = await endpoint.open_websocket()
    await asyncio.wait_for(socket.wait_closed(), 20)


async def test_close_polling(endpoint: Endpoint) -> None:
    """A client's close answers its waiting poll and ends the session."""
    sid = await endpoint.open_polling()
    (status, text), _ = await asyncio.gather(endpoint.poll(sid), endpoint.post(sid, "1"))
    assert (status, text) == (200, "6")
    assert (await endpoint.poll(sid))[0] == 400


async def test_close_polling_overtaken(endpoint: Endpoint) -> None:
    """A poll sent beside a client's close is answered in the same way when it comes behind it, once."""
    sid = await endpoint.open_polling()
    assert await endpoint.post(sid, "1") == (200, "ok")
    assert await endpoint.poll(sid) == (200, "6")
    assert (await endpoint.poll(sid))[0] == 400


async def test_close_websocket(endpoint: Endpoint) -> None:
    """A client's close packet closes the WebSocket."""
    socket, _ = await endpoint.open_websocket()
    await socket.send("1")
    with pytest.raises(ConnectionClosed):
        await socket.recv()


async def test_upgrade(endpoint: Endpoint) -> None:
    """A probe is answered, the poll is ended with a NOOP, and the WebSocket takes over."""
    sid = await endpoint.open_polling()
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("2probe")
    assert await socket.recv() == "3probe"
    assert await endpoint.poll(sid) == (200, "6")
    await socket.send("5")
    await socket.send("4hello")
    assert await socket.recv() == "4hello"


async def test_upgrade_without_a_probe(endpoint: Endpoint) -> None:
    """SocketIOClient for .NET sends `5` at once: it is moved, and a waiting poll ends with a NOOP."""
    sid = await endpoint.open_polling()
    assert (await endpoint.post(sid, "4early"))[0] == 200
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("5")
    await socket.send("4hello")
    assert [await socket.recv(), await socket.recv()] == ["4early", "4hello"]
    assert (await endpoint.poll(sid))[0] == 400


async def test_upgrade_then_poll(endpoint: Endpoint) -> None:
    """After an upgrade polls are refused and the WebSocket goes on."""
    sid = await endpoint.open_polling()
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("2probe")
    assert await socket.recv() == "3probe"
    await socket.send("5")
    assert (await endpoint.poll(sid))[0] == 400
    await socket.send("4hello")
    assert await socket.recv() == "4hello"


async def test_upgrade_then_second_websocket(endpoint: Endpoint) -> None:
    """After an upgrade another WebSocket for the same session is let in and closed, and the first goes on."""
    sid = await endpoint.open_polling()
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("2probe")
    assert await socket.recv() == "3probe"
    await socket.send("5")
    second = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    with pytest.raises(ConnectionClosed):
        await second.recv()
    await socket.send("4hello")
    assert await socket.recv() == "4hello"
