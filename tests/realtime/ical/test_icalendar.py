"""The iCalendar feed, read by an independent parser."""

import re
from collections.abc import Iterable
from typing import Any

import icalendar
import pytest
import vobject
from hypothesis import example, given
from hypothesis import strategies as st

from models.contract.changes import Info, Policy
from models.contract.values.time import DAY, HOUR, SECOND, read_time, write_time
from models.service import FeedSlot
from realtime.ical.icalendar import MOST_BYTES, merged, write_calendar

CHANGED = read_time("2027-03-01T12:00:00.789Z")
START = read_time("2027-03-28T00:30:00Z")


def _info(name: str = "Dr. Ångström") -> Info:
    return Info(
        id="practice",
        name=name,
        zone="Europe/London",
        visibility="public",
        booking="anyone",
        policy=Policy(),
        archived=False,
    )


def _slot(place: int, status: str, changed_at: int = CHANGED, *, length: int = HOUR // 2) -> FeedSlot:
    start = START + place * HOUR
    return FeedSlot(f"0195e3c0-0000-7000-8000-{place:012}", start, start + length, status, 1, changed_at)


def _feed(info: Info, slots: Iterable[FeedSlot], changed_at: int = CHANGED, floor: int = 0) -> str:
    return write_calendar(info, slots, changed_at, floor=floor).text


def _read(feed: str) -> Any:
    return vobject.readOne(feed)


def _events(feed: str) -> list[Any]:
    return list(_read(feed).contents.get("vevent", []))


def test_a_second_parser_reads_the_feed() -> None:
    """Every slot is one event with its id, its half-open interval in UTC, and the time of its own last change."""
    events = _events(_feed(_info(), [_slot(0, "open"), _slot(1, "booked", CHANGED + 7 * SECOND)], CHANGED + HOUR))
    assert [event.uid.value for event in events] == [_slot(0, "").id, _slot(1, "").id]
    assert int(events[1].sequence.value) - int(events[0].sequence.value) == 7
    first, second = events
    assert first.dtstart.value.isoformat() == "2027-03-28T00:30:00+00:00"
    assert first.dtend.value.isoformat() == "2027-03-28T01:00:00+00:00"
    assert first.dtstamp.value.isoformat() == "2027-03-01T12:00:00+00:00"
    assert first.last_modified.value == first.dtstamp.value
    assert second.dtstamp.value.isoformat() == second.last_modified.value.isoformat() == "2027-03-01T12:00:07+00:00"


def test_a_floor_raises_what_is_below_it() -> None:
    """No SEQUENCE is below the floor, and the time of the last change is as it was."""
    slots = [_slot(0, "open"), _slot(1, "open", CHANGED + HOUR)]
    before, after = (_events(_feed(_info(), slots, floor=floor)) for floor in (0, CHANGED + 9 * SECOND))
    assert [int(b.sequence.value) - int(a.sequence.value) for a, b in zip(before, after, strict=True)] == [9, 0]
    assert [event.dtstamp.value for event in before] == [event.dtstamp.value for event in after]


def test_a_feed_is_cut_at_its_bytes_and_says_so() -> None:
    """The soonest slots stay; a tenth is for removed slots that somebody had booked; the others go first."""
    standing = [_slot(place, "open") for place in range(5_000)]
    gone = [_slot(place, "removed")._replace(was_booked=place % 2 == 0) for place in range(5_000, 5_010)]
    written = write_calendar(_info(), [*standing, *gone], CHANGED)
    assert MOST_BYTES - 4_000 < len(written.text.encode()) <= MOST_BYTES
    read = icalendar.Calendar.from_ical(written.text)
    events = read.walk("VEVENT")
    assert [str(event["UID"]) for event in events[-5:]] == [slot.id for slot in gone[::2]]
    left = standing[len(events) - 5]
    said = f"slots from {write_time(left.start)} on and 5 removed slots are left out"
    assert str(read["X-SLOTCAST-CUT"]) == written.cut == said
    assert write_calendar(_info(), standing[:9], CHANGED).cut == ""


def test_a_year_of_half_hours_fits() -> None:
    """Half hours of every working day of a year are in the feed, whole."""
    slots = [_slot(place, "open") for place in range(3_900)]
    written = write_calendar(_info(), slots, CHANGED)
    assert (written.cut, written.text.count("BEGIN:VEVENT")) == ("", 3_900)


def test_free_slots_that_meet_are_merged() -> None:
    """Each free time is one event, up to the next slot that is not free; the others stay as they are."""
    slots = [_slot(place, "booked" if place == 2 else "open", length=HOUR) for place in range(5)]
    slots.append(_slot(7, "open"))
    told = merged(slots, CHANGED + HOUR)
    assert [(slot.id, slot.status, slot.start, slot.end) for slot in told] == [
        (slots[0].id, "open", slots[0].start, slots[1].end),
        (slots[2].id, "booked", slots[2].start, slots[2].end),
        (slots[3].id, "open", slots[3].start, slots[4].end),
        (slots[5].id, "open", slots[5].start, slots[5].end),
    ]
    assert [slot.changed_at for slot in told] == [CHANGED + HOUR, CHANGED, CHANGED + HOUR, CHANGED + HOUR]


def test_no_sequence_of_a_merged_feed_falls_by_the_clock() -> None:
    """A slot of a free time keeps the time's last change when the clock or the policy ends it."""
    free = merged([_slot(0, "open")], CHANGED + HOUR)
    for status in ("past", "too_soon", "too_far", "blocked", "closed"):
        assert merged([_slot(0, status)], CHANGED + HOUR)[0].changed_at == free[0].changed_at
    for status in ("held", "booked", "removed"):
        assert merged([_slot(0, status)], CHANGED + HOUR)[0].changed_at == CHANGED


def test_the_feed_names_its_calendar() -> None:
    """The name is there for old programs and new ones, and the zone to show it in."""
    read = _read(_feed(_info(), []))
    assert read.version.value == "2.0"
    assert read.contents["name"][0].value == read.contents["x-wr-calname"][0].value == "Dr. Ångström"
    assert read.contents["x-wr-timezone"][0].value == "Europe/London"
    assert read.contents["refresh-interval"][0].value == "PT5M"


def test_the_calendar_has_no_property_that_identifies_an_event() -> None:
    """A reader of an event's UID, URL or SUMMARY finds the event's, and none in the calendar around it."""
    read = _read(_feed(_info(), [_slot(0, "open")]))
    assert set(read.contents) == {
        "prodid",
        "version",
        "calscale",
        "name",
        "x-wr-calname",
        "refresh-interval",
        "x-published-ttl",
        "x-wr-timezone",
        "last-modified",
        "vevent",
    }


@pytest.mark.parametrize(
    ("status", "transparency", "state"),
    [
        ("open", "TRANSPARENT", "CONFIRMED"),
        ("held", "OPAQUE", "TENTATIVE"),
        ("booked", "OPAQUE", "CONFIRMED"),
        ("blocked", "OPAQUE", "CONFIRMED"),
        ("closed", "OPAQUE", "CONFIRMED"),
        ("removed", "TRANSPARENT", "CANCELLED"),
    ],
)
def test_a_slot_is_free_or_busy_by_its_status(status: str, transparency: str, state: str) -> None:
    """Only bookable slots are free; a removed slot stays as a cancelled event."""
    (event,) = _events(_feed(_info(), [_slot(0, status)]))
    assert (event.transp.value, event.status.value) == (transparency, state)


def test_the_same_slots_are_the_same_bytes() -> None:
    """The feed depends neither on the time of the request nor on the order of the rows, so its ETag is stable."""
    slots = [_slot(place, "open") for place in range(5)]
    feed = _feed(_info(), slots)
    assert _feed(_info(), reversed(slots)) == feed
    assert _feed(_info(), slots, CHANGED + DAY) != feed


def test_an_event_has_only_the_slots_public_fields() -> None:
    """The feed has no field for a customer."""
    (event,) = _events(_feed(_info(), [_slot(0, "booked")]))
    assert set(event.contents) == {
        "uid",
        "dtstamp",
        "last-modified",
        "dtstart",
        "dtend",
        "sequence",
        "summary",
        "transp",
        "status",
    }


@given(st.text(max_size=200))
@example("D:\\Nina")
@example("a\nb, c; d\r\ne")
@example("\ud83d" + "😀" * 40)
def test_no_name_breaks_the_feed(name: str) -> None:
    """Any name of a calendar gives lines of at most 75 octets with CRLF, and the name is one text."""
    feed = _feed(_info(name), [_slot(0, "open")]).encode()
    lines = feed.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 and not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line) for line in lines)
    assert all(line.decode() for line in lines), "a character was cut in two"
    assert lines.count(b"BEGIN:VEVENT") == 1
    unfolded = feed.replace(b"\r\n ", b"").decode().split("\r\n")
    assert sum(line.startswith("NAME:") for line in unfolded) == 1


@pytest.mark.parametrize(
    "name", ["Praxis für Ångström; Koch, Söhne \\ 予約カレンダー " * 4, "D:\\Nina", "a\\;b\\,c\\n"]
)
def test_a_name_comes_back_whole(name: str) -> None:
    """A second parser undoes the folding and the escapes."""
    assert _read(_feed(_info(name), [])).contents["name"][0].value == name.strip()


@given(st.lists(st.tuples(st.integers(0, 4_000_000_000), st.integers(1, 86_400)), max_size=5))
def test_every_time_comes_back_to_the_second(times: list[tuple[int, int]]) -> None:
    """Starts and ends survive the feed, in order."""
    slots = [
        FeedSlot(f"{place}", start * SECOND, (start + length) * SECOND, "open", place, CHANGED)
        for place, (start, length) in enumerate(times)
    ]
    read = [
        (int(event.dtstart.value.timestamp()), int(event.dtend.value.timestamp()))
        for event in _events(_feed(_info(), slots))
    ]
    assert sorted(read) == sorted((start, start + length) for start, length in times)
