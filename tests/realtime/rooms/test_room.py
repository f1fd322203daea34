"""Rooms over a real book: who hears what, in which order, and what becomes of a room that lost its thread."""

import asyncio
import sqlite3
from contextlib import closing

import msgspec
import pytest

from models.contract.commands import OPERATOR, Principal, UpdateCalendar, UpdateSlot
from models.contract.errors import Unauthorized
from models.contract.time import system_clock
from realtime import protocol
from realtime.rooms import room
from realtime.rooms.room import Audience, Subscriber
from tests.realtime.stack import GUEST, Ear, House
from tests.support import eventually


async def test_a_member_hears_what_comes_after_its_answer(house: House) -> None:
    """Whenever it joins, the first change it hears follows the seq that its answer was made at."""
    ears = []
    for _ in range(40):
        changing = asyncio.create_task(house.change())
        ear = Ear()
        _, joined = await house.join(ear)
        ears.append((ear, int(joined.cursor.partition(".")[0])))
        await changing
    last = await house.change()
    await house.dispatcher.settled("room", last)
    for ear, seq in ears:
        assert ear.seqs == list(range(seq + 1, last + 1))


async def test_what_is_committed_together_is_sent_together(house: House) -> None:
    """Sixty requests at once make far fewer writes, though the first is committed alone; nothing is left out."""
    ears = [Ear() for _ in range(500)]
    for ear in ears:
        await house.join(ear)
    last = max(await asyncio.gather(*(house.change() for _ in range(60))))
    await house.dispatcher.settled("room", last)
    assert all(ear.seqs == list(range(last - 59, last + 1)) for ear in ears)
    assert len(ears[0].heard) <= 30


async def test_a_change_alone_waits_for_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no command is under way, whoever asks for quiet has it at once; nor is it long since the last write."""
    with pytest.raises(StopIteration):  # it has ended without a suspension
        house.service.quiet(60.0).send(None)
    monkeypatch.setattr(room, "SECONDS_A_WRITE", 3_600)
    monkeypatch.setattr(room, "LONGEST_REST_SECONDS", 3_600)
    ear = Ear()
    await house.join(ear)
    seqs: list[int] = []
    for _ in range(3):
        seqs.append(await house.change())
        await eventually(lambda: ear.seqs == seqs)


async def test_who_waits_for_a_change_that_nobody_has_made(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long poll waits for as long as it likes; only the answer to a change that was made comes all the same."""
    monkeypatch.setattr(room, "SETTLE_SECONDS", 0.02)
    _, joined = await house.join(Ear())
    seq = joined.room.sent + 1
    polling = asyncio.create_task(joined.room.reached(seq))
    await joined.room.settled(seq)
    await joined.room.settled(seq)
    assert not polling.done()
    assert await house.change() == seq
    await asyncio.wait_for(polling, 2)
    assert polling not in asyncio.all_tasks()
    joined.room.leave(joined.room.subscribers[Audience.PUBLIC].popitem()[1])
    assert joined.room.is_empty


async def test_joining_twice_and_leaving(house: House) -> None:
    """One connection has one seat, and the seat that counts is its last."""
    ear = Ear()
    first, joined = await house.join(ear)
    second, _ = await house.join(ear)
    joined.room.leave(first)
    seq = await house.change()
    await house.dispatcher.settled("room", seq)
    assert ear.seqs == [seq]
    joined.room.leave(second)
    await house.dispatcher.settled("room", await house.change())
    assert ear.seqs == [seq]
    gone = Subscriber(ear, Audience.PUBLIC, GUEST)
    gone.is_gone = True
    joined.room.join(gone)
    assert joined.room.is_empty


async def test_many_who_open_a_room_at_once(house: House) -> None:
    """They are given one room, by one read."""
    rooms = await asyncio.gather(*(house.dispatcher.room("room") for _ in range(20)))
    assert len({id(room) for room in rooms}) == 1


async def test_an_answer_waits_for_a_room_that_is_being_opened(house: House) -> None:
    """A change that commits while its room is opened is in the room before its asker is answered."""
    for _ in range(20):
        house.dispatcher.rooms.clear()
        opening = asyncio.create_task(house.dispatcher.room("room"))
        seq = await house.change()
        await house.dispatcher.settled("room", seq)
        room = await opening
        assert room.replica.seq >= seq


async def test_who_may_not_stay_hears_nothing_of_it(house: House) -> None:
    """A calendar made private cuts guests off first, and tells only those who may know."""
    guest, subscriber = Ear(), Ear()
    await house.join(guest)
    await house.join(subscriber, principal=Principal(subject="ada", calendars=frozenset({"room"})))
    answer = await house.service.run(
        UpdateCalendar(principal=OPERATOR, calendar="room", visibility="private", name="Vault")
    )
    await house.dispatcher.settled("room", answer.seq)
    assert (guest.heard, guest.is_open) == ([], False)
    assert subscriber.changes[0]["info"]["name"] == "Vault"
    with pytest.raises(Unauthorized):
        await house.join(Ear())


async def test_a_lost_bell_loses_nothing(house: House) -> None:
    """What nobody rang for is found at the next look, in order and once."""
    ear = Ear()
    await house.join(ear)
    house.sync.on_commit = lambda _: None
    seqs = [await house.change() for _ in range(5)]
    house.dispatcher.ring({"room"})
    house.dispatcher.ring({"room"})
    await eventually(lambda: ear.seqs == seqs)
    new_rows = await house.service.read(house.dispatcher.look)
    assert new_rows is None


async def test_a_replay_follows_its_cursor_only(house: House) -> None:
    """A cursor of this history is resumed; one with another nonce, or of the future, gets a snapshot."""
    _, joined = await house.join(Ear())
    for _ in range(3):
        await house.dispatcher.settled("room", await house.change())
    _, again = await house.join(Ear(), after=joined.cursor)
    assert again.mode == "resumed"
    assert len(msgspec.json.decode(b"{" + again.body)["changes"]) == 3
    seq, _, nonce = again.cursor.partition(".")
    for stranger in (f"{seq}.abc", f"{int(seq) + 1}.{nonce}", f"1.{nonce}"):
        assert (await house.join(Ear(), after=stranger))[1].mode == "snapshot", stranger


async def test_a_room_that_failed_is_left_by_all(house: House) -> None:
    """Members of a room whose log does not follow are cut off, come back, and find a new one that is right."""
    ear = Ear()
    _, joined = await house.join(ear)
    joined.room.replica.seq -= 1  # as if a row were missing
    await house.change()
    await eventually(lambda: not ear.is_open)
    assert ear.heard == []
    _, again = await house.join(Ear())
    assert again.room is not joined.room
    assert again.room.replica.seq == await house.change() - 1


async def test_staff_hear_bookings_and_guests_do_not(house: House) -> None:
    """The same change, in two forms."""
    guest, clerk = Ear(), Ear()
    await house.join(guest)
    await house.join(clerk, principal=OPERATOR)
    await house.dispatcher.settled("room", await house.change())
    assert clerk.changes[0].pop("bookings") == []
    assert "bookings" not in guest.changes[0]


async def test_bookings_that_cant_be_read_cost_the_public_nothing(house: House) -> None:
    """Staff are cut off and come back by their cursor; who has the change already stays where it is."""
    guest, clerk = Ear(), Ear()
    await house.join(guest)
    _, joined = await house.join(clerk, principal=OPERATOR)
    with closing(sqlite3.connect(house.sync.url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        async with joined.room.turn:
            seq = (await house.reserve(house.slot)).seq
            other.execute("ALTER TABLE booking RENAME TO hidden")
        await house.dispatcher.settled("room", seq)
        other.execute("ALTER TABLE hidden RENAME TO booking")
    assert (guest.seqs, guest.is_open) == ([seq], True)
    assert (clerk.heard, clerk.is_open) == ([], False)
    _, again = await house.join(Ear(), after=joined.cursor, principal=OPERATOR)
    assert (again.mode, again.room) == ("resumed", joined.room)
    (change,) = msgspec.json.decode(b"{" + again.body)["changes"]
    assert len(change["bookings"]) == 1


async def test_an_answer_leaves_after_its_change(house: House) -> None:
    """However long the room takes: who asked is told when everyone there was."""
    ear = Ear()
    _, joined = await house.join(ear)
    room = joined.room
    request = protocol.read_request("slot.update", {"slot": house.slot, "data": 1})
    assert isinstance(request, UpdateSlot)
    before = room.fetched
    async with room.turn:  # as if it were writing to thousands
        doing = asyncio.create_task(house.request_handler.do(request, OPERATOR, system_clock()))
        await eventually(lambda: room.fetched != before, 5, "the commit")
        for _ in range(10):
            await asyncio.sleep(0)
        assert not doing.done()
        assert ear.heard == []
    answer = await doing
    assert ear.seqs == [answer.seq]
