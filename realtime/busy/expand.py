"""Expands an iCalendar file to busy times: `python -m realtime.busy.expand ZONE BEGIN FINISH < FILE`.

It runs in a process of its own, with limits on its time and memory, as a rule may have any number of occurrences. It
prints the times in milliseconds as JSON, or one line of why not on standard error.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, vPeriod

from realtime.busy.recurrence import is_readable, starts

CPU_SECONDS = 20
MEMORY_BYTES = 1 << 30
MOST_OCCURRENCES = 50_000
MOST_TIMES = 10_000

# The properties that decide the times of an event, and those of them that it has once.
_TIMES = {"DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE"}
_ONCE = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID")
_BEGIN_CALENDAR = re.compile(rb"^BEGIN:VCALENDAR[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
# Times at the ends of the years 1 and 9999 have no instant in some zones, and count as these.
_FIRST, _LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
Span = tuple[datetime, datetime]
Event = Any  # a component: each value of it has one of thirty types


class CutOff(Exception):
    """A file without a whole calendar."""


class TooMany(Exception):
    """More occurrences or times than the limits."""


class BrokenEvent(Exception):
    """An event whose times can't be read; the message is for staff."""


def expand(text: bytes, zone: str, begin: int, finish: int) -> list[tuple[int, int]]:
    """Return the times that the file's events and VFREEBUSY keep busy between `begin` and `finish`, merged, by start.

    Transparent and cancelled events keep nothing busy. All-day and floating events are in the calendar's zone.
    """
    home = ZoneInfo(zone)
    window = (_from_milliseconds(begin), _from_milliseconds(finish))
    by_uid: dict[str, list[Event]] = {}
    free_busy: list[Event] = []
    calendars: list[Any] = list(Calendar.from_ical(text, multiple=True))
    if not calendars or len(_BEGIN_CALENDAR.findall(text)) > len(calendars):  # the last one was cut off
        raise CutOff
    for calendar in calendars:
        for place, event in enumerate(calendar.walk("VEVENT")):
            _check(event, place + 1)
            if "DTSTART" in event or "RECURRENCE-ID" in event:
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
            yield start, _plus(start, end) if isinstance(end, timedelta) else _instant(end, home)


def _check(event: Event, number: int) -> None:
    """Raise BrokenEvent for an event whose times can't be read. To leave it out would free its time."""
    broken = (
        {name for name, _ in event.errors} & _TIMES
        or {name for name in _ONCE if isinstance(event.get(name), list)}
        or {"RRULE" for rule in _listed(event.get("RRULE")) if not is_readable(rule)}
    )
    if broken:
        raise BrokenEvent(f"The {min(broken)} of its event {number} can't be read.")


def _of_series(events: list[Event], home: tzinfo, window: Span) -> Iterator[Span]:
    """Yield the busy times of the events of one UID: the series, and the changed occurrences."""
    changes = [event for event in events if "RECURRENCE-ID" in event]
    for event in changes:
        if "DTSTART" in event and _is_busy(event):
            start = _instant(event["DTSTART"].dt, home)
            yield start, _end(event, start, home)
    for event in events:
        if "RECURRENCE-ID" in event:
            continue
        found = _starts(event, home, window)
        by_day = _by_day(event, found, home) if changes else {}
        changed = {_replaced(one, event, by_day, home): one for one in changes}
        later = sorted(instant for instant, one in changed.items() if _is_this_and_future(one))
        for start in sorted(found):
            if start in changed:
                continue
            governing, moved, end = event, start, found[start]
            for instant in later:
                if instant <= start:
                    governing, moved = changed[instant], _moved(changed[instant], start, instant, home)
                    end = None
            if _is_busy(governing):
                yield moved, end or _end(governing, moved, home)


def _by_day(series: Event, found: Iterable[datetime], home: tzinfo) -> dict[date, datetime]:
    """Return the first start on each local date of a series with times; nothing for one of whole days."""
    first = series["DTSTART"].dt
    if not isinstance(first, datetime):
        return {}
    return {_local_date(start, first.tzinfo or home): start for start in sorted(found, reverse=True)}


def _replaced(change: Event, series: Event, by_day: dict[date, datetime], home: tzinfo) -> datetime:
    """Return the start that a changed occurrence replaces. Some programs name a date for a series with times."""
    named = change["RECURRENCE-ID"].dt
    on_day = None if isinstance(named, datetime) else by_day.get(named)
    return on_day or _named(named, series["DTSTART"].dt, home)


def _is_this_and_future(change: Event) -> bool:
    return str(change["RECURRENCE-ID"].params.get("RANGE", "")).upper() == "THISANDFUTURE"


def _moved(change: Event, start: datetime, replaced: datetime, home: tzinfo) -> datetime:
    """Return a later start, moved as far as the changed occurrence; one that is cancelled may have no DTSTART."""
    if "DTSTART" not in change:
        return start
    return _plus(start, _instant(change["DTSTART"].dt, home) - replaced)


def _is_busy(event: Event) -> bool:
    status, transparency = str(event.get("STATUS", "")).upper(), str(event.get("TRANSP", "")).upper()
    return status != "CANCELLED" and transparency != "TRANSPARENT"


def _starts(event: Event, home: tzinfo, window: Span) -> dict[datetime, datetime | None]:
    """Return the starts of an event and its repetitions up to the window's end, in UTC.

    A start has the end of its RDATE period, None otherwise.
    """
    first = event["DTSTART"].dt
    is_day = not isinstance(first, datetime)
    zone = _zone(first, home)
    begun = datetime.combine(first, time()) if is_day else first.replace(tzinfo=None)
    found: dict[datetime, datetime | None] = {_instant(first, home): None}
    last = window[1].astimezone(zone).replace(tzinfo=None) + timedelta(days=1)
    for rule in _listed(event.get("RRULE")):
        for count, start in enumerate(starts(rule, begun, zone, last)):
            if count > MOST_OCCURRENCES:
                raise TooMany
            found[_instant(start, zone)] = None
    for more in _dates(event.get("RDATE")):
        begin, end = more if isinstance(more, tuple) else (more, None)
        if not is_day and not isinstance(begin, datetime):  # some programs name a date for a series with times
            begin = datetime.combine(begin, first.time())
        start = _named(begin, first, home)
        found[start] = _plus(start, end) if isinstance(end, timedelta) else end and _instant(end, zone)
    dropped = list(_dates(event.get("EXDATE")))
    instants = {_named(one, first, home) for one in dropped}
    # Some programs exclude a date from a series with times.
    days = set() if is_day else {one for one in dropped if not isinstance(one, datetime)}
    return {
        start: end
        for start, end in found.items()
        if start not in instants and (not days or _local_date(start, zone) not in days)
    }


def _zone(first: date, home: tzinfo) -> tzinfo:
    """Return the zone of a series, by its DTSTART."""
    return (first.tzinfo if isinstance(first, datetime) else None) or home


def _named(value: date, first: date, home: tzinfo) -> datetime:
    """Return the start that RDATE, EXDATE or RECURRENCE-ID names in a series that begins at `first`.

    A floating time is in the zone of the series. In a series of whole days a midnight of any zone is its date.
    """
    if not isinstance(first, datetime) and isinstance(value, datetime) and value.time() == time():
        value = value.date()
    return _instant(value, _zone(first, home))


def _dates(value: Any) -> Iterator[Any]:
    """Yield the dates, times and periods of RDATE or EXDATE."""
    for dates in _listed(value):
        for one in getattr(dates, "dts", []):
            yield one.dt


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
        midnight = datetime.combine(_local_date(start, home), time())
        return _instant(_plus(midnight.replace(tzinfo=UTC), timedelta(days=max(days, 1))).replace(tzinfo=None), home)
    if "DTEND" in event:
        return _plus(start, _instant(event["DTEND"].dt, home) - _instant(first, home))
    if "DURATION" in event:
        return _plus(start, event["DURATION"].dt)
    return start


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _instant(value: date, home: tzinfo) -> datetime:
    """Return a date's midnight, a floating time or any other time, in UTC."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    try:
        instant = (value if value.tzinfo else value.replace(tzinfo=home)).astimezone(UTC)
    except OverflowError:
        return _FIRST if value.year == 1 else _LAST
    return min(max(instant, _FIRST), _LAST)


def _plus(start: datetime, duration: timedelta) -> datetime:
    """Return a later time; the last one if it would be after the year 9999."""
    try:
        return min(max(start + duration, _FIRST), _LAST)
    except OverflowError:
        return _LAST if duration > timedelta() else _FIRST


def _local_date(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


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
    except CutOff:
        sys.stderr.write("It is no iCalendar file, or it is cut off.\n")
        return 1
    except BrokenEvent as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:
        sys.stderr.write(f"It is no iCalendar file that can be read ({type(error).__name__}).\n")
        return 1
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
