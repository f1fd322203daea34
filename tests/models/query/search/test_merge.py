"""The rows of several lanes come in one order, and a page ends where the next one begins."""

from __future__ import annotations

import random
import re

import pytest

from models.contract.errors import BadRequest
from models.query.search.merge import (
    merged,
    read_mark,
    take_page,
    write_mark,
)

FORM = re.compile(r"(-?[0-9]+) ([0-9a-f-]+)")


@pytest.mark.parametrize("is_descending", [False, True])
def test_lanes_of_any_length_are_merged_in_order(is_descending: bool) -> None:
    """Each row comes once, from lanes that are empty, short, or longer than several reads."""
    dice = random.Random(1)
    numbers = list(range(3_000))
    dice.shuffle(numbers)
    lanes = [sorted(some, reverse=is_descending) for some in ([], numbers[:1], numbers[1:9], numbers[9:200])]
    lanes.append(sorted(numbers[200:], reverse=is_descending))
    reads: list[int] = []

    def read(lane: list[int], after: int, count: int) -> list[int]:
        reads.append(count)
        return [one for one in lane if (one < after if is_descending else one > after)][:count]

    after = 3_000 if is_descending else -1
    rows = list(merged(lanes, read, int, after, is_descending=is_descending))
    assert rows == sorted(numbers, reverse=is_descending)
    assert max(reads) <= 512


def test_a_page_examines_so_many_rows_and_no_more() -> None:
    """It ends with its last row, or with the last row examined; the last page says so."""
    assert take_page(iter(range(9)), lambda _: True, most=3, most_examined=99) == ([0, 1, 2], 2)
    assert take_page(iter(range(9)), lambda row: row > 5, most=3, most_examined=4) == ([], 3)
    assert take_page(iter(range(9)), lambda row: row > 5, most=3, most_examined=99) == ([6, 7, 8], None)
    assert take_page(iter(()), lambda _: True, most=3, most_examined=99) == ([], None)


def test_a_mark_is_read_as_it_was_written() -> None:
    """Its parts come back, and it has characters of a URL only."""
    mark = write_mark(-5, "01977420-0000-7000-8000-000000000001")
    assert mark.replace("-", "").replace("_", "").isalnum()
    assert read_mark(mark, FORM) == ("-5", "01977420-0000-7000-8000-000000000001")


@pytest.mark.parametrize("text", ["x", "=", "AAA", "a b", "\udcff", "é", write_mark(1), write_mark(1, "\0"), "MSAy=="])
def test_a_mark_of_no_server_is_refused(text: str) -> None:
    """Whatever it holds."""
    with pytest.raises(BadRequest) as refused:
        read_mark(text, FORM)
    assert refused.value.details == {"field": "page"}
