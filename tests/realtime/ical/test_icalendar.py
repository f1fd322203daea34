"""The iCalendar feed, read by an independent parser."""

import re
from typing import Any

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from models.contract.changes import Info, Policy
from models.contract.time import DAY, HOUR, SECOND, read_time
from realtime.ical.icalendar import FeedSlot, write_calendar

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


def _slot(place: int, status: str, version: int = 1) -> FeedSlot:
    start = START + place * HOUR
    return f"0195e3c0-0000-7000-8000-{place:012}", start, start + HOUR // 2, status, version


def _read(feed: bytes) -> Any:
    return vobject.readOne(feed.decode())


def _events(feed: bytes) -> list[Any]:
    return list(_read(feed).contents.get("vevent", []))


def test_a_second_parser_reads_the_feed() -> None:
    """Every slot is one event with its id, its half-open interval in UTC, and the version as its sequence."""
    events = _events(write_calendar(_info(), [_slot(0, "open", 7), _slot(1, "booked", 12)], CHANGED))
    assert [event.uid.value for event in events] == [_slot(0, "")[0], _slot(1, "")[0]]
    assert [int(event.sequence.value) for event in events] == [7, 12]
    first = events[0]
    assert first.dtstart.value.isoformat() == "2027-03-28T00:30:00+00:00"
    assert first.dtend.value.isoformat() == "2027-03-28T01:00:00+00:00"
    assert first.dtstamp.value.isoformat() == "2027-03-01T12:00:00+00:00"


def test_the_feed_names_its_calendar() -> None:
    """The name is there for old programs and new ones, and the zone to show it in."""
    read = _read(write_calendar(_info(), [], CHANGED))
    assert read.version.value == "2.0"
    assert read.contents["name"][0].value == read.contents["x-wr-calname"][0].value == "Dr. Ångström"
    assert read.contents["x-wr-timezone"][0].value == "Europe/London"
    assert read.contents["refresh-interval"][0].value == "PT5M"


def test_the_calendar_has_no_property_that_identifies_an_event() -> None:
    """A reader of an event's UID, URL or SUMMARY finds the event's, and none in the calendar around it."""
    read = _read(write_calendar(_info(), [_slot(0, "open")], CHANGED))
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
    (event,) = _events(write_calendar(_info(), [_slot(0, status)], CHANGED))
    assert (event.transp.value, event.status.value) == (transparency, state)


def test_the_same_slots_are_the_same_bytes() -> None:
    """The feed depends neither on the time of the request nor on the order of the rows, so its ETag is stable."""
    slots = [_slot(place, "open") for place in range(5)]
    feed = write_calendar(_info(), slots, CHANGED)
    assert write_calendar(_info(), reversed(slots), CHANGED) == feed
    assert write_calendar(_info(), slots, CHANGED + DAY) != feed


def test_an_event_has_only_the_slots_public_fields() -> None:
    """The feed has no field for a customer."""
    (event,) = _events(write_calendar(_info(), [_slot(0, "booked")], CHANGED))
    assert set(event.contents) == {
        "uid",
        "dtstamp",
        "dtstart",
        "dtend",
        "sequence",
        "summary",
        "transp",
        "status",
    }


@given(st.text(max_size=200))
def test_no_name_breaks_the_feed(name: str) -> None:
    """Any name of a calendar gives lines of at most 75 octets with CRLF, and the name is one text."""
    feed = write_calendar(_info(name), [_slot(0, "open")], CHANGED)
    lines = feed.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 and not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line) for line in lines)
    assert lines.count(b"BEGIN:VEVENT") == 1
    unfolded = feed.replace(b"\r\n ", b"").decode().split("\r\n")
    assert sum(line.startswith("NAME:") for line in unfolded) == 1


def test_a_long_name_comes_back_whole() -> None:
    """A second parser undoes the folding and the escapes."""
    name = "Praxis für Ångström; Koch, Söhne \\ 予約カレンダー " * 4
    assert _read(write_calendar(_info(name), [], CHANGED)).contents["name"][0].value == name.strip()


@given(st.lists(st.tuples(st.integers(0, 4_000_000_000), st.integers(1, 86_400)), max_size=5))
def test_every_time_comes_back_to_the_second(times: list[tuple[int, int]]) -> None:
    """Starts and ends survive the feed, in order."""
    slots = [
        (f"{place}", start * SECOND, (start + length) * SECOND, "open", place)
        for place, (start, length) in enumerate(times)
    ]
    read = [
        (int(event.dtstart.value.timestamp()), int(event.dtend.value.timestamp()))
        for event in _events(write_calendar(_info(), slots, CHANGED))
    ]
    assert sorted(read) == sorted((start, start + length) for start, length in times)
