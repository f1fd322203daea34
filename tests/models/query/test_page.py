"""A page of a long list ends before a start time."""

import pytest

from models.query.page import cut, read_page

STARTS = [1, 2, 2, 2, 3, 9]


@pytest.mark.parametrize(("most", "end"), [(6, 10), (5, 9), (4, 3), (3, 3), (2, 3), (1, 2)])
def test_items_with_one_start_stay_together(most: int, end: int) -> None:
    """The end is the start of the first item left out, even if the page gets longer than `most`."""
    assert cut(STARTS, 0, 10, most) == end


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
