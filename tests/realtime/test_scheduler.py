"""The periodic work: what is due is done, and a failure stops nothing."""

import pytest

from models.contract.commands.background import ExpireHolds
from models.contract.commands.holds import HoldSlot
from models.contract.errors import Overloaded
from realtime.scheduler import Scheduler
from tests.models.database_audit import query
from tests.realtime.room_stack import GUEST, RecordingConnection, RoomStack
from tests.support import eventually, new_key


async def test_an_expired_hold_is_freed_after_a_failure(stack: RoomStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look at the database fails; a later one finds the hold, and the subscribers are told."""
    await stack.service.run(HoldSlot(principal=GUEST, key=new_key(), slot=stack.slot))
    query(stack.sync.url, "UPDATE hold SET expires_at = 1")
    due, looks = stack.sync.due, list[int]()

    def fail_once() -> list[ExpireHolds]:
        looks.append(1)
        if len(looks) == 1:
            raise Overloaded
        return due()

    monkeypatch.setattr(type(stack.sync), "due", lambda _: fail_once())
    connection = RecordingConnection()
    await stack.join(connection)
    scheduler = Scheduler(stack.service, stack.dispatcher)
    scheduler.start()
    await eventually(lambda: [change["type"] for change in connection.changes] == ["slot.expired"], 10, "the change")
    await scheduler.close()
