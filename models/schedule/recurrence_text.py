"""Reads the text of a recurrence rule as calendar programs write it, and refuses a rule without dates.

The text is a value (`FREQ=DAILY`) or lines of iCalendar (`RRULE:`, and a `DTSTART` beside it), folded or not, in any
case, with white space between its parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

LONGEST_RULE = 500  # characters
MOST_DATES = 20_000  # the bound of COUNT: each date has a slot, and no schedule has more slots
FIRST_DATE, LAST_DATE = date(1970, 1, 1), date(2199, 12, 31)


class Time(NamedTuple):
    """An iCalendar date-time, in UTC or in local time. `second` counts from midnight."""

    day: date
    second: int
    is_utc: bool

    @property
    def moment(self) -> int:
        """Return the milliseconds since the epoch of a time in UTC."""
        midnight = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        return (int(midnight.timestamp()) + self.second) * 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule's parts. Weekdays count from Monday; `by_day` has the number before each, 0 for none.

    They are sets: a date costs the same whatever the number of a part's values.
    """

    frequency: str
    interval: int = 1
    count: int | None = None
    until: date | Time | None = None
    week_start: int = 0
    by_month: frozenset[int] = frozenset()
    by_week: frozenset[int] = frozenset()
    by_year_day: frozenset[int] = frozenset()
    by_month_day: frozenset[int] = frozenset()
    by_day: frozenset[tuple[int, int]] = frozenset()
    by_position: frozenset[int] = frozenset()
    start: Time | None = None

    @property
    def counts_weekdays(self) -> bool:
        return any(number for number, _ in self.by_day)


_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAY = f"(?:{'|'.join(_WEEKDAYS)})"
_NUMBERS = r"[+-]?[0-9]{1,3}(?:,[+-]?[0-9]{1,3})*"
_PATTERNS = {
    "FREQ": re.compile("DAILY|WEEKLY|MONTHLY|YEARLY"),
    "INTERVAL": re.compile(r"[0-9]{1,3}"),
    "COUNT": re.compile(r"[0-9]{1,5}"),
    "UNTIL": re.compile(r"[0-9]{8}(?:T[0-9]{6}Z?)?"),
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
# RFC 5545, section 3.3.10: the frequencies with which a part has a meaning.
_FREQUENCIES = {
    "BYMONTHDAY": {"DAILY", "MONTHLY", "YEARLY"},
    "BYYEARDAY": {"YEARLY"},
    "BYWEEKNO": {"YEARLY"},
}
_WITHIN_A_DAY = {"HOURLY", "MINUTELY", "SECONDLY", "BYHOUR", "BYMINUTE", "BYSECOND"}

_LINE_END = r"(?:\r\n|\r|\n)"
# A folded line continues after a line end and white space (section 3.1). An indented property is its own line.
_FOLD = re.compile(rf"{_LINE_END}[ \t](?![ \t]*(?:RRULE|DTSTART))")
_DATE_TIME = re.compile(r"([0-9]{8})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")


@lru_cache(maxsize=4_096)
def read_rule(text: str) -> Rule:
    """Return the rule of the text. Raise ValueError, with a sentence for the client, for an invalid rule."""
    value, start = _read_lines(text)
    parts = _read_parts(value)
    frequency = parts["FREQ"]
    for name, part in parts.items():
        _check_numbers(name, part)
        if frequency not in _FREQUENCIES.get(name, {frequency}):
            raise ValueError(f"{name} means nothing in a {frequency} rule")
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        raise ValueError("BYSETPOS picks from another BY part, and there is none")
    if "UNTIL" in parts and "COUNT" in parts:
        raise ValueError("a rule has COUNT or UNTIL, not both")
    rule = Rule(
        frequency=frequency,
        interval=int(parts.get("INTERVAL", 1)),
        count=int(parts["COUNT"]) if "COUNT" in parts else None,
        until=_read_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        week_start=_WEEKDAYS.index(parts.get("WKST", "MO")),
        by_month=_numbers(parts, "BYMONTH"),
        by_week=_numbers(parts, "BYWEEKNO"),
        by_year_day=_numbers(parts, "BYYEARDAY"),
        by_month_day=_numbers(parts, "BYMONTHDAY"),
        by_day=_weekdays(parts.get("BYDAY", "")),
        by_position=_numbers(parts, "BYSETPOS"),
        start=start,
    )
    if rule.counts_weekdays and (frequency not in {"MONTHLY", "YEARLY"} or rule.by_week):
        raise ValueError("only a MONTHLY or YEARLY rule, without BYWEEKNO, counts the weekdays in BYDAY")
    return rule


def _read_lines(text: str) -> tuple[str, Time | None]:
    """Return the rule's value, and the DTSTART beside it."""
    if len(text) > LONGEST_RULE:
        raise ValueError(f"a rule has at most {LONGEST_RULE} characters")
    if not text.isascii():
        raise ValueError("a rule is written in ASCII")
    value, start = "", None
    for line in re.split(_LINE_END, _FOLD.sub("", text.upper())):
        line = re.sub(r"[ \t]", "", line)  # noqa: PLW2901 - the same line
        name = re.match(r"[A-Z-]*", line)[0]  # type: ignore[index]  # it always matches
        if name == "DTSTART" and start is None:
            start = _read_start(line)
        elif line and not value and (name == "RRULE" or line[len(name) : len(name) + 1] != ":"):
            value = line.removeprefix("RRULE:")
        elif line:
            raise ValueError(
                f"a rule is one RRULE, with one DTSTART beside it at most, and no {name[:20] or line[:20]}"
            )
    return value.removesuffix(";"), start


def _read_start(line: str) -> Time:
    found = _read_time(line.rpartition(":")[2])
    if found is None:
        raise ValueError("DTSTART is a date, like 20270131, or one with a time, like 20270131T090000")
    if not FIRST_DATE <= found.day <= LAST_DATE:
        raise ValueError(f"DTSTART is from {FIRST_DATE} to {LAST_DATE}")
    return found


def _read_parts(value: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in value.split(";"):
        name, _, given = part.partition("=")
        if name in _WITHIN_A_DAY or (name == "FREQ" and given in _WITHIN_A_DAY):
            raise ValueError(
                f"{name if name in _WITHIN_A_DAY else f'FREQ={given}'} is about times of a day, and a rule here is "
                "about dates: the window's start and end say the times"
            )
        if name not in _PATTERNS:
            raise ValueError(f"there is no part {name[:20]!r}; a rule here knows {', '.join(_PATTERNS)}")
        if name in parts:
            raise ValueError(f"{name} is there twice")
        if not _PATTERNS[name].fullmatch(given):
            raise ValueError(f"{name} can't be {given[:20]!r}")
        parts[name] = given
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


def _numbers(parts: dict[str, str], name: str) -> frozenset[int]:
    return frozenset(map(int, filter(None, parts.get(name, "").split(","))))


def _weekdays(value: str) -> frozenset[tuple[int, int]]:
    each = filter(None, value.split(","))
    return frozenset((int(one[:-2] or 0), _WEEKDAYS.index(one[-2:])) for one in each)


def _read_until(text: str) -> date | Time:
    found = _read_time(text)
    if found is None:
        raise ValueError("UNTIL is a date, like 20271231, or one with a time, like 20271231T225959Z")
    return found if "T" in text else found.day


def _read_time(text: str) -> Time | None:
    """Return the time, midnight for a date, or None for other text. A leap second counts as the second before it."""
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return None
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
    hour, minute, second = (int(part or 0) for part in found.group(2, 3, 4))
    if hour > 23 or minute > 59 or second > 60:  # noqa: PLR2004 - the bounds of a clock
        return None
    return Time(day, hour * 3_600 + minute * 60 + min(second, 59), found[5] == "Z")
