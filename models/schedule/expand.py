"""Expands a schedule to slots, without a table and with the time as an argument.

Dates are expanded in the calendar's zone, the ends of each window are converted to UTC, and slots are stepped in UTC.
So a slot always lasts its minutes, and a day with a change of the clocks has the slots that fit into its hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta, tzinfo

from msgspec import UNSET

from models.contract.errors import BadRequest
from models.contract.values.time import MINUTE
from models.contract.values.zones import first_moment, open_zone, wall_of
from models.domain.slots.planned import Planned
from models.schedule.recurrence import dates
from models.schedule.recurrence_text import LAST_DATE
from models.schedule.schedule import ClosedRange, ExtraWindow, Hours, Schedule, Window, read_schedule, write_data

__all__ = [
    "MOST_SLOTS",
    "ClosedRange",
    "ExtraWindow",
    "Planned",
    "Schedule",
    "Window",
    "expand",
    "horizon",
    "local_date",
    "next_fill",
    "read_schedule",
]

MOST_SLOTS = 20_000
NEVER = 1 << 62

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE_DAY = timedelta(days=1)


def expand(schedule: Schedule, zone: str, first: date, last: date) -> list[Planned]:
    """Return the slots of the windows that begin on the local dates from `first` to `last`, both included.

    The slots are sorted, and each date's slots depend on that date alone. Of two slots with the same times the one of
    `extra` counts, or else the one of the first window. Raise BadRequest for an unknown zone, and for more than
    MOST_SLOTS.
    """
    clocks = open_zone(zone)
    planned: dict[tuple[int, int], Planned] = {}
    for day, hours in _openings(schedule, clocks, max(first, schedule.from_), min(last, schedule.until or LAST_DATE)):
        for slot in _cut(schedule, clocks, day, hours):
            planned.setdefault(slot.times, slot)
        if len(planned) > MOST_SLOTS:
            raise BadRequest(
                f"The schedule makes more than {MOST_SLOTS} slots; have it reach less far, or make them longer.",
                field="horizon_days",
                rule="slots",
                most=MOST_SLOTS,
            )
    return [planned[times] for times in sorted(planned)]


def _cut(schedule: Schedule, clocks: tzinfo, day: date, hours: Hours) -> Iterator[Planned]:
    """Return the slots of hours on a date. Hours with their own slot length and no step have slots end to end."""
    minutes = hours.slot_minutes or schedule.slot_minutes
    step = hours.step_minutes or hours.slot_minutes or schedule.step_minutes or minutes
    capacity, data = hours.capacity or schedule.capacity, write_data(hours.data)
    opening, closing = (first_moment(clocks, day, minute) for minute in hours.minutes)
    length = minutes * MINUTE
    for start in range(opening, closing - length + 1, step * MINUTE):
        yield Planned(start, start + length, capacity, data)


def horizon(schedule: Schedule, zone: str, now: int) -> date:
    """Return the last date to fill at `now`: `horizon_days` dates from today or from the schedule's later start."""
    begin = max(local_date(zone, now), schedule.from_)
    last = schedule.until or LAST_DATE
    return last if (last - begin).days < schedule.horizon_days else begin + _ONE_DAY * (schedule.horizon_days - 1)


def next_fill(schedule: Schedule, zone: str, filled_until: date) -> int:
    """Return the first time at which `horizon` is after `filled_until`; NEVER for a schedule filled to its end."""
    if filled_until >= (schedule.until or LAST_DATE):
        return NEVER
    today = filled_until + _ONE_DAY * (2 - schedule.horizon_days)
    return 0 if today <= schedule.from_ else first_moment(open_zone(zone), today, 0)


def local_date(zone: str, moment: int) -> date:
    """Return the date in the zone at a moment in milliseconds."""
    return wall_of(open_zone(zone), moment).date()


def _openings(schedule: Schedule, clocks: tzinfo, first: date, last: date) -> Iterator[tuple[date, Hours]]:
    """Return each window with each date on which it begins, those of `extra` first."""
    for extra in schedule.extra:
        if first <= extra.date <= last:
            yield extra.date, extra
    closed = _closed_dates(schedule, first, last)
    for window in schedule.windows:
        begin, end = max(first, window.from_ or first), min(last, window.until or last)
        for day in _dates_of(window, clocks, window.from_ or schedule.from_, begin, end):
            if day not in closed:
                yield day, window


def _dates_of(window: Window, clocks: tzinfo, start: date, first: date, last: date) -> Iterator[date]:
    if window.rrule is not UNSET:
        return dates(window.rrule, start, first, last, clocks=clocks, minute=window.minutes[0])
    weekdays = {_DAYS.index(day) for day in window.days or ()}
    return (day for day in _range(first, last) if day.weekday() in weekdays)


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
