"""Waiters for a change: those for a commit have a deadline, long polls have none."""

import asyncio

import pytest

from realtime.rooms import waiters
from tests.realtime.room_stack import RecordingConnection, RoomStack


async def test_only_the_wait_for_a_commit_has_a_deadline(stack: RoomStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long poll waits without a limit; an answer waits for its change for a bounded time."""
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


async def test_a_sent_change_ends_the_waits_up_to_its_seq() -> None:
    """Later waiters go on, and a cancelled one is forgotten."""
    room = waiters.Waiters()
    first, second, cancelled = room.wait(1), room.wait_briefly(2), room.wait(3)
    room.wake(1)
    assert (first.done(), second.done()) == (True, False)
    cancelled.cancel()
    await asyncio.sleep(0)
    assert len(room) == 1
    room.wake()
    await second
    await asyncio.sleep(0)
    assert len(room) == 0
