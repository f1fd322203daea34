"""The rooms that nobody watches go, and the others let go of what they do not need."""

import pytest

from models.contract.commands.calendars import CreateCalendar
from models.contract.principal import OPERATOR
from realtime.rooms import room_memory as module
from tests.realtime.room_stack import RecordingConnection, RoomStack


async def test_rooms_without_subscribers_go_at_once_where_memory_is_short(stack: RoomStack) -> None:
    """A watched calendar's room stays, and the same calendar is read again for the next client."""
    await stack.dispatcher.room("room")
    stack.dispatcher.close_idle_rooms()
    assert "room" in stack.dispatcher.rooms
    stack.dispatcher.memory.max_bytes = 0
    stack.dispatcher.close_idle_rooms()
    assert not stack.dispatcher.rooms
    await stack.join(RecordingConnection())
    stack.dispatcher.close_idle_rooms()
    assert "room" in stack.dispatcher.rooms
    assert stack.dispatcher.opened == 2


async def test_many_rooms_are_visited_in_turn(stack: RoomStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call visits a part of them, and some calls visit each of them."""
    monkeypatch.setattr(module, "LEAST_VISITS", 2)
    monkeypatch.setattr(module, "VISIT_ROUNDS", 3)
    monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
    for name in ("a", "b", "c", "d", "e", "f"):
        await stack.service.run(CreateCalendar(principal=OPERATOR, calendar=name, name=name, zone="UTC"))
        await stack.dispatcher.room(name)
    left = []
    while stack.dispatcher.rooms:
        stack.dispatcher.close_idle_rooms()
        left.append(len(stack.dispatcher.rooms))
    assert left == [4, 2, 0]
    assert stack.dispatcher.room_bytes == stack.dispatcher.memory.counted_bytes == 0
