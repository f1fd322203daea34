"""The replica of a calendar: it applies changes in order of seq, and replays them."""

import msgspec
import pytest

from models.contract.changes import read_cursor
from realtime.rooms.replica import Gap
from tests.realtime.room_stack import RecordingConnection, RoomStack


async def test_a_replay_follows_its_cursor_only(stack: RoomStack) -> None:
    """A cursor of this history is resumed; one with another nonce, or of the future, gets a snapshot."""
    _, joined = await stack.join(RecordingConnection())
    for _ in range(3):
        await stack.dispatcher.settled("room", await stack.change())
    _, again = await stack.join(RecordingConnection(), after=joined.cursor)
    assert again.mode == "resumed"
    assert len(msgspec.json.decode(b"{" + again.body)["changes"]) == 3
    seq, _, nonce = again.cursor.partition(".")
    for stranger in (f"{seq}.abc", f"{int(seq) + 1}.{nonce}", f"1.{nonce}"):
        assert (await stack.join(RecordingConnection(), after=stranger))[1].mode == "snapshot", stranger


async def test_a_row_that_does_not_follow_is_a_gap(stack: RoomStack) -> None:
    """A skipped, a repeated and a foreign row raise Gap, and leave the replica as it was."""
    _, joined = await stack.join(RecordingConnection())
    replica = joined.room.replica
    await stack.dispatcher.settled("room", await stack.change())
    (row,) = replica.replay(read_cursor(joined.cursor)) or ()
    before = replica.cursor
    for stranger in (row, row._replace(seq=row.seq + 2), row._replace(seq=row.seq + 1, follows="another")):
        with pytest.raises(Gap):
            replica.apply(stranger)
    assert replica.cursor == before
