"""Long polling: the order of POSTs, bodies that end early or are compressed, and the answers of polls."""

import asyncio

import aiohttp
import pytest

from realtime.engine import SocketServer, write_all
from tests.realtime.engine.conftest import Endpoint, Serve, text_of
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
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 20)
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
    assert (await asyncio.wait_for(reader.readline(), 20)).split()[1] in {b"415", b"400"}
    writer.close()
    assert sid in server.eio.sockets


async def test_a_poll_that_is_sent_again(server: SocketServer, endpoint: Endpoint) -> None:
    """It gets the same answer, since the first one may be lost; the next poll gets what follows."""
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    url = f"http://127.0.0.1:{endpoint.port}/socket.io/?EIO=4&transport=polling&sid={sid}"
    async with aiohttp.ClientSession() as http:

        async def poll(name: str) -> str:
            async with http.get(f"{url}&t={name}") as answer:
                return await answer.text()

        first = await poll("1")
        assert first.startswith("40")
        await server.emit("told", 1)
        assert await poll("1") == first
        assert await poll("2") == '42["told",1]'
        await server.emit("told", 2)
        assert await poll("2") == '42["told",1]'
        assert await poll("3") == '42["told",2]'


async def test_many_packets_in_one_post(server: SocketServer, endpoint: Endpoint) -> None:
    """A payload of any number of packets is delivered whole and in order."""
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    await endpoint.poll(sid)
    packets = [f'42["count",{number}]' for number in range(500)]
    assert await endpoint.post(sid, "\x1e".join(packets)) == (200, "ok")
    await eventually(lambda: len(server.heard) == 500)
    assert server.heard == list(range(500))


async def test_overlapping_posts(server: SocketServer, endpoint: Endpoint) -> None:
    """A second POST beside the first ends the session: their order is nobody's guess."""
    begun, latch = asyncio.Event(), asyncio.Event()

    @server.on("connect")
    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        begun.set()
        await latch.wait()

    sid = await endpoint.open_polling()
    first = asyncio.ensure_future(endpoint.post(sid, '40\x1e42["count",1]'))
    await begun.wait()
    assert (await endpoint.post(sid, '42["count",2]'))[0] == 400
    latch.set()
    assert (await first)[0] == 400
    assert server.heard == []


async def test_no_compression(endpoint: Endpoint) -> None:
    """permessage-deflate is not accepted: it costs over 100 KB a client."""
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    socket = await endpoint.dial_with(headers, EIO="4", transport="websocket")
    assert socket.response is not None
    assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_joined_packets(server: SocketServer, endpoint: Endpoint) -> None:
    """Several events joined go out in order, over WebSocket and over polling alike."""
    packets = [server.encode_event("/", "change", b'{"seq":%d}' % seq) for seq in range(3)]
    texts = [f'42["change",{{"seq":{seq}}}]' for seq in range(3)]
    socket = await endpoint.join()
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    await endpoint.poll(sid)
    write_all(list(server.connections.values()), type(packets[0]).join(packets))
    assert [await text_of(socket) for _ in texts] == texts
    assert (await endpoint.poll(sid))[1].split("\x1e") == texts


async def test_keep_alive_after_a_poll(endpoint: Endpoint) -> None:
    """A polling client's HTTP connection serves its polls and posts one after the other."""
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as http:
        single = Endpoint(endpoint.port, "socket.io", http, endpoint.stack)
        sid = await single.open_polling()
        for _ in range(3):
            await single.post(sid, "40" if _ == 0 else '421["count",1]')
            assert (await single.poll(sid))[0] == 200
        assert len(connector._conns) == 1
