"""Cases of schedules, and of slots that wait for a taken one."""

from __future__ import annotations

from typing import Any

from models.contract.commands.background import FillHorizon
from models.contract.commands.bookings import CancelBooking, RescheduleBooking
from models.contract.commands.calendars import SetSchedule
from models.contract.commands.command import Command
from models.contract.commands.slots import RemoveSlot, ReopenSlot
from tests.invariants.cases.case import proves
from tests.models.driver import STAFF, Driver, moving, new_key

HOURS = {
    "windows": [{"days": ["mon", "tue", "wed"], "start": "09:00", "end": "17:00"}],
    "slot_minutes": 30,
    "from": "2027-01-04",
    "horizon_days": 14,
}


@proves(SetSchedule, "schedule.changed")
def opening_hours(driver: Driver) -> Command:
    return SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS)


@proves(SetSchedule)
def opening_hours_looked_at(driver: Driver) -> Command:
    return SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS, preview=True)


@proves(SetSchedule, "schedule.changed", "schedule.changed")
def other_opening_hours(driver: Driver) -> Command:
    driver.service.run(SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS))
    for place, slot in enumerate(list(driver.slots())[2:50]):
        if place % 3 == 0:
            driver.reserve(slot)
    schedule = HOURS | {"slot_minutes": 20, "capacity": 2}
    return SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=schedule)


@proves(FillHorizon, "slot.opened")
def days_went_by(driver: Driver) -> Command:
    driver.service.run(SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS))
    driver.clock.go(2 * 86_400)
    return FillHorizon(calendar=driver.calendar)


@proves(CancelBooking, "slot.cancelled")
def last_booking_of_a_dropped_slot(driver: Driver) -> Command:
    driver.service.run(SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS))
    booked = driver.reserve(list(driver.slots())[5])
    driver.service.run(SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS | {"windows": []}))
    return CancelBooking(principal=STAFF, key=new_key(), booking=booked["id"])


AROUND_TEN: Any = HOURS | {
    "windows": [{"days": ["mon", "tue", "wed"], "start": "09:30", "end": "11:30"}],
    "slot_minutes": 60,
}


def _hours(driver: Driver, schedule: Any) -> None:
    driver.service.run(SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=schedule))


def _around_a_taken_ten(driver: Driver) -> tuple[str, Any]:
    """Return a booked slot at ten on Tuesday outside the new schedule, and its booking."""
    _hours(driver, AROUND_TEN | {"windows": [{"days": ["tue"], "start": "10:00", "end": "11:00"}]})
    (slot,) = [name for name, one in driver.slots().items() if one["start"] == "2027-01-05T10:00:00Z"]
    booked = driver.reserve(slot)
    _hours(driver, AROUND_TEN)
    return slot, booked


@proves(CancelBooking, "slot.cancelled")
def last_booking_between_two_that_wait(driver: Driver) -> Command:
    _, booked = _around_a_taken_ten(driver)
    return CancelBooking(principal=STAFF, key=new_key(), booking=booked["id"])


@proves(RescheduleBooking, "slot.rescheduled")
def moved_away_from_between_two_that_wait(driver: Driver) -> Command:
    _, booked = _around_a_taken_ten(driver)
    (free,) = [name for name, one in driver.slots().items() if one["start"] == "2027-01-06T09:30:00Z"]
    return moving(booked, free)


@proves(RemoveSlot, "slot.removed")
def removed_between_two_that_wait(driver: Driver) -> Command:
    slot, booked = _around_a_taken_ten(driver)
    driver.service.run(ReopenSlot(principal=STAFF, slot=slot))
    driver.cancel(booked, principal=STAFF)
    return RemoveSlot(principal=STAFF, slot=slot)


@proves(CancelBooking, "slot.cancelled", "slot.updated")
def last_booking_before_many_that_wait(driver: Driver) -> Command:
    day: Any = {"days": ["tue"], "start": "00:00", "end": "24:00"}
    _hours(driver, HOURS | {"windows": [day], "slot_minutes": 1_440})
    (slot,) = [name for name, one in driver.slots().items() if one["end"] == "2027-01-06T00:00:00Z"]
    booked = driver.reserve(slot)
    _hours(driver, HOURS | {"windows": [day], "slot_minutes": 5})
    return CancelBooking(principal=STAFF, key=new_key(), booking=booked["id"])


@proves(SetSchedule, "schedule.changed")
def other_seats_and_data_in_one_window(driver: Driver) -> Command:
    days: Any = {"days": ["mon", "tue", "wed"], "start": "09:00", "end": "10:00"}
    yoga: Any = {"days": ["tue"], "start": "18:00", "end": "20:00", "slot_minutes": 60, "capacity": 10, "data": "yoga"}
    _hours(driver, HOURS | {"windows": [days, yoga]})
    (slot,) = [name for name, one in driver.slots().items() if one["start"] == "2027-01-05T18:00:00Z"]
    driver.reserve(slot, seats=4)
    schedule = HOURS | {"windows": [days, yoga | {"capacity": 3, "data": {"title": "Yoga"}}]}
    return SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=schedule)
