"""Reads the time, and reads and writes times as text. No other module does.

Inside, a time is an `int`: milliseconds since 1970-01-01T00:00Z. On the wire it is RFC 3339 in UTC with a `Z`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

Clock = Callable[[], int]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SHORTEST = len("2027-01-31T09:00:00Z")
# RFC 3339, section 5.6; a leap second is refused, as no slot begins in one.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MINUTES_A_DAY = 24 * 60
_MINUTES = {f"T{minute // 60:02}:{minute % 60:02}": minute * MINUTE for minute in range(_MINUTES_A_DAY)}
_MINUTE_TEXTS = [f"{text}:00Z" for text in _MINUTES]
_SECONDS = {f":{second:02}Z": second * SECOND for second in range(60)}
_FORM = "a time is RFC 3339 with an offset, like 2027-01-31T09:00:00Z"


def system_clock() -> int:
    """Milliseconds since the epoch, now."""
    return time.time_ns() // 1_000_000


class MeasuredClock:
    """The clock of another machine: its last measured time, and the steady time since then.

    This machine's own clock has no part in it.
    """

    def __init__(self) -> None:
        self._ahead: float | None = None  # of the steady clock here, in milliseconds

    def measure(self, moment: int, began: float, ended: float) -> None:
        """Take a time read between two instants of `time.monotonic()`. A known time within them stays."""
        least, most = moment - ended * SECOND, moment + 1 - began * SECOND
        ahead = (least + most) / 2 if self._ahead is None else self._ahead
        self._ahead = min(max(ahead, least), most)

    @property
    def offset(self) -> int:
        """Return by how much this machine's own clock is ahead, in milliseconds."""
        return system_clock() - self()

    def __call__(self) -> int:
        assert self._ahead is not None, "it was measured when the database was opened"
        return int(time.monotonic() * SECOND + self._ahead)


def write_time(moment: int) -> str:
    """Return a time as RFC 3339 in UTC, with a fraction only if there is one."""
    minute, rest = divmod(moment, MINUTE)
    if not rest:  # as most slots
        day, minute = divmod(minute, _MINUTES_A_DAY)
        return f"{_write_day(day)}{_MINUTE_TEXTS[minute]}"
    second, milliseconds = divmod(moment, SECOND)
    return f"{_write_second(second)}.{milliseconds:03}Z" if milliseconds else f"{_write_second(second)}Z"


@lru_cache(maxsize=4_096)
def _write_second(second: int) -> str:
    """Write a whole second, from a cache: thousands of answers have the same one."""
    day, rest = divmod(second, 86_400)
    minute, rest = divmod(rest, 60)
    return f"{_write_day(day)}T{minute // 60:02}:{minute % 60:02}:{rest:02}"


@lru_cache(maxsize=4_096)
def _write_day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()[:10]


@lru_cache(maxsize=65_536)
def read_time(text: str) -> int:
    """Return milliseconds since the epoch; ValueError for a text other than RFC 3339 with an offset."""
    if len(text) == _SHORTEST:  # the usual form, with neither a fraction nor an offset
        minute, second = _MINUTES.get(text[10:16]), _SECONDS.get(text[16:])
        if minute is not None and second is not None:
            return _read_day(text[:10]) + minute + second
    if not _TIME.fullmatch(text):
        raise ValueError(_FORM)
    head, fraction = text[:19], ""
    rest = text[19:]
    if rest.startswith("."):
        fraction = rest[1:].rstrip("Zz").split("+")[0].split("-")[0]
        rest = rest[1 + len(fraction) :]
    at = datetime.fromisoformat(head.replace(" ", "T").replace("t", "T") + (rest if rest not in "Zz" else "+00:00"))
    return (at - _EPOCH) // _MILLISECOND + int(fraction[:3].ljust(3, "0") or 0)


@lru_cache(maxsize=4_096)
def _read_day(text: str) -> int:
    """Return the beginning of a day in UTC; ValueError for another text than a date."""
    if not _DAY.fullmatch(text):
        raise ValueError(_FORM)
    return (datetime.fromisoformat(f"{text}T00:00:00+00:00") - _EPOCH) // _MILLISECOND
