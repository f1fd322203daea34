"""Input that breaks the protocol is refused, closes the connection or is ignored. It never crashes."""

import pytest

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, closes, text_of
from tests.realtime.engine.socketio.conftest import Answering


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


@pytest.mark.parametrize("packet", ['43999["x"]', "6", "3", "41/other,", '42/other,["count",1]'])
async def test_harmless_packets_change_nothing(server: SocketServer, endpoint: Endpoint, packet: str) -> None:
    """An unasked answer, a NOOP, a PONG and a late packet to a left namespace are ignored."""
    socket = await endpoint.join()
    await socket.send(packet)
    await socket.send('421["count",5]')
    assert await text_of(socket) == "431[5]"
    assert server.heard == [5]
