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
    await asyncio.wait_for(polling, 20)
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


async def test_a_held_answer_is_given_once_its_change_is_sent() -> None:
    """The caller's future gets its own result. A caller that has gone is no fault."""
    room = waiters.Waiters()
    loop = asyncio.get_running_loop()
    answered, gone = loop.create_future(), loop.create_future()
    room.hold(1, answered, "the answer")
    room.hold(1, gone, "nobody's")
    gone.cancel()
    room.wake(0)
    assert (answered.done(), len(room)) == (False, 2)
    room.wake(1)
    assert (await answered, len(room)) == ("the answer", 0)
    assert gone.cancelled()
