"""Which dates a recurrence rule names: RFC 5545's RRULE without its times, from daily to yearly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time

from dateutil.rrule import rrulestr

LONGEST_RULE = 500  # characters
MOST_WEEKS_A_MONTH = 5  # that a weekday is in
# Leap days on a given weekday come within 40 years; what comes later would be looked for on the writer's time.
MOST_YEARS_AHEAD = 40
MOST_DATES = 20_000  # a COUNT's bound: at least a slot a date, and no schedule has more slots

_WEEKDAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
_NUMBERS = r"[+-]?[0-9]{1,3}(?:,[+-]?[0-9]{1,3})*"
_PATTERNS = {
    "FREQ": re.compile("DAILY|WEEKLY|MONTHLY|YEARLY"),
    "INTERVAL": re.compile(r"[0-9]{1,3}"),
    "COUNT": re.compile(r"[0-9]{1,5}"),
    "UNTIL": re.compile(r"[0-9]{8}"),
    "WKST": re.compile(_WEEKDAY),
    "BYDAY": re.compile(rf"(?:[+-]?[0-9]{{1,2}})?{_WEEKDAY}(?:,(?:[+-]?[0-9]{{1,2}})?{_WEEKDAY})*"),
    "BYMONTH": re.compile(_NUMBERS),
    "BYMONTHDAY": re.compile(_NUMBERS),
    "BYYEARDAY": re.compile(_NUMBERS),
    "BYWEEKNO": re.compile(_NUMBERS),
    "BYSETPOS": re.compile(_NUMBERS),
}
_LARGEST = {
    "INTERVAL": 999,
    "COUNT": MOST_DATES,
    "BYDAY": 53,
    "BYMONTH": 12,
    "BYMONTHDAY": 31,
    "BYYEARDAY": 366,
    "BYWEEKNO": 53,
    "BYSETPOS": 366,
}
_SIGNED = {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}
# RFC 5545, section 3.3.10: where a part means nothing.
_FREQUENCIES = {
    "BYMONTHDAY": {"DAILY", "MONTHLY", "YEARLY"},
    "BYYEARDAY": {"YEARLY"},
    "BYWEEKNO": {"YEARLY"},
}
# dateutil looks for the next date up to the year 9999: seconds, for a 30th of February. The calendar repeats every
# 400 years, weekdays and all, so a rule is run as many years later, where there is less of the future to search.
_YEARS_LATER = 19 * 400


def check_rule(rule: str, start: date) -> None:
    """ValueError, with a sentence for the asker, unless the rule names at least one date from `start` on."""
    parts = _read_parts(rule)
    frequency = parts["FREQ"]
    for name, value in parts.items():
        _check_numbers(name, value)
        if frequency not in _FREQUENCIES.get(name, {frequency}):
            raise ValueError(f"{name} means nothing in a {frequency} rule")
    if re.search("[0-9]", parts.get("BYDAY", "")) and (frequency not in {"MONTHLY", "YEARLY"} or "BYWEEKNO" in parts):
        raise ValueError("only a MONTHLY or YEARLY rule, without BYWEEKNO, counts the weekdays in BYDAY")
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        raise ValueError("BYSETPOS picks from another BY part, and there is none")
    if "UNTIL" in parts:
        if "COUNT" in parts:
            raise ValueError("a rule has COUNT or UNTIL, not both")
        _read_until(parts["UNTIL"])
    found = next(dates(rule, start, start, date.max), None)
    if found is None:
        raise ValueError("the rule names no date at all")
    if found.year - start.year > MOST_YEARS_AHEAD:
        raise ValueError(f"the rule names no date within {MOST_YEARS_AHEAD} years")


def dates(rule: str, start: date, first: date, last: date) -> Iterator[date]:
    """The rule's dates from `first` to `last`, both included; `start` is its DTSTART, from which COUNT counts.

    The rule is one that `check_rule` passed, or ValueError. As in dateutil, `start` is a date of the rule only if it
    fits it.
    """
    parts = _read_parts(rule)
    if not _drop_days_of_no_month(parts):
        return
    if "UNTIL" in parts:
        last = min(last, _read_until(parts.pop("UNTIL")))
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    later = datetime.combine(start.replace(year=start.year + _YEARS_LATER), time.min)
    for found in _found(text, later):
        day = found.date().replace(year=found.year - _YEARS_LATER)
        if day > last:
            return
        if day >= first:
            yield day


def _found(text: str, later: datetime) -> Iterator[datetime]:
    """What dateutil finds; ValueError for whatever it stumbles over."""
    try:
        yield from rrulestr(text, dtstart=later)
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError("the rule can't be worked out") from error


def _drop_days_of_no_month(parts: dict[str, str]) -> bool:
    """Drop what a month never has, like a 53rd Monday; False if no day is left.

    dateutil looks for it beyond the end of the year: IndexError, in some months only.
    """
    if "BYDAY" not in parts or (parts["FREQ"] == "YEARLY" and "BYMONTH" not in parts):
        return True
    days = [day for day in parts["BYDAY"].split(",") if abs(int(day[:-2] or 0)) <= MOST_WEEKS_A_MONTH]
    parts["BYDAY"] = ",".join(days)
    return bool(days)


def _read_parts(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    if len(rule) > LONGEST_RULE:
        raise ValueError(f"a rule has at most {LONGEST_RULE} characters")
    for part in rule.upper().split(";"):
        name, _, value = part.partition("=")
        if name not in _PATTERNS:
            raise ValueError(f"there is no part {name[:20]!r}; a rule here knows {', '.join(_PATTERNS)}")
        if name in parts:
            raise ValueError(f"{name} is there twice")
        if not _PATTERNS[name].fullmatch(value):
            raise ValueError(f"{name} can't be {value[:20]!r}")
        parts[name] = value
    if "FREQ" not in parts:
        raise ValueError("a rule needs FREQ")
    return parts


def _check_numbers(name: str, value: str) -> None:
    if name not in _LARGEST:
        return
    for text in re.findall("[+-]?[0-9]+", value):
        number = int(text)
        smallest = -_LARGEST[name] if name in _SIGNED else 1
        if number == 0 or not smallest <= number <= _LARGEST[name]:
            raise ValueError(f"{name} has numbers from {smallest} to {_LARGEST[name]}, and not 0")


def _read_until(text: str) -> date:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise ValueError("UNTIL is a date, like 20271231") from None
