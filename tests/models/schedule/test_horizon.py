"""The horizon of a schedule: each day opens the slots of one more day."""

from __future__ import annotations

from models.contract.commands.background import FillHorizon
from models.contract.commands.calendars import ArchiveCalendar, UpdateCalendar
from models.contract.commands.slots import RemoveSlot
from models.contract.values.time import DAY, HOUR, MINUTE
from models.schedule import horizon
from tests.models.driver import STAFF, START, Driver, Viewer, results
from tests.models.schedule.mornings import NINE, set_schedule, slot_at, starts


def _behind(driver: Driver) -> list[str]:
    """Return the calendars with dates to fill."""
    return [command.calendar for command in driver.service.behind() if isinstance(command, FillHorizon)]


def test_the_horizon_opens_only_new_days(driver: Driver) -> None:
    """Each day opens the slots of one more day; removed slots stay removed."""
    set_schedule(driver)
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot_at(driver, NINE + DAY)))
    assert "room" not in _behind(driver)
    driver.clock.go(86_400)
    assert "room" in _behind(driver)
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 2
    assert starts(driver)[-2:] == [NINE + 7 * DAY, NINE + 7 * DAY + HOUR]
    assert NINE + DAY not in starts(driver)
    viewer = Viewer(driver.service, "room")
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 0
    assert viewer.follow() == []


def test_a_schedule_that_cannot_be_read_keeps_no_other_from_being_filled(driver: Driver) -> None:
    """An unreadable schedule does not stop the next calendar's horizon."""
    set_schedule(driver)
    driver.create("broken")
    set_schedule(driver)
    driver.create("torn")
    set_schedule(driver)
    driver.query("UPDATE timetable SET body = '{}' WHERE calendar = 'broken'")
    driver.query("UPDATE timetable SET body = '{' WHERE calendar = 'torn'")
    driver.clock.go(86_400)
    assert _behind(driver) == ["room"]


def test_missed_days_are_filled_at_once(driver: Driver) -> None:
    """After the server stood still for a month, from today on, and nothing in the past."""
    set_schedule(driver)
    driver.clock.go(30 * 86_400)
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 4
    assert starts(driver)[-4] > driver.clock.now


def test_the_past_of_a_day_is_not_filled(driver: Driver) -> None:
    """A server that comes back within a day opens the rest of it."""
    set_schedule(driver, horizon_days=1)
    driver.clock.now = NINE + 7 * DAY + 30 * MINUTE
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 1
    assert starts(driver)[-1] == NINE + 7 * DAY + HOUR


def test_the_horizon_is_not_filled_over_a_slot_that_was_dropped(driver: Driver) -> None:
    """Somebody still has a seat in it, further ahead than the new schedule had reached so far."""
    monday = NINE + 7 * DAY
    set_schedule(driver, horizon_days=14)
    kept = slot_at(driver, monday)
    driver.reserve(kept)
    later = [{"days": ["mon", "tue"], "start": "09:30", "end": "11:30"}]
    assert set_schedule(driver, windows=later, horizon_days=2)["kept"] == [kept]
    driver.clock.now = START + 6 * DAY
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 1
    assert starts(driver)[-2:] == [monday, monday + 90 * MINUTE]


def test_a_schedule_has_an_end(driver: Driver) -> None:
    """The horizon stops at `until`; a calendar without a schedule, or archived, has none."""
    set_schedule(driver, until="2027-01-05")
    driver.clock.go(2 * 86_400)
    assert "room" not in _behind(driver)
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 0
    driver.create("bare")
    assert results(driver.service.run(FillHorizon(calendar="bare"))) == 0
    set_schedule(driver, until="2030-01-01")
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar="bare"))
    driver.clock.go(20 * 86_400)
    assert "bare" not in _behind(driver)


def test_a_schedule_follows_its_calendar_to_another_zone(driver: Driver) -> None:
    """Its next date begins at another time there, also where an outside writer has moved it."""
    set_schedule(driver)
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", zone="Pacific/Auckland"))
    driver.service.run(FillHorizon(calendar="room"))
    driver.clock.go(11 * 3_600 - 1)  # midnight there is 11:00 UTC
    assert _behind(driver) == []
    driver.clock.go(1)
    assert _behind(driver) == ["room"]
    driver.service.run(FillHorizon(calendar="room"))
    assert _behind(driver) == []


def test_a_database_of_before_has_nothing_to_fill_that_is_not_due(driver: Driver) -> None:
    """The migration gives each schedule the time of its next date."""
    set_schedule(driver)
    (before,) = driver.query("SELECT due_at FROM timetable")
    driver.query("UPDATE timetable SET due_at = 0")
    with driver.service._db.changing_schema():
        horizon.note_due(driver.service._db)
    assert driver.query("SELECT due_at FROM timetable") == [before]
    assert _behind(driver) == []
