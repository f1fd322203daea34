"""Expands a recurrence rule to dates: RFC 5545's RRULE without its times, from daily to yearly.

Section 3.3.10 defines every part. A part limits or expands the period of FREQ (a day, week, month or year), and
BYSETPOS picks from the whole period. Then dates before DTSTART are left out, and COUNT and UNTIL end the rule. With
BYWEEKNO the period is the year of the week numbers: week 1 is whole, even if it begins in December.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta, tzinfo
from functools import lru_cache
from itertools import count
from typing import NamedTuple, TypeVar

from models.contract.values.zones import first_moment, wall_of
from models.schedule.recurrence_text import LAST_DATE, Rule, Time, read_rule

__all__ = ["Rule", "check_rule", "dates", "periods", "picked"]

T = TypeVar("T")

Visit = Callable[[], object]  # is called for each date and each period that a rule looks at

_ONE_DAY = timedelta(days=1)
_WEEK = 7


def check_rule(text: str, start: date) -> int:
    """Raise ValueError, with a sentence for the client, unless the rule has a date from `start` on.

    Return the number of dates and periods it had to look at.
    """
    has_date, visits = _looked(text, start)
    if not has_date:
        raise ValueError("the rule names no date at all")
    return visits


@lru_cache(maxsize=4_096)
def _looked(text: str, start: date) -> tuple[bool, int]:
    """Say if the rule has a date, and return the visits that it took. A rule without one looks at every date."""
    visits = count()
    rule = read_rule(text)
    last = _day_after_until(rule) if isinstance(rule.until, Time) else LAST_DATE
    begin = start if rule.start is None else rule.start.day
    has_date = next(_dates(rule, begin, max(begin, start), last, visits.__next__), None) is not None
    return has_date, next(visits)


def _unseen() -> None:
    """Stand in for a `Visit`."""


def dates(
    text: str,
    start: date,
    first: date,
    last: date,
    *,
    clocks: tzinfo = UTC,
    minute: int = 0,
    visit: Visit = _unseen,
) -> Iterator[date]:
    """Return the rule's dates from `first` to `last`, both included. The text's DTSTART replaces `start`.

    `check_rule` must have passed the rule. DTSTART is a date of the rule only if it fits the rule. A DTSTART or UNTIL
    in UTC is read on `clocks`. An UNTIL with a time ends the rule after the last window that begins by then: `minute`
    is the begin of the window, in minutes of wall time after the date's midnight.
    """
    rule = read_rule(text)
    if rule.start is not None:
        start = wall_of(clocks, rule.start.moment).date() if rule.start.is_utc else rule.start.day
    until = rule.until
    if not isinstance(until, Time):
        return _dates(rule, start, first, last, visit)
    found = _dates(rule, start, first, min(last, _day_after_until(rule)), visit)
    if until.is_utc:
        return (day for day in found if first_moment(clocks, day, minute) <= until.moment)
    return (day for day in found if (day, minute * 60) <= (until.day, until.second))


def periods(rule: Rule, start: date, first: date) -> Iterator[tuple[date, list[date]]]:
    """Return the first date of each period from the one of `start` on, and its dates before BYSETPOS; without an end.

    The periods before the one of `first` may be left out.
    """
    rule = _completed(rule, start)
    for period in _periods(rule, start, first):
        yield period.first, [day for day in period.dates if _fits(rule, day)]


def picked(found: Sequence[T], positions: frozenset[int]) -> list[T]:
    """Return those that BYSETPOS picks from a period's, in order."""
    size = len(found)
    return [one for place, one in enumerate(found) if place + 1 in positions or place - size in positions]


def _day_after_until(rule: Rule) -> date:
    """Return the day after UNTIL's date, by which it has passed in every zone; at most the last date of a schedule."""
    day = _until_date(rule)
    return day + _ONE_DAY if day < LAST_DATE else LAST_DATE


def _until_date(rule: Rule) -> date:
    return rule.until.day if isinstance(rule.until, Time) else rule.until or LAST_DATE


def _dates(rule: Rule, start: date, first: date, last: date, visit: Visit) -> Iterator[date]:
    """Return the rule's dates, without regard to a time in UNTIL."""
    last = min(last, LAST_DATE, rule.until if isinstance(rule.until, date) else LAST_DATE)
    if max(first, start) > last:
        return
    rule = _completed(rule, start)
    left = rule.count
    # COUNT counts from `start`. Without it, the periods before `first` are skipped.
    for period in _periods(rule, start, start if left else max(first, start)):
        if period.first > last:
            return
        visit()
        for day in _picked(rule, period, visit):
            if day < start:
                continue
            if day > last:
                return
            if day >= first:
                yield day
            if left is not None:
                left -= 1
                if not left:
                    return


def _completed(rule: Rule, start: date) -> Rule:
    """Return the rule with the weekday, day or month of its first date, if it names none."""
    if rule.by_day or rule.by_month_day or rule.by_year_day or rule.frequency == "DAILY":
        return rule
    if rule.frequency == "WEEKLY" or rule.by_week:
        return replace(rule, by_day=frozenset({(0, start.weekday())}))
    by_month = rule.by_month or frozenset({start.month} if rule.frequency == "YEARLY" else ())
    return replace(rule, by_month_day=frozenset({start.day}), by_month=by_month)


class _Period(NamedTuple):
    """A day, week, month or year: its first date, and its dates that the rule may name, in order."""

    first: date
    dates: Iterator[date]


def _picked(rule: Rule, period: _Period, visit: Visit) -> Iterator[date] | list[date]:
    fitting = (day for day in _visited(period.dates, visit) if _fits(rule, day))
    if not rule.by_position:
        return fitting
    return picked(list(fitting), rule.by_position)


def _visited(days: Iterator[date], visit: Visit) -> Iterator[date]:
    for day in days:
        visit()
        yield day


def _fits(rule: Rule, day: date) -> bool:
    """Say if the date is of the rule's months, days and weekdays. The period itself checks the weeks."""
    if rule.by_month and day.month not in rule.by_month:
        return False
    if rule.by_month_day:
        length = monthrange(day.year, day.month)[1]
        if day.day not in rule.by_month_day and day.day - length - 1 not in rule.by_month_day:
            return False
    if rule.by_year_day:
        place = _year_day(day)
        if place not in rule.by_year_day and place - _year_length(day.year) - 1 not in rule.by_year_day:
            return False
    return not rule.by_day or _fits_weekday(rule, day)


def _fits_weekday(rule: Rule, day: date) -> bool:
    weekday = day.weekday()
    if not rule.counts_weekdays:
        return (0, weekday) in rule.by_day
    if rule.frequency == "MONTHLY" or rule.by_month:
        place, length = day.day, monthrange(day.year, day.month)[1]
    else:
        place, length = _year_day(day), _year_length(day.year)
    numbers = (0, (place - 1) // _WEEK + 1, -((length - place) // _WEEK + 1))
    return any((number, weekday) in rule.by_day for number in numbers)


def _year_day(day: date) -> int:
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1


def _year_length(year: int) -> int:
    return 365 + isleap(year)


def _periods(rule: Rule, start: date, first: date) -> Iterator[_Period]:
    """Return the rule's periods, INTERVAL apart, from the one of `start` or the last before `first`."""
    match rule.frequency:
        case "DAILY":
            skipped = -(-(first - start).days // rule.interval)
            days = count(start.toordinal() + skipped * rule.interval, rule.interval)
            return (_Period(day, iter((day,))) for day in map(date.fromordinal, days))
        case "WEEKLY":
            monday = start.toordinal() - (start.weekday() - rule.week_start) % _WEEK
            step = _WEEK * rule.interval
            begins = count(monday + (first.toordinal() - monday) // step * step, step)
            return (_Period(date.fromordinal(begin), _week(begin)) for begin in begins)
        case "MONTHLY":
            month = start.year * 12 + start.month - 1
            skipped = (first.year * 12 + first.month - 1 - month) // rule.interval
            months = (divmod(one, 12) for one in count(month + skipped * rule.interval, rule.interval))
            return (_month(rule, year, place + 1) for year, place in months)
        case _:
            return _years(rule, start, first)


def _years(rule: Rule, start: date, first: date) -> Iterator[_Period]:
    """Return calendar years, or with BYWEEKNO the years of week numbers, which begin up to three days off."""
    year = start.year
    if rule.by_week:
        year += (start >= _first_week(rule, year + 1)) - (start < _first_week(rule, year))
    skipped = max(first.year - 1 - year, 0) // rule.interval
    years = count(year + skipped * rule.interval, rule.interval)
    if rule.by_week:
        return (_Period(_first_week(rule, one), _weeks(rule, one)) for one in years)
    return (_Period(date(one, 1, 1), _year(rule, one)) for one in years)


def _week(begin: int) -> Iterator[date]:
    return map(date.fromordinal, range(begin, begin + _WEEK))


def _month(rule: Rule, year: int, month: int) -> _Period:
    return _Period(date(year, month, 1), _days_of_month(rule, year, month))


def _days_of_month(rule: Rule, year: int, month: int) -> Iterator[date]:
    if rule.by_month and month not in rule.by_month:
        return
    length = monthrange(year, month)[1]
    days: set[int] | range = range(1, length + 1)
    if rule.by_month_day:
        days = {day if day > 0 else length + day + 1 for day in rule.by_month_day}
    for day in sorted(days):
        if 1 <= day <= length:
            yield date(year, month, day)


def _year(rule: Rule, year: int) -> Iterator[date]:
    if not rule.by_year_day:
        for month in sorted(rule.by_month) or range(1, 13):
            yield from _days_of_month(rule, year, month)
        return
    length, first = _year_length(year), date(year, 1, 1).toordinal() - 1
    for day in sorted({day if day > 0 else length + day + 1 for day in rule.by_year_day}):
        if 1 <= day <= length:
            yield date.fromordinal(first + day)


def _first_week(rule: Rule, year: int) -> date:
    """Return the first date of week 1: the first week with at least four days in the year."""
    fourth = date(year, 1, 4)
    return fourth - _ONE_DAY * ((fourth.weekday() - rule.week_start) % _WEEK)


def _weeks(rule: Rule, year: int) -> Iterator[date]:
    first, following = _first_week(rule, year).toordinal(), _first_week(rule, year + 1).toordinal()
    weeks = (following - first) // _WEEK
    for week in sorted({week if week > 0 else weeks + week + 1 for week in rule.by_week}):
        if 1 <= week <= weeks:
            yield from _week(first + (week - 1) * _WEEK)
