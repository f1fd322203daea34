"""The request handler answers a command after its subscribers have the change."""

import asyncio

from models.contract.commands.slots import UpdateSlot
from models.contract.principal import OPERATOR
from models.contract.values.time import system_clock
from realtime import protocol
from tests.realtime.room_stack import RecordingConnection, RoomStack
from tests.support import eventually


async def test_an_answer_leaves_after_its_change(stack: RoomStack) -> None:
    """A slow room delays the answer of a command until its subscribers have the change."""
    connection = RecordingConnection()
    _, joined = await stack.join(connection)
    room = joined.room
    request = protocol.read_request("slot.update", {"slot": stack.slot, "data": 1})
    assert isinstance(request, UpdateSlot)
    before = room.fetched
    async with room.lock:  # as if it were writing to thousands
        doing = asyncio.create_task(stack.request_handler.do(request, OPERATOR, system_clock()))
        await eventually(lambda: room.fetched != before, what="the commit")
        for _ in range(10):
            await asyncio.sleep(0)
        assert not doing.done()
        assert connection.writes == []
    answer = await doing
    assert connection.seqs == [answer.seq]
