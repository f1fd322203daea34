"""Expands the RRULE of an event to its starts, by RFC 5545.

The dates are those of models/schedule/recurrence, and BYHOUR, BYMINUTE and BYSECOND multiply them. A rule within a day
(HOURLY and shorter) has no weeks of a year and no period that begins before its start, so dateutil expands it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, tzinfo
from itertools import product
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import vRecur

from models.schedule.recurrence import Rule, periods, picked

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PARTS = {
    "FREQ", "UNTIL", "COUNT", "INTERVAL", "WKST", "BYSETPOS", "BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY",
    "BYHOUR", "BYMINUTE", "BYSECOND",
}  # fmt: skip
_DEFAULTS = {"RSCALE": "GREGORIAN", "SKIP": "OMIT"}  # RFC 7529: with these values a rule is one of RFC 5545
# The frequencies of dates, with the most of each interval: a thousand years, as no date is after the year 9999.
_OF_DATES = {"DAILY": 365_000, "WEEKLY": 52_000, "MONTHLY": 12_000, "YEARLY": 1_000}


def is_readable(recur: Any) -> bool:
    """Say if each part of a rule is known. A rule without one of its parts has other dates."""
    parts = _parts(recur)
    others = {name: values for name, values in parts.items() if name not in _PARTS and not name.startswith("X-")}
    return len(parts.get("FREQ", [])) == 1 and all(
        [str(getattr(value, "value", value)).upper() for value in values] == [_DEFAULTS.get(name)]
        for name, values in others.items()
    )


def starts(recur: Any, begun: datetime, zone: tzinfo, last: datetime) -> Iterator[datetime]:
    """Yield the starts of a rule from its first event's, `begun`, to `last`, in order; all are local times.

    The first event counts as an occurrence, whether or not it fits the rule. ValueError for a rule without FREQ.
    """
    parts = _parts(recur)
    (frequency,) = (str(name).upper() for name in parts["FREQ"])
    until = min((_local(value, zone) for value in parts.get("UNTIL", [])), default=last)
    left = min((int(count) for count in parts.get("COUNT", [])), default=None)
    found = _by_dates(parts, frequency, begun, last) if frequency in _OF_DATES else _within_days(recur, begun)
    yield begun
    for start in found:
        if start > min(until, last):
            return
        if start <= begun:
            continue
        if left is not None:
            left -= 1
            if left < 1:
                return
        yield start


def _by_dates(parts: dict[str, list[Any]], frequency: str, begun: datetime, last: datetime) -> Iterator[datetime]:
    rule = _rule(parts, frequency)
    positions = _numbers(parts, "BYSETPOS")
    times = _times(parts, begun)
    first = begun.date()
    for begin, days in periods(rule, first, first):
        if begin > last.date():
            return
        found = [datetime.combine(day, at) for day in days for at in times]
        yield from picked(found, positions) if positions else found


def _rule(parts: dict[str, list[Any]], frequency: str) -> Rule:
    """Return the rule's dates. A part that has no meaning with FREQ is left out, as programs read it."""
    is_yearly, week_start = frequency == "YEARLY", str(parts.get("WKST", ["MO"])[0]).upper()
    by_week = _numbers(parts, "BYWEEKNO") if is_yearly else frozenset[int]()
    counts_weekdays = frequency in {"MONTHLY", "YEARLY"} and not by_week
    by_day = [_weekday(str(value).upper()) for value in parts.get("BYDAY", [])]
    return Rule(
        frequency=frequency,
        interval=min(max(int(parts.get("INTERVAL", [1])[0]), 1), _OF_DATES[frequency]),
        week_start=_WEEKDAYS.index(week_start),
        by_month=_numbers(parts, "BYMONTH", most=12),
        by_week=by_week,
        by_year_day=_numbers(parts, "BYYEARDAY"),
        by_month_day=_numbers(parts, "BYMONTHDAY"),
        by_day=frozenset((number if counts_weekdays else 0, day) for number, day in by_day),
    )


def _weekday(text: str) -> tuple[int, int]:
    """Return the number before a weekday, 0 for none, and the weekday."""
    return int(text[:-2] or 0), _WEEKDAYS.index(text[-2:])


def _times(parts: dict[str, list[Any]], begun: datetime) -> list[time]:
    hours = sorted(_numbers(parts, "BYHOUR", most=23)) or [begun.hour]
    minutes = sorted(_numbers(parts, "BYMINUTE", most=59)) or [begun.minute]
    seconds = sorted(_numbers(parts, "BYSECOND", most=59)) or [begun.second]
    return [time(*one) for one in product(hours, minutes, seconds)]


def _numbers(parts: dict[str, list[Any]], name: str, *, most: int | None = None) -> frozenset[int]:
    """Return the numbers of a part; of one with a `most`, those from 0 to it."""
    numbers = (int(value) for value in parts.get(name, []))
    return frozenset(number for number in numbers if most is None or 0 <= number <= most)


def _within_days(recur: Any, begun: datetime) -> Iterator[datetime]:
    parts: Any = vRecur({name: values for name, values in _parts(recur).items() if name in _PARTS - {"UNTIL", "COUNT"}})
    return iter(rrulestr(parts.to_ical().decode(), dtstart=begun))


def _local(until: Any, zone: tzinfo) -> datetime:
    """Return UNTIL in local time: it is in UTC or in local time, or a date whose whole day counts."""
    if not isinstance(until, datetime):
        assert isinstance(until, date)
        return datetime.combine(until, time(23, 59, 59))
    return until.astimezone(zone).replace(tzinfo=None) if until.tzinfo else until


def _parts(recur: Any) -> dict[str, list[Any]]:
    return {name.strip().upper(): _listed(values) for name, values in recur.items()}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
