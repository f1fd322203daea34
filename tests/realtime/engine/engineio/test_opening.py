"""The first request of a client: its protocol version, its address, and the refusal under overload."""

import pytest
from websockets.exceptions import InvalidStatus

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, text_of


async def test_refusing_newcomers(server: SocketServer, endpoint: Endpoint) -> None:
    """Under overload the handshake is answered 503 with Retry-After, and connected clients stay."""
    socket = await endpoint.join()
    server.refuse = True
    response = await endpoint.response("GET", EIO="4", transport="polling")
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    with pytest.raises(InvalidStatus, match="503"):
        await endpoint.dial(EIO="4", transport="websocket")
    await socket.send('421["count",1]')
    assert await text_of(socket) == "431[1]"


async def test_the_peers_address(serve: Serve) -> None:
    """The address is the application's reading of the request."""
    seen: list[str] = []
    server = SocketServer(address_of=lambda request: request.headers["X-Real-IP"], keep_headers=["X-Real-IP"])

    @server.on("connect")
    async def connect(sid: str, environ: dict[str, str], _auth: object) -> None:
        seen.extend([environ["REMOTE_ADDR"], environ["HTTP_X_REAL_IP"], server.connection(sid).address])
        assert server.get_environ(sid) == environ

    endpoint = await serve(server)
    socket = await endpoint.dial_with({"X-Real-IP": "203.0.113.7"}, EIO="4", transport="websocket")
    await socket.recv()
    await socket.send("40")
    await socket.recv()
    assert seen == ["203.0.113.7"] * 3


async def test_old_client(endpoint: Endpoint) -> None:
    """An EIO=3 client gets 400 with the supported versions."""
    status, text = await endpoint.request("GET", EIO="3", transport="polling")
    assert status == 400
    assert "JavaScript" in text
    assert "Swift" in text


async def test_old_client_without_a_transport(endpoint: Endpoint) -> None:
    """An EIO=3 client without a transport gets the same answer."""
    status, text = await endpoint.request("GET", EIO="3")
    assert status == 400
    assert "JavaScript" in text
