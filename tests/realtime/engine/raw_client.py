"""A client of one bare socket: it can be slow, silent or rude."""

import asyncio
import socket as sockets

from tests.realtime.engine.conftest import Endpoint
from tests.support.clients.raw import frame

KERNEL_BYTES = 4096  # the kernel's receive buffer, so that the server's buffer fills instead


class RawClient:
    """A WebSocket client of one socket without a task; it reads only on request."""

    def __init__(self, socket: sockets.socket) -> None:
        self.socket = socket

    @classmethod
    async def join(cls, endpoint: Endpoint) -> "RawClient":
        """Open a session and ask to join; both are sent before any answer has come."""
        client = await cls.open(endpoint)
        await client.send("40")
        return client

    @classmethod
    async def open(cls, endpoint: Endpoint) -> "RawClient":
        """Ask for a session, and do not wait for it."""
        loop = asyncio.get_running_loop()
        socket = sockets.socket()
        socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, KERNEL_BYTES)
        socket.setblocking(False)
        await loop.sock_connect(socket, ("127.0.0.1", endpoint.port))
        request = (
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await loop.sock_sendall(socket, request.encode())
        return cls(socket)

    async def read(self) -> bytes:
        """Return the next bytes; none after the server's end."""
        return await asyncio.get_running_loop().sock_recv(self.socket, 65_536)

    async def send(self, text: str) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, frame(text))
