"""The starts of events by RFC 5545, against a second reading of its words."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from icalendar import vRecur

from realtime.busy.recurrence import starts
from tests.models.schedule import almanac
from tests.models.schedule.test_recurrence import EXAMPLES, _days, _rule

ROME = ZoneInfo("Europe/Rome")


def _starts(rule: str, begun: datetime, last: datetime) -> list[datetime]:
    return list(starts(vRecur.from_ical(rule), begun, ROME, last))


def _at_nine(day: date) -> datetime:
    return datetime.combine(day, time(9))


@pytest.mark.parametrize("seed", range(2))
def test_an_event_is_on_the_dates_that_the_words_of_rfc_5545_fit(seed: int) -> None:
    """Some 500 rules have the dates of a test of each date against the rule's words; the first event is one more."""
    random, agreed = Random(100 + seed), 0
    while agreed < 250:
        rule, start = _rule(random), date(2026, 12, 1) + timedelta(days=random.randint(0, 450))
        if not _is_valid(rule):
            continue
        last = start + timedelta(days=random.randint(0, 1_200))
        rest, _, count = rule.partition(";COUNT=")
        rest += "".join(f";{part}" for part in count.split(";")[1:])
        expected = sorted({start, *almanac.dates(rest, start, start, last)})
        if count:
            expected = expected[: int(count.split(";")[0])]
        assert _starts(rule, _at_nine(start), _at_nine(last)) == [_at_nine(day) for day in expected], (rule, start)
        agreed += 1


def _is_valid(rule: str) -> bool:
    """Return whether the rule has only parts with a meaning, and one end at most."""
    frequency = rule.partition(";")[0].removeprefix("FREQ=")
    parts = {part.partition("=")[0] for part in rule.split(";")}
    is_counting = any(character.isdigit() for character in rule.partition("BYDAY=")[2].partition(";")[0])
    return not (
        (parts & {"BYYEARDAY", "BYWEEKNO"} and frequency != "YEARLY")
        or ("BYMONTHDAY" in parts and frequency == "WEEKLY")
        or {"COUNT", "UNTIL"} <= parts
        or ("BYSETPOS" in parts and len(parts & {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"}) == 0)
        or (is_counting and "BYWEEKNO" in parts)
    )


@pytest.mark.parametrize(("start", "rule", "text"), EXAMPLES, ids=[f"{start} {rule}" for start, rule, _ in EXAMPLES])
def test_the_examples_of_rfc_5545_have_its_dates(start: str, rule: str, text: str) -> None:
    """Each rule's first dates are the RFC's, after the first event."""
    begun, expected = _at_nine(date.fromisoformat(start)), _days(text)
    new_york = ZoneInfo("America/New_York")
    found = [one.date() for one in starts(vRecur.from_ical(rule), begun, new_york, _at_nine(date(2010, 1, 1)))]
    if found[0] != expected[0]:
        assert found.pop(0) == begun.date()
    assert found[: len(expected)] == expected


@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        ("FREQ=DAILY;BYHOUR=9,17;COUNT=3", ["01T09:00", "01T17:00", "02T09:00"]),
        (
            "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,30;BYSETPOS=1,-1;COUNT=4",
            ["01T09:00", "01T10:30", "02T09:00", "02T10:30"],
        ),
        ("FREQ=WEEKLY;BYDAY=FR,MO;BYHOUR=9,12;BYSETPOS=2;COUNT=2", ["01T09:00", "04T12:00"]),
        ("FREQ=HOURLY;INTERVAL=3;UNTIL=20270101T140000Z", ["01T09:00", "01T12:00", "01T15:00"]),
        ("FREQ=HOURLY;BYMINUTE=15,45;BYSETPOS=-1;COUNT=3", ["01T09:00", "01T09:45", "01T10:45"]),
        ("FREQ=MINUTELY;INTERVAL=90;COUNT=3", ["01T09:00", "01T10:30", "01T12:00"]),
        ("FREQ=WEEKLY;BYDAY=1TU;COUNT=2", ["01T09:00", "05T09:00"]),
        *[
            (f"FREQ={frequency};INTERVAL=99999999", ["01T09:00"])
            for frequency in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
        ],
        ("FREQ=DAILY;BYMONTH=13;COUNT=2", ["01T09:00", "02T09:00"]),
    ],
)
def test_times_of_a_rule(rule: str, texts: list[str]) -> None:
    """Hours, minutes and seconds multiply the dates before BYSETPOS picks; a rule within a day repeats the time."""
    found = _starts(rule, _at_nine(date(2027, 1, 1)), _at_nine(date(2027, 2, 1)))
    assert [f"{start:%dT%H:%M}" for start in found] == texts


@pytest.mark.parametrize("hours", [(9,), (9, 17)])
def test_a_rule_of_weeks_counts_whole_weeks(hours: tuple[int, ...]) -> None:
    """BYSETPOS counts from before the first event, and BYWEEKNO without BYDAY is on the event's own weekday."""
    times = ",".join(map(str, hours))
    first, *rest = _starts(
        f"FREQ=WEEKLY;BYDAY=TH,SA;BYSETPOS=1;BYHOUR={times}", _at_nine(date(2027, 1, 1)), _at_nine(date(2027, 1, 15))
    )
    assert (first.day, [one.day for one in rest]) == (1, [7, 14])
    found = _starts("FREQ=YEARLY;BYWEEKNO=20", _at_nine(date(2027, 1, 1)), _at_nine(date(2028, 12, 31)))
    assert [f"{one:%m-%d}" for one in found] == ["01-01", "05-21", "05-19"]


def test_no_rule_takes_long() -> None:
    """A rule without a date ends with the window, also one that began long ago."""
    begun = _at_nine(date(1900, 1, 1))
    for frequency in ("DAILY", "MONTHLY", "YEARLY"):
        rule = f"FREQ={frequency};BYMONTH=2;BYMONTHDAY=30"
        assert _starts(rule, begun, _at_nine(date(2029, 1, 1))) == [begun]
