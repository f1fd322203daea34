"""Busy times of iCalendar files, by RFC 5545."""

import asyncio
from datetime import UTC, datetime

import pytest

from models.contract.values.time import DAY, read_time, write_time
from realtime.busy.expand import expand
from realtime.busy.fetch import Unreadable
from realtime.busy.importer import expand_apart

BEGIN = read_time("2027-03-01T00:00:00Z")
FINISH = BEGIN + 60 * DAY
ZONE = "Europe/Vienna"
TWO_PERIODS = "20270306T090000Z/20270306T120000Z,20270307T090000Z/PT30M"
TO_THE_END = ["2027-03-05T14:00 12-29T00:00"]  # of the year 9999


def _file(*events: str) -> bytes:
    told = "\n".join(f"BEGIN:VEVENT\nUID:{place}\n{event}\nEND:VEVENT" for place, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{told}\nEND:VCALENDAR\n".replace("\n", "\r\n").encode()


def _busy(*events: str) -> list[str]:
    found = expand(_file(*events), ZONE, BEGIN, FINISH)
    return [f"{write_time(start)[:16]} {write_time(end)[5:16]}" for start, end in found]


@pytest.mark.parametrize(
    ("event", "busy"),
    [
        ("DTSTART:20270305T090000Z\nDTEND:20270305T100000Z", ["2027-03-05T09:00 03-05T10:00"]),
        ("DTSTART:20270305T090000\nDURATION:PT30M", ["2027-03-05T08:00 03-05T08:30"]),
        ("DTSTART;TZID=America/New_York:20270305T090000\nDURATION:PT1H", ["2027-03-05T14:00 03-05T15:00"]),
        ("DTSTART;TZID=Nowhere/Here:20270305T090000\nDURATION:PT1H", ["2027-03-05T08:00 03-05T09:00"]),
        ("DTSTART;VALUE=DATE:20270305", ["2027-03-04T23:00 03-05T23:00"]),
        ("DTSTART;VALUE=DATE:20270327\nDTEND;VALUE=DATE:20270329", ["2027-03-26T23:00 03-28T22:00"]),
        ("DTSTART;VALUE=DATE:20270305\nDURATION:P2D", ["2027-03-04T23:00 03-06T23:00"]),
        ("DTSTART:20270305T090000Z", []),
        ("DTSTART:20270305T090000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT", []),
        ("DTSTART:20270305T090000Z\nDURATION:PT1H\nSTATUS:CANCELLED", []),
        ("DTSTART:20270305T090000Z\nDURATION:PT1H\nSTATUS:TENTATIVE", ["2027-03-05T09:00 03-05T10:00"]),
        ("DTSTART:20260305T090000Z\nDURATION:PT1H", []),
        ("DTSTART:20270228T230000Z\nDURATION:PT2H", ["2027-02-28T23:00 03-01T01:00"]),
        ("DTSTART;TZID=America/New_York:20270305T090000\nDTEND;TZID=America/New_York:99991231T235959", TO_THE_END),
        ("DTSTART;VALUE=DATE:20270305\nDTEND;VALUE=DATE:99991231", ["2027-03-04T23:00 12-28T23:00"]),
        ("DTSTART:20270305T140000Z\nDURATION:P9999999W", ["2027-03-05T14:00 12-29T00:00"]),
        ("DTSTART;TZID=Asia/Tokyo:00010101T000000\nDURATION:PT1H", []),
        (
            f"DTSTART:20270305T090000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:{TWO_PERIODS}",
            ["2027-03-05T09:00 03-05T10:00", "2027-03-06T09:00 03-06T12:00", "2027-03-07T09:00 03-07T09:30"],
        ),
    ],
)
def test_an_event_keeps_its_time_busy(event: str, busy: list[str]) -> None:
    """All-day and floating events are in the calendar's zone; transparent and cancelled ones keep nothing busy."""
    assert _busy(event) == busy


@pytest.mark.parametrize(
    ("periods", "busy"),
    [
        ("FREEBUSY:20270305T090000Z/PT1H", ["2027-03-05T09:00 03-05T10:00"]),
        ("FREEBUSY:20270305T090000Z/20270305T100000Z", ["2027-03-05T09:00 03-05T10:00"]),
        (
            "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20270305T090000Z/PT1H,20270306T090000Z/PT2H",
            ["2027-03-05T09:00 03-05T10:00", "2027-03-06T09:00 03-06T11:00"],
        ),
        ("FREEBUSY;FBTYPE=BUSY-TENTATIVE:20270305T090000Z/PT1H", ["2027-03-05T09:00 03-05T10:00"]),
        ("FREEBUSY;FBTYPE=X-OF-ANOTHER:20270305T090000Z/PT1H", ["2027-03-05T09:00 03-05T10:00"]),
        ("FREEBUSY;FBTYPE=FREE:20270305T090000Z/PT1H", []),
        ("FREEBUSY;FBTYPE=free:20270305T090000Z/PT1H", []),
        (
            "FREEBUSY;FBTYPE=FREE:20270305T080000Z/PT8H\nFREEBUSY:20270305T090000Z/PT1H\nFREEBUSY:20270305T100000Z/PT1H",
            ["2027-03-05T09:00 03-05T11:00"],
        ),
        ("FREEBUSY:20260305T090000Z/PT1H", []),
        ("DTSTART:20270305T090000Z\nDTEND:20270306T090000Z", []),
    ],
)
def test_a_vfreebusy_keeps_its_periods_busy(periods: str, busy: list[str]) -> None:
    """Every type of period but FREE is busy; the range that a component is about is not."""
    told = _file("DTSTART:20260305T090000Z").decode().replace("DTSTART:20260305T090000Z", periods.replace("\n", "\r\n"))
    text = told.replace("VEVENT", "VFREEBUSY")
    found = expand(text.encode(), ZONE, BEGIN, FINISH)
    assert [f"{write_time(start)[:16]} {write_time(end)[5:16]}" for start, end in found] == busy


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("RRULE:FREQ=DAILY;COUNT=3", [25, 26, 27]),
        ("RRULE:FREQ=DAILY;UNTIL=20270327T080000Z", [25, 26, 27]),
        ("RRULE:FREQ=DAILY;UNTIL=20270327", [25, 26, 27]),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=Europe/Vienna:20270326T090000", [25, 27]),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20270326T080000Z,20270327T080000Z", [25]),
        ("RRULE:FREQ=DAILY;COUNT=2\nRDATE;TZID=Europe/Vienna:20270330T090000", [25, 26, 30]),
        ("RDATE;TZID=Europe/Vienna:20270330T090000", [25, 30]),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20270326", [25, 27]),
        ("RRULE:FREQ=DAILY; COUNT=3", [25, 26, 27]),
        ("RRULE:FREQ=DAILY;COUNT=3;X-OWN=1;RSCALE=GREGORIAN;SKIP=OMIT", [25, 26, 27]),
        ("RDATE;VALUE=DATE:20270330", [25, 30]),
    ],
)
def test_a_series_keeps_its_times_busy(rule: str, days: list[int]) -> None:
    """Rules are in local time, also over the change of the clock; exceptions and more dates count."""
    found = expand(_file(f"DTSTART;TZID={ZONE}:20270325T090000\nDURATION:PT1H\n{rule}"), ZONE, BEGIN, FINISH)
    starts = [datetime.fromtimestamp(start / 1_000, UTC) for start, _ in found]
    assert [(start.day, start.hour) for start in starts] == [(day, 8 if day < 28 else 7) for day in days]


@pytest.mark.parametrize(
    ("start", "more", "hours"),
    [
        ("TZID=America/New_York:20270305T090000", "EXDATE:20270306T090000", ["05T14", "07T14"]),
        ("TZID=America/New_York:20270305T090000", "RDATE:20270308T090000", ["05T14", "06T14", "07T14", "08T14"]),
        ("VALUE=DATE:20270305", "EXDATE:20270306T000000Z", ["04T23", "06T23"]),
        ("VALUE=DATE:20270305", "EXDATE;TZID=America/New_York:20270306T000000", ["04T23", "06T23"]),
        ("VALUE=DATE:20270305", "EXDATE:20270305T230000Z", ["04T23", "06T23"]),
    ],
)
def test_a_start_is_named_as_in_its_series(start: str, more: str, hours: list[str]) -> None:
    """A floating time is in the zone of the series, and a midnight names its day in a series of whole days."""
    length = "PT1H" if "T" in start[-9:] else "P1D"
    found = expand(_file(f"DTSTART;{start}\nDURATION:{length}\nRRULE:FREQ=DAILY;COUNT=3\n{more}"), ZONE, BEGIN, FINISH)
    assert [write_time(begin)[8:13] for begin, _ in found] == hours


def test_a_series_goes_over_the_change_of_the_clock() -> None:
    """Nine o'clock stays nine o'clock."""
    busy = _busy(f"DTSTART;TZID={ZONE}:20270327T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2")
    assert busy == ["2027-03-27T08:00 03-27T09:00", "2027-03-28T07:00 03-28T08:00"]


def test_a_changed_occurrence_replaces_its_own() -> None:
    """RECURRENCE-ID moves, cancels or frees one occurrence; with THISANDFUTURE the later ones too."""
    told = {
        "moved": "RECURRENCE-ID:20270302T090000Z\nDTSTART:20270302T150000Z\nDURATION:PT1H",
        "cancelled": "RECURRENCE-ID:20270302T090000Z\nDTSTART:20270302T090000Z\nDURATION:PT1H\nSTATUS:CANCELLED",
        "without a time": "RECURRENCE-ID:20270302T090000Z\nSTATUS:CANCELLED",
        "floating": "RECURRENCE-ID:20270302T090000\nSTATUS:CANCELLED",
        "by its date": "RECURRENCE-ID;VALUE=DATE:20270302\nDTSTART:20270302T150000Z\nDURATION:PT1H",
        "later": "RECURRENCE-ID;RANGE=THISANDFUTURE:20270302T090000Z\nDTSTART:20270302T110000Z\nDURATION:PT1H",
    }
    series = "UID:a\nDTSTART:20270301T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4"
    found = {}
    for name, changed in told.items():
        file = (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
            + "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in (series, f"UID:a\n{changed}"))
            + "END:VCALENDAR\n"
        )
        found[name] = [write_time(start)[8:13] for start, _ in expand(file.encode(), ZONE, BEGIN, FINISH)]
    assert found == {
        "moved": ["01T09", "02T15", "03T09", "04T09"],
        "cancelled": ["01T09", "03T09", "04T09"],
        "without a time": ["01T09", "03T09", "04T09"],
        "floating": ["01T09", "03T09", "04T09"],
        "by its date": ["01T09", "02T15", "03T09", "04T09"],
        "later": ["01T09", "02T11", "03T11", "04T11"],
    }


def test_times_that_meet_are_one() -> None:
    """Overlapping events are one busy time."""
    hour = "DTSTART:20270305T{}0000Z\nDURATION:PT1H30M"
    assert _busy(hour.format("09"), hour.format("10"), hour.format("13")) == [
        "2027-03-05T09:00 03-05T11:30",
        "2027-03-05T13:00 03-05T14:30",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "It is no iCalendar file"),
        (b"<html>", "It is no iCalendar file"),
        (_file("DTSTART:20270301T000000Z") + _file("DTSTART:20270302T000000Z")[:-20], "or it is cut off"),
        (_file("DTSTART:soon"), "The DTSTART of its event 1 can't be read."),
        (_file("DTSTART:20270301T000000Z", "DTSTART:20270301T000000Z\nRRULE:FREQ=SOON"), "The RRULE of its event 2 "),
        (_file("DTSTART:20270301T000000Z\nRRULE:"), "The RRULE of its event 1 "),
        (_file("DTSTART:20270301T000000Z\nRRULE:FREQ=YEARLY;RSCALE=CHINESE"), "The RRULE of its event 1 "),
        (_file("DTSTART:20270301T000000Z\nRRULE:FREQ=MONTHLY;SKIP=FORWARD"), "The RRULE of its event 1 "),
        (_file("DTSTART:20270301T000000Z\nDTSTART:20270302T000000Z"), "The DTSTART of its event 1 "),
        (_file("DTSTART:20270301T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY;INTERVAL=2"), "It has too many events."),
        (_file("DTSTART:19700101T000000Z\nDURATION:PT1S\nRRULE:FREQ=MINUTELY"), "It has too many events."),
    ],
)
async def test_what_can_not_be_read_says_why(text: bytes, fault: str) -> None:
    """A broken file and an endless rule end in one sentence, and hold nothing up."""
    with pytest.raises(Unreadable, match=fault):
        await expand_apart(text, ZONE, BEGIN, FINISH)


async def test_a_file_is_expanded_apart() -> None:
    """The process of its own finds the same times."""
    file = _file("DTSTART:20270305T090000Z\nDURATION:PT1H")
    assert list(await expand_apart(file, ZONE, BEGIN, FINISH)) == expand(file, ZONE, BEGIN, FINISH)


async def test_an_endless_search_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that never occurs, and is looked for without end, is given up."""
    monkeypatch.setattr("realtime.busy.importer.EXPAND_SECONDS", 2.0)
    file = _file("DTSTART:20270301T000000Z\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30")
    async with asyncio.timeout(30):
        with pytest.raises(Unreadable, match="too long"):
            await expand_apart(file, ZONE, BEGIN, FINISH)
