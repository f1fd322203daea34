"""Binary attachments: announced, missing, unasked, or more than the server takes."""

import pytest

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, closes, text_of
from tests.realtime.engine.socketio.conftest import Answering

REFUSED = [
    (0, [b"x"]),
    (1, [b"x", b"y"]),
    (20, [b"x" * 1_000_000] * 11),  # together more than ten of the largest messages
]


async def test_unasked_binary_closes(endpoint: Endpoint) -> None:
    """A binary message without an announcing packet closes the connection."""
    socket = await endpoint.join()
    await socket.send(b"\x01")
    await closes(socket)


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
