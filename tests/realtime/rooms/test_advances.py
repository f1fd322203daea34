"""Rooms on their way: a change to few subscribers is sent at once, and no change passes another or a join."""

from models.contract.changes import Logged
from realtime.rooms import room
from tests.realtime.room_stack import RecordingConnection, RoomStack
from tests.support import eventually


async def test_few_subscribers_get_a_change_in_the_step_of_its_commit(stack: RoomStack) -> None:
    """No task and no lock is taken for them; with one more than a few the change is sent by a task."""
    connections = [RecordingConnection() for _ in range(room.MOST_AT_ONCE + 1)]
    seen: list[tuple[int, int]] = []

    def take(rows: list[Logged]) -> None:
        on_rows(rows)
        seen.append((rows[-1].seq, stack.dispatcher.rooms["room"].sent))

    on_rows, stack.dispatcher.on_rows = stack.dispatcher.on_rows, take  # type: ignore[method-assign]
    for connection in connections[:-1]:
        await stack.join(connection)
    few = await stack.change()
    await stack.join(connections[-1])
    many = await stack.change()
    await stack.dispatcher.settled("room", many)
    assert seen == [(few, few), (many, few)]
    assert [connection.seqs for connection in connections] == [[few, many]] * room.MOST_AT_ONCE + [[many]]


async def test_a_change_does_not_pass_a_join(stack: RoomStack) -> None:
    """While a join has the room's lock, the change waits for it like for many subscribers."""
    connection = RecordingConnection()
    await stack.join(connection)
    opened = stack.dispatcher.rooms["room"]
    async with opened.lock:
        seq = await stack.change()
        assert connection.seqs == []
    await eventually(lambda: connection.seqs == [seq])
