"""The hand-over: a WebSocket handshake is answered and aiohttp lets go of the transport.

After it the request, its headers, its task and aiohttp's handler are garbage; one object owns the
socket. No extension is accepted: permessage-deflate would keep over 100 KB a client.
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
_PROTOCOL: Final = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})\s*(?:,|$)")  # the first that is asked for


class BadHandshake(Exception):
    """The request is no WebSocket handshake that this server can answer (RFC 6455, 4.2.1)."""


class HandedOverResponse(web.Response):
    """What a handler returns when there is nothing left for aiohttp to send."""

    def __init__(self) -> None:
        super().__init__(status=101)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: the head was sent by the transport's new owner."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing."""


def is_handshake(request: web.BaseRequest) -> bool:
    """Whether the client asks for a WebSocket at all."""
    return request.headers.get("Upgrade", "").strip().lower() == "websocket"


def answer_handshake(request: web.BaseRequest) -> bytes:
    """The head of the 101 response; of the protocols asked for it names the first, as `ws` does. Raises BadHandshake.

    Browsers close a WebSocket whose protocol was not answered.
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
        b"Sec-WebSocket-Accept: " + accept + b"\r\n" + chosen + b"\r\n"
    )


def take_over(request: web.BaseRequest, owner: ConnectionWriter, head: bytes) -> HandedOverResponse:
    """Make `owner` the transport's protocol, send `head`, and feed it what came early."""
    handler = request.protocol
    transport = request.transport
    response = HandedOverResponse()
    if transport is None or transport.is_closing():
        owner.abort("transport close")
        return response
    early = handler._message_tail  # noqa: SLF001  frames sent before the 101 arrived
    owner.begin(transport)
    owner.put(head)
    # The handler must believe that its connection is lost, or it closes the transport when the
    # request ends and keeps itself alive until the server stops.
    handler.transport = None
    handler.connection_lost(None)
    if not transport.is_reading():
        transport.resume_reading()
    if early:
        owner.data_received(early)
    return response
