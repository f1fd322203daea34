"""Outside writes come into the log once, and from there to the rooms."""

from collections.abc import AsyncIterator

import pytest

from models.service import News
from realtime.rooms.outside_writes import OutsideWrites
from tests.realtime.room_stack import RecordingConnection, RoomStack
from tests.support import eventually
from tests.support.databases.outsider import write


@pytest.fixture
async def outside_writes(stack: RoomStack) -> AsyncIterator[OutsideWrites]:
    """Take the outside writes of the stack."""
    outside_writes = OutsideWrites(stack.service, stack.dispatcher)
    yield outside_writes
    await outside_writes.close()


async def test_an_outside_write_reaches_the_subscribers_once(stack: RoomStack, outside_writes: OutsideWrites) -> None:
    """The notes of the write are one change, also if two reads have found them."""
    connection = RecordingConnection()
    _, joined = await stack.join(connection)
    write(stack.sync.url, f"UPDATE slot SET capacity = 7 WHERE id = '{stack.slot}'")
    for _ in range(2):
        found = outside_writes.read(News({}, has_notes=True))
        assert found is not None
        outside_writes.take(found)
    await eventually(lambda: connection.changes)
    seq = joined.room.replica.seq
    assert await stack.change() == seq + 1
    await eventually(lambda: len(connection.changes) == 2)
    assert [slot["capacity"] for slot in connection.changes[0]["slots"]] == [7]


async def test_without_outside_writes_there_is_nothing_to_take(stack: RoomStack, outside_writes: OutsideWrites) -> None:
    """The service's own commands leave no notes."""
    await stack.dispatcher.settled("room", await stack.change())
    assert outside_writes.read(News({}, has_notes=True)) is None
