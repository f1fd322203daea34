"""The threads' turn: the loop waits for the threads of the database, but never for long."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from realtime.thread_turn import LOOK_SECONDS, MOST_LOOK_SECONDS, MOST_SECONDS, ThreadTurn
from tests.support import eventually


def _nothing() -> None:
    """Have nothing to hand over."""


async def _pass(turn: ThreadTurn) -> float:
    """Plan a turn, and return its seconds."""
    loop = asyncio.get_running_loop()
    turn.plan()
    turn.plan()  # it is the same one
    began = time.monotonic()
    passed = loop.create_future()
    loop.call_soon(passed.set_result, None)
    await passed
    return time.monotonic() - began


async def test_the_turn_ends_with_the_last_answer() -> None:
    """A thread that answers gets on while the loop waits, and the loop goes on as soon as nothing is under way."""
    answers = list[int]()
    turn = ThreadTurn(asyncio.get_running_loop(), _nothing, lambda: 3 - len(answers))
    has_begun = threading.Event()

    def answer() -> None:
        has_begun.wait()
        for number in range(3):
            answers.append(number)
            turn.note()

    writer = threading.Thread(target=answer)
    writer.start()
    asyncio.get_running_loop().call_soon(has_begun.set)
    while len(answers) < 3:
        await _pass(turn)
    assert answers == [0, 1, 2]
    writer.join()


async def test_a_writer_that_stands_does_not_stop_the_loop() -> None:
    """Without any answer a turn ends after a while. With nothing under way there is none."""
    turn = ThreadTurn(asyncio.get_running_loop(), _nothing, lambda: 1)
    until = time.thread_time() + MOST_SECONDS
    while time.thread_time() < until:
        pass  # the loop works
    assert MOST_SECONDS <= await _pass(turn) < 20 * MOST_SECONDS
    idle = ThreadTurn(asyncio.get_running_loop(), _nothing, lambda: 0)
    assert await _pass(idle) < MOST_SECONDS


def _work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_a_busy_loop_stops_for_a_command_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's thread works all the time, so the writer's gets a turn. The looks end with the last command."""
    answers, under_way, has_stopped, block = list[int](), [1], threading.Event(), ThreadTurn._block

    def stop(turn: ThreadTurn, seconds: float) -> None:
        has_stopped.set()
        block(turn, seconds)

    monkeypatch.setattr(ThreadTurn, "_block", stop)
    turn = ThreadTurn(asyncio.get_running_loop(), _nothing, lambda: under_way[0] - len(answers))

    def answer() -> None:
        has_stopped.wait()
        answers.append(1)
        turn.note()

    writer = threading.Thread(target=answer)
    writer.start()
    turn.watch()
    turn.watch()  # it is the same one
    while not answers:
        _work(2 * LOOK_SECONDS)
        await asyncio.sleep(0)
    writer.join()
    answers.clear()
    under_way[0] = 0
    await eventually(lambda: not turn._is_looking, 10, "the end of the looks")


async def test_a_loop_that_waits_stops_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop without work leaves the interpreter to the writer's thread anyway."""
    monkeypatch.delattr(ThreadTurn, "_block")
    looks = 0

    def count() -> int:
        nonlocal looks
        looks += 1
        return looks < 5

    turn = ThreadTurn(asyncio.get_running_loop(), _nothing, count)
    turn.watch()
    await eventually(lambda: looks == 5, 10, "five looks")


async def test_a_busy_loop_gets_on_beside_a_writer_that_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops less and less often for a writer that waits for a lock or a disk itself."""
    turns, block = 0, ThreadTurn._block

    def count(turn: ThreadTurn, seconds: float) -> None:
        nonlocal turns
        turns += 1
        block(turn, seconds)

    monkeypatch.setattr(ThreadTurn, "_block", count)
    under_way = [1]
    turn = ThreadTurn(asyncio.get_running_loop(), _nothing, lambda: under_way[0])
    turn.watch()
    until = time.thread_time() + 6 * MOST_LOOK_SECONDS
    while time.thread_time() < until:
        _work(LOOK_SECONDS)
        await asyncio.sleep(0)
    assert 1 <= turns <= 12
    under_way[0] = 0
    await eventually(lambda: not turn._is_looking, 10, "the end of the looks")
