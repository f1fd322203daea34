"""A room opens by one read, and has the changes made meanwhile."""

from typing import Any

import pytest

from models.contract.commands.slots import UpdateSlot
from models.contract.principal import OPERATOR
from models.service import SlotService, Snapshot
from tests.realtime.room_stack import RoomStack
from tests.support import eventually


async def test_a_room_is_opened_by_one_read(stack: RoomStack) -> None:
    """The log is not read for a room without a change meanwhile."""
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
