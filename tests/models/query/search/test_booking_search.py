"""Bookings are found over all calendars, page by page, whatever happens between two pages."""

from __future__ import annotations

from typing import Any

import pytest
from peewee import SqliteDatabase

from models.contract.changes import Customer
from models.contract.commands.bookings import EraseCustomer
from models.contract.commands.calendars import ArchiveCalendar
from models.contract.commands.slots import RemoveSlot
from models.contract.errors import BadRequest
from models.contract.values.time import DAY, HOUR
from models.query.search import (
    booking_search,
    merge,
)
from models.query.search.booking_search import (
    Search,
    find_bookings,
)
from models.query.search.merge import (
    write_mark,
)
from tests.models.driver import EVER, STAFF, START, Driver, moving

ALL = Search(None, -EVER, EVER)


def search(driver: Driver, most: int = 100, **fields: Any) -> list[str]:
    """Return the ids of the bookings on the first page."""
    return [one.id for one in find_bookings(driver.service._db, ALL._replace(**fields), most)[0]]


def pages(driver: Driver, most: int, **fields: Any) -> Any:
    """Yield the ids of each page."""
    page = ""
    while True:
        found, page = find_bookings(driver.service._db, ALL._replace(page=page, **fields), most)
        yield [one.id for one in found]
        if not page:
            return


def book(driver: Driver, calendar: str, count: int = 1, **fields: Any) -> list[str]:
    driver.calendar = calendar
    return [driver.reserve(slot, **fields)["id"] for slot in driver.open(count)]


@pytest.fixture
def three(driver: Driver) -> Driver:
    """Three calendars: `room`, `desk` and `hall`."""
    for name in ("desk", "hall"):
        driver.create(name)
    return driver


def test_the_bookings_of_all_calendars_are_found(three: Driver) -> None:
    """The latest made comes first, with the times of its slot; a list of calendars limits them."""
    made = []
    for name in ("room", "hall", "desk", "room"):
        three.clock.go(1)
        made += book(three, name)
    assert search(three) == made[::-1]
    assert search(three, calendars=("room", "desk")) == [made[3], made[2], made[0]]
    assert search(three, calendars=("hall", "nowhere")) == [made[1]]
    assert search(three, calendars=()) == []
    newest = find_bookings(three.service._db, ALL, 1)[0][0]
    assert (newest.start, newest.end) == ("2027-01-05T03:00:00Z", "2027-01-05T04:00:00Z")
    assert (newest.created_at, newest.updated_at) == ("2027-01-04T00:00:04Z", "2027-01-04T00:00:04Z")


def test_a_token_with_many_calendars_finds_no_others(three: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 500 calendars one read goes through all bookings, and leaves out those of others."""
    monkeypatch.setattr(booking_search, "MOST_CALENDARS", 1)
    (mine,), (other,), (also_mine,) = (book(three, name) for name in ("room", "desk", "hall"))
    assert set(search(three, calendars=("room", "hall"))) == {mine, also_mine}
    assert other in search(three)


def test_past_removed_and_archived_ones_are_found(three: Driver) -> None:
    """No booking is out of reach: that of a past slot, of a removed slot, and of an archived calendar."""
    (cancelled,) = three.open()
    gone = three.reserve(cancelled)
    three.cancel(gone)
    three.service.run(RemoveSlot(principal=STAFF, slot=cancelled))
    (old,) = book(three, "hall")
    three.clock.go(30 * 86_400)
    three.service.run(ArchiveCalendar(principal=STAFF, calendar="hall"))
    assert set(search(three)) == {gone["id"], old}
    assert search(three, finish=three.clock.now, status="confirmed") == [old]


def test_a_window_is_of_the_slots_times(three: Driver) -> None:
    """`[from, to)` touches a slot that ends after `from` and starts before `to`, to the millisecond."""
    first, second = book(three, "room", 2)  # from 00:00 and 01:00 of the next day
    start = START + DAY
    assert search(three, begin=start + HOUR) == [second]
    assert set(search(three, begin=start + HOUR - 1)) == {first, second}
    assert search(three, finish=start + HOUR) == [first]
    assert set(search(three, finish=start + HOUR + 1)) == {first, second}
    assert search(three, begin=start + 2 * HOUR) == []


def test_a_status_and_a_change_are_found(three: Driver) -> None:
    """`updated_after` leaves out what changed at that very millisecond."""
    stood, moved = book(three, "room", 2)
    three.clock.go(60)
    three.cancel({"id": moved}, principal=STAFF)
    assert search(three, status="cancelled") == [moved]
    assert search(three, status="confirmed") == [stood]
    assert search(three, updated_after=START) == [moved]
    assert set(search(three, updated_after=START - 1)) == {moved, stood}
    assert search(three, updated_after=three.clock.now) == []


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("ada", True),
        ("LOVELACE", True),
        ("jürgen", True),
        ("JÜRGEN", True),
        ("Ju\u0308rgen", True),
        ("jurgen", False),
        ("ADA@Example", True),
        ("%", False),
        ("_", False),
        ("100%", False),
        ("\\", False),
        ("'", False),
        ("a.b", False),
        ("4312345678", True),
        ("+43 (1) 234-5678", True),
        ("43", True),
        ("9999", False),
        ("zwei stühle", True),
        ("stühle\nbitte", True),
        ("Lovelace ada@", False),  # two fields are not one text
    ],
)
def test_a_text_is_found_in_each_field(driver: Driver, text: str, is_found: bool) -> None:
    """The same on both databases, in any case, also of umlauts, and without a meaning of % and _."""
    (slot, other) = driver.open(2)
    person = Customer(
        name="Ada Jürgen Lovelace", email="ada@example.org", phone="+43 1 234 56 78", note="Zwei Stühle\nbitte"
    )
    booked = driver.reserve(slot, customer=person)["id"]
    driver.reserve(other, customer=Customer(name="Bob", email="bob@mail.test"))
    assert search(driver, text=text) == ([booked] if is_found else [])


def test_an_erased_customer_is_not_found_by_a_text(driver: Driver) -> None:
    """The booking is still found by everything else."""
    (booked,) = book(driver, "room")
    driver.service.run(EraseCustomer(principal=STAFF, booking=booked))
    assert search(driver, text="ada") == []
    assert search(driver) == [booked]


def test_pages_are_stable_while_bookings_change(three: Driver) -> None:
    """Between any two pages bookings are made, moved in time and to other calendars, and cancelled.

    None comes twice, and each that stood still comes once.
    """
    made = [name for round_ in range(8) for each in ("room", "desk", "hall") for name in book(three, each)]
    still, seen = set(made), []
    later = iter(made[::3] + made[1::3])
    for page in pages(three, 3):
        seen += page
        three.clock.go(1)
        (target,) = three.open(start=START + 300 * DAY)
        changed = next(later)
        still.discard(changed)
        three.service.run(moving({"id": changed}, target, principal=STAFF))
        book(three, "desk")
        gone = next(later)
        still.discard(gone)
        three.cancel({"id": gone}, principal=STAFF)
    assert len(seen) == len(set(seen))
    assert still <= set(seen)
    assert set(seen) <= set(made), "what was made meanwhile is before the first page"


def test_a_rare_text_examines_so_many_bookings_a_page(three: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page ends after them, without a booking, and the next one goes on behind it."""
    (rare,) = book(three, "room", customer=Customer(name="Rarely"))
    three.clock.go(1)
    for name in ("desk", "hall", "room"):
        book(three, name, 5)
    monkeypatch.setattr(booking_search, "MOST_EXAMINED", 4)
    found = list(pages(three, 10, text="rarely"))
    assert found == [[], [], [], [rare]]


@pytest.mark.parametrize("calendars", [None, ("room", "desk")])
def test_many_bookings_are_read_in_small_parts(
    three: Driver, calendars: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page but the last is full, and all pages together are all bookings."""
    monkeypatch.setattr(merge, "FIRST_ROWS", 2)
    monkeypatch.setattr(merge, "LEAST_ROWS", 1)
    made = [*book(three, "room", 7), *book(three, "desk", 4)]
    found = list(pages(three, 5, calendars=calendars))
    assert [len(page) for page in found[:2]] == [5, 5]
    assert sorted(name for page in found for name in page) == sorted(made)


@pytest.mark.parametrize("page", ["x", "MQ", write_mark("a"), write_mark("\0")])
def test_a_page_of_no_answer_is_refused(driver: Driver, page: str) -> None:
    """Whatever it holds."""
    with pytest.raises(BadRequest) as refused:
        find_bookings(driver.service._db, ALL._replace(page=page), 5)
    assert refused.value.details == {"field": "page"}


@pytest.mark.only("sqlite")
def test_a_page_is_read_by_an_index(driver: Driver) -> None:
    """A page of one calendar reads as many rows as it examines, and sorts nothing."""
    for query, names in ((booking_search._in_calendar, 3), (booking_search._contacts_in_calendar, 3)):
        sql = query.sql(driver.service._db)
        plan = str(driver.query(f"EXPLAIN QUERY PLAN {sql}", *["x", "x", 1][:names]))
        assert "booking_calendar (calendar=? AND id<?)" in plan
        assert "TEMP B-TREE" not in plan
    for query in (booking_search._in_all, booking_search._contacts_in_all):
        plan = str(driver.query(f"EXPLAIN QUERY PLAN {query.sql(driver.service._db)}", "x", 1))
        assert "(id<?)" in plan
        assert "TEMP B-TREE" not in plan


def _explain(driver: Driver, sql: str, *values: Any) -> str:
    """Return the plan of a query. PostgreSQL is kept from scanning a table that is small only in this test."""
    db = driver.service._db
    if isinstance(db, SqliteDatabase):
        return str(driver.query(f"EXPLAIN QUERY PLAN {sql}", *values))
    with db.atomic():
        db.execute_sql("SET LOCAL enable_seqscan = off")
        return str(db.execute_sql(f"EXPLAIN {sql}", values).fetchall())


def test_what_changed_is_found_by_an_index(driver: Driver) -> None:
    """The bookings of all calendars that changed after a time are read from an index alone, in its order."""
    plan = _explain(driver, booking_search._changed.sql(driver.service._db), 1, 10)
    assert "booking_changed" in plan
    assert "COVERING" in plan or "Index Only Scan" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


@pytest.mark.parametrize("most", [0, 10_000])
def test_what_changed_comes_in_pages(three: Driver, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """By the index, and where too much has changed without it, the pages are the same."""
    monkeypatch.setattr(booking_search, "MOST_CHANGED", most)
    book(three, "room", 3)
    three.clock.go(3600)
    since = three.clock.now - 1
    made = [*book(three, "desk", 4), *book(three, "hall", 3)]
    found = list(pages(three, 3, updated_after=since))
    assert [name for page in found for name in page] == sorted(made, reverse=True)
    assert [len(page) for page in found][:2] == [3, 3]
    assert sorted(search(three, updated_after=since, calendars=("hall",))) == sorted(made[4:])
    assert search(three, updated_after=three.clock.now) == []
