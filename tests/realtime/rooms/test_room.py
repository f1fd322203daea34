"""Rooms over a real service: the recipients and the order of changes, and rooms with a gap in their log."""

import asyncio
import sqlite3
from contextlib import closing

import msgspec
import pytest

from models.contract.principal import OPERATOR
from realtime.rooms import room
from tests.realtime.room_stack import RecordingConnection, RoomStack
from tests.support import eventually


async def test_the_first_change_follows_the_answer(stack: RoomStack) -> None:
    """The first change of a new subscriber follows the seq of its answer, whenever it subscribes."""
    connections = []
    for _ in range(40):
        changing = asyncio.create_task(stack.change())
        connection = RecordingConnection()
        _, joined = await stack.join(connection)
        connections.append((connection, int(joined.cursor.partition(".")[0])))
        await changing
    last = await stack.change()
    await stack.dispatcher.settled("room", last)
    for connection, seq in connections:
        assert connection.seqs == list(range(seq + 1, last + 1))


async def test_changes_committed_together_are_sent_together(stack: RoomStack) -> None:
    """Sixty requests at once make far fewer writes, though the first is committed alone; nothing is left out."""
    connections = [RecordingConnection() for _ in range(500)]
    for connection in connections:
        await stack.join(connection)
    last = max(await asyncio.gather(*(stack.change() for _ in range(60))))
    await stack.dispatcher.settled("room", last)
    assert all(connection.seqs == list(range(last - 59, last + 1)) for connection in connections)
    assert len(connections[0].writes) <= 30


async def test_a_change_alone_waits_for_nothing(stack: RoomStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a command under way, a wait for them ends at once; the last write may be recent."""
    with pytest.raises(StopIteration):  # it has ended without a suspension
        stack.service.caught_up(60.0).send(None)
    monkeypatch.setattr(room, "SECONDS_A_WRITE", 3_600)
    monkeypatch.setattr(room, "LONGEST_REST_SECONDS", 3_600)
    connection = RecordingConnection()
    await stack.join(connection)
    seqs: list[int] = []
    for _ in range(3):
        seqs.append(await stack.change())
        await eventually(lambda: connection.seqs == seqs)


async def test_many_clients_open_one_room(stack: RoomStack) -> None:
    """They are given one room, by one read."""
    rooms = await asyncio.gather(*(stack.dispatcher.room("room") for _ in range(20)))
    assert len({id(room) for room in rooms}) == 1


async def test_an_answer_waits_for_a_room_that_is_being_opened(stack: RoomStack) -> None:
    """A change committed while its room opens is in the room before its command is answered."""
    for _ in range(20):
        stack.dispatcher.rooms.clear()
        opening = asyncio.create_task(stack.dispatcher.room("room"))
        seq = await stack.change()
        await stack.dispatcher.settled("room", seq)
        room = await opening
        assert room.replica.seq >= seq


async def test_a_lost_notification_loses_nothing(stack: RoomStack) -> None:
    """A commit without a notification is found at the next interval, in order and once."""
    connection = RecordingConnection()
    await stack.join(connection)
    stack.sync.on_commit = lambda _: None
    seqs = [await stack.change() for _ in range(5)]
    stack.dispatcher.notify({"room"})
    stack.dispatcher.notify({"room"})
    await eventually(lambda: connection.seqs == seqs)
    new_rows = await stack.service.read(stack.dispatcher.read_new_rows, None)
    assert new_rows is None


async def test_a_room_that_failed_is_left_by_all(stack: RoomStack) -> None:
    """Subscribers of a room with a gap in its log are closed, come back, and find a new and right room."""
    connection = RecordingConnection()
    _, joined = await stack.join(connection)
    joined.room.replica.seq -= 1  # as if a row were missing
    await stack.change()
    await eventually(lambda: not connection.is_open)
    assert connection.writes == []
    _, again = await stack.join(RecordingConnection())
    assert again.room is not joined.room
    assert again.room.replica.seq == await stack.change() - 1


async def test_staff_get_bookings_and_guests_do_not(stack: RoomStack) -> None:
    """The same change, in two forms."""
    guest, clerk = RecordingConnection(), RecordingConnection()
    await stack.join(guest)
    await stack.join(clerk, principal=OPERATOR)
    await stack.dispatcher.settled("room", await stack.change())
    assert clerk.changes[0].pop("bookings") == []
    assert "bookings" not in guest.changes[0]


async def test_bookings_that_cant_be_read_cost_the_public_nothing(stack: RoomStack) -> None:
    """Staff are closed and resume by their cursor; a subscriber with the change stays."""
    guest, clerk = RecordingConnection(), RecordingConnection()
    await stack.join(guest)
    _, joined = await stack.join(clerk, principal=OPERATOR)
    with closing(sqlite3.connect(stack.sync.url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        async with joined.room.lock:
            seq = (await stack.reserve(stack.slot)).seq
            other.execute("ALTER TABLE booking RENAME TO hidden")
        await stack.dispatcher.settled("room", seq)
        other.execute("ALTER TABLE hidden RENAME TO booking")
    assert (guest.seqs, guest.is_open) == ([seq], True)
    assert (clerk.writes, clerk.is_open) == ([], False)
    _, again = await stack.join(RecordingConnection(), after=joined.cursor, principal=OPERATOR)
    assert (again.mode, again.room) == ("resumed", joined.room)
    (change,) = msgspec.json.decode(b"{" + again.body)["changes"]
    assert len(change["bookings"]) == 1
