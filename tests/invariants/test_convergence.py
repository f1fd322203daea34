"""Every command is proved by: old snapshot + its changes == new snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import UNSET

from models.contract import commands
from models.contract.commands import Command, NewSlot
from models.contract.time import DAY, HOUR, MINUTE
from models.transaction.handlers import HANDLERS
from tests.models.driver import GUEST, STAFF, Driver, Viewer, booking, moving, new_key, proof

Case = Callable[[Driver], Any]
CASES: dict[str, tuple[type[Command], Case, list[str]]] = {}


def proves(command: type[Command], *types: str) -> Callable[[Case], Case]:
    """The function sets the scene and returns the command, which makes a change of each of these types."""

    def add(case: Case) -> Case:
        CASES[case.__name__] = (command, case, list(types))
        return case

    return add


@proves(commands.CreateCalendar)
def another_calendar(driver: Driver) -> Command:
    return commands.CreateCalendar(principal=STAFF, calendar="another", name="Another", zone="Europe/Vienna")


@proves(commands.UpdateCalendar, "calendar.updated")
def name_and_policy(driver: Driver) -> Command:
    return commands.UpdateCalendar(principal=STAFF, calendar=driver.calendar, name="New", policy={"min_notice": 60})


@proves(commands.UpdateCalendar)
def nothing_new(driver: Driver) -> Command:
    return commands.UpdateCalendar(principal=STAFF, calendar=driver.calendar, name="Room", zone=UNSET)


@proves(commands.ArchiveCalendar, "calendar.archived")
def archived(driver: Driver) -> Command:
    driver.open()
    return commands.ArchiveCalendar(principal=STAFF, calendar=driver.calendar)


@proves(commands.ArchiveCalendar, "calendar.archived")
def archived_with_slots_of_every_kind(driver: Driver) -> Command:
    driver.create("mixed", overlap="reject")
    taken, full, shut, past = (driver.open_between(driver.clock.now + at, driver.clock.now + at + HOUR, capacity=2)[0]
                               for at in (DAY, 3 * DAY, 5 * DAY, HOUR))  # fmt: skip
    driver.open_between(driver.clock.now + DAY, driver.clock.now + DAY + 2 * HOUR)
    driver.cancel(driver.reserve(taken))
    driver.cancel(driver.reserve(full, seats=2))
    driver.service.run(commands.CloseSlot(principal=STAFF, slot=shut))
    driver.hold(past)
    driver.clock.go(2 * 3_600 + 1)
    return commands.ArchiveCalendar(principal=STAFF, calendar="mixed")


@proves(commands.ArchiveCalendar, "calendar.archived", "slot.updated", "slot.updated")
def archived_with_many_slots(driver: Driver) -> Command:
    driver.open(450)
    return commands.ArchiveCalendar(principal=STAFF, calendar=driver.calendar)


@proves(commands.RestoreCalendar, "calendar.restored", "slot.updated", "slot.updated")
def restored_with_many_slots(driver: Driver) -> Command:
    driver.open(450)
    driver.service.run(commands.ArchiveCalendar(principal=STAFF, calendar=driver.calendar))
    return commands.RestoreCalendar(principal=STAFF, calendar=driver.calendar)


@proves(commands.UpdateSlot, "slot.updated")
def moved_with_everyone_in_it(driver: Driver) -> Command:
    driver.create("strict", overlap="reject")
    first, _, third = driver.open(3)
    driver.reserve(first)
    driver.reserve(third)
    start = driver.clock.now + DAY + HOUR // 2
    return commands.UpdateSlot(
        principal=STAFF, slot=first, start=start, end=start + 2 * HOUR, with_bookings=True, override=True
    )


@proves(commands.RemoveSlot, "slot.removed")
def removed_with_a_no_show(driver: Driver) -> Command:
    driver.create("strict", overlap="reject")
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + 3 * HOUR)
    driver.open_between(start + 2 * HOUR, start + 4 * HOUR)
    booked = driver.reserve(slot)
    driver.clock.go(3_600)
    driver.service.run(commands.MarkNoShow(principal=STAFF, booking=booked["id"]))
    return commands.RemoveSlot(principal=STAFF, slot=slot)


@proves(commands.HoldSlot, "slot.held")
def held_over_every_rule(driver: Driver) -> Command:
    slot = over_every_rule(driver)
    return commands.HoldSlot(principal=STAFF, key=new_key(), slot=slot, seats=2, override=True)


@proves(commands.BookSlot, "slot.booked")
def booked_over_every_rule(driver: Driver) -> Command:
    return booking(over_every_rule(driver), principal=STAFF, seats=2, override=True)


def over_every_rule(driver: Driver) -> str:
    """Return a closed and full slot that has begun, beside a taken one."""
    driver.create("strict", overlap="reject", min_notice=60)
    start = driver.clock.now + HOUR
    slot, beside = (driver.open_between(start, start + at * HOUR)[0] for at in (2, 3))
    driver.reserve(slot)
    driver.service.run(booking(beside, principal=STAFF, override=True))
    driver.service.run(commands.CloseSlot(principal=STAFF, slot=slot))
    driver.clock.go(3_700)
    return slot


@proves(commands.UpdateBooking, "booking.updated")
def more_seats_and_another_name(driver: Driver) -> Command:
    booked = driver.reserve(driver.open(capacity=3)[0])
    return commands.UpdateBooking(
        key=new_key(), booking=booked["id"], token=booked["token"], seats=3, customer=commands.NewDetails(name="Eve")
    )


@proves(commands.ReinstateBooking, "booking.updated")
def cancelled_and_reinstated_over_the_capacity(driver: Driver) -> Command:
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    driver.cancel(booked)
    driver.reserve(slot)
    return commands.ReinstateBooking(principal=STAFF, booking=booked["id"], override=True)


@proves(commands.ExpireBookings, "booking.updated")
def pending_for_too_long(driver: Driver) -> Command:
    driver.create("asked", confirmation="staff", pending_seconds=60)
    for slot in driver.open(3, capacity=2):
        driver.reserve(slot)
        driver.reserve(slot)
    driver.clock.go(60)
    return commands.ExpireBookings(calendar="asked")


@proves(commands.ExpireHolds, "slot.expired")
def swept_after_the_end(driver: Driver) -> Command:
    (slot,) = driver.open_between(driver.clock.now + HOUR, driver.clock.now + HOUR + 60_000)
    driver.clock.go(3_590)
    driver.hold(slot)
    driver.clock.go(80)
    driver.service.run(commands.ArchiveCalendar(principal=STAFF, calendar=driver.calendar))
    driver.clock.go(300)
    return commands.ExpireHolds(calendar=driver.calendar)


@proves(commands.TrimLog)
def trimmed(driver: Driver) -> Command:
    driver.open(3)
    driver.clock.go(30 * 86_400)
    return commands.TrimLog(calendar=driver.calendar)


@proves(commands.OpenSlots, "slot.opened")
def two_hundred_slots(driver: Driver) -> Command:
    start = driver.clock.now + DAY
    slots = tuple(NewSlot(start=start + at * HOUR, end=start + (at + 1) * HOUR, data=b'{"a": 1}') for at in range(200))
    return commands.OpenSlots(principal=STAFF, key=new_key(), calendar=driver.calendar, slots=slots)


@proves(commands.UpdateSlot, "slot.updated")
def moved_and_grown(driver: Driver) -> Command:
    (slot,) = driver.open()
    start = driver.clock.now + 3 * DAY
    return commands.UpdateSlot(principal=STAFF, slot=slot, start=start, end=start + HOUR, capacity=7, data=b"[]")


@proves(commands.CloseSlot, "slot.closed")
def closed(driver: Driver) -> Command:
    return commands.CloseSlot(principal=STAFF, slot=driver.open()[0])


@proves(commands.ReopenSlot, "slot.reopened")
def reopened(driver: Driver) -> Command:
    (slot,) = driver.open()
    driver.service.run(commands.CloseSlot(principal=STAFF, slot=slot))
    return commands.ReopenSlot(principal=STAFF, slot=slot)


@proves(commands.RemoveSlot, "slot.removed")
def removed(driver: Driver) -> Command:
    return commands.RemoveSlot(principal=STAFF, slot=driver.open()[0])


@proves(commands.TakeOutside, "slot.updated")
def written_by_others(driver: Driver) -> Command:
    (slot, *_) = driver.open(3)
    driver.query("UPDATE slot SET capacity = 2")
    driver.query("INSERT INTO booking (calendar, slot) VALUES (?, ?)", driver.calendar, slot)
    driver.query("DELETE FROM slot WHERE booked = 0")
    return commands.TakeOutside(calendar=driver.calendar)


@proves(commands.RepairCalendar)
def repaired(driver: Driver) -> Command:
    return commands.RepairCalendar(calendar=driver.calendar, wrong=(("receipt", "of nothing"),))


@proves(commands.HoldSlot, "slot.held")
def one_of_two_held(driver: Driver) -> Command:
    return commands.HoldSlot(principal=GUEST, key=new_key(), slot=driver.open(capacity=2)[0])


@proves(commands.HoldSlot, "slot.held")
def held_in_place_of_a_lapsed_hold(driver: Driver) -> Command:
    (slot,) = driver.open()
    driver.hold(slot)
    driver.clock.go(301)
    return commands.HoldSlot(principal=GUEST, key=new_key(), slot=slot)


@proves(commands.ExtendHold, "slot.held")
def extended(driver: Driver) -> Command:
    hold = driver.hold(driver.open()[0])
    driver.clock.go(100)
    return commands.ExtendHold(principal=GUEST, key=new_key(), **proof(hold))


@proves(commands.ReleaseHold, "slot.released")
def released(driver: Driver) -> Command:
    return commands.ReleaseHold(principal=GUEST, key=new_key(), **proof(driver.hold(driver.open()[0])))


@proves(commands.ExpireHolds, "slot.expired")
def swept(driver: Driver) -> Command:
    for slot in driver.open(5, capacity=2):
        driver.hold(slot)
        driver.hold(slot)
    driver.clock.go(301)
    return commands.ExpireHolds(calendar=driver.calendar)


@proves(commands.BookSlot, "slot.booked")
def booked_at_once(driver: Driver) -> Command:
    return booking(driver.open(capacity=3)[0], seats=2)


@proves(commands.BookSlot, "slot.booked")
def booked_with_a_hold(driver: Driver) -> Command:
    (slot,) = driver.open(capacity=3)
    driver.hold(slot)
    return booking(slot, driver.hold(slot, 2), seats=1)


@proves(commands.BookSlot, "slot.booked")
def booked_with_a_hold_that_ran_out(driver: Driver) -> Command:
    (slot,) = driver.open()
    hold = driver.hold(slot)
    driver.clock.go(300.1)
    return booking(slot, hold, if_still_free=True)


@proves(commands.CancelBooking, "slot.cancelled")
def cancelled(driver: Driver) -> Command:
    booked = driver.reserve(driver.open()[0])
    return commands.CancelBooking(principal=GUEST, key=new_key(), booking=booked["id"], token=booked["token"])


@proves(commands.ConfirmBooking, "booking.updated")
def confirmed(driver: Driver) -> Command:
    driver.create("asked", confirmation="staff")
    return commands.ConfirmBooking(principal=STAFF, booking=driver.reserve(driver.open()[0])["id"])


@proves(commands.RejectBooking, "booking.updated")
def rejected(driver: Driver) -> Command:
    driver.create("asked", confirmation="staff")
    return commands.RejectBooking(principal=STAFF, booking=driver.reserve(driver.open()[0])["id"])


@proves(commands.MarkNoShow, "booking.updated")
def nobody_came(driver: Driver) -> Command:
    booked = driver.reserve(driver.open()[0])
    driver.clock.go(2 * 86_400)
    return commands.MarkNoShow(principal=STAFF, booking=booked["id"])


@proves(commands.ReinstateBooking, "booking.updated")
def somebody_came_after_all(driver: Driver) -> Command:
    missed = nobody_came(driver)
    driver.service.run(missed)
    return commands.ReinstateBooking(principal=STAFF, booking=missed.booking)


@proves(commands.EraseCustomer, "booking.updated")
def erased(driver: Driver) -> Command:
    return commands.EraseCustomer(principal=STAFF, booking=driver.reserve(driver.open()[0])["id"])


@proves(commands.RescheduleBooking, "slot.rescheduled")
def moved_to_another_slot(driver: Driver) -> Command:
    here, there = driver.open(2, capacity=2)
    return moving(driver.reserve(here, seats=2), there)


@proves(commands.RescheduleBooking, "slot.rescheduled")
def moved_away_to_another_calendar(driver: Driver) -> Command:
    (here,) = driver.open()
    driver.create("there")
    (there,) = driver.open()
    booked = driver.reserve(here)
    driver.calendar = "room"
    return moving(booked, there)


@proves(commands.RescheduleBooking, "slot.rescheduled")
def moved_here_from_another_calendar(driver: Driver) -> Command:
    (there,) = driver.open()
    booked = driver.reserve(there)
    driver.create("here")
    (here,) = driver.open()
    return moving(booked, here, driver.hold(here))


@proves(commands.BookSlot, "slot.booked")
def booked_among_neighbours(driver: Driver) -> Command:
    driver.create("tight", buffer_after=1)
    slots = driver.open(5)
    driver.hold(slots[0])
    driver.clock.go(301)
    return booking(slots[1])


@proves(commands.CancelBooking, "slot.cancelled", "slot.updated")
def cancelled_among_many_neighbours(driver: Driver) -> Command:
    driver.create("tight", overlap="reject")
    for minute in range(3):
        driver.open(100, start=driver.clock.now + DAY + minute * MINUTE)
    (wide,) = driver.open_between(driver.clock.now + DAY, driver.clock.now + 6 * DAY)
    booked = driver.reserve(wide)
    return commands.CancelBooking(principal=STAFF, key=new_key(), booking=booked["id"])


@proves(commands.UpdateCalendar, "calendar.updated", "slot.updated")
def overlap_rejected_from_now_on(driver: Driver) -> Command:
    for _ in range(5):
        taken = driver.open(110, start=driver.clock.now + DAY)
    for place in range(0, 110, 2):
        driver.reserve(taken[place])
    return commands.UpdateCalendar(principal=STAFF, calendar=driver.calendar, policy={"overlap": "reject"})


HOURS = {
    "windows": [{"days": ["mon", "tue", "wed"], "start": "09:00", "end": "17:00"}],
    "slot_minutes": 30,
    "from": "2027-01-04",
    "horizon_days": 14,
}


@proves(commands.SetSchedule, "schedule.changed")
def opening_hours(driver: Driver) -> Command:
    return commands.SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS)


@proves(commands.SetSchedule)
def opening_hours_looked_at(driver: Driver) -> Command:
    return commands.SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS, preview=True)


@proves(commands.SetSchedule, "schedule.changed", "schedule.changed")
def other_opening_hours(driver: Driver) -> Command:
    driver.service.run(commands.SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS))
    for place, slot in enumerate(list(driver.slots())[2:50]):
        if place % 3 == 0:
            driver.reserve(slot)
    schedule = HOURS | {"slot_minutes": 20, "capacity": 2}
    return commands.SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=schedule)


@proves(commands.FillHorizon, "slot.opened")
def days_went_by(driver: Driver) -> Command:
    driver.service.run(commands.SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS))
    driver.clock.go(2 * 86_400)
    return commands.FillHorizon(calendar=driver.calendar)


@proves(commands.CancelBooking, "slot.cancelled")
def last_booking_of_a_dropped_slot(driver: Driver) -> Command:
    driver.service.run(commands.SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS))
    booked = driver.reserve(list(driver.slots())[5])
    driver.service.run(
        commands.SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=HOURS | {"windows": []})
    )
    return commands.CancelBooking(principal=STAFF, key=new_key(), booking=booked["id"])


AROUND_TEN: Any = HOURS | {
    "windows": [{"days": ["mon", "tue", "wed"], "start": "09:30", "end": "11:30"}],
    "slot_minutes": 60,
}


def _hours(driver: Driver, schedule: Any) -> None:
    driver.service.run(commands.SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=schedule))


def _around_a_taken_ten(driver: Driver) -> tuple[str, Any]:
    """A booked slot at ten on Tuesday that the hours have dropped, and its booking."""
    _hours(driver, AROUND_TEN | {"windows": [{"days": ["tue"], "start": "10:00", "end": "11:00"}]})
    (slot,) = [name for name, one in driver.slots().items() if one["start"] == "2027-01-05T10:00:00Z"]
    booked = driver.reserve(slot)
    _hours(driver, AROUND_TEN)
    return slot, booked


@proves(commands.CancelBooking, "slot.cancelled")
def last_booking_between_two_that_wait(driver: Driver) -> Command:
    _, booked = _around_a_taken_ten(driver)
    return commands.CancelBooking(principal=STAFF, key=new_key(), booking=booked["id"])


@proves(commands.RescheduleBooking, "slot.rescheduled")
def moved_away_from_between_two_that_wait(driver: Driver) -> Command:
    _, booked = _around_a_taken_ten(driver)
    (free,) = [name for name, one in driver.slots().items() if one["start"] == "2027-01-06T09:30:00Z"]
    return moving(booked, free)


@proves(commands.RemoveSlot, "slot.removed")
def removed_between_two_that_wait(driver: Driver) -> Command:
    slot, booked = _around_a_taken_ten(driver)
    driver.service.run(commands.ReopenSlot(principal=STAFF, slot=slot))
    driver.cancel(booked, principal=STAFF)
    return commands.RemoveSlot(principal=STAFF, slot=slot)


@proves(commands.CancelBooking, "slot.cancelled", "slot.updated")
def last_booking_before_many_that_wait(driver: Driver) -> Command:
    day: Any = {"days": ["tue"], "start": "00:00", "end": "24:00"}
    _hours(driver, HOURS | {"windows": [day], "slot_minutes": 1_440})
    (slot,) = [name for name, one in driver.slots().items() if one["end"] == "2027-01-06T00:00:00Z"]
    booked = driver.reserve(slot)
    _hours(driver, HOURS | {"windows": [day], "slot_minutes": 5})
    return commands.CancelBooking(principal=STAFF, key=new_key(), booking=booked["id"])


@proves(commands.SetSchedule, "schedule.changed")
def other_seats_and_data_in_one_window(driver: Driver) -> Command:
    days: Any = {"days": ["mon", "tue", "wed"], "start": "09:00", "end": "10:00"}
    yoga: Any = {"days": ["tue"], "start": "18:00", "end": "20:00", "slot_minutes": 60, "capacity": 10, "data": "yoga"}
    _hours(driver, HOURS | {"windows": [days, yoga]})
    (slot,) = [name for name, one in driver.slots().items() if one["start"] == "2027-01-05T18:00:00Z"]
    driver.reserve(slot, seats=4)
    schedule = HOURS | {"windows": [days, yoga | {"capacity": 3, "data": {"title": "Yoga"}}]}
    return commands.SetSchedule(principal=STAFF, calendar=driver.calendar, schedule=schedule)


@pytest.mark.parametrize("name", CASES)
def test_old_snapshot_and_changes_are_the_new_snapshot(driver: Driver, name: str) -> None:
    """What a viewer had, with the changes of a command applied, is what a fresh snapshot says."""
    driver.open(2)
    kind, case, types = CASES[name]
    command = case(driver)
    assert type(command) is kind
    viewer = Viewer(driver.service, driver.calendar)
    before = viewer.have
    answer = driver.service.run(command)
    changes = viewer.follow()
    assert [change["type"] for change in changes] == types
    assert viewer.applied == list(range(before + 1, before + 1 + len(types)))
    assert all(len(change["slots"]) <= 200 for change in changes)
    if answer.calendar == driver.calendar:
        assert (answer.seq, answer.cursor) == (viewer.have, viewer.cursor)
    viewer.check()


def test_every_command_has_such_a_proof() -> None:
    """A command that the book can do stands in this file."""
    assert {kind for kind, _, _ in CASES.values()} == set(HANDLERS)


def test_one_change_tells_of_all_that_a_command_did(driver: Driver) -> None:
    """A booking with a hold is one change: its viewer never sees the seat free in between."""
    (slot,) = driver.open()
    hold = driver.hold(slot)
    viewer = Viewer(driver.service, driver.calendar)
    driver.reserve(slot, hold)
    (change,) = viewer.follow()
    assert change["slots"][0] | {"held": 0, "remaining": 0, "status": "booked"} == change["slots"][0]
    assert "held_until" not in change["slots"][0]


def test_a_refusal_makes_no_change(driver: Driver) -> None:
    """What was refused left no trace in the log."""
    (slot,) = driver.open()
    viewer = Viewer(driver.service, driver.calendar)
    commands_refused: list[Command] = [
        booking(slot, seats=2),
        booking(slot, seats=0),
        commands.HoldSlot(principal=GUEST, key="short", slot=slot),
        commands.ReleaseHold(principal=GUEST, key=new_key(), hold=slot, token="x"),
        commands.CloseSlot(principal=GUEST, slot=slot),
    ]
    driver.together(commands_refused)
    assert viewer.follow() == []
    viewer.check()
