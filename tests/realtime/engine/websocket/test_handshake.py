"""The WebSocket handshake: requests that are one, and the chosen subprotocol."""

import asyncio

import pytest
import websockets
from websockets.typing import Subprotocol

from tests.realtime.engine.conftest import Endpoint


@pytest.mark.parametrize(
    ("version", "connection", "status"),
    [
        ("1.1", "Upgrade", 101),
        ("1.1", "keep-alive, UPGRADE", 101),
        ("1.1", "keep-alive\r\nConnection: upgrade", 101),
        ("1.1", "xupgradex", 400),
        ("1.1", "upgrade-insecure", 400),
        ("1.0", "Upgrade", 400),
    ],
)
async def test_a_handshake_needs_http_11_and_upgrade(
    endpoint: Endpoint, version: str, connection: str, status: int
) -> None:
    """A handshake is HTTP/1.1, and `upgrade` is one of the words of its Connection header (RFC 6455, 4.2.1)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    head = f"GET /socket.io/?EIO=4&transport=websocket HTTP/{version}\r\nHost: x\r\nConnection: {connection}\r\n"
    rest = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    writer.write((head + rest).encode())
    assert f" {status} " in (await reader.readline()).decode()
    writer.close()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [(["v1", "v2"], "v1"), (["graphql-ws"], "graphql-ws"), (None, None)],
    ids=["two", "one", "none"],
)
async def test_a_subprotocol(endpoint: Endpoint, asked: list[Subprotocol] | None, answered: str | None) -> None:
    """The first requested subprotocol is answered; a browser would close the connection otherwise."""
    url = f"ws://127.0.0.1:{endpoint.port}/socket.io/?EIO=4&transport=websocket"
    async with websockets.connect(url, subprotocols=asked, proxy=None) as socket:
        assert socket.subprotocol == answered
