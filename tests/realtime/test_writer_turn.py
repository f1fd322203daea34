"""The writer's turn: the loop waits for the writer's thread, but never for long."""

from __future__ import annotations

import asyncio
import threading
import time

from realtime.writer_turn import MOST_SECONDS, WriterTurn


async def _pass(turn: WriterTurn) -> float:
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
    turn = WriterTurn(asyncio.get_running_loop(), answers, lambda: 3)
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
    turn = WriterTurn(asyncio.get_running_loop(), [], lambda: 1)
    until = time.thread_time() + MOST_SECONDS
    while time.thread_time() < until:
        pass  # the loop works
    assert MOST_SECONDS <= await _pass(turn) < 20 * MOST_SECONDS
    idle = WriterTurn(asyncio.get_running_loop(), [1], lambda: 1)
    assert await _pass(idle) < MOST_SECONDS
