"""How far a window is told of which only so much can be: whole starts, and where the telling ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
EVERY = 1 << 31  # things; no limit


def cut(starts: Sequence[int], begin: int, finish: int, most: int) -> int:
    """Where the window ends that holds `most` of these at most, in order: at the start of the first left out.

    What starts at once, or before the window, can't be parted: all of it is kept, however much it is.
    """
    if len(starts) <= most:
        return finish
    floor = max(starts[0], begin)
    return next((start for start in starts[most:] if start > floor), finish)


def read_cut(
    read: Callable[[int], list[T]], start: Callable[[T], int], begin: int, finish: int, most: int
) -> tuple[list[T], int]:
    """What is read of the window, in the order of its starts, about `most`, and how far that goes.

    `read` finds the first so many of it.
    """
    count = most + 1
    while True:
        found = read(count)
        end = cut([start(one) for one in found], begin, finish, most)
        if end < finish or len(found) < count:
            return [one for one in found if start(one) < end], end
        count *= 2  # so many start at once
