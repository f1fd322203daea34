"""Merges the rows of several calendars in one order, in small reads, and cuts a page of them.

A page ends at a row, and the next page begins after the key of that row. A key never changes while its row stands
still, so no page misses such a row.
"""

from __future__ import annotations

import heapq
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from models.contract.errors import BadRequest
from models.storage.cancellation import checked

T = TypeVar("T")
Lane = TypeVar("Lane")

FIRST_ROWS = 256  # of all lanes together
LEAST_ROWS, MOST_ROWS = 8, 512  # of one read


def merged(
    lanes: Sequence[Lane],
    read: Callable[[Lane, Any, int], list[T]],
    key: Callable[[T], Any],
    after: Any,
    *,
    is_descending: bool = False,
) -> Iterator[T]:
    """Yield the rows of all lanes behind the key `after`, in the order of their keys.

    `read` returns the rows of one lane behind a key, as many as it is asked for.
    """

    def rows_of(lane: Lane) -> Iterator[T]:
        place, count = after, max(LEAST_ROWS, FIRST_ROWS // len(lanes))
        while True:
            rows = read(lane, place, count)
            yield from rows
            if len(rows) < count:
                return
            place, count = key(rows[-1]), min(2 * count, MOST_ROWS)

    return heapq.merge(*map(rows_of, lanes), key=key, reverse=is_descending)


def take_page(
    rows: Iterator[T], keep: Callable[[T], bool], *, most: int, most_examined: int
) -> tuple[list[T], T | None]:
    """Return at most `most` of the rows to keep, and the last row examined; None for it if there are no more rows.

    A page of a rare text may have few rows, or none, and yet be followed by another one.
    """
    found: list[T] = []
    last: T | None = None
    for place, row in enumerate(checked(rows)):
        if len(found) == most or place == most_examined:
            return found, last
        last = row
        if keep(row):
            found.append(row)
    return found, None


def write_mark(*parts: object) -> str:
    """Return the opaque text of a row's key, the `next_page` of an answer."""
    return urlsafe_b64encode(" ".join(map(str, parts)).encode()).decode().rstrip("=")


def read_mark(text: str, form: re.Pattern[str]) -> tuple[str, ...]:
    """Return the parts of a key in this form; BadRequest for a text that no server has written."""
    try:
        key = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except ValueError:
        key = ""
    found = form.fullmatch(key)
    if found is None or write_mark(key) != text:
        raise BadRequest("`page` is the `next_page` of an answer, as it came.", field="page")
    return found.groups()
