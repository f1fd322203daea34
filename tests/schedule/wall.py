"""A second opinion on local time, without a rule for gaps and overlaps: it looks at what the clocks showed, and when.

It reads the zones with dateutil, only ever from UTC to local time, and expands a schedule the slow and plain way.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from io import BytesIO
from itertools import count

from dateutil.rrule import rrulestr
from dateutil.tz import tzfile

from models.opening_hours import Hours, Schedule, Window

# Clocks differ from UTC by whole quarters of an hour in every zone and year that the tests use.
QUARTER = timedelta(minutes=15)
LARGEST_OFFSET = timedelta(hours=16)


@lru_cache
def _clocks(zone: str) -> tzfile:
    return tzfile(BytesIO(resources.files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()), zone)


def shown(zone: str, moment: datetime) -> datetime:
    """What the clocks show at a moment in UTC."""
    return moment.astimezone(_clocks(zone)).replace(tzinfo=None)


def _when_shown(zone: str, wall: datetime) -> list[datetime]:
    """Every moment at which the clocks show the wall's time: none, one or two."""
    begin = wall.replace(tzinfo=UTC) - LARGEST_OFFSET
    moments = (begin + QUARTER * place for place in range(2 * LARGEST_OFFSET // QUARTER + 1))
    return [moment for moment in moments if shown(zone, moment) == wall]


@lru_cache(maxsize=10_000)
def moment(zone: str, wall: datetime) -> datetime:
    """The first moment that shows it; in a gap, as long after the last moment before the gap as the wall is."""
    if found := _when_shown(zone, wall):
        return found[0]
    for back in count(1):
        if found := _when_shown(zone, wall - QUARTER * back):
            return found[-1] + QUARTER * back
    raise AssertionError


def slots(schedule: Schedule, zone: str, first: date, last: date) -> list[tuple[datetime, datetime]]:
    """What `expand` should yield."""
    found = set()
    for place in range((last - first).days + 1):
        for hours in _hours_of(schedule, first + timedelta(days=place)):
            found |= _cut(schedule, zone, first + timedelta(days=place), hours)
    return sorted(found)


def _hours_of(schedule: Schedule, day: date) -> list[Hours]:
    if day < schedule.from_ or (schedule.until and day > schedule.until):
        return []
    hours: list[Hours] = [extra for extra in schedule.extra if extra.date == day]
    ranges = [(item, item) if isinstance(item, date) else (item.from_, item.until) for item in schedule.closed]
    if not any(begin <= day <= end for begin, end in ranges):
        hours += [window for window in schedule.windows if _is_on(window, schedule.from_, day)]
    return hours


def _is_on(window: Window, start: date, day: date) -> bool:
    if isinstance(window.days, tuple):
        return day.strftime("%a").lower() in window.days
    midnight = datetime.combine(day, time.min)
    rule = rrulestr(str(window.rrule), dtstart=datetime.combine(start, time.min))
    return bool(rule.between(midnight, midnight, inc=True))


def _cut(schedule: Schedule, zone: str, day: date, hours: Hours) -> set[tuple[datetime, datetime]]:
    opening = datetime.combine(day, time.fromisoformat(hours.start))
    if hours.end == "24:00":
        closing = datetime.combine(day, time.min) + timedelta(days=1)
    else:
        closing = datetime.combine(day, time.fromisoformat(hours.end))
        if closing < opening:
            closing += timedelta(days=1)
    length = timedelta(minutes=schedule.slot_minutes)
    step = timedelta(minutes=schedule.step_minutes or schedule.slot_minutes)
    start, end, found = moment(zone, opening), moment(zone, closing), set()
    while start + length <= end:
        found.add((start, start + length))
        start += step
    return found
