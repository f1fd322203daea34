"""Which rules are let in, and which dates they name."""

import time
from datetime import date, datetime, timedelta
from datetime import time as time_of_day

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from models.recurrence import check_rule, dates

START = date(2027, 1, 1)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("", "no part ''"),
        ("DAILY", "no part 'DAILY'"),
        ("INTERVAL=2", "needs FREQ"),
        ("FREQ=HOURLY", "FREQ can't be 'HOURLY'"),
        ("FREQ=SECONDLY;COUNT=10", "FREQ can't be"),
        ("RRULE:FREQ=DAILY", "no part 'RRULE:FREQ'"),
        ("FREQ=DAILY\nDTSTART:20200101", "FREQ can't be"),
        ("FREQ=DAILY;", "no part ''"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=DAILY;BYHOUR=9", "no part 'BYHOUR'"),
        ("FREQ=DAILY;BYMINUTE=9", "no part 'BYMINUTE'"),
        ("FREQ=DAILY;BYSECOND=9", "no part 'BYSECOND'"),
        ("FREQ=YEARLY;BYEASTER=0", "no part 'BYEASTER'"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL has numbers from 1"),
        ("FREQ=DAILY;INTERVAL=1000", "INTERVAL can't be"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL can't be"),
        ("FREQ=DAILY;COUNT=0", "COUNT has numbers from 1"),
        ("FREQ=DAILY;COUNT=20001", "COUNT has numbers from 1 to 20000"),
        ("FREQ=DAILY;COUNT=99999999999", "COUNT can't be"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20280101", "COUNT or UNTIL"),
        ("FREQ=DAILY;UNTIL=20280230", "UNTIL is a date"),
        ("FREQ=DAILY;UNTIL=20280101T000000Z", "UNTIL can't be"),
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
        ("FREQ=YEARLY;BYMONTH=8;BYDAY=53MO", "no date at all"),
        ("FREQ=YEARLY;BYMONTH=1,8;BYDAY=-53MO,6TU", "no date at all"),
        ("FREQ=MONTHLY;BYDAY=53MO", "no date at all"),
        ("FREQ=MONTHLY;BYDAY=-6SU", "no date at all"),
        ("FREQ=YEARLY;INTERVAL=45;BYMONTH=2;BYMONTHDAY=29", "within 40 years"),
        ("FREQ=DAILY;BYMONTH=" + ",".join(["1"] * 300), "at most 500"),
    ],
)
def test_a_bad_rule_is_refused_with_its_reason(rule: str, reason: str) -> None:
    """What names no dates, or names times, is refused in a sentence that says why."""
    with pytest.raises(ValueError, match=reason):
        check_rule(rule, START)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYYEARDAY=1",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=6",
    ],
)
def test_a_rule_without_a_date_is_refused_soon(rule: str) -> None:
    """A date that never comes is not looked for until the year 9999, which would take seconds."""
    begin = time.process_time()
    with pytest.raises(ValueError, match="no date at all"):
        check_rule(rule, START)
    assert time.process_time() - begin < 1.5


def _numbers(smallest: int, largest: int) -> st.SearchStrategy[str]:
    numbers = st.integers(smallest, largest).filter(bool)
    return st.lists(numbers, min_size=1, max_size=3).map(lambda numbers: ",".join(map(str, numbers)))


_weekdays = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=4).map(",".join)
_parts = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])},
    optional={
        "INTERVAL": st.integers(1, 5).map(str),
        "COUNT": st.integers(1, 50).map(str),
        "UNTIL": st.dates(date(2027, 1, 1), date(2032, 1, 1)).map(lambda day: f"{day:%Y%m%d}"),
        "BYDAY": _weekdays,
        "BYMONTH": _numbers(1, 12),
        "BYMONTHDAY": _numbers(-31, 31),
        "BYYEARDAY": _numbers(-366, 366),
        "BYWEEKNO": _numbers(-53, 53),
        "BYSETPOS": _numbers(-3, 3),
        "WKST": st.sampled_from(["MO", "SU"]),
    },
)


@given(_parts, st.dates(date(2026, 12, 1), date(2028, 3, 1)), st.integers(0, 1_000))
def test_a_rule_names_the_dates_that_it_names_now(parts: dict[str, str], start: date, days: int) -> None:
    """That a rule is run some thousand years later changes none of its dates."""
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    first, last = start + timedelta(days=days), start + timedelta(days=days + 1_500)
    try:
        check_rule(rule, start)
    except ValueError:
        return
    plain = rrulestr(rule, dtstart=datetime.combine(start, time_of_day.min))
    expected = plain.between(
        datetime.combine(first, time_of_day.min), datetime.combine(last, time_of_day.min), inc=True
    )
    assert list(dates(rule, start, first, last)) == [found.date() for found in expected]


@pytest.mark.parametrize(
    ("rule", "same"),
    [
        ("FREQ=MONTHLY;BYDAY=1MO,20MO", "FREQ=MONTHLY;BYDAY=1MO"),
        ("FREQ=MONTHLY;BYDAY=-53FR,-1FR,6FR", "FREQ=MONTHLY;BYDAY=-1FR"),
        ("FREQ=YEARLY;BYMONTH=1,8,12;BYDAY=2TU,53TU", "FREQ=YEARLY;BYMONTH=1,8,12;BYDAY=2TU"),
    ],
)
def test_a_weekday_that_no_month_has_is_left_out(rule: str, same: str) -> None:
    """A rule that also names a 20th Monday of the month names what it names without, in every month."""
    check_rule(rule, START)
    last = START + timedelta(days=5 * 366)
    assert list(dates(rule, START, START, last)) == list(dates(same, START, START, last))


def _any_numbers(most: int) -> st.SearchStrategy[str]:
    number = st.integers(-most - 1, most + 1) | st.sampled_from([1, -1, most, -most])
    return st.lists(number, min_size=1, max_size=4).map(lambda found: ",".join(map(str, found)))


_DAY = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
_COUNTED_DAY = st.builds(lambda number, day: f"{number or ''}{day}", st.integers(-54, 54), _DAY)
_ANY_PARTS = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])},
    optional={
        "INTERVAL": st.integers(0, 1_000).map(str),
        "COUNT": st.integers(0, 20_001).map(str),
        "UNTIL": st.dates(date(1, 1, 1), date(9999, 12, 31)).map(lambda day: f"{day:%Y%m%d}".rjust(8, "0")),
        "WKST": _DAY,
        "BYDAY": st.lists(_COUNTED_DAY | _DAY, min_size=1, max_size=4).map(",".join),
        "BYMONTH": _any_numbers(12),
        "BYMONTHDAY": _any_numbers(31),
        "BYYEARDAY": _any_numbers(366),
        "BYWEEKNO": _any_numbers(53),
        "BYSETPOS": _any_numbers(366),
    },
)


@settings(max_examples=300)
@given(parts=_ANY_PARTS, start=st.dates(date(1970, 1, 1), date(2199, 12, 31)), days=st.integers(0, 1_830))
def test_no_rule_makes_anything_but_dates_or_a_refusal(parts: dict[str, str], start: date, days: int) -> None:
    """Whatever a rule says, it is refused with a sentence, or it names its dates; and soon."""
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    begin = time.process_time()
    try:
        check_rule(rule, start)
    except ValueError:
        pass
    else:
        found = list(dates(rule, start, start, start + timedelta(days=days)))
        assert found == sorted(set(found))
    assert time.process_time() - begin < 3
