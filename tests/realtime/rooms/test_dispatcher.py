"""The rows of the log reach the rooms in order, also after a restore of the database under open rooms."""

from pathlib import Path

import msgspec
import pytest

from models.contract.commands.slots import UpdateSlot
from models.contract.principal import OPERATOR
from models.service import SlotService
from realtime.rooms.replica.replica import AT_REST
from tests.realtime.room_stack import RecordingConnection, RoomStack
from tests.support import eventually
from tests.support.databases import backup


@pytest.mark.parametrize("own", [0, 1, 4], ids="then {} of its own".format)
@pytest.mark.parametrize("others", [0, 1, 3, 6], ids="{} more in the copy".format)
async def test_a_copy_put_back(others: int, own: int, stack: RoomStack, tmp_path: Path) -> None:
    """Subscribers are closed before they get a change of the copy, and then find the copy's state."""
    connection = RecordingConnection()
    _, joined = await stack.join(connection)
    first = joined.room.replica.seq
    copy = f"sqlite:///{tmp_path / 'copy.db'}"
    backup.copy(stack.sync.url, copy)
    for _ in range(3):
        await stack.dispatcher.settled("room", await stack.change())
    other = SlotService(copy, stack.sync.secret)
    other.open()
    for number in range(others):
        other.run(UpdateSlot(principal=OPERATOR, slot=stack.slot, data=b"[%d]" % number))
    other.close()
    backup.copy(copy, stack.sync.url)
    for _ in range(own):
        await stack.change()
    new_rows = await stack.service.read(stack.dispatcher.read_new_rows, None)
    if new_rows is not None:
        stack.dispatcher.take_new_rows(new_rows)
    await eventually(lambda: not connection.is_open)
    assert connection.seqs == [first + 1, first + 2, first + 3]
    late = RecordingConnection()
    _, again = await stack.join(late, after=joined.room.replica.cursor)
    told = msgspec.json.decode(b"{" + again.body)
    fresh = stack.sync.snapshot("room", 0, 1 << 60)
    assert (again.mode, told["seq"], told["cursor"]) == ("snapshot", first + others + own, fresh.cursor)
    assert told["slots"] == [msgspec.json.decode(slot.body) for slot in fresh.slots]
    seq = await stack.change()
    await stack.dispatcher.settled("room", seq)
    assert late.seqs == [seq]


async def test_a_read_of_the_log_is_of_rooms_that_lack_rows(stack: RoomStack) -> None:
    """The news names a calendar and its last seq: another room, and one that has the change, cost no read."""
    joined = await stack.join(RecordingConnection())
    seq = joined[1].room.replica.seq
    before = stack.dispatcher.looks
    for last in ({}, {"other": 9}, {"room": seq}, {"room": seq - 1}):
        assert stack.dispatcher.read_new_rows(last) is None
    assert stack.dispatcher.looks == before
    await stack.service.read(stack.dispatcher.read_new_rows, {"room": seq + 1})
    assert stack.dispatcher.looks == before + 1


async def test_rows_of_one_server_may_lack_another_one_s(stack: RoomStack, tmp_path: Path) -> None:
    """A change that is missing between two rows is read from the log, and the subscribers stay."""
    connection = RecordingConnection()
    _, joined = await stack.join(connection)
    room, first = joined.room, joined.room.replica.seq
    other = SlotService(stack.sync.url, stack.sync.secret)
    other.open()
    for number in range(3):
        other.run(UpdateSlot(principal=OPERATOR, slot=stack.slot, data=b"[%d]" % number))
    other.close()
    rows = await stack.service.read(stack.sync.changes_after, "room", room.fetched)
    assert rows is not None
    stack.dispatcher.on_rows([rows[0], rows[2]])
    await eventually(lambda: room.sent == first + 3)
    assert connection.is_open
    assert connection.seqs == [first + 1, first + 2, first + 3]


async def test_an_old_cursor_is_resumed_from_the_log(stack: RoomStack) -> None:
    """The room keeps few changes in memory, and reads earlier ones from the log."""
    _, joined = await stack.join(RecordingConnection())
    cursor = joined.room.replica.cursor
    for _ in range(AT_REST + 10):
        await stack.dispatcher.settled("room", await stack.change())
    _, resumed = await stack.join(RecordingConnection(), after=cursor)
    assert resumed.mode == "resumed"
    assert len(msgspec.json.decode(b"{" + resumed.body)["changes"]) == AT_REST + 10
