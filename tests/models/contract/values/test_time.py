"""Times of the wire, and a clock measured from another machine."""

from __future__ import annotations

import time

import pytest

from models.contract.values.time import MeasuredClock, read_time, write_time


def test_another_clock_is_followed_from_its_last_measurement() -> None:
    """A measured clock runs by itself and keeps its offset while that fits; otherwise it takes the new one."""
    clock, now = MeasuredClock(), time.monotonic()
    clock.measure(500_000, now - 0.010, now)
    first = clock()
    assert 500_000 <= first < 500_500
    clock.measure(500_000, now - 2, now)
    assert 0 <= clock() - first < 500
    now = time.monotonic()
    clock.measure(800_000, now, now)
    assert 800_000 <= clock() < 800_500


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00.001z", 1),
        ("1970-01-01 01:30:00.5+01:30", 500),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("1969-12-31T23:59:00Z", -60_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000),
    ],
)
def test_a_time_is_rfc_3339(text: str, moment: int) -> None:
    """It is read as milliseconds since 1970, and written in UTC with a fraction only where there is one."""
    assert read_time(text) == moment
    assert read_time(write_time(moment)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-W01-1T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:00:60Z",
        "0000-01-01T00:00:00Z",
        "0",
        "٣" * 20,
        "197٣-01-01T00:00:00Z",
    ],
)
def test_other_texts_are_no_time(text: str) -> None:
    """A time without an offset, a date alone and an impossible date are refused."""
    with pytest.raises(ValueError, match=r"."):
        read_time(text)


@pytest.mark.parametrize("offset", ["+24:00", "-99:00", "+12:60"])
def test_an_offset_that_is_none_is_told_as_such(offset: str) -> None:
    """By the form of a time, and not in the words of Python."""
    with pytest.raises(ValueError, match="RFC 3339"):
        read_time(f"1970-01-02T00:00:00{offset}")
