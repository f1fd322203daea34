"""Crowds are served a few at a time, in order, and nobody else waits for them."""

import asyncio
import functools
import itertools

from realtime.engine.usher import SLICE_SECONDS, Usher


async def test_a_few_are_served_at_once() -> None:
    """As long as a turn of the loop has time, there is no line."""
    usher, served = Usher(), list[int]()
    for number in range(5):
        usher.run(functools.partial(served.append, number), SLICE_SECONDS / 5)
    assert served == [0, 1, 2, 3, 4]


async def test_many_are_served_in_turns() -> None:
    """Each turn of the loop serves as many as fit a slice, first come first served."""
    usher, served = Usher(), list[int]()
    for number in range(35):
        usher.run(functools.partial(served.append, number), SLICE_SECONDS / 10)
    seen = [len(served)]
    while len(served) < 35:
        await asyncio.sleep(0)
        seen.append(len(served))
    assert served == list(range(35))
    steps = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert max(seen[0], *steps) <= 11


async def test_who_comes_while_others_wait_waits_too() -> None:
    """Nobody overtakes the line, not even what costs nothing, nor from inside a turn."""
    usher, served = Usher(), list[str]()

    def first() -> None:
        served.append("first")
        usher.run(functools.partial(served.append, "third"), 0)

    usher.run(lambda: None, SLICE_SECONDS)
    usher.run(first, 0)
    usher.run(functools.partial(served.append, "second"), 0)
    assert served == []
    await usher.until_served()
    assert served == ["first", "second", "third"]
