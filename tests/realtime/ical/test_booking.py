"""Bookings as iCalendar events, read by other parsers."""

import json
import subprocess
from typing import Any

import icalendar
import vobject

from models.contract.changes import Info, Policy
from models.contract.values.time import HOUR, read_time, write_time
from models.service import BookingFeed, FeedBooking, FeedSlot
from realtime.ical.booking import write_booking, write_staff_feed
from realtime.ical.icalendar import HEAD_BYTES, write_calendar
from tests.support.node import NODE_FOLDER, node_program

START = read_time("2027-03-28T09:00:00Z")
INFO = Info(
    id="room", name='Room "D:\\Nina"; 1, 2', zone="Europe/Vienna", visibility="public", booking="anyone",
    policy=Policy(), archived=False,
)  # fmt: skip
PAGE = "https://slots.example.org/c/chairs"
NOTE = "first line\nBEGIN:VEVENT\r\nC:\\new, a; b \x07 é" + "ü" * 60


def _booking(status: str, name: str | None = "Ada; Lovelace\nX: 1") -> FeedBooking:
    note = NOTE if name else None
    return FeedBooking("b-1", START, START + HOUR, 2, status, name, None, "+43 1", note, START - HOUR, START - 2 * HOUR)


def test_a_staff_feed_has_the_customers() -> None:
    """Whatever a customer wrote is one text in one event, and comes back whole."""
    text = write_staff_feed(BookingFeed(INFO, 0, [_booking("confirmed"), _booking("pending", None)])).text
    for line in text.encode().split(b"\r\n"):
        assert len(line) <= 75
        line.decode()
    first, second = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert str(first["SUMMARY"]) == "Ada; Lovelace X: 1"
    told = "2 places.\n+43 1\nfirst line\nBEGIN:VEVENT\nC:\\new, a; b   é" + "ü" * 60
    assert vobject.readOne(text).vevent_list[0].description.value == told
    assert (str(second["SUMMARY"]), str(second["STATUS"])) == ("To be confirmed: Booking", "TENTATIVE")


def test_a_cut_staff_feed_has_what_comes_next() -> None:
    """The next bookings come first, then the latest past ones; the feed names those that are left out."""
    bookings = [
        _booking("confirmed", None)._replace(
            id=f"b-{place}", start=START + place * HOUR, end=START + (place + 1) * HOUR
        )
        for place in range(100)
    ]
    found = BookingFeed(INFO, 0, bookings, now=START + 50 * HOUR)
    size = len(write_staff_feed(BookingFeed(INFO, 0, bookings[:1])).text) - 300

    def read(events: int) -> tuple[list[str], str]:
        written = write_staff_feed(found, most_bytes=HEAD_BYTES + events * size)
        calendar = icalendar.Calendar.from_ical(written.text)
        assert str(calendar.get("X-SLOTCAST-CUT", "")) == written.cut
        return [str(event["UID"]) for event in calendar.walk("VEVENT")], written.cut

    some, cut = read(10)
    assert some == [f"b-{place}" for place in range(50, 50 + len(some))]
    assert cut == f"bookings from {write_time(bookings[50 + len(some)].start)} on and 50 past bookings are left out"
    most, cut = read(80)
    assert most == [f"b-{place}" for place in range(100 - len(most), 100)]
    assert 50 < len(most) < 100
    assert cut == f"{100 - len(most)} past bookings are left out"
    assert read(200) == ([f"b-{place}" for place in range(100)], "")


def test_a_holders_file_publishes_and_then_cancels() -> None:
    """METHOD, STATUS and TRANSP follow the booking, and no customer is in it."""
    told = []
    for status in ("pending", "confirmed", "cancelled", "rejected", "no_show"):
        text = write_booking(BookingFeed(INFO, 0, [_booking(status)]), PAGE)
        read = icalendar.Calendar.from_ical(text)
        (event,) = read.walk("VEVENT")
        told.append((str(read["METHOD"]), str(event["STATUS"]), str(event["TRANSP"])))
        assert "Ada" not in text
        assert str(event["URL"]) == PAGE
        organizer: Any = event["ORGANIZER"]
        assert organizer.params["CN"] == "Room 'D:\\Nina'; 1, 2"
    assert told == [
        ("PUBLISH", "TENTATIVE", "OPAQUE"),
        ("PUBLISH", "CONFIRMED", "OPAQUE"),
        ("CANCEL", "CANCELLED", "TRANSPARENT"),
        ("CANCEL", "CANCELLED", "TRANSPARENT"),
        ("PUBLISH", "CONFIRMED", "OPAQUE"),
    ]


def _by_ical_js(text: str) -> Any:
    done = subprocess.run(
        [node_program(), "read_feed.mjs"],
        cwd=NODE_FOLDER,
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_browsers_parser_reads_every_feed() -> None:
    """ical.js finds the same times, texts and versions in a public feed, a staff feed and a holder's file."""
    slot = FeedSlot("s-1", START, START + HOUR, "open", 1, START - HOUR)
    found = BookingFeed(INFO, 0, [_booking("confirmed")])
    public, staff, holder = map(
        _by_ical_js,
        (write_calendar(INFO, [slot], START).text, write_staff_feed(found).text, write_booking(found, PAGE)),
    )
    times = {"start": "2027-03-28T09:00:00.000Z", "end": "2027-03-28T10:00:00.000Z"}
    stamped = {"stamp": "2027-03-28T08:00:00.000Z", "modified": "2027-03-28T08:00:00.000Z", "status": "CONFIRMED"}
    for read, uid, summary in (
        (public, "s-1", "Free"), (staff, "b-1", "Ada; Lovelace X: 1"), (holder, "b-1", INFO.name)
    ):  # fmt: skip
        (event,) = read["events"]
        assert {name: event[name] for name in (*times, *stamped)} == times | stamped
        assert (event["uid"], event["summary"]) == (uid, summary)
        assert event["sequence"] == (START - HOUR) // 1_000 - 1_750_000_000
    assert staff["events"][0]["description"].endswith("C:\\new, a; b   é" + "ü" * 60)
