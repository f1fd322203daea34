"""A second reading of RFC 5545's recurrence rules: it tests each date, one by one, against the rule's words.

It follows section 3.3.10 in order. First it finds the period of FREQ for a date, and tests INTERVAL. Then it tests
BYMONTH, BYWEEKNO, BYYEARDAY, BYMONTHDAY and BYDAY, then the place in the period (BYSETPOS), and last DTSTART, COUNT and
UNTIL. It builds no dates from a rule, and shares no line with the service.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from itertools import groupby

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
ONE_DAY = timedelta(days=1)


@cache
def week_of(day: date, week_start: int) -> tuple[int, int]:
    """Return year and number of the date's week: the year has at least four of the week's days."""
    week = [one for one in (day + ONE_DAY * place for place in range(-6, 1)) if one.weekday() == week_start][0:1]
    days = [week[0] + ONE_DAY * place for place in range(7)]
    year = max({one.year for one in days}, key=lambda year: sum(one.year == year for one in days))
    number, monday = 0, week[0]
    while sum((monday + ONE_DAY * place).year == year for place in range(7)) >= 4:
        number, monday = number + 1, monday - ONE_DAY * 7
    return year, number


@cache
def weeks_in(year: int, week_start: int) -> int:
    return max(week_of(date(year, 12, day), week_start)[1] for day in range(22, 29))


def dates(rule: str, start: date, first: date, last: date) -> list[date]:
    """The rule's dates from `first` to `last`; UNTIL is a date."""
    parts = dict(part.split("=") for part in rule.split(";"))
    _derive(parts, start)
    period = _period_of(parts, start)
    looked_at = start - timedelta(days=400)  # so that the first period is whole
    end = last + timedelta(days=400)
    days = [looked_at + ONE_DAY * place for place in range((end - looked_at).days + 1)]
    found = []
    for key, subscribers in groupby(days, key=period):
        if (key - period(start)) % int(parts.get("INTERVAL", 1)):
            continue
        fitting = [day for day in subscribers if _fits(parts, day)]
        if "BYSETPOS" in parts:
            places = [int(text) for text in parts["BYSETPOS"].split(",")]
            count = len(fitting)
            fitting = [day for place, day in enumerate(fitting, 1) if place in places or place - count - 1 in places]
        found += [day for day in fitting if day >= start]
    if "COUNT" in parts:
        found = found[: int(parts["COUNT"])]
    if "UNTIL" in parts:
        found = [day for day in found if f"{day:%Y%m%d}" <= parts["UNTIL"]]
    return [day for day in found if first <= day <= last]


def _derive(parts: dict[str, str], start: date) -> None:
    """Add the missing parts of the rule from DTSTART."""
    if not parts.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY"}:
        if parts["FREQ"] == "WEEKLY" or "BYWEEKNO" in parts:
            parts["BYDAY"] = DAYS[start.weekday()]
        elif parts["FREQ"] != "DAILY":
            parts["BYMONTHDAY"] = str(start.day)
            if parts["FREQ"] == "YEARLY":
                parts.setdefault("BYMONTH", str(start.month))


def _week_start(parts: dict[str, str]) -> int:
    return DAYS.index(parts.get("WKST", "MO"))


def _period_of(parts: dict[str, str], start: date) -> Callable[[date], int]:
    """Return the number of the date's period of FREQ; the next period has the next number."""
    begin = start - timedelta(days=800)
    begin -= ONE_DAY * ((begin.weekday() - _week_start(parts)) % 7)

    def period(day: date) -> int:
        match parts["FREQ"]:
            case "DAILY":
                return (day - start).days
            case "WEEKLY":
                return (day - begin).days // 7
            case "MONTHLY":
                return day.year * 12 + day.month
            case _ if "BYWEEKNO" in parts:
                return week_of(day, _week_start(parts))[0]
            case _:
                return day.year

    return period


@cache
def _year(day: date) -> list[date]:
    """The dates of its year."""
    if (day.month, day.day) != (1, 1):
        return _year(date(day.year, 1, 1))
    return [one for one in (day + ONE_DAY * place for place in range(366)) if one.year == day.year]


@cache
def _place(day: date, scope: str, *, is_weekday: bool = False) -> tuple[int, int]:
    """The place of the date in its year or month, among all dates or those of its weekday; and how many those are."""
    among = [one for one in _year(day) if scope == "year" or one.month == day.month]
    among = [one for one in among if not is_weekday or one.weekday() == day.weekday()]
    return among.index(day) + 1, len(among)


def _fits(parts: dict[str, str], day: date) -> bool:
    week_start = _week_start(parts)
    week_year, week = week_of(day, week_start)
    return (
        _is_listed(parts.get("BYMONTH"), day.month, 12)
        and _is_listed(parts.get("BYWEEKNO"), week, weeks_in(week_year, week_start))
        and _is_listed(parts.get("BYYEARDAY"), *_place(day, "year"))
        and _is_listed(parts.get("BYMONTHDAY"), *_place(day, "month"))
        and _is_weekday(parts, day, "month" if parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts else "year")
    )


def _is_listed(numbers: str | None, place: int, length: int) -> bool:
    return numbers is None or any(int(text) in {place, place - length - 1} for text in numbers.split(","))


def _is_weekday(parts: dict[str, str], day: date, scope: str) -> bool:
    if "BYDAY" not in parts:
        return True
    place, length = _place(day, scope, is_weekday=True)
    names = {f"{number}{DAYS[day.weekday()]}" for number in ("", place, place - length - 1)}
    return any(text.lstrip("+") in names for text in parts["BYDAY"].split(","))
