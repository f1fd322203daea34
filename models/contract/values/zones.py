"""Opens time zones, from the tzdata package: the same zones on every machine. No other module opens one.

By default a system's own zone files come first, and two servers of different age would open different slots.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from models.contract.errors import BadRequest
from models.contract.values.time import DAY, MINUTE, SECOND

zoneinfo.reset_tzpath(to=())
ZoneInfo.clear_cache()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.date()
_MILLISECOND = timedelta(milliseconds=1)
_WEEK = 7 * DAY
YEARS_OF_OFFSETS = 11


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - {"Factory"}  # of a machine without a zone of its own


def is_zone(name: str) -> bool:
    """Say if this is an IANA name of a zone."""
    return name in _names()


def open_zone(name: str) -> ZoneInfo:
    """Return the zone with this IANA name; BadRequest for any other text, so that no text becomes a path."""
    if not is_zone(name):
        raise BadRequest("`zone` is an IANA time zone, like Europe/Vienna.", field="zone")
    return ZoneInfo(name)


def wall_of(clocks: tzinfo, moment: int) -> datetime:
    """Return the wall time at an instant in milliseconds."""
    return (_EPOCH + _MILLISECOND * moment).astimezone(clocks).replace(tzinfo=None)


def read_offsets(name: str, begin: int, finish: int) -> list[tuple[int, int]]:
    """Return a zone's offsets in `[begin, finish)`: the moment from which each one holds, and its seconds from UTC.

    The first holds from `begin`. They cover `YEARS_OF_OFFSETS` calendar years at most. A name that is no zone, by an
    outside writer, has none.
    """
    if not is_zone(name):
        return []
    begin, finish = (min(max(moment, _YEARS.start), _YEARS.stop) for moment in (begin, finish))
    seconds, jumps = _around(name, begin // DAY, finish // DAY)
    offsets = []
    for jump in jumps:
        if jump[0] <= begin:
            seconds = jump[1]
        elif jump[0] < finish:
            offsets.append(jump)
    return [(begin, seconds), *offsets]


@lru_cache(maxsize=4_096)
def _around(name: str, first_day: int, last_day: int) -> tuple[int, list[tuple[int, int]]]:
    """Return the zone's offset at the beginning of a day of UTC, and its changes from then to the end of another day.

    All clients of a day have the same ones: a snapshot's window begins and ends at any millisecond of its days.
    """
    begin, finish = first_day * DAY, (last_day + 1) * DAY
    year = _year_of(begin)
    years = range(year, min(_year_of(last_day * DAY), year + YEARS_OF_OFFSETS - 1) + 1)
    jumps = [jump for year in years for jump in _jumps(name, year) if begin < jump[0] < finish]
    return _seconds_at(ZoneInfo(name), begin), jumps


@lru_cache(maxsize=4_096)
def _jumps(name: str, year: int) -> tuple[tuple[int, int], ...]:
    """Return the changes of a zone's offset in a year of UTC: the moment of each, and the seconds after it."""
    clocks, first, last = ZoneInfo(name), _moment_of(date(year, 1, 1)), _moment_of(date(year + 1, 1, 1)) - SECOND
    # Two changes are some weeks apart: Morocco's clocks go back for the month of Ramadan.
    probes = [(moment, _seconds_at(clocks, moment)) for moment in (first - SECOND, *range(first, last, _WEEK), last)]
    return tuple(
        (_jump_between(clocks, early, late), after)
        for (early, before), (late, after) in pairwise(probes)
        if before != after
    )


def _jump_between(clocks: tzinfo, early: int, late: int) -> int:
    """Return the second at which the offset becomes that of `late`."""
    after = _seconds_at(clocks, late)
    while late - early > SECOND:
        middle = (early + late) // 2 // SECOND * SECOND
        if _seconds_at(clocks, middle) == after:
            late = middle
        else:
            early = middle
    return late


def _seconds_at(clocks: tzinfo, moment: int) -> int:
    offset = (_EPOCH + _MILLISECOND * moment).astimezone(clocks).utcoffset() or timedelta()
    return int(offset.total_seconds())


def _moment_of(day: date) -> int:
    return (day - _EPOCH_DAY).days * DAY


def _year_of(moment: int) -> int:
    return (_EPOCH + _MILLISECOND * moment).year


_YEARS = range(_moment_of(date(2, 1, 1)), _moment_of(date(9998, 1, 1)))  # in every zone within the years of `datetime`


def first_moment(clocks: tzinfo, day: date, minute: int) -> int:
    """Return the first instant of a wall time, in minutes of the date (over 1,439 for the next date).

    A wall time that occurs twice stands for its first instant. A skipped one stands for the instant of the jump. So an
    earlier wall time is never a later instant, and windows without overlap on the wall have none in UTC.
    """
    wall = datetime(day.year, day.month, day.day, tzinfo=clocks) + timedelta(minutes=minute)
    before = _offset(wall)
    after = _offset(wall.replace(fold=1))
    shown = (day - _EPOCH_DAY).days * DAY + minute * MINUTE
    if before >= after:
        return shown - before
    # In a gap (PEP 495): by the offset after it, the wall time is before the jump, and by the one before it after.
    too_early, jumped = shown - after, shown - before
    target = wall.replace(tzinfo=None)
    while jumped - too_early > SECOND:
        middle = (too_early + jumped) // 2 // SECOND * SECOND
        middle = middle if middle > too_early else jumped - SECOND
        if wall_of(clocks, middle) >= target:
            jumped = middle
        else:
            too_early = middle
    return jumped


def _offset(wall: datetime) -> int:
    return (wall.utcoffset() or timedelta()) // _MILLISECOND
