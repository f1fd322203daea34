"""Handshakes of Socket.IO take a way of their own past aiohttp's routes, with the same rules as on the usual way."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import Server

_HEAD = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
_PATH = "/socket.io/?EIO=4&transport=websocket"


async def answer(served: Server, *, path: str = _PATH, more: str = "", at_once: bool = True) -> bytes:
    """Send a handshake in one piece or byte by byte; return the answer until the OPEN packet, or until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    head = _HEAD.format(path=path, more=more).encode()
    for piece in [head] if at_once else [head[:40], head[40:]]:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    got = b""
    async with asyncio.timeout(20):
        while b'"maxPayload"' not in got and (more_bytes := await reader.read(4_096)):
            got += more_bytes
    writer.close()
    await writer.wait_closed()
    return got


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_session_opens_on_both_ways(served: Server, *, at_once: bool) -> None:
    """A head in one piece takes the short way, one in pieces the usual way; both get the same answer."""
    got = await answer(served, at_once=at_once)
    assert got.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b'0{"sid":"' in got


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        (_PATH, "Origin: https://stranger.example\r\n", b"400"),
        (_PATH.replace("EIO=4", "EIO=3"), "", b"400"),
        (_PATH.replace("websocket", "polling"), "", b"400"),
    ],
)
async def test_a_refusal_is_answered_and_ends_the_connection(
    served: Server, path: str, more: str, status: bytes
) -> None:
    """A refused handshake has a whole answer, with the headers of every answer, and then the end."""
    got = await answer(served, path=path, more=more)
    assert got.startswith(b"HTTP/1.1 " + status), got
    assert b"connection: close" in got.lower()
    assert b"x-content-type-options: nosniff" in got.lower()


async def test_a_session_of_another_process_takes_the_usual_way(served: Server) -> None:
    """An upgrade of an unknown session is refused as ever."""
    got = await answer(served, path=_PATH + "&sid=AAAAAAAAAAAAAAAAAAAA", more="Connection: close\r\n")
    assert got.startswith(b"HTTP/1.1 400"), got
