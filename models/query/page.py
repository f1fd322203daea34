"""Cuts a page of slots or bookings between two start times, and returns the end of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
EVERY = 1 << 31  # items of a page without a limit


def cut(starts: Sequence[int], begin: int, finish: int, most: int) -> int:
    """Return the end of a page of at most `most` items: the start of the first item left out.

    `starts` is sorted. Items with the same start, and items that began before the page, stay together, even if
    they are more than `most`.
    """
    if len(starts) <= most:
        return finish
    floor = max(starts[0], begin)
    return next((start for start in starts[most:] if start > floor), finish)


def read_page(
    read: Callable[[int], list[T]], start: Callable[[T], int], begin: int, finish: int, most: int
) -> tuple[list[T], int]:
    """Return about `most` items between `begin` and `finish`, and the end of the page.

    `read` returns the first items by start, as many as its argument says.
    """
    count = most + 1
    while True:
        found = read(count)
        if len(found) <= most:
            return found, finish
        end = cut([start(one) for one in found], begin, finish, most)
        if end < finish or len(found) < count:
            return [one for one in found if start(one) < end], end
        count *= 2  # all of them start at once
