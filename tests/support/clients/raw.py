"""A client of one bare socket, on an address of its own: it may flood, be silent, or not read."""

import asyncio
import struct
from typing import ClassVar, Self

SOCKETIO = "/socket.io/?EIO=4&transport=websocket"
POLLING = "/socket.io/?EIO=4&transport=polling"
# The end of a request's head, behind its method and path.
PLAIN = b"HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADE = (
    b"HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_TWO_BYTES = 126
_TEXT = 0x81


def frame(text: str | bytes, head: int = _TEXT) -> bytes:
    """Return one masked WebSocket frame; `head` is its first byte."""
    payload = text.encode() if isinstance(text, str) else text
    size = len(payload)
    length = bytes((0x80 | size,)) if size < _TWO_BYTES else b"\xfe" + struct.pack(">H", size)
    return bytes((head,)) + length + bytes(4) + payload


class Raw:
    """One connection to a server, from this loopback address."""

    open: ClassVar[list["Raw"]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.open.append(self)

    @classmethod
    async def connect(cls, port: int, source: str = "127.0.0.1") -> Self:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0), limit=1 << 24)
        return cls(reader, writer)

    @classmethod
    async def websocket(cls, port: int, path: str, source: str = "127.0.0.1", headers: str = "") -> Self:
        """Open a WebSocket, and read the answer to its handshake."""
        raw = await cls.connect(port, source)
        raw.writer.write(f"GET {path} ".encode() + UPGRADE.removesuffix(b"\r\n") + f"{headers}\r\n".encode())
        await raw.reader.readuntil(b"\r\n\r\n")
        return raw

    @property
    def is_answered(self) -> bool:
        """Say if the server has sent bytes, or closed."""
        return self.reader.at_eof() or bool(self.reader._buffer)  # type: ignore[attr-defined]

    async def send(self, data: bytes) -> None:
        """Send, as far as the server takes it."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            pass

    async def rest(self, timeout: float = 20.0) -> bytes:
        """Return all bytes until the server closes; a server that does not close fails the test."""
        heard = bytearray()
        async with asyncio.timeout(timeout):
            try:
                while data := await self.reader.read(1 << 20):
                    heard += data
            except ConnectionError:
                pass
        self.close()
        return bytes(heard)

    def close(self) -> None:
        self.writer.transport.abort()

    @classmethod
    async def close_all(cls) -> None:
        """Close every connection, at the end of a test."""
        for raw in cls.open:
            raw.close()
        cls.open.clear()
        await asyncio.sleep(0)
