"""The text of replicas: equal for all clients that ask for the same, and encoded once."""

import msgspec

from models.contract.changes import Cursor
from models.contract.values.time import DAY, system_clock
from realtime.rooms.replica.text import ReplicaText
from tests.realtime.room_stack import RoomStack


async def test_a_replay_is_encoded_once(stack: RoomStack) -> None:
    """All clients with one cursor share a text until the next change; a cursor of another history has none."""
    room = await stack.dispatcher.room("room")
    text, replica = ReplicaText(system_clock), room.replica
    start = Cursor(replica.seq, replica.nonce)
    await stack.dispatcher.settled("room", await stack.change())
    changes = text.changes(replica, start)
    assert changes is not None
    assert text.changes(replica, start) is changes
    assert text.changes(replica, Cursor(start.seq, "other")) is None
    body = msgspec.json.decode(b"{" + text.resumption(replica, changes))
    assert [change["seq"] for change in body["changes"]] == [replica.seq]
    await stack.dispatcher.settled("room", await stack.change())
    again = text.changes(replica, start)
    assert again is not None
    assert again.startswith(changes)


async def test_a_window_that_changes_is_encoded_once_for_each_change(stack: RoomStack) -> None:
    """The slots of a window are those of the replica, before and after a change."""
    room = await stack.dispatcher.room("room")
    text, replica, now = ReplicaText(system_clock), room.replica, system_clock()
    for _ in range(2):
        seq = await stack.change()
        await stack.dispatcher.settled("room", seq)
        bodies = [msgspec.json.decode(b"{" + text.snapshot(replica, now, now + 2 * DAY)) for _ in range(2)]
        assert [slot["version"] for slot in bodies[0]["slots"]] == [seq]
        assert bodies[0]["slots"] == bodies[1]["slots"]
