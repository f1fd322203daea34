"""Input that breaks the protocol is refused, closes the connection or is ignored. It never crashes."""

import asyncio

import pytest

from realtime.engine import Encoded, SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, closes, text_of


@pytest.fixture
def server() -> SocketServer:
    """Make a server that counts events and ends."""
    server = SocketServer(namespaces=["/"])
    server.heard = []

    @server.on("count")
    async def count(_sid: str, number: int) -> int:
        server.heard.append(number)
        return number

    return server


@pytest.fixture
async def endpoint(server: SocketServer, serve: Serve) -> Endpoint:
    return await serve(server)


@pytest.mark.parametrize("body", ["", "4", "4zzz", "\x1e", "x", "b!!!", "40\x1e4zzz", b"\xff\xfe", "42[]", "0{}"])
async def test_bad_post(endpoint: Endpoint, body: str | bytes) -> None:
    """A bad POST is answered 400 and ends the session."""
    sid = await endpoint.open_polling()
    assert (await endpoint.post(sid, body))[0] == 400
    assert (await endpoint.poll(sid))[0] == 400


async def test_huge_post(endpoint: Endpoint) -> None:
    """A POST above the limit is answered 413 and ends the session, also without a Content-Length."""
    sid = await endpoint.open_polling()
    assert (await endpoint.post(sid, "4" * 1_000_001))[0] == 413
    assert (await endpoint.poll(sid))[0] == 400


async def test_old_client(endpoint: Endpoint) -> None:
    """An EIO=3 client gets 400 with the supported versions."""
    status, text = await endpoint.request("GET", EIO="3", transport="polling")
    assert status == 400
    assert "JavaScript" in text
    assert "Swift" in text


async def test_nothing_before_membership(server: SocketServer, endpoint: Endpoint) -> None:
    """An event before CONNECT closes the connection and reaches no handler."""
    socket, _ = await endpoint.open_websocket()
    await socket.send('42["count",1]')
    await closes(socket)
    assert server.heard == []


@pytest.mark.parametrize("event", ["connect", "disconnect", "connect_error", "disconnecting"])
async def test_reserved_events(endpoint: Endpoint, event: str) -> None:
    """A client cannot call the server's own handlers by emitting their names."""
    socket = await endpoint.join()
    await socket.send(f'42["{event}","x"]')
    await closes(socket)


@pytest.mark.parametrize(
    "packet",
    [
        "4",
        "47",
        "42",
        "42[]",
        "42[1]",
        "42{}",
        '42["a"',
        "43[]",
        "40[]",
        "41{}",
        '44{"message":"x"}',
        "42999999999999999999[]",
        "42" + "9" * 16 + '["count",1]',
        "42" + "[" * 20_000,
        "42/nowhere",
        "45",
        '451-["count"',
        '4599999999999999999-["count"]',
        "2",
        "9",
        "",
        "40",
    ],
)
async def test_malformed_packets_close(endpoint: Endpoint, packet: str) -> None:
    """A malformed packet, a second CONNECT or an unannounced attachment closes the connection."""
    socket = await endpoint.join()
    await socket.send(packet)
    await closes(socket)


UNREADABLE = [
    '421["count",NaN]', '421["count"', "421[" + "[" * 20_000, "421[" + "9" * 5_000 + "]", "421[]", "421{}", "421[1]",
    "421", '421["connect"]',
]  # fmt: skip


class Answering(SocketServer):
    """A server that acknowledges requests without a readable payload."""

    async def answer_unreadable(self, sid: str, namespace: str) -> Encoded:  # noqa: ARG002
        return Encoded(b'"unreadable"')

    async def answer_binary(self, sid: str, namespace: str) -> Encoded:  # noqa: ARG002
        return Encoded(b'"binary"')


@pytest.mark.parametrize("packet", UNREADABLE)
async def test_unreadable_requests_are_ignored(server: SocketServer, endpoint: Endpoint, packet: str) -> None:
    """An unreadable request with an ack id is not acknowledged, as in AsyncServer, and its connection stays."""
    socket = await endpoint.join()
    await socket.send(packet)
    await socket.send('422["count",5]')
    assert await text_of(socket) == "432[5]"
    assert server.heard == [5]


@pytest.mark.parametrize("packet", UNREADABLE)
async def test_unreadable_requests_are_answered(serve: Serve, packet: str) -> None:
    """A subclass acknowledges an unreadable request with an ack id."""
    socket = await (await serve(Answering())).join()
    await socket.send(packet)
    assert await text_of(socket) == '431["unreadable"]'


async def test_an_unreadable_request_to_nowhere(endpoint: Endpoint) -> None:
    """Before it has joined a client gets no answer, but its end."""
    socket, _ = await endpoint.open_websocket()
    await socket.send("421[")
    await closes(socket)


async def test_unasked_binary_closes(endpoint: Endpoint) -> None:
    """A binary message without an announcing packet closes the connection."""
    socket = await endpoint.join()
    await socket.send(b"\x01")
    await closes(socket)


@pytest.mark.parametrize("packet", ['43999["x"]', "6", "3", "41/other,", '42/other,["count",1]'])
async def test_harmless_packets_change_nothing(server: SocketServer, endpoint: Endpoint, packet: str) -> None:
    """An unasked answer, a NOOP, a PONG and a late packet to a left namespace are ignored."""
    socket = await endpoint.join()
    await socket.send(packet)
    await socket.send('421["count",5]')
    assert await text_of(socket) == "431[5]"
    assert server.heard == [5]


async def test_missing_attachment_closes(serve: Serve) -> None:
    """Text in the place of an attachment closes, and so does a placeholder without an attachment."""
    endpoint = await serve(SocketServer(max_attachments=1))
    cases: list[list[str | bytes]] = [
        ['451-["count",{"_placeholder":true,"num":0}]', "42[]"],
        ['451-["count",{"_placeholder":true,"num":7}]', b"x"],
    ]
    for messages in cases:
        socket = await endpoint.join()
        for message in messages:
            await socket.send(message)
        await closes(socket)


REFUSED = [
    (0, [b"x"]),
    (1, [b"x", b"y"]),
    (20, [b"x" * 1_000_000] * 11),  # together more than ten of the largest messages
]


@pytest.mark.parametrize(("most", "attachments"), REFUSED, ids=["none", "too many", "too large"])
async def test_binary_that_is_not_taken(serve: Serve, most: int, attachments: list[bytes]) -> None:
    """A request with too many attachments reaches no handler and is acknowledged. Its connection stays."""
    server, heard = Answering(max_attachments=most), list[object]()

    @server.on("count")
    async def count(_sid: str, *arguments: object) -> str:
        heard.append(arguments)
        return "heard"

    endpoint = await serve(server)
    socket = await endpoint.join()
    for ack in ("", "7"):
        await socket.send(f'45{len(attachments)}-{ack}["count",{{"_placeholder":true,"num":0}}]')
        for part in attachments:
            await socket.send(part)
    assert await text_of(socket) == '437["binary"]'
    await socket.send('421["count",5]')
    assert await text_of(socket) == '431["heard"]'
    assert heard == [(5,)]


async def test_old_client_without_a_transport(endpoint: Endpoint) -> None:
    """An EIO=3 client without a transport gets the same answer."""
    status, text = await endpoint.request("GET", EIO="3")
    assert status == 400
    assert "JavaScript" in text


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
async def test_what_is_a_handshake(endpoint: Endpoint, version: str, connection: str, status: int) -> None:
    """A handshake is HTTP/1.1, and `upgrade` is one of the words of its Connection header (RFC 6455, 4.2.1)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    head = f"GET /socket.io/?EIO=4&transport=websocket HTTP/{version}\r\nHost: x\r\nConnection: {connection}\r\n"
    rest = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    writer.write((head + rest).encode())
    assert f" {status} " in (await reader.readline()).decode()
    writer.close()
