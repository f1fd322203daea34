"""The texts of recurrence rules: accepted in any form, or refused with a reason."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schedule.recurrence import check_rule, dates

START = date(2027, 1, 1)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("", "no part ''"),
        ("DAILY", "no part 'DAILY'"),
        ("INTERVAL=2", "needs FREQ"),
        ("FREQ=HOURLY", "FREQ=HOURLY is about times of a day"),
        ("FREQ=SECONDLY;COUNT=10", "FREQ=SECONDLY is about times of a day"),
        ("RRULE:RRULE:FREQ=DAILY", "no part 'RRULE:FREQ'"),
        ("RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY", "one RRULE"),
        ("RRULE:FREQ=DAILY\nEXDATE:20270101", "and no EXDATE"),
        ("EXRULE:FREQ=DAILY", "and no EXRULE"),
        ("DTSTART:20200101", "no part ''"),
        ("DTSTART:20200101\nDTSTART:20200101\nFREQ=DAILY", "and no DTSTART"),
        ("DTSTART:20200230\nFREQ=DAILY", "DTSTART is a date"),
        ("DTSTART:19690101\nFREQ=DAILY", "DTSTART is from 1970-01-01"),
        ("DTSTART:20200101T250000\nFREQ=DAILY", "DTSTART is a date"),
        ("DTSTART:20200101\nRRULE:FREQ=DAILY;COUNT=3", "no date at all"),
        ("FREQ=DAILY;;COUNT=1", "no part ''"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=DA\u0130LY", "ASCII"),
        ("FREQ=DAILY;BYHOUR=9", "BYHOUR is about times of a day"),
        ("FREQ=DAILY;BYMINUTE=9", "BYMINUTE is about times of a day"),
        ("FREQ=DAILY;BYSECOND=9", "BYSECOND is about times of a day"),
        ("FREQ=YEARLY;BYEASTER=0", "no part 'BYEASTER'"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL has numbers from 1"),
        ("FREQ=DAILY;INTERVAL=1000", "INTERVAL can't be"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL can't be"),
        ("FREQ=DAILY;COUNT=0", "COUNT has numbers from 1"),
        ("FREQ=DAILY;COUNT=20001", "COUNT has numbers from 1 to 20000"),
        ("FREQ=DAILY;COUNT=99999999999", "COUNT can't be"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20280101", "COUNT or UNTIL"),
        ("FREQ=DAILY;UNTIL=20280230", "UNTIL is a date"),
        ("FREQ=DAILY;UNTIL=20280101T240000Z", "UNTIL is a date"),
        ("FREQ=DAILY;UNTIL=20280101Z", "UNTIL can't be"),
        ("FREQ=DAILY;UNTIL=20261231", "no date at all"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY can't be"),
        ("FREQ=WEEKLY;BYDAY=1MO", "counts the weekdays"),
        ("FREQ=DAILY;BYDAY=-1MO", "counts the weekdays"),
        ("FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO", "counts the weekdays"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY has numbers"),
        ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY has numbers"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH has numbers from 1 to 12"),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH has numbers from 1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY has numbers"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY has numbers"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY means nothing in a WEEKLY"),
        ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY means nothing"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO means nothing"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS picks"),
        ("FREQ=MONTHLY;WKST=1", "WKST can't be"),
        ("FREQ=DAILY;BYMONTH=" + ",".join(["1"] * 300), "at most 500"),
    ],
)
def test_a_bad_rule_is_refused_with_its_reason(rule: str, reason: str) -> None:
    """A rule without dates, or with times, is refused with a reason."""
    with pytest.raises(ValueError, match=reason):
        check_rule(rule, START)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4",
        "rrule:freq=weekly;byday=mo,we;count=4",
        " FREQ = WEEKLY ; BYDAY = MO, WE ; COUNT = 4 ",
        "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4;",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,\r\n WE;COUNT=4\r\n",
        "RRULE:FREQ=WEEK\n\tLY;BYDAY=MO,WE;COUNT=4\n",
        "DTSTART:20270101\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4",
        "DTSTART;VALUE=DATE:20270101\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4\r\n",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4\nDTSTART;TZID=Europe/Rome:20270102T090000",
        "DTSTART:20270101T235959Z\n  RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4",
        "COUNT=4;BYDAY=+0WE,MO;FREQ=WEEKLY".replace("+0", ""),
    ],
)
def test_a_rule_is_read_as_calendar_programs_write_it(text: str) -> None:
    """A rule may have its property's name, a DTSTART beside it, any case, folds and white space: the same dates."""
    start = date(2027, 1, 1)
    check_rule(text, start)
    assert list(dates(text, start, start, date(2028, 1, 1))) == [date(2027, 1, day) for day in (4, 6, 11, 13)]


@given(st.text(alphabet="FREQDAILYWKMONTHBUCS=;,:0123456789+-\r\n\t TZ", max_size=80))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    """No text fails in any other way than by ValueError."""
    for whole in (text, f"FREQ=DAILY;{text}", f"RRULE:FREQ=YEARLY{text}", f"DTSTART{text}\nFREQ=DAILY"):
        try:
            check_rule(whole, START)
        except ValueError:
            continue
        assert next(dates(whole, START, START, date.max)) >= START
