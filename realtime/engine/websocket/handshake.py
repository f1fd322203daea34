"""Answers a WebSocket handshake and takes the transport over from aiohttp.

Afterwards one object owns the socket. The request, its headers, its task and aiohttp's handler are garbage. The
server accepts no extension: permessage-deflate keeps over 100 KB a client.
"""

import base64
import binascii
import hashlib
import re
from typing import Final

from aiohttp import HttpVersion11, web

from realtime.engine.connection_writer import ConnectionWriter

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16
_PROTOCOL: Final = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})\s*(?:,|$)")  # the first of the header


class BadHandshake(Exception):
    """The request is no valid WebSocket handshake (RFC 6455, 4.2.1)."""


class HandedOverResponse(web.Response):
    """The response of a handler that has handed its transport over: aiohttp sends nothing."""

    def __init__(self) -> None:
        super().__init__(status=101)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing: the transport's new owner has sent the head."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing."""


_HANDED_OVER: Final = HandedOverResponse()  # one for all, as it says nothing: a new one is 3 % of a connect


def is_handshake(request: web.BaseRequest) -> bool:
    """Return whether the client asks for a WebSocket."""
    return request.headers.get("Upgrade", "").strip().lower() == "websocket"


def answer_handshake(request: web.BaseRequest, more: bytes = b"") -> bytes:
    """Return the head of the 101 response, with `more` lines. Raises BadHandshake.

    It names the first of the client's subprotocols, as the library `ws` does: browsers close a WebSocket without one.
    """
    headers = request.headers
    if request.version < HttpVersion11:
        raise BadHandshake("the request is not HTTP/1.1")
    tokens = ",".join(headers.getall("Connection", ())).split(",")
    if "upgrade" not in {token.strip().lower() for token in tokens}:
        raise BadHandshake("the Connection header does not say upgrade")
    if headers.get("Sec-WebSocket-Version") != "13":
        raise BadHandshake("the WebSocket version is not 13")
    key = headers.get("Sec-WebSocket-Key", "").strip()
    try:
        is_key = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        is_key = False
    if not is_key:
        raise BadHandshake("the Sec-WebSocket-Key is not 16 bytes")
    asked = headers.get("Sec-WebSocket-Protocol")
    protocol = _PROTOCOL.match(asked) if asked else None
    chosen = b"Sec-WebSocket-Protocol: %b\r\n" % protocol[1].encode() if protocol else b""
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n" + chosen + more + b"\r\n"
    )


def take_over(request: web.BaseRequest, owner: ConnectionWriter, head: bytes) -> HandedOverResponse:
    """Make `owner` the transport's protocol, send `head`, and pass on the bytes that came early."""
    handler = request.protocol
    transport = request.transport
    if transport is None or transport.is_closing():
        owner.abort("transport close")
        return _HANDED_OVER
    early = handler._message_tail  # noqa: SLF001  frames that the client sent before it had the 101
    owner.begin(transport)
    owner.put(head)
    # Report the connection as lost to the handler. Else it closes the transport at the end of the request
    # and keeps itself alive until the server stops.
    handler.transport = None
    handler._current_request = None  # noqa: SLF001 - its body would get an exception, at 1 % of a connect
    handler.connection_lost(None)
    if not transport.is_reading():
        transport.resume_reading()
    if early:
        owner.data_received(early)
    return _HANDED_OVER
