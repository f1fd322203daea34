"""The replica of a calendar: it applies changes in order of seq, replays them, and keeps few of them at rest."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest

from models.contract.changes import Cursor, read_cursor
from models.contract.commands.slots import UpdateSlot
from models.contract.values.time import HOUR, MINUTE
from models.service import SlotService
from realtime.rooms.replica import replica as module
from realtime.rooms.replica.replica import AT_REST, MOST_REPLAYED, Gap, Replica
from tests.models.conftest import clock, database, driver, pytest_generate_tests, service
from tests.models.driver import EVER, STAFF, Driver
from tests.realtime.room_stack import RecordingConnection, RoomStack

__all__ = ["clock", "database", "driver", "pytest_generate_tests", "service"]
CHANGES = AT_REST + 20


def follow(service: SlotService, replica: Replica) -> None:
    for row in service.new_rows({"room": Cursor(replica.seq, replica.nonce)})["room"]:
        replica.apply(row)


def bookable(replica: Replica, now: int) -> list[bool]:
    return [slot["bookable"] for slot in shown(replica, now)]


def shown(replica: Replica, now: int) -> list[dict[str, Any]]:
    """Return the slots of the replica at this moment."""
    slots: list[dict[str, Any]] = json.loads(b"[%b]" % replica.joined(replica.cut(-EVER, EVER, now)))
    return slots


@pytest.mark.only("sqlite")
def test_a_slot_that_has_begun_is_not_bookable(driver: Driver) -> None:
    """It is not bookable from its start on, and after a later change too. The mark of the window changes then."""
    start = driver.clock.now + HOUR
    first, _ = driver.open(2, start=start)
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    before = replica.cut(-EVER, EVER, start - 1)
    assert bookable(replica, start - 1) == [True, True]
    assert bookable(replica, start) == [False, True]
    assert replica.cut(-EVER, EVER, start).mark != before.mark
    assert shown(replica, start - 1) == shown(replica, start)  # the clock may step back
    data = b'{"bookable":true}'
    driver.service.run(UpdateSlot(principal=STAFF, slot=first, data=data))  # committed by a clock that is behind
    follow(driver.service, replica)
    slot, other = shown(replica, start)
    assert (slot["bookable"], slot["data"], other["bookable"]) == (False, {"bookable": True}, True)
    driver.clock.now = start
    fresh = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    assert shown(fresh, start) == shown(replica, start)
    assert fresh.cut(-EVER, EVER, start).mark == replica.cut(-EVER, EVER, start).mark


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("seed", range(6))
def test_a_repeated_cut_is_the_one_that_would_be_made_anew(driver: Driver, seed: int) -> None:
    """Whatever the windows, the times, the lengths of the slots and the changes between."""
    chance = random.Random(seed)
    at = driver.clock.now
    lengths = [HOUR // 2] if seed % 2 else [HOUR // 2, HOUR, 5 * HOUR]

    def open_some(count: int) -> None:
        for _ in range(count):
            start = at + chance.randrange(1, 48) * HOUR // 4
            driver.open_between(start, start + chance.choice(lengths))

    open_some(20)
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    begin, finish, now, repeated = at, at + 6 * HOUR, at, 0
    for _ in range(150):
        step = chance.choice([0, 1, MINUTE, HOUR // 4])
        begin, finish, now = begin + chance.choice([0, step]), finish + chance.choice([0, step]), now + step
        if chance.random() < 0.05:
            open_some(1)
            follow(driver.service, replica)
        if chance.random() < 0.05:
            begin, finish = at + chance.randrange(12) * HOUR, at + (12 + chance.randrange(3)) * HOUR
        found = replica.cut(begin, finish, now)
        repeated += found.is_repeated
        driver.clock.now = now
        fresh = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
        anew = fresh.cut(begin, finish, now)
        assert found[:3] == anew[:3]
        assert replica.joined(found) == fresh.joined(anew)
    assert repeated


@pytest.mark.only("sqlite")
def test_a_replica_at_rest_keeps_its_last_changes_and_extends_to_all(driver: Driver) -> None:
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    first = Cursor(replica.seq, replica.nonce)
    for _ in range(CHANGES):
        driver.open()
    follow(driver.service, replica)
    assert replica.replay(first) is None
    assert replica.lacks(first)
    replica.extend(driver.service.changes_before("room", replica.tail_start))
    rows = replica.replay(first)
    assert rows is not None
    assert [row.seq for row in rows] == list(range(first.seq + 1, replica.seq + 1))
    assert not replica.lacks(first)


@pytest.mark.only("sqlite")
def test_a_pinned_tail_keeps_the_changes_of_a_burst(driver: Driver) -> None:
    """A client whose cursor was in the tail when its read began is resumed after any burst."""
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    first = Cursor(replica.seq, replica.nonce)
    replica.pin()
    for _ in range(CHANGES):
        driver.open()
    follow(driver.service, replica)
    assert len(replica.replay(first) or ()) == CHANGES


@pytest.mark.only("sqlite")
def test_an_extended_tail_goes_after_a_while(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    first = Cursor(replica.seq, replica.nonce)
    for _ in range(CHANGES):
        driver.open()
    follow(driver.service, replica)
    replica.extend(driver.service.changes_before("room", replica.tail_start))
    large = replica.size_bytes
    replica.shrink()
    assert replica.replay(first) is not None
    monkeypatch.setattr(module, "EXTENDED_SECONDS", -1.0)
    replica.shrink()
    assert replica.replay(first) is None
    assert replica.lacks(first)
    assert replica.size_bytes < large


@pytest.mark.only("sqlite")
def test_rows_that_do_not_reach_the_tail_are_not_taken(driver: Driver) -> None:
    """The tail may lose its first changes while the rows before them are read."""
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    first = Cursor(replica.seq, replica.nonce)
    for _ in range(10):
        driver.open()
    early = driver.service.changes_before("room", replica.tail_start + 3)
    for _ in range(CHANGES):
        driver.open()
    follow(driver.service, replica)
    replica.extend(early)
    assert replica.replay(first) is None
    assert replica.lacks(first)


@pytest.mark.only("sqlite")
def test_a_cursor_too_far_back_asks_for_no_read(driver: Driver) -> None:
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    replica.seq += MOST_REPLAYED + 5
    assert not replica.lacks(Cursor(1, ""))
    assert replica.lacks(Cursor(7, ""))


@pytest.mark.only("sqlite")
def test_slots_at_rest_are_packed(driver: Driver) -> None:
    """They are one text until one of them changes, and again some time after."""
    slot, _ = driver.open(2)
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    states = [replica.is_packed]
    driver.reserve(slot)
    follow(driver.service, replica)
    before = shown(replica, driver.clock.now)
    for _ in range(2):
        states.append(replica.is_packed)
        replica.shrink()
    assert [*states, replica.is_packed] == [True, False, False, True]
    assert shown(replica, driver.clock.now) == before


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
