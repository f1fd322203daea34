"""A database restored under open rooms: no subscriber gets a mix of two histories."""

from pathlib import Path

import msgspec
import pytest

from models.contract.commands import UpdateSlot
from models.contract.principal import OPERATOR
from models.service import SlotService
from tests.realtime.room_stack import RecordingConnection, RoomStack
from tests.support import backup, eventually


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
    new_rows = await stack.service.read(stack.dispatcher.read_new_rows)
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
