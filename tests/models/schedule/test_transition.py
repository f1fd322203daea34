"""Wall times around every change of every zone's clocks, against a walk through the minutes.

The walk only reads the wall time of a moment, never the moment of a wall time.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.contract.values.time import read_time
from models.contract.values.zones import first_moment, open_zone
from models.schedule.expand import expand, read_schedule

ZONES = sorted(zoneinfo.available_timezones() - {"Factory"})
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


def shown_in(zone: str, moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@cache
def transitions(zone: str) -> list[datetime]:
    """Return the first minute of each new offset. The shortest offset of these years lasts for Ramadan."""
    clocks = ZoneInfo(zone)

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(clocks).utcoffset()

    found, step = [], timedelta(days=5)
    before = offset(FIRST)
    for place in range((LAST - FIRST) // step):
        moment = FIRST + step * place
        last, before = before, offset(moment + step)
        if last == before:
            continue
        low, high = moment, moment + step
        while high - low > MINUTE:
            middle = low + (high - low) // 2 // MINUTE * MINUTE
            low, high = (middle, high) if offset(middle) == last else (low, middle)
        found.append(high)
    return found


def changing_zones() -> Iterator[tuple[str, list[datetime]]]:
    """A zone for each list of changes: many have the same."""
    seen = set()
    for zone in ZONES:
        changes = transitions(zone)
        kind = (tuple(changes), shown_in(zone, FIRST))
        if changes and kind not in seen:
            seen.add(kind)
            yield zone, changes


def test_each_wall_time_is_the_first_moment_that_shows_it_or_a_later_one() -> None:
    """A walk by five minutes finds the same moments, for all zones with a change of clocks from 2024 to 2030."""
    looked_at = 0
    for zone, changes in changing_zones():
        clocks = open_zone(zone)
        for change in changes:
            walk = [change - 5 * HOUR + MINUTE * place for place in range(0, 10 * 60, 5)]
            showing = [(shown_in(zone, moment), moment) for moment in walk]
            middle = shown_in(zone, change)
            for minutes in range(-125, 126, 5):
                time = middle + MINUTE * minutes
                expected = next(moment for shown, moment in showing if shown >= time)
                found = first_moment(clocks, time.date(), time.hour * 60 + time.minute)
                assert found == expected.timestamp() * 1_000, f"{time} in {zone}"
                looked_at += 1
    assert looked_at > 10_000


def _schedule(*windows: tuple[datetime, datetime]) -> Any:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours = [
        {"days": [days[begin.weekday()]], "start": f"{begin:%H:%M}", "end": f"{end:%H:%M}"} for begin, end in windows
    ]
    first = min(begin for begin, _ in windows).date().isoformat()
    return read_schedule({"windows": hours, "slot_minutes": 20, "from": first})


def test_windows_that_do_not_meet_on_the_wall_do_not_meet_in_utc() -> None:
    """Windows up to a change of clocks, and from there on, are cut into slots, in every zone."""
    assert sum(len(changes) for _, changes in changing_zones()) > 400
    for zone, changes in changing_zones():
        for change in changes:
            middle = shown_in(zone, change)
            for minutes in (-90, -60, -30, -10, 0, 10, 30, 60):
                edge = middle + MINUTE * minutes
                schedule = _schedule((edge - 5 * HOUR, edge), (edge, edge + 2 * HOUR))
                slots = expand(schedule, zone, edge.date() - timedelta(days=1), edge.date())
                ends = [slot.end for slot in slots]
                starts = [slot.start for slot in slots]
                assert all(end <= start for end, start in zip(ends, starts[1:], strict=False)), f"{edge} in {zone}"


def test_a_window_that_ends_in_the_gap_ends_with_the_jump() -> None:
    """Rome, 27 and 28 March 2027: no slot of Saturday night is over one of Sunday morning."""
    windows = [
        {"days": ["sat"], "start": "21:50", "end": "02:30"},
        {"days": ["sun"], "start": "03:00", "end": "04:00"},
    ]
    schedule = read_schedule({"windows": windows, "slot_minutes": 20, "from": "2027-03-27"})
    slots = expand(schedule, "Europe/Rome", date(2027, 3, 27), date(2027, 3, 28))
    night, morning = slots[:12], slots[12:]
    assert night[-1].end == read_time("2027-03-28T00:50:00Z")
    assert [slot.start for slot in morning] == [
        read_time(f"2027-03-28T01:{minute}:00Z") for minute in ("00", "20", "40")
    ]


@pytest.mark.parametrize(
    ("zone", "wall_time", "moment"),
    [
        ("Europe/Rome", "2027-03-28T01:59", "2027-03-28T00:59:00Z"),
        ("Europe/Rome", "2027-03-28T02:00", "2027-03-28T01:00:00Z"),
        ("Europe/Rome", "2027-03-28T02:59", "2027-03-28T01:00:00Z"),
        ("Europe/Rome", "2027-03-28T03:00", "2027-03-28T01:00:00Z"),
        ("Europe/Rome", "2027-10-31T02:00", "2027-10-31T00:00:00Z"),
        ("Europe/Rome", "2027-10-31T02:59", "2027-10-31T00:59:00Z"),
        ("Europe/Rome", "2027-10-31T03:00", "2027-10-31T02:00:00Z"),
        ("Pacific/Apia", "2011-12-29T23:59", "2011-12-30T09:59:00Z"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z"),
        ("Australia/Lord_Howe", "2025-10-05T02:29", "2025-10-04T15:30:00Z"),
        ("America/Nuuk", "2024-03-30T23:30", "2024-03-31T01:00:00Z"),
        ("Africa/Monrovia", "1972-01-07T00:10", "1972-01-07T00:44:30Z"),
    ],
)
def test_a_wall_time_in_a_gap_is_the_jump_and_one_that_comes_twice_the_first(
    zone: str, wall_time: str, moment: str
) -> None:
    """The moment is right to the second, also with an offset of fractions of a minute."""
    time = datetime.fromisoformat(wall_time)
    assert first_moment(open_zone(zone), time.date(), time.hour * 60 + time.minute) == read_time(moment)
