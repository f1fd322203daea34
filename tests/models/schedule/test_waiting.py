"""A slot of the schedule waits for a taken slot in its way, and opens when that one goes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from models.contract.commands.background import ExpireHolds, FillHorizon
from models.contract.commands.calendars import ArchiveCalendar, SetSchedule, UpdateCalendar
from models.contract.commands.slots import RemoveSlot, ReopenSlot, UpdateSlot
from models.contract.values.time import DAY, HOUR, MINUTE
from tests.models.database_audit import audit
from tests.models.driver import STAFF, START, Driver, Viewer, results
from tests.models.outside import take
from tests.models.schedule.mornings import slot_at, starts

TEN = START + 10 * HOUR  # on Monday; the calendar's zone is UTC
HALF = 30 * MINUTE
AT_TEN: dict[str, Any] = {
    "windows": [{"days": ["mon"], "start": "10:00", "end": "11:00"}],
    "slot_minutes": 60,
    "from": "2027-01-04",
    "horizon_days": 7,
}
AROUND: dict[str, Any] = AT_TEN | {"windows": [{"days": ["mon"], "start": "09:30", "end": "11:30", "data": "new"}]}


def set_hours(driver: Driver, schedule: dict[str, Any]) -> Any:
    command = SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=schedule)
    return msgspec.json.decode(driver.service.run(command).result)


def taken_at_ten(driver: Driver, **fields: Any) -> Any:
    """Return the booking of a slot at ten, outside the schedule set after it."""
    set_hours(driver, AT_TEN)
    booked = driver.reserve(slot_at(driver, TEN))
    set_hours(driver, AROUND | fields)
    assert starts(driver) == [TEN]
    return booked


def test_a_waiting_slot_opens_when_a_booking_is_cancelled(driver: Driver) -> None:
    """The change has all of it: 10:00 goes, 09:30 and 10:30 come, with their window's seats and data."""
    booked = taken_at_ten(driver, capacity=3)
    viewer = Viewer(driver.service, "room")
    driver.cancel(booked)
    (change,) = viewer.follow()
    assert change["removed"] == [booked["slot"]]
    assert starts(driver) == [TEN - HALF, TEN + HALF]
    assert [(slot["capacity"], slot["data"]) for slot in change["slots"]] == [(3, "new")] * 2
    viewer.check()
    assert set_hours(driver, AROUND | {"capacity": 3})["opened"] == 0


def test_a_waiting_slot_opens_when_a_hold_expires(driver: Driver) -> None:
    """The last seat may be given back in any way."""
    set_hours(driver, AT_TEN)
    driver.hold(slot_at(driver, TEN))
    set_hours(driver, AROUND)
    driver.clock.go(301)
    driver.service.run(ExpireHolds(calendar="room"))
    assert starts(driver) == [TEN - HALF, TEN + HALF]


def test_one_that_is_still_kept_out_by_another_waits_on(driver: Driver) -> None:
    """Until the last taken slot in its way is gone."""
    set_hours(driver, AT_TEN | {"windows": [{"days": ["mon"], "start": "10:00", "end": "12:00"}]})
    ten, eleven = driver.reserve(slot_at(driver, TEN)), driver.reserve(slot_at(driver, TEN + HOUR))
    set_hours(driver, AT_TEN | {"windows": [{"days": ["mon"], "start": "09:30", "end": "12:30"}]})
    assert starts(driver) == [TEN, TEN + HOUR]
    driver.cancel(ten)
    assert starts(driver) == [TEN - HALF, TEN + HOUR]
    driver.cancel(eleven)
    assert starts(driver) == [TEN - HALF, TEN + HALF, TEN + HOUR + HALF]


def test_one_behind_the_later_of_two_comes_with_it(driver: Driver) -> None:
    """The taken slots may go in any order."""
    set_hours(driver, AT_TEN | {"windows": [{"days": ["mon"], "start": "10:00", "end": "12:00"}]})
    ten, eleven = driver.reserve(slot_at(driver, TEN)), driver.reserve(slot_at(driver, TEN + HOUR))
    set_hours(driver, AT_TEN | {"windows": [{"days": ["mon"], "start": "10:30", "end": "11:30"}]})
    driver.cancel(eleven)
    assert starts(driver) == [TEN]
    driver.cancel(ten)
    assert starts(driver) == [TEN + HALF]


def test_slots_kept_out_of_the_horizon_wait_too(driver: Driver) -> None:
    """A taken slot beyond the first horizon keeps out slots of the later horizon."""
    set_hours(driver, AT_TEN | {"horizon_days": 14})
    booked = driver.reserve(slot_at(driver, TEN + 7 * DAY))
    set_hours(driver, AROUND | {"horizon_days": 2})
    driver.clock.now = START + 6 * DAY
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 0
    driver.cancel(booked)
    assert starts(driver)[-2:] == [TEN + 7 * DAY - HALF, TEN + 7 * DAY + HALF]


def test_only_a_future_slot_opens(driver: Driver) -> None:
    """After the start of a slot, only its later half hour opens."""
    booked = taken_at_ten(driver)
    driver.clock.now = TEN + 10 * MINUTE
    driver.cancel(booked, principal=STAFF)
    assert starts(driver) == [TEN + HALF]


def test_a_slot_that_has_begun_gives_way_as_well(driver: Driver) -> None:
    """A slot that has begun keeps out overlapping ones only while it has a taken seat."""
    set_hours(driver, AT_TEN | {"slot_minutes": 120, "windows": [{"days": ["mon"], "start": "10:00", "end": "12:00"}]})
    booked = driver.reserve(slot_at(driver, TEN))
    driver.clock.now = TEN + 30 * MINUTE
    set_hours(driver, AT_TEN | {"windows": [{"days": ["mon"], "start": "10:00", "end": "13:00"}]})
    assert starts(driver) == [TEN, TEN + 2 * HOUR]
    driver.cancel(booked, principal=STAFF)
    assert starts(driver) == [TEN, TEN + HOUR, TEN + 2 * HOUR]


def test_a_slot_that_staff_reopened_gives_way_when_they_remove_or_move_it(driver: Driver) -> None:
    """The slot stays after its last booking; waiting ones open when it moves away."""
    for calendar in ("room", "other"):
        driver.clock.now = START
        if calendar != "room":
            driver.create(calendar)
        booked = taken_at_ten(driver)
        driver.service.run(ReopenSlot(principal=STAFF, slot=booked["slot"]))
        driver.cancel(booked)
        assert starts(driver) == [TEN]
        if calendar == "room":
            driver.service.run(RemoveSlot(principal=STAFF, slot=booked["slot"]))
            assert starts(driver) == [TEN - HALF, TEN + HALF]
        else:
            driver.service.run(UpdateSlot(principal=STAFF, slot=booked["slot"], start=TEN + DAY, end=TEN + DAY + HOUR))
            assert starts(driver) == [TEN - HALF, TEN + HALF, TEN + DAY]


@pytest.mark.parametrize(
    ("sql", "stays"),
    [
        ("UPDATE booking SET status = 'cancelled' WHERE slot = ?", False),
        ("DELETE FROM booking WHERE slot = ?", False),
        ("DELETE FROM booking WHERE slot = ?; UPDATE slot SET state = 2 WHERE id = ?", False),
        ("DELETE FROM booking WHERE slot = ?; DELETE FROM slot WHERE id = ?", False),
        (f'UPDATE slot SET start = start + {DAY}, "end" = "end" + {DAY} WHERE id = ?', False),
        ("UPDATE slot SET calendar = 'other' WHERE id = ?", False),
        ("UPDATE slot SET data = '1' WHERE id = ?", True),
        ("UPDATE booking SET name = 'Eve' WHERE slot = ?", True),
    ],
)
def test_a_waiting_slot_opens_when_outside_sql_takes_the_slot_away(driver: Driver, sql: str, stays: bool) -> None:
    """In the change that says so, and only where the place is free."""
    driver.create("other")
    driver.create("hours")
    booked = taken_at_ten(driver)
    viewer = Viewer(driver.service, "hours")
    for statement in sql.split("; "):
        driver.query(statement, booked["slot"])
    take(driver.service)
    (change,) = viewer.follow()
    viewer.check()
    half_past = {"2027-01-04T09:30:00Z", "2027-01-04T10:30:00Z"}
    assert half_past.isdisjoint(slot["start"] for slot in change["slots"]) is stays
    audit(driver.path)


def test_a_slot_deleted_while_its_calendar_was_archived_gives_way_afterwards(driver: Driver) -> None:
    """The scheduler opens what waited, once the calendar is not archived any more."""
    booked = taken_at_ten(driver)
    for sql in ("UPDATE calendar SET archived = TRUE", "DELETE FROM booking", "DELETE FROM slot"):
        driver.query(sql)
    take(driver.service)
    assert starts(driver) == []
    driver.query("UPDATE calendar SET archived = FALSE")
    take(driver.service)
    driver.service.run(FillHorizon(calendar="room"))
    assert starts(driver) == [TEN - HALF, TEN + HALF]
    assert booked["slot"] not in driver.slots()


def test_a_calendar_deleted_by_outside_sql_leaves_no_waiting_slot(driver: Driver) -> None:
    taken_at_ten(driver)
    for table in ("booking", "slot", "calendar"):
        driver.query(f"DELETE FROM {table}")
    take(driver.service)
    assert driver.query("SELECT * FROM waiting_slot") == []
    audit(driver.path)


def test_a_slot_removed_by_staff_does_not_open(driver: Driver) -> None:
    """Only a slot that was never opened waits: 09:00 beside the taken slot stays away once it is removed."""
    hours: Any = {"windows": [{"days": ["mon"], "start": "09:00", "end": "11:00"}], "step_minutes": 30}
    set_hours(driver, AT_TEN | hours)
    booked = driver.reserve(slot_at(driver, TEN - HALF))
    set_hours(driver, AT_TEN | hours | {"step_minutes": 60})
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot_at(driver, TEN)))
    assert starts(driver) == [TEN - HOUR, TEN - HALF]
    driver.cancel(booked)
    assert starts(driver) == [TEN - HOUR]


def test_a_new_schedule_forgets_waiting_slots(driver: Driver) -> None:
    """A waiting slot of an older schedule does not open any more; a preview forgets nothing."""
    booked = taken_at_ten(driver)
    driver.service.run(SetSchedule(principal=STAFF, calendar="room", schedule=AROUND | {"windows": []}, preview=True))
    set_hours(driver, AROUND | {"windows": []})
    driver.cancel(booked)
    assert starts(driver) == []


def test_a_new_zone_does_not_move_waiting_slots(driver: Driver) -> None:
    """A new zone moves no slot before the schedule is set again."""
    booked = taken_at_ten(driver)
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", zone="Asia/Tokyo"))
    driver.cancel(booked)
    assert starts(driver) == [TEN - HALF, TEN + HALF]


def test_a_slot_opened_by_staff_meanwhile_is_not_opened_twice(driver: Driver) -> None:
    """Nothing is opened in an archived calendar either."""
    booked = taken_at_ten(driver)
    (manual,) = driver.open_between(TEN + HALF, TEN + HALF + HOUR)
    driver.cancel(booked)
    assert starts(driver) == [TEN - HALF, TEN + HALF]
    assert manual in driver.slots()
    driver.create("shut")
    booked = taken_at_ten(driver)
    driver.clock.now = TEN + 2 * HOUR  # over: an archived calendar has no customer ahead
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar="shut"))
    driver.cancel(booked, principal=STAFF)
    assert starts(driver) == []


def test_an_opened_slot_is_blocked_by_its_neighbours(driver: Driver) -> None:
    """In a calendar without overlaps a waiting slot is blocked by a taken one beside it."""
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"buffer_after": 3_600}))
    (manual,) = driver.open_between(TEN + 2 * HOUR, TEN + 3 * HOUR)
    set_hours(driver, AT_TEN)
    first = driver.reserve(slot_at(driver, TEN))
    driver.reserve(manual)
    set_hours(driver, AROUND)
    driver.cancel(first)
    bookable = {slot["start"]: slot["bookable"] for slot in driver.slots().values()}
    assert bookable == {
        "2027-01-04T09:30:00Z": True,
        "2027-01-04T10:30:00Z": False,
        "2027-01-04T12:00:00Z": False,
    }
