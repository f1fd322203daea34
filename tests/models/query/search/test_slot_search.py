"""The slots of several calendars come by start, and only those that can be taken where that is asked for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from models.contract.commands.calendars import ArchiveCalendar, UpdateCalendar
from models.contract.commands.holds import HoldSlot
from models.contract.commands.slots import CloseSlot, NewSlot, OpenSlots, RemoveSlot, UpdateSlot
from models.contract.errors import BadRequest, Refused
from models.contract.values.time import DAY, HOUR, MINUTE
from models.query.search import (
    merge,
    slot_search,
)
from models.query.search.merge import (
    write_mark,
)
from models.query.search.slot_search import (
    NEVER,
    SlotSearch,
    find_slots,
)
from tests.models.driver import EVER, GUEST, STAFF, START, Driver, new_key

WANTED = SlotSearch(("room", "desk"), -EVER, EVER, 0, 100)


def find(driver: Driver, **fields: Any) -> list[dict[str, Any]]:
    """Return the slots of the first page."""
    found = find_slots(driver.service._db, WANTED._replace(**fields), driver.clock.now)
    return [msgspec.json.decode(slot) for slot in found.slots]


def ids(driver: Driver, **fields: Any) -> list[str]:
    return [slot["id"] for slot in find(driver, **fields)]


def pages(driver: Driver, most: int, **fields: Any) -> Any:
    """Yield the slots of each page."""
    page = ""
    while True:
        search = WANTED._replace(most=most, page=page, **fields)
        found = find_slots(driver.service._db, search, driver.clock.now)
        yield [msgspec.json.decode(slot) for slot in found.slots]
        page = found.next_page
        if not page:
            return


@pytest.fixture
def two(driver: Driver) -> Driver:
    """Two calendars, `room` and `desk`."""
    driver.create("desk")
    return driver


def open_in(driver: Driver, calendar: str, *hours: int, capacity: int = 1) -> list[str]:
    """Open a slot of an hour at each of these hours from the next day on."""
    slots = tuple(
        NewSlot(start=START + DAY + hour * HOUR, end=START + DAY + (hour + 1) * HOUR, capacity=capacity)
        for hour in hours
    )
    command = OpenSlots(principal=STAFF, key=new_key(), calendar=calendar, slots=slots, duplicates=True)
    return [slot["id"] for slot in msgspec.json.decode(driver.service.run(command).result)["slots"]]


def test_slots_come_by_start_with_their_calendars(two: Driver) -> None:
    """Each is the public slot of its calendar; a calendar that does not exist has none."""
    a, c = open_in(two, "room", 0, 2)
    b, d = open_in(two, "desk", 1, 3)
    assert ids(two) == [a, b, c, d]
    assert ids(two, calendars=("desk", "nowhere")) == [b, d]
    assert ids(two, calendars=("nowhere",)) == []
    two.calendar = "desk"
    assert find(two)[1] == {"calendar": "desk", **two.slot(b)}


def test_the_window_is_that_of_a_snapshot(two: Driver) -> None:
    """Slots that touch `[from, to)`, also a long one that began before it."""
    (long,) = two.open_between(START + DAY, START + 9 * DAY)
    a, b = open_in(two, "room", 0, 1)
    start = START + DAY
    for begin, finish in ((start, start + HOUR), (start + HOUR, EVER), (start + HOUR - 1, start + HOUR + 1)):
        shown = [slot.id for slot in two.service.snapshot("room", begin, finish).slots]
        assert ids(two, calendars=("room",), begin=begin, finish=finish) == shown
    assert set(ids(two, begin=start + 5 * HOUR)) == {long}
    assert {a, b} <= set(ids(two, begin=start, finish=start + 2 * HOUR))


def test_only_what_can_be_taken_is_bookable(two: Driver) -> None:
    """A slot is found with `bookable` if and only if a guest can hold it at this moment."""
    two.service.run(
        UpdateCalendar(principal=STAFF, calendar="desk", policy={"min_notice": 7_200, "max_advance": 86_400})
    )
    free, closed, taken, removed = open_in(two, "room", 0, 1, 2, 3)
    two.service.run(CloseSlot(principal=STAFF, slot=closed))
    two.reserve(taken)
    two.service.run(RemoveSlot(principal=STAFF, slot=removed))
    two.calendar = "desk"
    starts = [two.clock.now + ahead for ahead in (HOUR, 2 * HOUR - 1, 2 * HOUR, 24 * HOUR, 24 * HOUR + 1)]
    for start in starts:
        two.open_between(start, start + MINUTE)
    two.create("over")
    open_in(two, "over", 5)
    two.service.run(ArchiveCalendar(principal=STAFF, calendar="over"))
    every = ("room", "desk", "over")
    found = set(ids(two, calendars=every, seats=1))
    assert free in found
    assert len(found) == 3
    assert closed in set(ids(two, calendars=every))
    assert removed not in set(ids(two, calendars=every))
    for slot in ids(two, calendars=every):
        try:
            two.hold(slot)
        except Refused:
            assert slot not in found
        else:
            assert slot in found


def test_so_many_seats_must_be_free(two: Driver) -> None:
    """Held seats count as taken."""
    one, three = (open_in(two, "room", hour, capacity=seats)[0] for hour, seats in ((0, 1), (1, 3)))
    assert ids(two, seats=1) == [one, three]
    assert ids(two, seats=3) == [three]
    two.service.run(HoldSlot(principal=GUEST, key=new_key(), slot=three))
    assert ids(two, seats=2) == [three]
    assert ids(two, seats=3) == []


def test_all_pages_are_all_slots(two: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where slots of both calendars begin at once, and where a read has one row."""
    monkeypatch.setattr(merge, "FIRST_ROWS", 1)
    monkeypatch.setattr(merge, "LEAST_ROWS", 1)
    made = [*open_in(two, "room", 0, 0, 0, 1, 2), *open_in(two, "desk", 0, 0, 1, 1)]
    for most in (1, 2, 4, 100):
        found = [slot for page in pages(two, most) for slot in page]
        assert sorted(slot["id"] for slot in found) == sorted(made)
        assert [slot["start"] for slot in found] == sorted(slot["start"] for slot in found)


def test_a_page_goes_on_behind_slots_that_stand_still(two: Driver) -> None:
    """While slots are booked, opened, removed and moved between two pages, none that stood still is missed or twice."""
    made = [*open_in(two, "room", *range(0, 20, 2)), *open_in(two, "desk", *range(1, 20, 2))]
    still, seen = set(made), []
    for number, page in enumerate(pages(two, 4)):
        seen += [slot["id"] for slot in page]
        two.reserve(made[number])
        open_in(two, "room", number)
        moved = made[-1 - number]
        still.discard(moved)
        edit = UpdateSlot(
            principal=STAFF, slot=moved, start=START + 40 * DAY + number, end=START + 41 * DAY, with_bookings=True
        )
        two.service.run(edit)
        if number > 7:
            break
    assert all(seen.count(slot) == 1 for slot in still)


def test_a_page_examines_so_many_slots(two: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A free slot behind many taken ones is on a later page."""
    slots = open_in(two, "room", *range(9))
    for slot in slots[:8]:
        two.reserve(slot)
    monkeypatch.setattr(slot_search, "MOST_EXAMINED", 3)
    assert [[slot["id"] for slot in page] for page in pages(two, 5, seats=1)] == [[], [], [slots[8]]]


def test_a_page_says_until_when_it_is_right(two: Driver) -> None:
    """The clock alone changes it at the first start, notice or advance from now on, and never without any."""
    assert find_slots(two.service._db, WANTED, two.clock.now).until == NEVER
    open_in(two, "room", 0)
    start = START + DAY

    def until(**policy: Any) -> int:
        two.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy=policy))
        return find_slots(two.service._db, WANTED._replace(seats=1), two.clock.now).until

    assert until() == start
    assert until(min_notice=3_600) == start - HOUR + 1
    assert until(max_advance=7_200) == start - 2 * HOUR


@pytest.mark.parametrize(
    "page", ["x", write_mark("x", "y"), write_mark(1 << 80, "y"), write_mark(1), write_mark("", "")]
)
def test_a_page_of_no_answer_is_refused(two: Driver, page: str) -> None:
    """Whatever its parts are."""
    with pytest.raises(BadRequest) as refused:
        find(two, page=page)
    assert refused.value.details == {"field": "page"}


@pytest.mark.only("sqlite")
def test_slots_are_read_in_the_order_of_an_index(two: Driver) -> None:
    """A read of one calendar reads no more rows than it returns and skips, and sorts by the id only."""
    sql = slot_search._by_start.sql(two.service._db)
    plan = str(two.query(f"EXPLAIN QUERY PLAN {sql}", *["x", *[1] * (sql.count("?") - 1)]))
    assert "slot_calendar_start (calendar=? AND start>? AND start<?)" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan
