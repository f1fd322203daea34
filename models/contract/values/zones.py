"""Opens time zones, from the tzdata package: the same zones on every machine. No other module opens one.

By default a system's own zone files come first, and two servers of different age would open different slots.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.contract.errors import BadRequest
from models.contract.values.time import DAY, MINUTE, SECOND

zoneinfo.reset_tzpath(to=())
ZoneInfo.clear_cache()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.date()
_MILLISECOND = timedelta(milliseconds=1)


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
