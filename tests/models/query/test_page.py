"""A page of a long list ends before a start time."""

import pytest

from models.query.page import cut, read_page

STARTS = [1, 2, 2, 2, 3, 9]


@pytest.mark.parametrize(
    ("starts", "most", "end"),
    [(STARTS, 6, 10), (STARTS, 5, 9), (STARTS, 4, 3), (STARTS, 3, 2), (STARTS, 1, 2), ([2, 2, 2, 3], 1, 3)],
)
def test_items_with_one_start_stay_together(starts: list[int], most: int, end: int) -> None:
    """The end is the start of the first item left out. Only the first start may make the page longer than `most`."""
    assert cut(starts, 0, 10, most) == end


def test_pages_read_everything_once() -> None:
    """Each page begins at the end of the last one, also where many items start at once."""
    items = [*STARTS, *[20] * 50, 21]
    pages: list[int] = []
    begin = 0
    while begin < 30:

        def read(count: int, begin: int = begin) -> list[int]:
            return [start for start in items if start >= begin][:count]

        page, begin = read_page(read, lambda start: start, begin, 30, 3)
        pages += page
    assert pages == items
