"""Expands a schedule to slots, without a table and with the time as an argument.

Dates are expanded in the calendar's zone, the ends of each window are converted to UTC, and slots are stepped in UTC.
So a slot always lasts its minutes, and a day with a change of the clocks has the slots that fit into its hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta, tzinfo

from msgspec import UNSET

from models.contract.errors import BadRequest
from models.contract.values.time import MINUTE
from models.contract.values.zones import first_moment, open_zone, wall_of
from models.domain.slots.planned import Planned
from models.schedule.recurrence import dates
from models.schedule.recurrence_text import LAST_DATE
from models.schedule.schedule import ClosedRange, ExtraWindow, Hours, Schedule, Window, read_schedule, write_data
from models.schedule.steps import Steps

__all__ = [
    "MOST_SLOTS",
    "ClosedRange",
    "ExtraWindow",
    "Schedule",
    "Window",
    "expand",
    "first_date",
    "horizon",
    "local_date",
    "next_fill",
    "read_schedule",
]

MOST_SLOTS = 20_000
NEVER = 1 << 62

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE_DAY = timedelta(days=1)

Take = Callable[..., None]  # `Steps.take`


def expand(schedule: Schedule, zone: str, first: date, last: date, steps: Steps | None = None) -> list[Planned]:
    """Return the slots of the windows that begin on the local dates from `first` to `last`, both included.

    The slots are sorted, and each date's slots depend on that date alone. Of two slots with the same times the one of
    `extra` counts, or else the one of the first window. Raise BadRequest for an unknown zone, for more than MOST_SLOTS,
    and after too many `steps`. A schedule that was accepted before is expanded without a count of them.
    """
    clocks = open_zone(zone)
    take = _untaken if steps is None else steps.take
    planned: dict[tuple[int, int], Planned] = {}
    begin, end = max(first, schedule.from_), min(last, schedule.until or LAST_DATE)
    for day, hours in _openings(schedule, clocks, begin, end, take):
        for slot in _cut(schedule, clocks, day, hours):
            take()
            planned.setdefault(slot.times, slot)
        if len(planned) > MOST_SLOTS:
            raise BadRequest(
                f"The schedule makes more than {MOST_SLOTS} slots; have it reach less far, or make them longer.",
                field="horizon_days",
                rule="slots",
                most=MOST_SLOTS,
            )
    return [planned[times] for times in sorted(planned)]


def _untaken(count: int = 1) -> None:
    """Stand in for `Steps.take`."""


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


def first_date(zone: str, now: int) -> date:
    """Return yesterday's date, as a window of yesterday may last past midnight."""
    return local_date(zone, now) - _ONE_DAY


def _openings(schedule: Schedule, clocks: tzinfo, first: date, last: date, take: Take) -> Iterator[tuple[date, Hours]]:
    """Return each window with each date on which it begins, those of `extra` first."""
    for extra in schedule.extra:
        if first <= extra.date <= last:
            yield extra.date, extra
    closed = _closed_dates(schedule, first, last, take)
    for window in schedule.windows:
        begin, end = max(first, window.from_ or first), min(last, window.until or last)
        for day in _spanof(window, window.from_ or schedule.from_, (begin, end), clocks, take):
            take()
            if day not in closed:
                yield day, window


def _spanof(window: Window, start: date, span: tuple[date, date], clocks: tzinfo, take: Take) -> Iterator[date]:
    first, last = span
    if window.rrule is not UNSET:
        return dates(window.rrule, start, first, last, clocks=clocks, minute=window.minutes[0], visit=take)
    weekdays = {_DAYS.index(day) for day in window.days or ()}
    return (day for day in _range(first, last) if day.weekday() in weekdays)


def _closed_dates(schedule: Schedule, first: date, last: date, take: Take) -> set[date]:
    closed: set[date] = set()
    for item in schedule.closed:
        if isinstance(item, ClosedRange):
            begin, end = max(item.from_, first), min(item.until, last)
            take(max((end - begin).days + 1, 1))
            closed.update(_range(begin, end))
        else:
            closed.add(item)
    return closed


def _range(first: date, last: date) -> Iterator[date]:
    return (first + _ONE_DAY * place for place in range((last - first).days + 1))
