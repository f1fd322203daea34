"""Writes the iCalendar feed of one calendar (RFC 5545): its free and busy times, for calendar programs.

It is pure: the same slots give the same bytes, so ETags hold. A feed has the times and states of slots, and nothing of
customers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.contract.changes import Info
from models.contract.values.time import write_time
from models.service import FeedSlot, checked
from realtime.ical.text import fold, one_line, sequence, write_moment

MOST_BYTES = 1_000_000  # Google Calendar takes no more
REFRESH_MINUTES = 5

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
_BY_CHANGE = {"held", "booked", "removed"}  # no slot gets these without a change of its own
# A template, as no value needs escaping or folding.
_EVENT = (
    "BEGIN:VEVENT\r\nSUMMARY:{summary}\r\nDTSTART:{start}\r\nDTEND:{end}\r\nDTSTAMP:{changed}\r\n"
    "LAST-MODIFIED:{changed}\r\nUID:{identity}\r\nSEQUENCE:{sequence}\r\nSTATUS:{state}\r\nTRANSP:{transparency}\r\n"
    "END:VEVENT\r\n"
)
_END = "END:VCALENDAR\r\n"
HEAD_BYTES = 3_000  # the most that the lines before the events take
_RESERVED = 10  # a tenth of a feed is reserved for removed slots with a booking


class Written(NamedTuple):
    """A feed as text. `cut` names the omitted slots; "" for none."""

    text: str
    cut: str


def write_calendar(
    info: Info, slots: Iterable[FeedSlot], changed_at: int, *, floor: int = 0, most_bytes: int = MOST_BYTES
) -> Written:
    """Return the feed, ordered by start. `changed_at` is the calendar's last change; times are in milliseconds.

    `floor` is the least SEQUENCE, as a time. Slots beyond `most_bytes` are left out: see `_fitting`. There is no
    METHOD: with it DTSTAMP would be the time of the request (section 3.8.7.2), and PUBLISH needs an organizer. A slot
    takes 8 us, so large feeds are written on a thread.
    """
    events = [(slot, _event(slot, floor)) for slot in checked(slots)]
    kept, cut = _fitting(events, most_bytes - HEAD_BYTES)
    kept.sort(key=lambda event: (event[0].start, event[0].id))
    return Written(write_head(info, changed_at, cut) + "".join(text for _, text in kept) + _END, cut)


def write_head(info: Info, changed_at: int, cut: str = "") -> str:
    """Return the lines of a feed before its events."""
    name = one_line(info.name)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Slotcast//Slotcast//EN",
        "CALSCALE:GREGORIAN",
        # No UID here: vdirsyncer takes it for the UID of every event, and keeps one of them.
        # Each twice: by its name in RFC 7986, and by the older name that programs read.
        f"NAME:{name}",
        f"X-WR-CALNAME:{name}",
        f"REFRESH-INTERVAL;VALUE=DURATION:PT{REFRESH_MINUTES}M",
        f"X-PUBLISHED-TTL:PT{REFRESH_MINUTES}M",
        f"X-WR-TIMEZONE:{one_line(info.zone)}",
        f"LAST-MODIFIED:{write_moment(changed_at)}",
    ]
    if cut:
        lines.append(f"X-SLOTCAST-CUT:{one_line(cut)}")
    return "".join(map(fold, lines))


def write_feed(info: Info, changed_at: int, events: Iterable[str], cut: str = "") -> str:
    """Return a feed of these events."""
    return write_head(info, changed_at, cut) + "".join(events) + _END


def merged(slots: Sequence[FeedSlot], changed_at: int) -> list[FeedSlot]:
    """Return the slots with free ones that meet as one. A free time has the last change of any slot as its own.

    Its own slots' last change would fall when one of them leaves it. A slot that the clock or the policy has taken out
    of a free time keeps that change.
    """
    told: list[FeedSlot] = []
    for slot in slots:
        if slot.status != "open":
            told.append(slot if slot.status in _BY_CHANGE else slot._replace(changed_at=changed_at))
            continue
        last = told[-1] if told else None
        if last is not None and last.status == "open" and last.end == slot.start:
            told[-1] = last._replace(end=slot.end)
        else:
            told.append(slot._replace(changed_at=changed_at))
    return told


def _fitting(events: Sequence[tuple[FeedSlot, str]], most: int) -> tuple[list[tuple[FeedSlot, str]], str]:
    """Return the events that fit into so many bytes, and a sentence on the others.

    First come removed slots that somebody had booked, up to a tenth; then the standing slots by start; then the other
    removed slots.
    """
    standing = [event for event in events if event[0].status != "removed"]
    removed = [event for event in events if event[0].status == "removed"]
    booked = [event for event in removed if event[0].was_booked]
    others = [event for event in removed if not event[0].was_booked]
    kept, left = _first(booked, most // _RESERVED)
    count = len(standing)
    some, left = _first(standing, most - sum(len(text) for _, text in kept))
    kept += some
    told = [f"slots from {write_time(standing[len(some)][0].start)} on"] if len(some) < count else []
    late = [*booked[len(kept) - len(some) :], *others]
    rest, _ = _first(late, left) if len(some) == count else ([], 0)
    if len(rest) < len(late):
        told.append(f"{len(late) - len(rest)} removed slots")
    return kept + rest, " and ".join(told) + " are left out" if told else ""


def _first(events: Sequence[tuple[FeedSlot, str]], most: int) -> tuple[list[tuple[FeedSlot, str]], int]:
    """Return the first events of so many bytes together, and the bytes that are left."""
    for place, (_, text) in enumerate(events):
        if len(text) > most:
            return list(events[:place]), most
        most -= len(text)
    return list(events), most


def _event(slot: FeedSlot, floor: int) -> str:
    summary, transparency, state = _SHOWN[slot.status]
    return _EVENT.format(
        summary=summary,
        start=write_moment(slot.start),
        end=write_moment(slot.end),
        changed=write_moment(slot.changed_at),
        identity=slot.id,
        sequence=sequence(slot.changed_at, floor),
        state=state,
        transparency=transparency,
    )
