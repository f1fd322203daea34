"""Rooms over a real book: who hears what, in which order, and what becomes of a room that lost its thread."""

import asyncio
import sqlite3
from contextlib import closing

import msgspec
import pytest

from models.contract.commands import UpdateCalendar, UpdateSlot
from models.contract.errors import Unauthorized
from models.contract.principal import OPERATOR, Principal
from models.contract.time import system_clock
from realtime import protocol
from realtime.rooms import room, waiters
from realtime.rooms.subscriber import Audience, Subscriber
from tests.realtime.room_stack import GUEST, RecordingConnection, RoomStack
from tests.support import eventually


async def test_a_member_hears_what_comes_after_its_answer(stack: RoomStack) -> None:
    """Whenever it joins, the first change it hears follows the seq that its answer was made at."""
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


async def test_what_is_committed_together_is_sent_together(stack: RoomStack) -> None:
    """Sixty requests at once make far fewer writes, though the first is committed alone; nothing is left out."""
    connections = [RecordingConnection() for _ in range(500)]
    for connection in connections:
        await stack.join(connection)
    last = max(await asyncio.gather(*(stack.change() for _ in range(60))))
    await stack.dispatcher.settled("room", last)
    assert all(connection.seqs == list(range(last - 59, last + 1)) for connection in connections)
    assert len(connections[0].writes) <= 30


async def test_a_change_alone_waits_for_nothing(stack: RoomStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no command is under way, whoever asks for quiet has it at once; nor is it long since the last write."""
    with pytest.raises(StopIteration):  # it has ended without a suspension
        stack.service.quiet(60.0).send(None)
    monkeypatch.setattr(room, "SECONDS_A_WRITE", 3_600)
    monkeypatch.setattr(room, "LONGEST_REST_SECONDS", 3_600)
    connection = RecordingConnection()
    await stack.join(connection)
    seqs: list[int] = []
    for _ in range(3):
        seqs.append(await stack.change())
        await eventually(lambda: connection.seqs == seqs)


async def test_who_waits_for_a_change_that_nobody_has_made(stack: RoomStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long poll waits for as long as it likes; only the answer to a change that was made comes all the same."""
    monkeypatch.setattr(waiters, "SETTLE_SECONDS", 0.02)
    subscriber, joined = await stack.join(RecordingConnection())
    seq = joined.room.sent + 1
    polling = asyncio.create_task(joined.room.reached(seq))
    await joined.room.settled(seq)
    await joined.room.settled(seq)
    assert not polling.done()
    assert await stack.change() == seq
    await asyncio.wait_for(polling, 2)
    assert polling not in asyncio.all_tasks()
    joined.room.leave(subscriber)
    assert joined.room.is_empty


async def test_joining_twice_and_leaving(stack: RoomStack) -> None:
    """One connection has one seat, and the seat that counts is its last."""
    connection = RecordingConnection()
    first, joined = await stack.join(connection)
    second, _ = await stack.join(connection)
    joined.room.leave(first)
    seq = await stack.change()
    await stack.dispatcher.settled("room", seq)
    assert connection.seqs == [seq]
    joined.room.leave(second)
    await stack.dispatcher.settled("room", await stack.change())
    assert connection.seqs == [seq]
    gone = Subscriber("room", connection, Audience.PUBLIC, GUEST)
    gone.give_up()
    with pytest.raises(RuntimeError):
        joined.room.join(gone)
    assert joined.room.is_empty


async def test_many_who_open_a_room_at_once(stack: RoomStack) -> None:
    """They are given one room, by one read."""
    rooms = await asyncio.gather(*(stack.dispatcher.room("room") for _ in range(20)))
    assert len({id(room) for room in rooms}) == 1


async def test_an_answer_waits_for_a_room_that_is_being_opened(stack: RoomStack) -> None:
    """A change that commits while its room is opened is in the room before its asker is answered."""
    for _ in range(20):
        stack.dispatcher.rooms.clear()
        opening = asyncio.create_task(stack.dispatcher.room("room"))
        seq = await stack.change()
        await stack.dispatcher.settled("room", seq)
        room = await opening
        assert room.replica.seq >= seq


async def test_who_may_not_stay_hears_nothing_of_it(stack: RoomStack) -> None:
    """A calendar made private cuts guests off first, and tells only those who may know."""
    guest, subscriber = RecordingConnection(), RecordingConnection()
    await stack.join(guest)
    await stack.join(subscriber, principal=Principal(subject="ada", calendars=frozenset({"room"})))
    answer = await stack.service.run(
        UpdateCalendar(principal=OPERATOR, calendar="room", visibility="private", name="Vault")
    )
    await stack.dispatcher.settled("room", answer.seq)
    assert (guest.writes, guest.is_open) == ([], False)
    assert subscriber.changes[0]["info"]["name"] == "Vault"
    with pytest.raises(Unauthorized):
        await stack.join(RecordingConnection())


async def test_a_lost_bell_loses_nothing(stack: RoomStack) -> None:
    """What nobody rang for is found at the next look, in order and once."""
    connection = RecordingConnection()
    await stack.join(connection)
    stack.sync.on_commit = lambda _: None
    seqs = [await stack.change() for _ in range(5)]
    stack.dispatcher.notify({"room"})
    stack.dispatcher.notify({"room"})
    await eventually(lambda: connection.seqs == seqs)
    new_rows = await stack.service.read(stack.dispatcher.read_new_rows, None)
    assert new_rows is None


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


async def test_a_room_that_failed_is_left_by_all(stack: RoomStack) -> None:
    """Members of a room whose log does not follow are cut off, come back, and find a new one that is right."""
    connection = RecordingConnection()
    _, joined = await stack.join(connection)
    joined.room.replica.seq -= 1  # as if a row were missing
    await stack.change()
    await eventually(lambda: not connection.is_open)
    assert connection.writes == []
    _, again = await stack.join(RecordingConnection())
    assert again.room is not joined.room
    assert again.room.replica.seq == await stack.change() - 1


async def test_staff_hear_bookings_and_guests_do_not(stack: RoomStack) -> None:
    """The same change, in two forms."""
    guest, clerk = RecordingConnection(), RecordingConnection()
    await stack.join(guest)
    await stack.join(clerk, principal=OPERATOR)
    await stack.dispatcher.settled("room", await stack.change())
    assert clerk.changes[0].pop("bookings") == []
    assert "bookings" not in guest.changes[0]


async def test_bookings_that_cant_be_read_cost_the_public_nothing(stack: RoomStack) -> None:
    """Staff are cut off and come back by their cursor; who has the change already stays where it is."""
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


async def test_an_answer_leaves_after_its_change(stack: RoomStack) -> None:
    """However long the room takes: who asked is told when everyone there was."""
    connection = RecordingConnection()
    _, joined = await stack.join(connection)
    room = joined.room
    request = protocol.read_request("slot.update", {"slot": stack.slot, "data": 1})
    assert isinstance(request, UpdateSlot)
    before = room.fetched
    async with room.lock:  # as if it were writing to thousands
        doing = asyncio.create_task(stack.request_handler.do(request, OPERATOR, system_clock()))
        await eventually(lambda: room.fetched != before, 5, "the commit")
        for _ in range(10):
            await asyncio.sleep(0)
        assert not doing.done()
        assert connection.writes == []
    answer = await doing
    assert connection.seqs == [answer.seq]
