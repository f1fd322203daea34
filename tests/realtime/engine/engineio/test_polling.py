"""POST bodies that end early, or that are compressed."""

import asyncio

import pytest

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve
from tests.support import eventually

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _begin_post(endpoint: Endpoint, sid: str) -> Ends:
    """Send the head of a POST and the beginning of its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    head = f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    writer.write(head.encode() + b"42")
    await writer.drain()
    return reader, writer


async def test_a_body_that_never_ends(serve: Serve) -> None:
    """It is waited for no longer than a client may be silent; then its session and its socket are gone."""
    server = SocketServer(ping_interval=0.1, ping_timeout=0.1)
    endpoint = await serve(server)
    sid = await endpoint.open_polling()
    reader, writer = await _begin_post(endpoint, sid)
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    assert not server.eio.sockets
    writer.close()


async def test_a_client_that_breaks_off(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """It ends its session, and is no error of ours."""
    server = SocketServer()
    endpoint = await serve(server)
    sid = await endpoint.open_polling()
    mailbox = server.eio.sockets[sid].mailbox
    _, writer = await _begin_post(endpoint, sid)
    await eventually(lambda: mailbox is not None and mailbox.is_posted)
    writer.close()
    await eventually(lambda: not server.eio.sockets)
    assert server.counters.closed == {"transport error": 1}
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "unknown"])
@pytest.mark.parametrize("body", [b"2", b"\x1f\x8b\x08", b""])
async def test_a_compressed_body(encoding: str, body: bytes, serve: Serve) -> None:
    """A compressed body is refused, also with aiohttp's own decompression; the session goes on."""
    server = SocketServer()
    endpoint = await serve(server)
    sid = await endpoint.open_polling()
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    head = f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Encoding: {encoding}\r\n"
    writer.write(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    assert (await asyncio.wait_for(reader.readline(), 5)).split()[1] in {b"415", b"400"}
    writer.close()
    assert sid in server.eio.sockets
