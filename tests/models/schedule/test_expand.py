"""Laws of the expansion, on made-up schedules around the changes of many clocks."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.errors import BadRequest
from models.contract.values.time import MINUTE, read_time
from models.schedule.expand import MOST_SLOTS, NEVER, expand, horizon, local_date, next_fill, read_schedule
from models.schedule.recurrence_text import LAST_DATE
from tests.models.schedule import local_time

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# A date of a change of clocks in the zone, or the date before or after.
CHANGES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2025, 4, 6)),
    ("Australia/Lord_Howe", date(2025, 10, 5)),
    ("Asia/Kathmandu", date(1986, 1, 1)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Africa/Casablanca", date(2024, 3, 10)),
    ("Africa/Casablanca", date(2024, 4, 14)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2019, 2, 16)),
    ("Asia/Pyongyang", date(2018, 5, 4)),
    ("America/Caracas", date(2016, 5, 1)),
    ("Antarctica/Troll", date(2024, 3, 31)),
    ("Pacific/Kwajalein", date(1993, 8, 21)),
]
RULES = ["FREQ=DAILY", "FREQ=DAILY;INTERVAL=2;COUNT=3", "FREQ=WEEKLY;BYDAY=SA,SU", "FREQ=MONTHLY;BYDAY=1SU,-1SA"]


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def _hours(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(st.integers(0, 1_439))
    end = draw(st.integers(1, 1_440).filter(lambda minute: minute != start))
    return {"start": _time(start), "end": _time(end)}


@st.composite
def _windows(draw: st.DrawFn) -> dict[str, Any]:
    days = st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True).map(lambda days: {"days": days})
    rules = st.sampled_from(RULES).map(lambda rule: {"rrule": rule})
    return draw(_hours()) | draw(days | rules)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[dict[str, Any], str, date, date]:
    """A schedule, a zone, and a week around a change of its clocks."""
    zone, change = draw(st.sampled_from(CHANGES))
    days = st.integers(-4, 4).map(lambda days: (change + timedelta(days=days)).isoformat())
    schedule = {
        "windows": draw(st.lists(_windows(), max_size=3)),
        "slot_minutes": draw(st.integers(5, 300)),
        "step_minutes": draw(st.none() | st.integers(5, 300)),
        "from": draw(days),
        "closed": draw(st.lists(days, max_size=2)),
        "extra": draw(st.lists(st.tuples(days, _hours()).map(lambda pair: {"date": pair[0], **pair[1]}), max_size=2)),
    }
    return schedule, zone, change - timedelta(days=4), change + timedelta(days=4)


@given(_cases())
def test_slots_are_sorted_single_and_as_long_as_said(case: tuple[dict[str, Any], str, date, date]) -> None:
    """Slots come in order, none twice, each exactly `slot_minutes` of real time."""
    schedule, zone, first, last = case
    slots = expand(read_schedule(schedule), zone, first, last)
    assert slots == sorted(set(slots))
    assert all(slot.end - slot.start == schedule["slot_minutes"] * MINUTE for slot in slots)


@given(_cases(), st.integers(0, 8))
def test_a_range_of_dates_may_be_cut_anywhere(case: tuple[dict[str, Any], str, date, date], days: int) -> None:
    """The slots of a range are those of its first part and those of the rest: a horizon may move in any steps."""
    schedule, zone, first, last = case
    read = read_schedule(schedule)
    cut = first + timedelta(days=days)
    parts = expand(read, zone, first, cut) + expand(read, zone, cut + timedelta(days=1), last)
    assert sorted(set(parts)) == expand(read, zone, first, last)


@given(_cases())
@settings(max_examples=40)
def test_the_expansion_agrees_with_a_look_at_the_clocks(case: tuple[dict[str, Any], str, date, date]) -> None:
    """A second implementation, from UTC to local time only, finds the same slots: none is outside its window."""
    schedule, zone, first, last = case
    read = read_schedule(schedule)
    slots = [
        (datetime.fromtimestamp(slot.start / 1_000, UTC), datetime.fromtimestamp(slot.end / 1_000, UTC))
        for slot in expand(read, zone, first, last)
    ]
    assert slots == local_time.slots(read, zone, first, last)


def _schedule(**more: Any) -> dict[str, Any]:
    hours = {"days": DAYS[:5], "start": "09:00", "end": "17:00"}
    return {"windows": [hours], "slot_minutes": 30, "from": "2027-01-01", **more}


def test_a_year_of_half_hours_is_quick() -> None:
    """4,176 slots take less than 50 ms of this thread; the best of five tries."""
    schedule = read_schedule(_schedule())
    took = []
    for _ in range(5):
        begin = time.thread_time()
        assert len(expand(schedule, "Europe/London", date(2027, 1, 1), date(2027, 12, 31))) == 4_176
        took.append(time.thread_time() - begin)
    assert min(took) < 0.05


def test_a_schedule_has_a_most_of_slots() -> None:
    """20,000 slots are made, one more is refused before there are many more."""
    minutes = _schedule(windows=[{"rrule": "FREQ=DAILY", "start": "00:00", "end": "16:40"}], slot_minutes=1)
    assert len(expand(read_schedule(minutes), "Etc/UTC", date(2027, 1, 1), date(2027, 1, 20))) == MOST_SLOTS
    with pytest.raises(BadRequest, match="20000") as refused:
        expand(read_schedule(minutes), "Etc/UTC", date(2027, 1, 1), date(2027, 1, 21))
    assert refused.value.details["field"] == "horizon_days"


def test_dates_out_of_range_yield_nothing() -> None:
    """Any range of dates may be asked for; a reversed one is empty."""
    schedule = read_schedule(_schedule(**{"from": LAST_DATE.isoformat()}))
    assert len(expand(schedule, "Europe/London", date.min, date.max)) == 16
    assert expand(schedule, "Europe/London", date.max, date.min) == []


@pytest.mark.parametrize(
    ("more", "last"),
    [
        ({"from": "2020-01-01", "horizon_days": 1}, "2027-03-02"),
        ({"from": "2020-01-01"}, "2027-05-30"),
        ({"from": "2020-01-01", "until": "2027-03-05"}, "2027-03-05"),
        ({"from": "2020-01-01", "until": "2021-01-01"}, "2021-01-01"),
        ({"from": "2028-02-01", "horizon_days": 30}, "2028-03-01"),
        ({"from": "2199-12-30"}, "2199-12-31"),
    ],
)
def test_the_horizon_is_counted_from_today_in_the_zone(more: dict[str, Any], last: str) -> None:
    """`horizon_days` dates are filled, from today or the schedule's later start, and none after its end."""
    now = read_time("2027-03-01T20:00:00Z")  # the 2nd in Kathmandu
    assert local_date("Asia/Kathmandu", now).isoformat() == "2027-03-02"
    assert horizon(read_schedule(_schedule(**more)), "Asia/Kathmandu", now).isoformat() == last


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../UTC", "/etc/localtime", "localtime", "zone.tab", "Europe", "\0"]
)
def test_only_a_zone_is_opened(zone: str) -> None:
    """A text without a zone's name is refused, and no file outside of the zones is read."""
    with pytest.raises(BadRequest) as refused:
        local_date(zone, 0)
    assert refused.value.details["field"] == "zone"


@given(
    st.sampled_from(["Europe/Vienna", "America/Sao_Paulo", "Pacific/Apia", "Asia/Beirut", "Etc/UTC"]),
    st.integers(1, 40),
    st.dates(date(2011, 12, 20), date(2012, 1, 10)) | st.dates(date(2017, 10, 1), date(2018, 12, 1)),
    st.integers(-50, 50),
    st.none() | st.integers(-5, 60),
)
def test_the_next_fill_is_the_first_moment_with_another_date(
    zone: str, horizon_days: int, filled: date, from_days: int, until_days: int | None
) -> None:
    """A millisecond before it the horizon has no date after the filled ones; without such a moment it never has."""
    start = filled + timedelta(days=from_days)
    until = {} if until_days is None else {"until": (start + timedelta(days=until_days)).isoformat()}
    if until_days is not None and until_days < 0:
        return
    schedule = read_schedule(_schedule(**{"from": start.isoformat(), "horizon_days": horizon_days, **until}))
    due_at = next_fill(schedule, zone, filled)
    if due_at == NEVER:
        assert horizon(schedule, zone, read_time("2200-01-01T00:00:00Z")) <= filled
    elif due_at == 0:
        assert horizon(schedule, zone, 0) > filled
    else:
        assert horizon(schedule, zone, due_at) > filled
        assert horizon(schedule, zone, due_at - 1) <= filled
