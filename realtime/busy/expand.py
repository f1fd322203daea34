"""Expands an iCalendar file to busy times: `python -m realtime.busy.expand ZONE BEGIN FINISH < FILE`.

It runs in a process of its own, with limits on its time and memory, as a rule may have any number of occurrences. It
prints the times in milliseconds as JSON, or one line of why not on standard error.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, vPeriod

from realtime.busy.recurrence import starts

CPU_SECONDS = 20
MEMORY_BYTES = 1 << 30
MOST_OCCURRENCES = 50_000
MOST_TIMES = 10_000

Span = tuple[datetime, datetime]
Event = Any  # a component: each value of it has one of thirty types


class TooMany(Exception):
    """More occurrences or times than the limits."""


def expand(text: bytes, zone: str, begin: int, finish: int) -> list[tuple[int, int]]:
    """Return the times that the file's events and VFREEBUSY keep busy between `begin` and `finish`, merged, by start.

    Transparent and cancelled events keep nothing busy. All-day and floating events are in the calendar's zone.
    """
    home = ZoneInfo(zone)
    window = (_from_milliseconds(begin), _from_milliseconds(finish))
    by_uid: dict[str, list[Event]] = {}
    free_busy: list[Event] = []
    calendars: list[Any] = list(Calendar.from_ical(text, multiple=True))
    if not calendars:  # it was cut off
        raise ValueError("no calendar")
    for calendar in calendars:
        for place, event in enumerate(calendar.walk("VEVENT")):
            if "DTSTART" in event:
                by_uid.setdefault(str(event.get("UID", place)), []).append(event)
        free_busy += calendar.walk("VFREEBUSY")
    found = chain(
        chain.from_iterable(_of_series(events, home, window) for events in by_uid.values()),
        chain.from_iterable(_of_periods(component, home) for component in free_busy),
    )
    return _merged(
        (_to_milliseconds(start), _to_milliseconds(end))
        for start, end in found
        if start < window[1] and end > window[0] and start < end
    )


def _of_periods(component: Event, home: tzinfo) -> Iterator[Span]:
    """Yield the periods of a VFREEBUSY that are not free: an FBTYPE that is not known is busy (section 3.2.9)."""
    for period in _listed(component.get("FREEBUSY")):
        if isinstance(period, vPeriod) and str(period.params.get("FBTYPE", "BUSY")).upper() != "FREE":
            begin, end = period.dt
            start = _instant(begin, home)
            yield start, start + end if isinstance(end, timedelta) else _instant(end, home)


def _of_series(events: list[Event], home: tzinfo, window: Span) -> Iterator[Span]:
    """Yield the busy times of the events of one UID: the series, and the changed occurrences."""
    changed = {_instant(event["RECURRENCE-ID"].dt, home): event for event in events if "RECURRENCE-ID" in event}
    later = sorted(
        (
            (instant, event)
            for instant, event in changed.items()
            if str(event["RECURRENCE-ID"].params.get("RANGE", "")).upper() == "THISANDFUTURE"
        ),
        key=lambda one: one[0],
    )
    for event in changed.values():
        if _is_busy(event):
            start = _instant(event["DTSTART"].dt, home)
            yield start, _end(event, start, home)
    for event in events:
        if "RECURRENCE-ID" in event:
            continue
        for start in _starts(event, home, window):
            if start in changed:
                continue
            governing, moved = event, start
            for instant, one in later:
                if instant <= start:
                    governing, moved = one, start + (_instant(one["DTSTART"].dt, home) - instant)
            if _is_busy(governing):
                yield moved, _end(governing, moved, home)


def _is_busy(event: Event) -> bool:
    status, transparency = str(event.get("STATUS", "")).upper(), str(event.get("TRANSP", "")).upper()
    return status != "CANCELLED" and transparency != "TRANSPARENT"


def _starts(event: Event, home: tzinfo, window: Span) -> list[datetime]:
    """Return the starts of an event and its repetitions up to the window's end, in UTC."""
    first = event["DTSTART"].dt
    is_day = not isinstance(first, datetime)
    zone = home if is_day or first.tzinfo is None else first.tzinfo
    begun = datetime.combine(first, time()) if is_day else first.replace(tzinfo=None)
    found = {_instant(first, home)}
    last = window[1].astimezone(zone).replace(tzinfo=None) + timedelta(days=1)
    for rule in _listed(event.get("RRULE")):
        for count, start in enumerate(starts(rule, begun, zone, last)):
            if count > MOST_OCCURRENCES:
                raise TooMany
            found.add(start.replace(tzinfo=zone).astimezone(UTC))
    found |= set(_dates(event.get("RDATE"), home))
    dropped = set(_dates(event.get("EXDATE"), home))
    return sorted(found - dropped)


def _dates(value: Any, home: tzinfo) -> Iterator[datetime]:
    for dates in _listed(value):
        for one in getattr(dates, "dts", []):
            moment = one.dt[0] if isinstance(one.dt, tuple) else one.dt
            yield _instant(moment, home)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _end(event: Event, start: datetime, home: tzinfo) -> datetime:
    """Return the end of an occurrence: a day is a local day, and other durations are exact."""
    first = event["DTSTART"].dt
    if not isinstance(first, datetime):
        days = 1
        if "DTEND" in event:
            days = (_day(event["DTEND"].dt) - first).days
        elif "DURATION" in event:
            days = event["DURATION"].dt.days
        day = start.astimezone(home).date() + timedelta(days=max(days, 1))
        return datetime.combine(day, time(), home).astimezone(UTC)
    if "DTEND" in event:
        return start + (_instant(event["DTEND"].dt, home) - _instant(first, home))
    if "DURATION" in event:
        return start + timedelta(seconds=event["DURATION"].dt.total_seconds())
    return start


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _instant(value: date, home: tzinfo) -> datetime:
    """Return a date's midnight, a floating time or any other time, in UTC."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return (value if value.tzinfo else value.replace(tzinfo=home)).astimezone(UTC)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    if len(merged) > MOST_TIMES:
        raise TooMany
    return merged


def _from_milliseconds(moment: int) -> datetime:
    return datetime.fromtimestamp(moment / 1_000, UTC)


def _to_milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    zone, begin, finish = sys.argv[1:]
    try:
        found = expand(sys.stdin.buffer.read(), zone, int(begin), int(finish))
    except TooMany:
        sys.stderr.write("It has too many events.\n")
        return 1
    except Exception as error:
        sys.stderr.write(f"It is no iCalendar file that can be read ({type(error).__name__}).\n")
        return 1
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
