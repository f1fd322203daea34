"""SocketServer as a drop-in for socketio.AsyncServer, with the Python client."""

import asyncio
import inspect
import json
import logging
from collections.abc import Callable
from typing import Any

import engineio
import pytest
import socketio
from aiohttp import web

from realtime.engine import EngineServer, RoomManager, SocketServer
from tests.realtime.engine.conftest import Serve, text_of
from tests.realtime.engine.socketio.conftest import received
from tests.support import eventually


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_calls_and_callbacks(server: SocketServer, connect: Callable[..., Any], transport: str) -> None:
    """The server may ask a client and wait for its answer; so may the client."""

    @server.on("sum")
    async def add(_sid: str, *numbers: int) -> tuple[int, str]:
        return sum(numbers), "done"

    client = await connect(transport=transport)

    @client.on("ask")
    async def ask(question: str) -> str:
        return question[::-1]

    assert await server.call("ask", "abc", to=client.get_sid()) == "cba"
    assert await client.call("sum", (1, 2, 3)) == (6, "done")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_binary_is_sent(server: SocketServer, connect: Callable[..., Any], transport: str) -> None:
    """The application can send binary data."""
    client = await connect(transport=transport)
    await server.emit("picture", {"data": b"\x00\xff"}, to=client.get_sid())
    await received(client, ("picture", {"data": b"\x00\xff"}))


async def test_namespaces(server: SocketServer, connect: Callable[..., Any]) -> None:
    """A class of handlers serves its namespace; each namespace has sids and rooms of its own."""
    reasons: list[str] = []

    class Shop(socketio.AsyncNamespace):
        async def on_connect(self, sid: str, environ: dict[str, str]) -> None:
            await self.save_session(sid, {"address": environ["REMOTE_ADDR"]})

        async def on_ask(self, sid: str) -> dict[str, str]:
            session: dict[str, str] = await self.get_session(sid)
            return session

        async def on_disconnect(self, sid: str) -> None:
            reasons.append((await self.get_session(sid))["address"])

    server.register_namespace(Shop("/shop"))
    client = await connect("/", "/shop")
    assert client.get_sid("/") != client.get_sid("/shop")
    assert await client.call("ask", namespace="/shop") == {"address": "127.0.0.1"}
    assert server.connection(client.get_sid("/shop")) is server.connection(client.get_sid("/"), "/")
    await client.disconnect()
    await eventually(lambda: reasons == ["127.0.0.1"])
    await eventually(lambda: not server.eio.sockets)


async def test_sessions(server: SocketServer, connect: Callable[..., Any]) -> None:
    """A session is the application's own, and lasts until the disconnect handler has run."""
    seen: list[Any] = []

    @server.on("disconnect")
    async def disconnect(sid: str, reason: str) -> None:
        await asyncio.sleep(0)
        seen.append((reason, await server.get_session(sid), server.rooms(sid)))

    client = await connect()
    async with server.session(client.get_sid()) as session:
        session["name"] = "Ann"
    await server.enter_room(client.get_sid(), "a")
    sid = client.get_sid()
    await server.disconnect(sid)
    await eventually(lambda: seen)
    assert seen == [("server disconnect", {"name": "Ann"}, [sid, "a"])]
    with pytest.raises(KeyError):
        server.connection(sid)


async def test_catch_all_and_plain_functions(server: SocketServer, connect: Callable[..., Any]) -> None:
    """Handlers may be plain functions, and `*` handles all other events."""

    @server.on("*")
    def anything(event: str, _sid: str, *arguments: Any) -> list[Any]:
        return [event, *arguments]

    @server.on("known")
    def known(_sid: str) -> str:
        return "known"

    client = await connect()
    assert await client.call("known") == "known"
    assert await client.call("other", 5) == ["other", 5]


async def test_transport_names(server: SocketServer, connect: Callable[..., Any]) -> None:
    """The server can say how each client is connected, and counts them."""
    for transport in ("websocket", "polling"):
        client = await connect(transport=transport)
        assert server.transport(client.get_sid()) == transport
    assert (server.counters.open_websocket, server.counters.open_polling, server.counters.accepted) == (1, 1, 2)
    assert server.counters.packets_out == 2  # the two CONNECT replies
    assert server.counters.bytes_out > 50


async def test_always_connect(serve: Serve) -> None:
    """With `always_connect` the reply comes first, and a refusal is a DISCONNECT."""
    server = SocketServer(always_connect=True)

    @server.on("connect")
    async def refuse(_sid: str, _environ: object, _auth: object) -> bool:
        return False

    endpoint = await serve(server)
    socket = await endpoint.join()
    assert await socket.recv() == '41{"message":"Connection rejected by server"}'


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"client_manager": socketio.AsyncManager()}, TypeError, "RoomManager"),
    ({"serializer": "msgpack"}, ValueError, "encoding"),
    ({"async_mode": "asgi"}, ValueError, "aiohttp only"),
    ({"async_mode": "tornado-of-another-kind"}, ValueError, "async_mode"),
    ({"monitor_clients": False}, ValueError, "monitor_clients"),
    ({"transports": ["carrier pigeon"]}, ValueError, "transports"),
]


@pytest.mark.parametrize(("options", "kind", "words"), REFUSED, ids=lambda value: str(value)[:20])
def test_an_unsupported_argument_is_refused(options: dict[str, Any], kind: type[Exception], words: str) -> None:
    """An argument without support is refused at once in one line, not ignored."""
    with pytest.raises(kind, match=words) as refused:
        SocketServer(**options)
    assert "\n" not in str(refused.value)


HONOURED: dict[str, dict[str, Any]] = {
    "client_manager": {"client_manager": RoomManager()},
    "logger": {"logger": logging.getLogger("a logger")},
    "serializer": {"serializer": "default"},
    "json": {"json": json},
    "async_handlers": {"async_handlers": False},
    "always_connect": {"always_connect": True},
    "namespaces": {"namespaces": "*"},
    "async_mode": {"async_mode": "aiohttp"},
    "ping_interval": {"ping_interval": (25, 5)},
    "ping_timeout": {"ping_timeout": 5},
    "max_http_buffer_size": {"max_http_buffer_size": 5_000},
    "allow_upgrades": {"allow_upgrades": False},
    "http_compression": {"http_compression": False},
    "compression_threshold": {"compression_threshold": 10},
    "cookie": {"cookie": "io"},
    "cors_allowed_origins": {"cors_allowed_origins": ["https://shop.example"]},
    "cors_credentials": {"cors_credentials": False},
    "monitor_clients": {"monitor_clients": True},
    "transports": {"transports": ["polling"]},
    "kwargs": {"something_of_a_later_version": 1},
}


def test_every_argument_is_known() -> None:
    """The list has every argument of the replaced servers; a new argument fails here."""
    servers = (socketio.AsyncServer, socketio.AsyncServer.__mro__[1], engineio.AsyncServer.__mro__[1])
    named = {name for server in servers for name in inspect.signature(server.__init__).parameters}
    assert named - {"self"} == set(HONOURED)


@pytest.mark.parametrize("name", HONOURED)
async def test_with_every_argument(serve: Serve, name: str) -> None:
    """With each supported argument a client connects and is answered, and the handshake has its value."""
    server = SocketServer(**HONOURED[name])

    @server.on("echo")
    async def echo(_sid: str, word: str) -> str:
        return word

    endpoint = await serve(server)
    response = await endpoint.response("GET", {"Origin": "https://shop.example"}, EIO="4", transport="polling")
    if name == "cors_allowed_origins":
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
    else:
        assert response.status == 400
        response = await endpoint.response("GET", EIO="4", transport="polling")
    opening = json.loads((await response.text())[1:])
    assert opening["pingInterval"] == (30_000 if name == "ping_interval" else 25_000)
    assert opening["pingTimeout"] == (5_000 if name == "ping_timeout" else 20_000)
    assert opening["maxPayload"] == (5_000 if name == "max_http_buffer_size" else 1_000_000)
    assert opening["upgrades"] == ([] if name in {"allow_upgrades", "transports"} else ["websocket"])
    assert ("Set-Cookie" in response.headers) is (name == "cookie")
    client = socketio.AsyncClient(reconnection=False)
    transport = "polling" if name == "transports" else "websocket"
    await client.connect(endpoint.http_url, transports=[transport])
    assert await client.call("echo", "word") == "word"
    await client.disconnect()


async def test_every_method_is_there(server: SocketServer, connect: Callable[..., Any]) -> None:
    """The public methods without a test of their own work."""
    client = await connect()
    sid = client.get_sid()
    await server.send("text", to=sid)
    await received(client, ("message", "text"))
    ran = asyncio.Event()

    async def work(word: str) -> None:
        await server.sleep(0)
        assert word == "word"
        ran.set()

    await server.start_background_task(work, "word")
    assert ran.is_set()
    environ = server.get_environ(sid)
    assert environ is not None
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert server.transport(sid) == "websocket"
    await server.shutdown()


async def test_a_disconnect_handler_without_a_reason(serve: Serve) -> None:
    """An old handler takes the sid alone, as in engineio."""
    server, gone = EngineServer(), list[str]()
    server.on("disconnect", gone.append)
    endpoint = await serve(server)
    socket, opening = await endpoint.open_websocket()
    await socket.close()
    await eventually(lambda: gone == [opening["sid"]])


async def test_ten_lines(serve: Serve) -> None:
    """The program in the package's docstring works as it stands."""
    import realtime.engine  # noqa: PLC0415

    code = "\n".join(
        line.removeprefix("    ")
        for line in (realtime.engine.__doc__ or "").splitlines()
        if line.startswith("    ") and "run_app" not in line
    )
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102
    assert isinstance(scope["app"], web.Application)
    endpoint = await serve(scope["server"])
    client = socketio.AsyncClient()
    await client.connect(endpoint.http_url)
    assert await client.call("greet", "Ann") == {"hello": "Ann"}
    await client.disconnect()


@pytest.mark.parametrize("is_everyone", [False, True])
async def test_closing_sessions(server: SocketServer, connect: Callable[..., Any], is_everyone: bool) -> None:
    """A session that the server closes exists until its disconnect handler has run."""
    seen: list[Any] = []

    @server.on("disconnect")
    async def disconnect(sid: str, reason: str) -> None:
        await asyncio.sleep(0)
        seen.append((reason, await server.get_session(sid)))

    client, sockets = await connect(), server.eio.sockets
    await server.save_session(client.get_sid(), {"name": "Ann"})
    await server.eio.disconnect(*[] if is_everyone else sockets)
    await eventually(lambda: seen and not sockets)
    assert seen == [("server disconnect", {"name": "Ann"})]
    assert server.eio.sockets is sockets
    await server.eio.disconnect("nobody")


async def test_one_request_at_a_time(serve: Serve) -> None:
    """Without `async_handlers` a client's next request begins when the last one has ended."""
    server, order = SocketServer(async_handlers=False), list[str]()

    @server.on("slow")
    async def slow(_sid: str, number: int) -> int:
        order.append(f"begin {number}")
        await asyncio.sleep(0)
        order.append(f"end {number}")
        return number

    socket = await (await serve(server)).join()
    for number in range(3):
        await socket.send(f'42{number}["slow",{number}]')
    for number in range(3):
        assert await text_of(socket) == f"43{number}[{number}]"
    assert order == [f"{word} {number}" for number in range(3) for word in ("begin", "end")]


async def test_a_burst_over_polling(server: SocketServer, connect: Callable[..., Any]) -> None:
    """Fifty events at once reach a polling client in order, a poll at a time: its library takes 16 packets in one."""
    client = await connect(transport="polling")
    for number in range(50):
        await server.emit("tick", number)
    await received(client, *[("tick", number) for number in range(50)])
    assert client.connected
