"""Time zones: IANA names only, and the first moment of a wall time."""

from datetime import date

import pytest

from models.contract.errors import BadRequest
from models.contract.values.time import read_time
from models.contract.values.zones import first_moment, open_zone, wall_of


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
