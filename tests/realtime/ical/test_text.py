"""The text of iCalendar: escaped values, folded lines, and the SEQUENCE of an event."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.values.time import SECOND
from realtime.ical.text import MOST_OCTETS, escape, fold, one_line, quote, sequence, write_moment


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a;b,c\\d", "a\\;b\\,c\\\\d"), ("one\r\ntwo", "one\\ntwo"), ("a\0b", "a b"), ("\ud800", "?"), (" a ", "a")],
)
def test_a_value_ends_no_line(text: str, escaped: str) -> None:
    """Special characters are escaped, and control characters are spaces."""
    assert escape(text) == escaped
    assert "\\n" not in one_line(text)
    assert quote(f'{text}"')[1:-1].isprintable()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_a_folded_line_unfolds_to_itself(line: str) -> None:
    """No part has more than 75 octets, and no character is cut in two."""
    folded = fold(line)
    assert folded.endswith("\r\n")
    assert all(len(part.encode()) <= MOST_OCTETS for part in folded.split("\r\n"))
    assert folded.removesuffix("\r\n").replace("\r\n ", "") == line


def test_a_sequence_is_the_second_of_the_last_change() -> None:
    """The floor raises it, and it is never negative."""
    changed = 1_800_000_000 * SECOND
    assert sequence(changed + SECOND, 0) == sequence(changed, 0) + 1
    assert sequence(changed, changed + 5 * SECOND) == sequence(changed + 5 * SECOND, 0)
    assert sequence(0, 0) == 0
    assert write_moment(changed + 999) == "20270115T080000Z"
