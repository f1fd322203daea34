"""Socket.IO rooms: their members, their names, and the cost of leaving."""

from collections.abc import Callable
from typing import Any

import pytest

from realtime.engine import SocketServer
from tests.realtime.engine.socketio.conftest import received


async def test_rooms(server: SocketServer, connect: Callable[..., Any]) -> None:
    """An event reaches the members of its rooms once each, except skipped ones."""
    ann, bob, cid = [await connect() for _ in range(3)]
    for client in (ann, bob):
        await server.enter_room(client.get_sid(), "a")
    for client in (bob, cid):
        await server.enter_room(client.get_sid(), "b")
    assert server.rooms(bob.get_sid()) == [bob.get_sid(), *sorted({"a", "b"}, key=server.rooms(bob.get_sid()).index)]
    await server.emit("both", 1, room=["a", "b"])
    await server.emit("others", {"x": None}, room="b", skip_sid=bob.get_sid())
    await server.emit("one", to=ann.get_sid())
    await server.emit("all", (1, "two", [3]))
    await received(ann, ("both", 1), ("one",), ("all", 1, "two", [3]))
    await received(bob, ("both", 1), ("all", 1, "two", [3]))
    await received(cid, ("both", 1), ("others", {"x": None}), ("all", 1, "two", [3]))
    await server.leave_room(bob.get_sid(), "a")
    await server.close_room("b")
    assert server.rooms(bob.get_sid()) == [bob.get_sid()]
    assert list(server.manager.get_participants("/", "a")) == [(ann.get_sid(), ann.eio.sid)]


async def test_only_a_connected_client_enters_a_room(server: SocketServer, connect: Callable[..., Any]) -> None:
    """A stranger enters no room, no client enters the own room of another, and a needless leave is no error."""
    ann, bob = await connect(), await connect()
    with pytest.raises(ValueError, match="not connected"):
        await server.enter_room("nobody", "a")
    with pytest.raises(ValueError, match="sid room"):
        await server.enter_room(ann.get_sid(), bob.get_sid())
    await server.leave_room(ann.get_sid(), "nowhere")


async def test_rooms_of_any_name(server: SocketServer, connect: Callable[..., Any]) -> None:
    """A room's name may be any key of a dictionary."""
    client = await connect()
    for room in (5, frozenset({"a"})):
        await server.enter_room(client.get_sid(), room)
    await server.emit("five", room=5)
    await server.emit("set", room=[frozenset({"a"})])
    await received(client, ("five",), ("set",))
