"""The private parts of upstream libraries: an update that moves one fails here, by name."""

import asyncio
import inspect
import logging
from importlib.metadata import version
from typing import Any

import engineio
import pytest
import socketio
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from engineio.async_socket import AsyncSocket
from socketio.async_manager import AsyncManager

from realtime.engine import Connection, EngineServer, RoomManager, SocketServer

PINNED = {"python-socketio": "5.18.1", "python-engineio": "4.15.1", "aiohttp": "3.14.5"}


@pytest.mark.parametrize(("library", "pinned"), PINNED.items())
def test_versions(library: str, pinned: str) -> None:
    """The installed versions are those that the engine was read against; read others again first."""
    assert version(library) == pinned


def test_bases() -> None:
    """The engine subclasses; it does not fork."""
    assert issubclass(EngineServer, engineio.AsyncServer)
    assert issubclass(Connection, AsyncSocket)
    assert issubclass(SocketServer, socketio.AsyncServer)
    assert issubclass(RoomManager, AsyncManager)
    assert SocketServer().eio.__class__ is EngineServer


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        (
            EngineServer,
            engineio.AsyncServer,
            ["attach", "disconnect", "handle_request", "shutdown", "_get_socket"],
        ),
        (
            SocketServer,
            socketio.AsyncServer,
            [
                "_engineio_server_class",
                "_handle_connect",
                "_handle_eio_connect",
                "_handle_eio_disconnect",
                "_handle_eio_message",
                "_send_packet",
                "disconnect",
            ],
        ),
        (
            RoomManager,
            AsyncManager,
            [
                "basic_close_room",
                "basic_disconnect",
                "basic_enter_room",
                "basic_leave_room",
                "eio_sid_from_sid",
                "emit",
                "get_namespaces",
                "get_participants",
                "get_rooms",
                "is_connected",
                "is_sid_room",
                "pre_disconnect",
                "sid_from_eio_sid",
                "trigger_callback",
            ],
        ),
        (Connection, AsyncSocket, ["close", "send"]),
    ],
)
def test_overridden_methods_exist(ours: type, theirs: type, names: list[str]) -> None:
    """Overridden methods exist, and take the engine's arguments."""
    for name in names:
        base = inspect.signature(getattr(theirs, name)).parameters
        mine = inspect.signature(getattr(ours, name)).parameters
        assert getattr(ours, name) is not getattr(theirs, name), f"{name} is not ours"
        required = [
            p for p in base if base[p].kind not in {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
        ]
        takes_any = {p.kind for p in mine.values()} >= {inspect.Parameter.VAR_KEYWORD}
        if not {p.kind for p in base.values()} & {inspect.Parameter.VAR_POSITIONAL}:
            assert takes_any or set(required) <= set(mine), (
                f"{theirs.__name__}.{name}{tuple(base)} is not {tuple(mine)}"
            )


@pytest.mark.parametrize(
    ("theirs", "names"),
    [
        (engineio.AsyncServer, ["_generate_sid_cookie", "generate_id", "get_session", "on", "send", "send_packet"]),
        (socketio.AsyncServer, ["_get_event_handler", "_get_namespace_handler", "_trigger_event", "call", "emit"]),
        (AsyncManager, ["can_disconnect", "close_room", "disconnect", "enter_room", "initialize", "leave_room"]),
        (RequestHandler, ["connection_lost", "keep_alive", "force_close"]),
    ],
)
def test_inherited_methods_exist(theirs: type, names: list[str]) -> None:
    """The other private parts in use still exist."""
    for name in names:
        assert callable(getattr(theirs, name)), f"{theirs.__name__}.{name} has gone"


@pytest.mark.parametrize(
    ("server", "names"),
    [
        (
            engineio.AsyncServer,
            ["allow_upgrades", "cookie", "handlers", "max_http_buffer_size", "ping_interval_grace_period"],
        ),
        (
            socketio.AsyncServer,
            ["always_connect", "eio", "handlers", "manager_initialized", "not_handled"],
        ),
    ],
)
def test_attributes_exist(server: type, names: list[str]) -> None:
    """The attributes in use are set by the constructors."""
    built = server(async_mode="aiohttp", logger=logging.getLogger(__name__))
    for name in names:
        assert hasattr(built, name), f"{server.__name__}.{name} has gone"


def test_the_handlers_engineio_calls() -> None:
    """socketio hangs its three handlers on Engine.IO under these names."""
    assert set(SocketServer().eio.handlers) == {"connect", "message", "disconnect"}


def test_a_connection_has_no_dictionary_of_its_own() -> None:
    """Every attribute has a slot: a dictionary would cost more than all of them."""
    connection = Connection(EngineServer(), "sid", "", "")
    connection.open_mailbox()
    assert not vars(connection)


async def test_the_parts_taken_over_from_aiohttp() -> None:
    """aiohttp's handler has the early bytes, and lets go of its manager when it loses its connection."""
    manager = web.Server(_unused)
    handler = manager()
    transport: Any = _Transport()
    handler.connection_made(transport)
    assert (handler._message_tail, handler._current_request) == (b"", None)
    assert manager.connections == [handler]
    handler.transport = None
    handler.connection_lost(None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert manager.connections == []
    assert not transport.is_closed
    assert handler._manager is None


class _Transport(asyncio.Transport):
    """A transport that only remembers its end."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


async def _unused(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response()
