"""The change listener: a commit of another connection is noticed soon."""

import asyncio
import random
import time
from statistics import median

from models.contract.changes import Logged
from models.contract.commands.slots import UpdateSlot
from models.contract.principal import OPERATOR
from models.service import SlotService
from realtime.rooms.change_listener import ChangeListener
from tests.realtime.room_stack import RecordingConnection, RoomStack
from tests.support import eventually

HEARD_SECONDS = 0.4  # on a busy machine; the fast poll is every 18 ms, the slow interval is a second


async def test_another_connections_commit_is_looked_at_at_once(stack: RoomStack) -> None:
    """The database is polled often, so that no subscriber waits for the slow interval."""
    looks: asyncio.Queue[float] = asyncio.Queue()
    other = SlotService(stack.sync.url, stack.sync.secret)
    other.open()
    bell = ChangeListener(
        stack.sync.watch(), lambda _: time.monotonic(), lambda _: None, looks.put_nowait, lambda _: None
    )
    bell.start()
    lates = []
    for number in range(9):
        command = UpdateSlot(principal=OPERATOR, slot=stack.slot, data=b"%d" % number)
        began = time.monotonic()
        await asyncio.to_thread(other.run, command)
        async with asyncio.timeout(20):
            while (looked := await looks.get()) < began:
                pass
        lates.append(looked - began)
    await bell.close()
    other.close()
    assert median(lates) < HEARD_SECONDS, lates


async def test_rows_that_are_lost_late_or_doubled_on_the_way_change_nothing(stack: RoomStack) -> None:
    """Another server's notifications may arrive in any number and order: each change is sent once, in order."""
    chance = random.Random(20_261_129)
    rows: list[Logged] = []
    other = SlotService(stack.sync.url, stack.sync.secret, on_commit=rows.extend)
    other.open()
    connection = RecordingConnection()
    _, joined = await stack.join(connection)
    first = joined.room.replica.seq
    for number in range(60):
        command = UpdateSlot(principal=OPERATOR, slot=stack.slot, data=b"%d" % number)
        await asyncio.to_thread(other.run, command)
        heard = [row for row in rows[-4:] if chance.random() < 0.5]
        chance.shuffle(heard)
        for row in heard:
            stack.dispatcher.on_rows([row])
    stack.dispatcher.notify({"room"})
    await eventually(lambda: len(connection.seqs) == 60)
    assert connection.seqs == list(range(first + 1, first + 61))
    assert connection.is_open
    other.close()
