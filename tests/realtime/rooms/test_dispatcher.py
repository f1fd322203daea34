"""A database restored under open rooms: no subscriber gets a mix of two histories."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.contract.commands.slots import UpdateSlot
from models.contract.principal import OPERATOR
from models.service import SlotService, Snapshot
from realtime.rooms.replica import AT_REST
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


async def test_a_look_reads_only_the_rooms_that_moved(stack: RoomStack) -> None:
    """The news names a calendar and its last seq: another room, and one that has the change, cost no read."""
    joined = await stack.join(RecordingConnection())
    seq = joined[1].room.replica.seq
    before = stack.dispatcher.looks
    for last in ({}, {"other": 9}, {"room": seq}, {"room": seq - 1}):
        assert stack.dispatcher.read_new_rows(last) is None
    assert stack.dispatcher.looks == before
    await stack.service.read(stack.dispatcher.read_new_rows, {"room": seq + 1})
    assert stack.dispatcher.looks == before + 1


async def test_an_old_cursor_is_resumed_from_the_log(stack: RoomStack) -> None:
    """The room keeps few changes in memory, and reads the earlier ones once for all that ask."""
    _, joined = await stack.join(RecordingConnection())
    cursor = joined.room.replica.cursor
    for _ in range(AT_REST + 10):
        await stack.dispatcher.settled("room", await stack.change())
    _, resumed = await stack.join(RecordingConnection(), after=cursor)
    assert resumed.mode == "resumed"
    assert len(msgspec.json.decode(b"{" + resumed.body)["changes"]) == AT_REST + 10


async def test_a_room_is_opened_by_one_read(stack: RoomStack) -> None:
    """Where nothing has changed meanwhile, the log is not read for it."""
    await stack.dispatcher.room("room")
    assert not stack.dispatcher._notification.is_set()


@pytest.mark.parametrize("is_own", [True, False])
async def test_a_change_made_while_a_room_opens_reaches_it(
    is_own: bool, stack: RoomStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room is not there yet to take the change, of this process or of another one."""
    command = UpdateSlot(principal=OPERATOR, slot=stack.slot, data=b"1")
    read = SlotService.snapshot
    other = SlotService(stack.sync.url, stack.sync.secret)
    other.open()

    def read_and_change(service: SlotService, *args: Any, **fields: Any) -> Snapshot:
        found = read(service, *args, **fields)
        seq = (service if is_own else other).run(command).seq
        if not is_own:
            stack.dispatcher.read_new_rows({"room": seq})  # as the listener does
        return found

    monkeypatch.setattr(SlotService, "snapshot", read_and_change)
    room = await stack.dispatcher.room("room")
    monkeypatch.setattr(SlotService, "snapshot", read)
    newest = stack.sync.head("room").seq
    await eventually(lambda: room.replica.seq == newest)
    await stack.service.read(other.close)
