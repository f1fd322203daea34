"""What a schedule yields: opening hours in, slots out. Pure: it knows no table, and the time only as an argument.

Dates are expanded in the calendar's zone, each window's two ends are converted to UTC, and slots are stepped in UTC.
So a slot always lasts its minutes, and a day when the clocks change has as many slots as it has hours to hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo

from msgspec import UNSET

from models.clock import DAY, MINUTE
from models.errors import BadRequest
from models.opening_hours import LAST_DATE, ClosedRange, ExtraWindow, Hours, Schedule, Window, read_schedule
from models.recurrence import dates
from models.zone import open_zone

__all__ = [
    "MOST_SLOTS",
    "ClosedRange",
    "ExtraWindow",
    "Schedule",
    "Window",
    "expand",
    "horizon",
    "local_date",
    "read_schedule",
]

MOST_SLOTS = 20_000

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.date()
_MILLISECOND = timedelta(milliseconds=1)


def expand(schedule: Schedule, zone: str, first: date, last: date) -> list[tuple[int, int]]:
    """The slots `[start, end)` of the windows that begin on the local dates from `first` to `last`, both included.

    In milliseconds UTC, sorted, none twice; each date's slots depend on that date alone. BadRequest for a zone that
    there is not, and for more than MOST_SLOTS.
    """
    clocks = open_zone(zone)
    length = schedule.slot_minutes * MINUTE
    step = (schedule.step_minutes or schedule.slot_minutes) * MINUTE
    starts: set[int] = set()
    for day, hours in _openings(schedule, max(first, schedule.from_), min(last, schedule.until or LAST_DATE)):
        opening, closing = (_moment(clocks, day, minute) for minute in hours.minutes)
        starts.update(range(opening, closing - length + 1, step))
        if len(starts) > MOST_SLOTS:
            raise BadRequest(
                f"The schedule makes more than {MOST_SLOTS} slots; have it reach less far, or make them longer.",
                field="horizon_days",
                rule="slots",
                most=MOST_SLOTS,
            )
    return [(start, start + length) for start in sorted(starts)]


def horizon(schedule: Schedule, zone: str, now: int) -> date:
    """The last date to be filled at `now`: `horizon_days` dates from today, or from the schedule's first if later."""
    begin = max(local_date(zone, now), schedule.from_)
    last = schedule.until or LAST_DATE
    return last if (last - begin).days < schedule.horizon_days else begin + _ONE_DAY * (schedule.horizon_days - 1)


def local_date(zone: str, moment: int) -> date:
    """The date in the zone at a moment in milliseconds."""
    return (_EPOCH + _MILLISECOND * moment).astimezone(open_zone(zone)).date()


def _openings(schedule: Schedule, first: date, last: date) -> Iterator[tuple[date, Hours]]:
    """Every window on every date that it begins on, in no order."""
    closed = _closed_dates(schedule, first, last)
    for window in schedule.windows:
        for day in _dates_of(window, schedule.from_, first, last):
            if day not in closed:
                yield day, window
    for extra in schedule.extra:
        if first <= extra.date <= last:
            yield extra.date, extra


def _dates_of(window: Window, start: date, first: date, last: date) -> Iterator[date]:
    if window.rrule is not UNSET:
        return _dates_of_rule(window.rrule, start, first, last)
    weekdays = {_DAYS.index(day) for day in window.days or ()}
    return (day for day in _range(first, last) if day.weekday() in weekdays)


def _dates_of_rule(rule: str, start: date, first: date, last: date) -> Iterator[date]:
    """As `dates`; BadRequest for a rule that was let in once, and can't be worked out now."""
    try:
        yield from dates(rule, start, first, last)
    except ValueError as error:
        raise BadRequest(f"A window's rule can't be used: {error}.", field="windows", rule="rrule") from error


def _closed_dates(schedule: Schedule, first: date, last: date) -> set[date]:
    closed: set[date] = set()
    for item in schedule.closed:
        if isinstance(item, ClosedRange):
            closed.update(_range(max(item.from_, first), min(item.until, last)))
        else:
            closed.add(item)
    return closed


def _range(first: date, last: date) -> Iterator[date]:
    return (first + _ONE_DAY * place for place in range((last - first).days + 1))


def _moment(clocks: tzinfo, day: date, minute: int) -> int:
    """When the clocks show that minute of the date, which may be the next one's.

    As in RFC 5545, section 3.3.5: a time in a gap takes the offset before the gap, one that comes twice is the first.
    Both are what zoneinfo answers for fold=0.
    """
    wall = datetime(day.year, day.month, day.day, tzinfo=clocks) + timedelta(minutes=minute)
    offset = wall.utcoffset() or timedelta()
    return (day - _EPOCH_DAY).days * DAY + minute * MINUTE - offset // _MILLISECOND
