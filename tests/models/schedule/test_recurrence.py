"""Recurrence rules: accepted and refused ones, and their dates."""

import os
import time
from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from models.schedule import recurrence
from models.schedule.recurrence import check_rule, dates
from tests.models.schedule import almanac

START = date(2027, 1, 1)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYYEARDAY=1",
        "FREQ=YEARLY;BYMONTH=8;BYDAY=53MO",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=6",
    ],
)
def test_a_rule_without_a_date_is_refused_soon(rule: str) -> None:
    """A rule without a date is refused soon, without a search up to the year 9999."""
    begin = time.process_time()
    with pytest.raises(ValueError, match="no date at all"):
        check_rule(rule, START)
    assert time.process_time() - begin < 1.5


MONTHS = "FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYDAY="
NONE_OF_A_MONTH = [f"{number}{day}" for number in range(6, 24) for day in ("MO", "TU", "WE", "TH", "FR", "SA")]
WEEK = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS="


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (f"{MONTHS}6MO", MONTHS + ",".join(NONE_OF_A_MONTH[:90])),
        (f"{WEEK}9", WEEK + ",".join(map(str, range(9, 125)))),
    ],
    ids=["weekdays", "positions"],
)
def test_a_date_costs_the_same_in_a_long_rule(short: str, long: str) -> None:
    """Rules of 500 characters without a date took three to seven times as long: 0.6 s of a reading thread each."""

    def seconds(rule: str) -> float:
        times = []
        for _ in range(4):
            check_rule_anew = recurrence._looked.__wrapped__  # without the cache
            begin = time.thread_time()
            assert check_rule_anew(rule, START)[0] is False
            times.append(time.thread_time() - begin)
        return min(times)

    assert seconds(long) < 2 * seconds(short)


def test_a_refused_rule_is_looked_at_once() -> None:
    """Its next request costs nothing, whoever sends it."""
    rule = "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30,31"
    with pytest.raises(ValueError, match="no date at all"):
        check_rule(rule, START)
    begin = time.thread_time()
    with pytest.raises(ValueError, match="no date at all"):
        check_rule(rule, START)
    assert time.thread_time() - begin < 0.02


def _numbers(random: Random, smallest: int, largest: int, most: int = 3) -> str:
    numbers = [number for number in range(smallest, largest + 1) if number]
    return ",".join(map(str, dict.fromkeys(random.choices(numbers, k=random.randint(1, most)))))


def _weekdays(random: Random, frequency: str) -> str:
    numbers = {"MONTHLY": ["", "1", "+2", "5", "-1", "-5"], "YEARLY": ["", "1", "-1", "10", "+20", "53", "-53"]}
    each = [random.choice(numbers.get(frequency, [""])) + random.choice(almanac.DAYS) for _ in range(4)]
    return ",".join(dict.fromkeys(each[: random.randint(1, 4)]))


# SEEDS=40 in the environment is the long form.
SEEDS = int(os.environ.get("SEEDS", "1"))


def _rule(random: Random) -> str:
    """Any rule for dates; some name none."""
    frequency = random.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "YEARLY"])
    likely: dict[str, tuple[float, Callable[[], str]]] = {
        "INTERVAL": (0.5, lambda: str(random.randint(1, 5))),
        "COUNT": (0.2, lambda: str(random.randint(1, 50))),
        "UNTIL": (0.2, lambda: f"{START + timedelta(days=random.randint(0, 1_500)):%Y%m%d}"),
        "WKST": (0.5, lambda: random.choice(almanac.DAYS)),
        "BYDAY": (0.5, lambda: _weekdays(random, frequency)),
        "BYMONTH": (0.35, lambda: _numbers(random, 1, 12)),
        "BYMONTHDAY": (0.3, lambda: _numbers(random, -31, 31, 6)),
        "BYYEARDAY": (0.25, lambda: _numbers(random, -366, 366, 8)),
        "BYWEEKNO": (0.3, lambda: random.choice(["1", "53", "-1", "52,1", "-53", _numbers(random, -53, 53, 6)])),
        "BYSETPOS": (0.3, lambda: _numbers(random, -3, 3)),
    }
    parts = {"FREQ": frequency}
    for name, (chance, make) in likely.items():
        if random.random() < chance:
            parts[name] = make()
    return ";".join(f"{name}={value}" for name, value in parts.items())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_rule_names_the_dates_that_the_words_of_rfc_5545_fit(seed: int) -> None:
    """400 rules of each seed name the same dates as a test of each date against the rule's words."""
    random = Random(seed)
    agreed = named = 0
    while agreed < 400:
        rule, start = _rule(random), date(2026, 12, 1) + timedelta(days=random.randint(0, 450))
        first = start + timedelta(days=random.randint(0, 800))
        last = first + timedelta(days=random.randint(0, 1_200))
        try:
            check_rule(rule, start)
        except ValueError:
            continue
        expected = almanac.dates(rule, start, first, last)
        assert list(dates(rule, start, first, last)) == expected, f"{rule} from {start}, {first} to {last}"
        agreed += 1
        named += bool(expected)
    assert named > 200


def test_a_refused_rule_names_no_date() -> None:
    """A rule refused for having no date has none in 20 years, by the RFC's words."""
    random, refused = Random(7), 0
    while refused < 15:
        rule = _rule(random)
        try:
            check_rule(rule, START)
        except ValueError as error:
            if "no date at all" in str(error):
                refused += 1
                assert almanac.dates(rule, START, START, date(2047, 1, 1)) == [], rule


def _days(text: str) -> list[date]:
    """Dates in short: the year once, then `month/day,day`."""
    found = []
    for year in text.split("; "):
        number, *months = year.split()
        for month in months:
            name, _, days = month.partition("/")
            found += [date(int(number), int(name), int(day)) for day in days.split(",")]
    return found


# Section 3.8.5.3's examples with dates only: DTSTART, the rule, its dates (the first of them, if it goes on).
EXAMPLES = [
    ("1997-09-02", "FREQ=DAILY;COUNT=10", "1997 9/2,3,4,5,6,7,8,9,10,11"),
    ("1997-09-02", "FREQ=DAILY;INTERVAL=2", "1997 9/2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 10/2,4,6"),
    ("1997-09-02", "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997 9/2,12,22 10/2,12"),
    ("1997-09-02", "FREQ=WEEKLY;COUNT=10", "1997 9/2,9,16,23,30 10/7,14,21,28 11/4"),
    ("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "1997 9/2,16,30 10/14,28 11/11,25 12/9,23; 1998 1/6,20 2/3,17"),
    (
        "1997-09-02",
        "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        "1997 9/2,4,9,11,16,18,23,25,30 10/2",
    ),
    ("1997-09-02", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997 9/2,4,9,11,16,18,23,25,30 10/2"),
    (
        "1997-09-01",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "1997 9/1,3,5,15,17,19,29 10/1,3,13,15,17,27,29,31 11/10,12,14,24,26,28 12/8,10,12,22",
    ),
    ("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997 9/2,4,16,18,30 10/2,14,16"),
    ("1997-09-05", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997 9/5 10/3 11/7 12/5; 1998 1/2 2/6 3/6 4/3 5/1 6/5"),
    ("1997-09-05", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "1997 9/5 10/3 11/7 12/5"),
    (
        "1997-09-07",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997 9/7,28 11/2,30; 1998 1/4,25 3/1,29 5/3,31",
    ),
    ("1997-09-22", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997 9/22 10/20 11/17 12/22; 1998 1/19 2/16"),
    ("1997-09-28", "FREQ=MONTHLY;BYMONTHDAY=-3", "1997 9/28 10/29 11/28 12/29; 1998 1/29 2/26"),
    ("1997-09-02", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "1997 9/2,15 10/2,15 11/2,15 12/2,15; 1998 1/2,15"),
    (
        "1997-09-30",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997 9/30 10/1,31 11/1,30 12/1,31; 1998 1/1,31 2/1",
    ),
    (
        "1997-09-10",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997 9/10,11,12,13,14,15; 1999 3/10,11,12,13",
    ),
    ("1997-09-02", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "1997 9/2,9,16,23,30 11/4,11,18,25; 1998 1/6,13,20,27 3/3,10"),
    (
        "1997-06-10",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997 6/10 7/10; 1998 6/10 7/10; 1999 6/10 7/10",
    ),
    (
        "1997-03-10",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997 3/10; 1999 1/10 2/10 3/10; 2001 1/10",
    ),
    (
        "1997-01-01",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997 1/1 4/10 7/19; 2000 1/1 4/9 7/18; 2003 1/1 4/10 7/19; 2006 1/1",
    ),
    ("1997-05-19", "FREQ=YEARLY;BYDAY=20MO", "1997 5/19; 1998 5/18; 1999 5/17"),
    ("1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997 5/12; 1998 5/11; 1999 5/17"),
    ("1997-03-13", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997 3/13,20,27; 1998 3/5,12,19,26; 1999 3/4,11,18,25"),
    ("1997-09-02", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1998 2/13 3/13 11/13; 1999 8/13; 2000 10/13"),
    (
        "1997-09-13",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997 9/13 10/11 11/8 12/13; 1998 1/10 2/7 3/7 4/11 5/9 6/13",
    ),
    (
        "1996-11-05",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996 11/5; 2000 11/7; 2004 11/2",
    ),
    ("1997-09-04", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997 9/4 10/7 11/6"),
    ("1997-09-29", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997 9/29 10/30 11/27 12/30; 1998 1/29 2/26 3/30"),
    ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997 8/5,10,19,24"),
    ("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997 8/5,17,19,31"),
    ("2007-01-15", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007 1/15,30 2/15 3/15,30"),
]


@pytest.mark.parametrize(("start", "rule", "text"), EXAMPLES, ids=[f"{start} {rule}" for start, rule, _ in EXAMPLES])
def test_the_examples_of_rfc_5545_have_its_dates(start: str, rule: str, text: str) -> None:
    """Each rule's first dates are the RFC's; a rule with an end has no others."""
    begin, expected = date.fromisoformat(start), _days(text)
    check_rule(rule, begin)
    clocks = ZoneInfo("America/New_York")  # of the RFC's examples, at 9:00
    found = list(dates(rule, begin, begin, date(2010, 1, 1), clocks=clocks, minute=540))
    assert found[: len(expected)] == expected
    if "UNTIL" in rule:
        assert found == expected
    count = rule.partition("COUNT=")[2].partition(";")[0]
    if count:
        assert len(found) == int(count)


@pytest.mark.parametrize(
    ("start", "rule", "first"),
    [
        ("2027-01-01", "FREQ=WEEKLY;BYDAY=TH,SA;BYSETPOS=1", "2027-01-07"),
        ("2027-01-15", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", "2027-02-01"),
        ("2027-01-15", "FREQ=YEARLY;BYDAY=MO;BYSETPOS=1", "2028-01-03"),
        ("2027-01-01", "FREQ=YEARLY;BYWEEKNO=20", "2027-05-21"),
        ("2027-01-01", "FREQ=YEARLY;BYWEEKNO=53;INTERVAL=2;BYDAY=FR", "2027-01-01"),
        ("2027-06-01", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2028-01-03"),
        ("2024-02-29", "FREQ=YEARLY;INTERVAL=3", "2024-02-29"),
    ],
)
def test_a_rule_begins_with_the_first_date_that_is_of_its_own(start: str, rule: str, first: str) -> None:
    """BYSETPOS counts in the whole period, also from before DTSTART; missing parts come from DTSTART."""
    begin = date.fromisoformat(start)
    assert next(dates(rule, begin, begin, date(2040, 1, 1))).isoformat() == first


def test_dates_count_from_a_dtstart_beside_the_rule() -> None:
    """The dates count from DTSTART, on the calendar's clocks for a UTC one; earlier dates are counted, and left out."""
    text = "DTSTART:20270103T233000Z\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3"
    rome = ZoneInfo("Europe/Rome")
    found = dates(text, date(2027, 1, 10), date(2027, 1, 10), date(2028, 1, 1), clocks=rome)
    assert list(found) == _days("2027 1/18 2/1")


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20270110", 10),
        ("20270110T090000", 10),
        ("20270110T085959", 9),
        ("20270110T080000Z", 10),
        ("20270110T075959Z", 9),
        ("20270109T230000Z", 9),
        ("20270110T225959Z", 10),
        ("20270110T235960", 10),
    ],
)
def test_until_ends_a_rule_with_the_last_window_that_begins_by_then(until: str, last: int) -> None:
    """A date is included; a time, in UTC or on the calendar's clocks, is compared with when the window begins."""
    rule, start = f"FREQ=DAILY;UNTIL={until}", date(2027, 1, 1)
    check_rule(rule, start)
    found = list(dates(rule, start, start, date(2028, 1, 1), clocks=ZoneInfo("Europe/Rome"), minute=540))
    assert found[-1] == date(2027, 1, last)


@pytest.mark.parametrize("until", ["99991231", "99991231T235959Z", "99991231T000000", "99991230T235959Z"])
def test_until_the_last_date_of_all_ends_nothing(until: str) -> None:
    """Calendar programs write it for a rule without an end."""
    rule, start = f"FREQ=DAILY;UNTIL={until}", date(2027, 1, 1)
    check_rule(rule, start)
    found = dates(rule, start, start, date(2027, 1, 3), clocks=ZoneInfo("Pacific/Kiritimati"), minute=540)
    assert list(found) == _days("2027 1/1,2,3")


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=8;BYDAY=53MO",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=20000",
        "FREQ=MONTHLY;BYMONTHDAY=29;BYMONTH=2;BYDAY=5MO",
        "FREQ=YEARLY;INTERVAL=999;BYWEEKNO=53;BYMONTH=7",
        "FREQ=YEARLY;BYDAY=" + ",".join(f"{number}{day}" for number in (51, 52) for day in ("MO", "TU", "WE")),
        "FREQ=YEARLY;BYMONTHDAY=" + ",".join(map(str, range(1, 32))) + ";BYYEARDAY=366;BYSETPOS=366",
        "FREQ=DAILY;COUNT=20000",
    ],
)
def test_a_rule_costs_little_whatever_it_says(rule: str) -> None:
    """A rule is expanded quickly up to the last date of a schedule."""
    begin = time.process_time()
    found = list(dates(rule, date(1970, 1, 1), date(1970, 1, 1), date.max))
    assert time.process_time() - begin < 1
    assert len(found) <= 20_000
