"""A second opinion on local time, without a rule for gaps and overlaps.

It reads the zones with dateutil, only from UTC to local time, and looks for the moment of a wall time. It expands a
schedule the slow and plain way.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from io import BytesIO

from dateutil.tz import tzfile

from models.schedule.schedule import Hours, Schedule, Window
from tests.models.schedule import almanac

# Clocks differ from UTC by whole quarters of an hour in every zone and year of the tests.
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
LARGEST_OFFSET = timedelta(hours=16)


@lru_cache
def _clocks(zone: str) -> tzfile:
    return tzfile(BytesIO(resources.files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()), zone)


def shown(zone: str, moment: datetime) -> datetime:
    """Return the wall time at a moment in UTC."""
    return moment.astimezone(_clocks(zone)).replace(tzinfo=None)


@lru_cache(maxsize=10_000)
def moment(zone: str, wall: datetime) -> datetime:
    """Return the first moment with this wall time, or in a gap the first with a later one."""
    begin = wall.replace(tzinfo=UTC) - LARGEST_OFFSET
    moments = (begin + QUARTER * place for place in range(2 * LARGEST_OFFSET // QUARTER + 1))
    found = next(moment for moment in moments if shown(zone, moment) >= wall)
    while shown(zone, found - MINUTE) >= wall:  # after a gap
        found -= MINUTE
    return found


def slots(schedule: Schedule, zone: str, first: date, last: date) -> list[tuple[datetime, datetime]]:
    """Return the expected result of `expand`."""
    found = set()
    for place in range((last - first).days + 1):
        for hours in _hours_of(schedule, zone, first + timedelta(days=place)):
            found |= _cut(schedule, zone, first + timedelta(days=place), hours)
    return sorted(found)


def _hours_of(schedule: Schedule, zone: str, day: date) -> list[Hours]:
    if day < schedule.from_ or (schedule.until and day > schedule.until):
        return []
    hours: list[Hours] = [extra for extra in schedule.extra if extra.date == day]
    ranges = [(item, item) if isinstance(item, date) else (item.from_, item.until) for item in schedule.closed]
    if not any(begin <= day <= end for begin, end in ranges):
        hours += [window for window in schedule.windows if _is_on(window, zone, schedule.from_, day)]
    return hours


def _is_on(window: Window, zone: str, start: date, day: date) -> bool:
    if (window.from_ and day < window.from_) or (window.until and day > window.until):
        return False
    if isinstance(window.days, tuple):
        return day.strftime("%a").lower() in window.days
    rule, _, until = str(window.rrule).upper().replace(" ", "").removeprefix("RRULE:").partition(";UNTIL=")
    opening = datetime.combine(day, time.fromisoformat(window.start))
    if until.endswith("Z") and moment(zone, opening) > datetime.strptime(until, "%Y%m%dT%H%M%S%z"):
        return False
    if until and not until.endswith("Z") and opening > datetime.fromisoformat(until if "T" in until else f"{until}T23"):
        return False
    return day in _dates(rule, window.from_ or start, day.year)


@lru_cache(maxsize=1_000)
def _dates(rule: str, start: date, year: int) -> list[date]:
    return almanac.dates(rule, start, date(year, 1, 1), date(year, 12, 31))


def _cut(schedule: Schedule, zone: str, day: date, hours: Hours) -> set[tuple[datetime, datetime]]:
    opening = datetime.combine(day, time.fromisoformat(hours.start))
    if hours.end == "24:00":
        closing = datetime.combine(day, time.min) + timedelta(days=1)
    else:
        closing = datetime.combine(day, time.fromisoformat(hours.end))
        if closing < opening:
            closing += timedelta(days=1)
    length = timedelta(minutes=hours.slot_minutes or schedule.slot_minutes)
    step = length
    if hours.step_minutes:
        step = timedelta(minutes=hours.step_minutes)
    elif schedule.step_minutes and not hours.slot_minutes:
        step = timedelta(minutes=schedule.step_minutes)
    start, end, found = moment(zone, opening), moment(zone, closing), set()
    while start + length <= end:
        found.add((start, start + length))
        start += step
    return found
