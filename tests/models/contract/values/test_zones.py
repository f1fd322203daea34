"""Time zones: IANA names only, and the first moment of a wall time."""

from datetime import UTC, date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.errors import BadRequest
from models.contract.values.time import DAY, SECOND, read_time
from models.contract.values.zones import YEARS_OF_OFFSETS, first_moment, open_zone, read_offsets, wall_of


@pytest.mark.parametrize("name", ["", "Factory", "Nowhere/At_All", "../etc/passwd", "/etc/localtime", "europe/vienna"])
def test_another_text_is_no_zone(name: str) -> None:
    """It is refused, and never opened as a path."""
    with pytest.raises(BadRequest):
        open_zone(name)


@pytest.mark.parametrize(
    ("day", "minute", "moment"),
    [
        (date(2027, 3, 28), 150, "2027-03-28T01:00:00Z"),  # 02:30 is skipped
        (date(2027, 10, 31), 150, "2027-10-31T00:30:00Z"),  # 02:30 comes twice
        (date(2027, 6, 1), 1_440, "2027-06-01T22:00:00Z"),  # midnight of the next date
    ],
)
def test_a_wall_time_has_one_moment(day: date, minute: int, moment: str) -> None:
    """A repeated wall time is its first one, and a skipped one is the moment of the jump."""
    assert first_moment(open_zone("Europe/Vienna"), day, minute) == read_time(moment)


def test_the_clocks_show_local_time() -> None:
    """The wall time has no zone of its own."""
    assert wall_of(open_zone("Asia/Tokyo"), 0).isoformat() == "1970-01-01T09:00:00"


_WINDOWS = st.tuples(
    st.sampled_from(["Europe/Vienna", "Africa/Casablanca", "Australia/Lord_Howe", "America/Caracas", "Asia/Tokyo"]),
    st.integers(read_time("1990-01-01T00:00:00Z") // SECOND, read_time("2040-01-01T00:00:00Z") // SECOND),
    st.integers(1, 700 * DAY // SECOND),
    st.integers(0, 10**9),
)


@settings(max_examples=300)
@given(_WINDOWS)
def test_the_offsets_of_a_window_give_every_local_time(window: tuple[str, int, int, int]) -> None:
    """The local time of any instant is the instant and the last offset until then, in order, without repetition."""
    name, begin, length, place = window
    moment = begin + place % length
    found = read_offsets(name, begin * SECOND, (begin + length) * SECOND)
    assert found[0][0] == begin * SECOND
    assert found == sorted(found)
    assert all(before[1] != after[1] for before, after in pairwise(found))
    seconds = [offset for start, offset in found if start <= moment * SECOND][-1]
    assert wall_of(open_zone(name), moment * SECOND) == wall_of(UTC, (moment + seconds) * SECOND)


def test_offsets_are_bounded() -> None:
    """A window of all years has eleven of them, a name that is no zone has none, and the ends of time are no fault."""
    ends = read_time("0001-01-01T00:00:00Z"), read_time("9999-12-31T23:59:59Z")
    assert len(read_offsets("Europe/Vienna", *ends)) == 1
    from_now_on = read_offsets("Europe/Vienna", read_time("2027-01-01T00:00:00Z"), ends[1])
    assert len(from_now_on) == 1 + 2 * YEARS_OF_OFFSETS
    assert read_offsets("Europe/Vienna", ends[1] - 1, ends[1])
    assert read_offsets("Nowhere/At_All", *ends) == []
