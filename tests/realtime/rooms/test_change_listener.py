"""The change listener: a commit of another connection is noticed soon."""

import asyncio
import time
from statistics import median

from models.contract.commands.slots import UpdateSlot
from models.contract.principal import OPERATOR
from models.service import SlotService
from realtime.rooms.change_listener import ChangeListener
from tests.realtime.room_stack import RoomStack

HEARD_SECONDS = 0.1  # the fast poll is every 18 ms, the slow interval is a second


async def test_another_connections_commit_is_looked_at_at_once(stack: RoomStack) -> None:
    """The database is polled often, so that no subscriber waits for the slow interval."""
    looks: asyncio.Queue[float] = asyncio.Queue()
    other = SlotService(stack.sync.url, stack.sync.secret)
    other.open()
    bell = ChangeListener(stack.sync.watch(), lambda _: time.monotonic(), lambda _: None, looks.put_nowait)
    bell.start()
    lates = []
    for number in range(9):
        command = UpdateSlot(principal=OPERATOR, slot=stack.slot, data=b"%d" % number)
        began = time.monotonic()
        await asyncio.to_thread(other.run, command)
        async with asyncio.timeout(5):
            while (looked := await looks.get()) < began:
                pass
        lates.append(looked - began)
    await bell.close()
    other.close()
    assert median(lates) < HEARD_SECONDS, lates
