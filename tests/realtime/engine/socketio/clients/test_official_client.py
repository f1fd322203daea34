"""The official JavaScript client against the engine: reconnects and upgrades."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from socketio.exceptions import ConnectionRefusedError  # noqa: A004

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve
from tests.support import Node, eventually

StartNode = Callable[..., Node]


@pytest.fixture
def server() -> SocketServer:
    """Make a server that echoes."""
    server = SocketServer()

    @server.on("echo")
    async def echo(_sid: str, *arguments: Any) -> list[Any]:
        return list(arguments)

    return server


@pytest.fixture
async def endpoint(server: SocketServer, serve: Serve) -> Endpoint:
    return await serve(server)


class Client:
    """The official client in a Node of its own."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def saw(self, what: str) -> Any:
        """Return the client's next output of this kind."""
        return await asyncio.to_thread(self._node.read_until, lambda told: told["saw"] == what)

    async def hears(self) -> Any:
        """Return the client's next output."""
        return await asyncio.to_thread(self._node.read)

    def emit(self, *event: Any, times: int = 1) -> None:
        self._node.send({"emit": event, "times": times})

    def exit(self) -> None:
        self._node.send({"exit": True})


@pytest.fixture
def client(node: StartNode, endpoint: Endpoint) -> Callable[..., Client]:
    """Return a function that starts an official client with these options."""

    def start(namespace: str = "", **options: Any) -> Client:
        return Client(node("engine_client.mjs", endpoint.http_url + namespace, json.dumps(options)))

    return start


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]])
async def test_an_aborted_client_comes_back(
    server: SocketServer, client: Callable[..., Client], transports: list[str]
) -> None:
    """A closed transport makes the client reconnect by itself."""
    official = client(transports=transports)
    sid = (await official.saw("connect"))["sid"]
    server.connection(sid).abort("expired")
    assert (await official.saw("disconnect"))["active"] is True
    assert (await official.saw("connect"))["sid"] != sid
    assert server.counters.closed["expired"] == 1


async def test_a_drained_client_comes_back(server: SocketServer, client: Callable[..., Client]) -> None:
    """Draining lets the client try again; while it is refused by 503, too."""
    official = client(transports=["websocket"])
    await official.saw("connect")
    await server.drain()
    assert (await official.saw("disconnect"))["active"] is True
    assert (await official.saw("connect_error"))["active"] is True
    server.refuse = False
    await official.saw("connect")


async def test_a_disconnect_is_final(server: SocketServer, client: Callable[..., Client]) -> None:
    """Packet 41 stops the client for good; `disconnect` is for a final refusal only."""
    official = client(transports=["websocket"])
    sid = (await official.saw("connect"))["sid"]
    await server.disconnect(sid)
    told = await official.saw("disconnect")
    assert (told["reason"], told["active"]) == ("io server disconnect", False)


async def test_a_refusal_is_final_and_says_why(server: SocketServer, client: Callable[..., Client]) -> None:
    """CONNECT_ERROR carries its message to the application and stops the client."""

    @server.on("connect", namespace="/closed")
    async def connect(_sid: str, _environ: object, auth: dict[str, str]) -> None:
        raise ConnectionRefusedError("you may not, " + auth["name"])

    told = await client("/closed", auth={"name": "Ann"}).saw("connect_error")
    assert told == {"saw": "connect_error", "message": "you may not, Ann", "active": False}


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_acks_in_order(client: Callable[..., Client], transports: list[str]) -> None:
    """Acknowledgements come in the order of the requests, on each transport and through an upgrade."""
    official = client(transports=transports)
    await official.saw("connect")
    official.emit("echo", times=300)
    for number in range(300):
        assert await official.saw("ack") == {"saw": "ack", "number": number, "answer": [[number]]}


async def test_nothing_lost_or_reordered_by_an_upgrade(server: SocketServer, client: Callable[..., Client]) -> None:
    """Every event sent while a client moves from polling to WebSocket arrives once, in order."""
    official = client(transports=["polling", "websocket"])
    sid = (await official.saw("connect"))["sid"]
    connection = server.connection(sid)
    count = 0
    while not connection.upgraded or count < 200:
        connection.write(server.encode_event("/", "change", str(count).encode()))
        count += 1
        await asyncio.sleep(0.001)  # a steady stream, not a wait
    seen: list[int] = []
    while len(seen) < count:
        told = await official.hears()
        if told["saw"] == "event":
            seen.append(told["event"][1])
        assert told.items() != {"saw": "noop", "transport": "websocket"}.items(), "a stray NOOP"
    assert seen == list(range(count))


async def test_a_connection_is_forgotten_with_its_client(server: SocketServer, client: Callable[..., Client]) -> None:
    """The end of a polling client's process ends its waiting poll and its session."""
    official = client(transports=["polling"])
    await official.saw("connect")
    (connection,) = server.connections.values()
    await eventually(lambda: connection.mailbox is not None and connection.mailbox.is_polled)
    official.exit()
    await eventually(lambda: not server.eio.sockets)
    assert not server.manager.clients
