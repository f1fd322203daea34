"""Writes the iCalendar feed of one calendar (RFC 5545): its free and busy times, for calendar programs.

It is pure: the same slots give the same bytes, so ETags hold. A feed has the times and states of slots, and nothing of
customers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, vText

from models.contract.changes import Info
from models.contract.time import SECOND
from models.service import checked

# An id, start and end in milliseconds, the status of `models.query.feed`, and the seq of the last change.
FeedSlot = tuple[str, int, int, str, int]

REFRESH = timedelta(minutes=5)

# Summary, TRANSP and STATUS. A removed slot stays as a cancelled event: some programs never drop an event that is
# missing from the feed.
_SHOWN = {
    "open": ("Free", "TRANSPARENT", "CONFIRMED"),
    "held": ("Held", "OPAQUE", "TENTATIVE"),
    "booked": ("Booked", "OPAQUE", "CONFIRMED"),
    "blocked": ("Blocked", "OPAQUE", "CONFIRMED"),
    "past": ("Past", "OPAQUE", "CONFIRMED"),
    "too_soon": ("Too soon", "OPAQUE", "CONFIRMED"),
    "too_far": ("Not yet", "OPAQUE", "CONFIRMED"),
    "closed": ("Closed", "OPAQUE", "CONFIRMED"),
    "removed": ("Removed", "TRANSPARENT", "CANCELLED"),
}
# A template, as no value needs escaping or folding: the library takes 125 us an event.
_EVENT = (
    "BEGIN:VEVENT\r\nSUMMARY:{summary}\r\nDTSTART:{start}\r\nDTEND:{end}\r\nDTSTAMP:{changed}\r\nUID:{identity}\r\n"
    "SEQUENCE:{version}\r\nSTATUS:{state}\r\nTRANSP:{transparency}\r\nEND:VEVENT\r\n"
)
_END = b"END:VCALENDAR\r\n"
# RFC 5545, section 3.1: a text has no control characters. A line break in a name would begin a property.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def write_calendar(info: Info, slots: Iterable[FeedSlot], changed: int) -> bytes:
    """Return the feed, ordered by start. `changed`, the calendar's last change in milliseconds, is every DTSTAMP.

    There is no METHOD: with it DTSTAMP would be the time of the request (section 3.8.7.2), and PUBLISH needs an
    organizer. A slot takes 8 us, so large feeds are written on a thread.
    """
    # A vText, as the library does not know the types of these properties and would not escape them.
    name = vText(_CONTROL.sub(" ", info.name).strip())
    feed = Calendar()
    feed.add("prodid", "-//Slotcast//Slotcast//EN")
    feed.add("version", "2.0")
    feed.add("calscale", "GREGORIAN")
    # No UID here: vdirsyncer takes it for the UID of every event, and keeps one of them.
    # Each twice: by its name in RFC 7986, and by the older name that programs read.
    feed.add("name", name)
    feed.add("x-wr-calname", name)
    feed.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    feed.add("x-published-ttl", f"PT{REFRESH // timedelta(minutes=1)}M")
    feed.add("x-wr-timezone", info.zone)
    feed.add("last-modified", _time(changed))
    written: bytes = feed.to_ical()
    events = "".join(_event(slot, changed) for slot in checked(sorted(slots, key=lambda slot: (slot[1], slot[0]))))
    return written.removesuffix(_END) + events.encode() + _END


def _event(slot: FeedSlot, changed: int) -> str:
    identity, start, end, status, version = slot
    summary, transparency, state = _SHOWN[status]
    return _EVENT.format(
        summary=summary,
        start=_written(start),
        end=_written(end),
        changed=_written(changed),
        identity=identity,
        version=version,
        state=state,
        transparency=transparency,
    )


def _time(moment: int) -> datetime:
    return datetime.fromtimestamp(moment // SECOND, UTC)


def _written(moment: int) -> str:
    return f"{_time(moment):%Y%m%dT%H%M%SZ}"
