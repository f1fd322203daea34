"""Every command is proved by: old snapshot + its changes == new snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import UNSET

from models import commands
from models.clock import DAY, HOUR
from models.commands import Command, HeldSeat, NewSlot
from models.execution import HANDLERS
from tests.book.desk import GUEST, STAFF, Desk, Viewer, booking, held, moving, new_key

Case = Callable[[Desk], Any]
CASES: dict[str, tuple[type[Command], Case, list[str]]] = {}


def proves(command: type[Command], *types: str) -> Callable[[Case], Case]:
    """The function sets the scene and returns the command, which makes a change of each of these types."""

    def add(case: Case) -> Case:
        CASES[case.__name__] = (command, case, list(types))
        return case

    return add


@proves(commands.CreateCalendar)
def another_calendar(desk: Desk) -> Command:
    return commands.CreateCalendar(asker=STAFF, calendar="another", name="Another", zone="Europe/Vienna")


@proves(commands.UpdateCalendar, "calendar.updated")
def name_and_policy(desk: Desk) -> Command:
    return commands.UpdateCalendar(asker=STAFF, calendar=desk.calendar, name="New", policy={"min_notice": 60})


@proves(commands.UpdateCalendar)
def nothing_new(desk: Desk) -> Command:
    return commands.UpdateCalendar(asker=STAFF, calendar=desk.calendar, name="Room", zone=UNSET)


@proves(commands.ArchiveCalendar, "calendar.archived")
def archived(desk: Desk) -> Command:
    desk.open()
    return commands.ArchiveCalendar(asker=STAFF, calendar=desk.calendar)


@proves(commands.ArchiveCalendar, "calendar.archived")
def archived_with_slots_of_every_kind(desk: Desk) -> Command:
    desk.create("mixed", overlap="reject")
    taken, full, shut, past = (desk.open_between(desk.clock.now + at, desk.clock.now + at + HOUR, capacity=2)[0]
                               for at in (DAY, 3 * DAY, 5 * DAY, HOUR))  # fmt: skip
    desk.open_between(desk.clock.now + DAY, desk.clock.now + DAY + 2 * HOUR)
    desk.cancel(desk.reserve(taken))
    desk.cancel(desk.reserve(full, seats=2))
    desk.book.run(commands.CloseSlot(asker=STAFF, slot=shut))
    desk.hold(past)
    desk.clock.go(2 * 3_600 + 1)
    return commands.ArchiveCalendar(asker=STAFF, calendar="mixed")


@proves(commands.ArchiveCalendar, "calendar.archived", "slot.updated", "slot.updated")
def archived_with_many_slots(desk: Desk) -> Command:
    desk.open(450)
    return commands.ArchiveCalendar(asker=STAFF, calendar=desk.calendar)


@proves(commands.LapseHolds, "slot.expired")
def swept_after_the_end(desk: Desk) -> Command:
    (slot,) = desk.open_between(desk.clock.now + HOUR, desk.clock.now + HOUR + 60_000)
    desk.clock.go(3_590)
    desk.hold(slot)
    desk.clock.go(80)
    desk.book.run(commands.ArchiveCalendar(asker=STAFF, calendar=desk.calendar))
    desk.clock.go(300)
    return commands.LapseHolds(calendar=desk.calendar)


@proves(commands.TrimLog)
def trimmed(desk: Desk) -> Command:
    desk.open(3)
    desk.clock.go(30 * 86_400)
    return commands.TrimLog(calendar=desk.calendar)


@proves(commands.OpenSlots, "slot.opened")
def two_hundred_slots(desk: Desk) -> Command:
    start = desk.clock.now + DAY
    slots = tuple(NewSlot(start=start + at * HOUR, end=start + (at + 1) * HOUR, data=b'{"a": 1}') for at in range(200))
    return commands.OpenSlots(asker=STAFF, key=new_key(), calendar=desk.calendar, slots=slots)


@proves(commands.UpdateSlot, "slot.updated")
def moved_and_grown(desk: Desk) -> Command:
    (slot,) = desk.open()
    start = desk.clock.now + 3 * DAY
    return commands.UpdateSlot(asker=STAFF, slot=slot, start=start, end=start + HOUR, capacity=7, data=b"[]")


@proves(commands.CloseSlot, "slot.closed")
def closed(desk: Desk) -> Command:
    return commands.CloseSlot(asker=STAFF, slot=desk.open()[0])


@proves(commands.ReopenSlot, "slot.reopened")
def reopened(desk: Desk) -> Command:
    (slot,) = desk.open()
    desk.book.run(commands.CloseSlot(asker=STAFF, slot=slot))
    return commands.ReopenSlot(asker=STAFF, slot=slot)


@proves(commands.RemoveSlot, "slot.removed")
def removed(desk: Desk) -> Command:
    return commands.RemoveSlot(asker=STAFF, slot=desk.open()[0])


@proves(commands.TakeOutside, "slot.updated")
def written_by_others(desk: Desk) -> Command:
    (slot, *_) = desk.open(3)
    desk.query("UPDATE slot SET capacity = 2")
    desk.query("INSERT INTO booking (calendar, slot) VALUES (?, ?)", desk.calendar, slot)
    desk.query("DELETE FROM slot WHERE booked = 0")
    return commands.TakeOutside(calendar=desk.calendar)


@proves(commands.RepairCalendar)
def repaired(desk: Desk) -> Command:
    return commands.RepairCalendar(calendar=desk.calendar, wrong=(("receipt", "of nothing"),))


@proves(commands.HoldSlot, "slot.held")
def one_of_two_held(desk: Desk) -> Command:
    return commands.HoldSlot(asker=GUEST, key=new_key(), slot=desk.open(capacity=2)[0])


@proves(commands.HoldSlot, "slot.held")
def held_in_place_of_a_lapsed_hold(desk: Desk) -> Command:
    (slot,) = desk.open()
    desk.hold(slot)
    desk.clock.go(301)
    return commands.HoldSlot(asker=GUEST, key=new_key(), slot=slot)


@proves(commands.ExtendHold, "slot.held")
def extended(desk: Desk) -> Command:
    hold = desk.hold(desk.open()[0])
    desk.clock.go(100)
    return commands.ExtendHold(asker=GUEST, key=new_key(), hold=held(hold))


@proves(commands.ReleaseHold, "slot.released")
def released(desk: Desk) -> Command:
    return commands.ReleaseHold(asker=GUEST, key=new_key(), hold=held(desk.hold(desk.open()[0])))


@proves(commands.LapseHolds, "slot.expired")
def swept(desk: Desk) -> Command:
    for slot in desk.open(5, capacity=2):
        desk.hold(slot)
        desk.hold(slot)
    desk.clock.go(301)
    return commands.LapseHolds(calendar=desk.calendar)


@proves(commands.BookSlot, "slot.booked")
def booked_at_once(desk: Desk) -> Command:
    return booking(desk.open(capacity=3)[0], seats=2)


@proves(commands.BookSlot, "slot.booked")
def booked_with_a_hold(desk: Desk) -> Command:
    (slot,) = desk.open(capacity=3)
    desk.hold(slot)
    return booking(slot, desk.hold(slot, 2), seats=1)


@proves(commands.BookSlot, "slot.booked")
def booked_with_a_hold_that_ran_out(desk: Desk) -> Command:
    (slot,) = desk.open()
    hold = desk.hold(slot)
    desk.clock.go(300.1)
    return booking(slot, hold, if_still_free=True)


@proves(commands.CancelBooking, "slot.cancelled")
def cancelled(desk: Desk) -> Command:
    booked = desk.reserve(desk.open()[0])
    return commands.CancelBooking(asker=GUEST, key=new_key(), booking=booked["id"], token=booked["token"])


@proves(commands.ConfirmBooking, "booking.updated")
def confirmed(desk: Desk) -> Command:
    desk.create("asked", confirmation="staff")
    return commands.ConfirmBooking(asker=STAFF, booking=desk.reserve(desk.open()[0])["id"])


@proves(commands.RejectBooking, "booking.updated")
def rejected(desk: Desk) -> Command:
    desk.create("asked", confirmation="staff")
    return commands.RejectBooking(asker=STAFF, booking=desk.reserve(desk.open()[0])["id"])


@proves(commands.MarkNoShow, "booking.updated")
def nobody_came(desk: Desk) -> Command:
    booked = desk.reserve(desk.open()[0])
    desk.clock.go(2 * 86_400)
    return commands.MarkNoShow(asker=STAFF, booking=booked["id"])


@proves(commands.ReinstateBooking, "booking.updated")
def somebody_came_after_all(desk: Desk) -> Command:
    missed = nobody_came(desk)
    desk.book.run(missed)
    return commands.ReinstateBooking(asker=STAFF, booking=missed.booking)


@proves(commands.EraseCustomer, "booking.updated")
def erased(desk: Desk) -> Command:
    return commands.EraseCustomer(asker=STAFF, booking=desk.reserve(desk.open()[0])["id"])


@proves(commands.RescheduleBooking, "slot.rescheduled")
def moved_to_another_slot(desk: Desk) -> Command:
    here, there = desk.open(2, capacity=2)
    return moving(desk.reserve(here, seats=2), there)


@proves(commands.RescheduleBooking, "slot.rescheduled")
def moved_away_to_another_calendar(desk: Desk) -> Command:
    (here,) = desk.open()
    desk.create("there")
    (there,) = desk.open()
    booked = desk.reserve(here)
    desk.calendar = "room"
    return moving(booked, there)


@proves(commands.RescheduleBooking, "slot.rescheduled")
def moved_here_from_another_calendar(desk: Desk) -> Command:
    (there,) = desk.open()
    booked = desk.reserve(there)
    desk.create("here")
    (here,) = desk.open()
    return moving(booked, here, desk.hold(here))


@proves(commands.BookSlot, "slot.booked")
def booked_among_neighbours(desk: Desk) -> Command:
    desk.create("tight", buffer_after=1)
    slots = desk.open(5)
    desk.hold(slots[0])
    desk.clock.go(301)
    return booking(slots[1])


@proves(commands.CancelBooking, "slot.cancelled", "slot.updated")
def cancelled_among_many_neighbours(desk: Desk) -> Command:
    desk.create("tight", overlap="reject")
    for _ in range(3):
        desk.open(100, start=desk.clock.now + DAY)
    (wide,) = desk.open_between(desk.clock.now + DAY, desk.clock.now + 6 * DAY)
    booked = desk.reserve(wide)
    return commands.CancelBooking(asker=STAFF, key=new_key(), booking=booked["id"])


@proves(commands.UpdateCalendar, "calendar.updated", "slot.updated")
def overlap_rejected_from_now_on(desk: Desk) -> Command:
    for _ in range(5):
        taken = desk.open(110, start=desk.clock.now + DAY)
    for place in range(0, 110, 2):
        desk.reserve(taken[place])
    return commands.UpdateCalendar(asker=STAFF, calendar=desk.calendar, policy={"overlap": "reject"})


HOURS = {
    "windows": [{"days": ["mon", "tue", "wed"], "start": "09:00", "end": "17:00"}],
    "slot_minutes": 30,
    "from": "2027-01-04",
    "horizon_days": 14,
}


@proves(commands.SetSchedule, "schedule.changed")
def opening_hours(desk: Desk) -> Command:
    return commands.SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=HOURS)


@proves(commands.SetSchedule)
def opening_hours_looked_at(desk: Desk) -> Command:
    return commands.SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=HOURS, preview=True)


@proves(commands.SetSchedule, "schedule.changed", "schedule.changed")
def other_opening_hours(desk: Desk) -> Command:
    desk.book.run(commands.SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=HOURS))
    for place, slot in enumerate(list(desk.slots())[2:50]):
        if place % 3 == 0:
            desk.reserve(slot)
    schedule = HOURS | {"slot_minutes": 20, "capacity": 2}
    return commands.SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=schedule)


@proves(commands.FillHorizon, "slot.opened")
def days_went_by(desk: Desk) -> Command:
    desk.book.run(commands.SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=HOURS))
    desk.clock.go(2 * 86_400)
    return commands.FillHorizon(calendar=desk.calendar)


@proves(commands.CancelBooking, "slot.cancelled")
def last_booking_of_a_dropped_slot(desk: Desk) -> Command:
    desk.book.run(commands.SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=HOURS))
    booked = desk.reserve(list(desk.slots())[5])
    desk.book.run(commands.SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=HOURS | {"windows": []}))
    return commands.CancelBooking(asker=STAFF, key=new_key(), booking=booked["id"])


AROUND_TEN: Any = HOURS | {
    "windows": [{"days": ["mon", "tue", "wed"], "start": "09:30", "end": "11:30"}],
    "slot_minutes": 60,
}


def _hours(desk: Desk, schedule: Any) -> None:
    desk.book.run(commands.SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=schedule))


def _around_a_taken_ten(desk: Desk) -> tuple[str, Any]:
    """A booked slot at ten on Tuesday that the hours have dropped, and its booking."""
    _hours(desk, AROUND_TEN | {"windows": [{"days": ["tue"], "start": "10:00", "end": "11:00"}]})
    (slot,) = [name for name, one in desk.slots().items() if one["start"] == "2027-01-05T10:00:00Z"]
    booked = desk.reserve(slot)
    _hours(desk, AROUND_TEN)
    return slot, booked


@proves(commands.CancelBooking, "slot.cancelled")
def last_booking_between_two_that_wait(desk: Desk) -> Command:
    _, booked = _around_a_taken_ten(desk)
    return commands.CancelBooking(asker=STAFF, key=new_key(), booking=booked["id"])


@proves(commands.RescheduleBooking, "slot.rescheduled")
def moved_away_from_between_two_that_wait(desk: Desk) -> Command:
    _, booked = _around_a_taken_ten(desk)
    (free,) = [name for name, one in desk.slots().items() if one["start"] == "2027-01-06T09:30:00Z"]
    return moving(booked, free)


@proves(commands.RemoveSlot, "slot.removed")
def removed_between_two_that_wait(desk: Desk) -> Command:
    slot, booked = _around_a_taken_ten(desk)
    desk.book.run(commands.ReopenSlot(asker=STAFF, slot=slot))
    desk.cancel(booked, asker=STAFF)
    return commands.RemoveSlot(asker=STAFF, slot=slot)


@proves(commands.CancelBooking, "slot.cancelled", "slot.updated")
def last_booking_before_many_that_wait(desk: Desk) -> Command:
    day: Any = {"days": ["tue"], "start": "00:00", "end": "24:00"}
    _hours(desk, HOURS | {"windows": [day], "slot_minutes": 1_440})
    (slot, *_) = [name for name, one in desk.slots().items() if one["start"] == "2027-01-05T00:00:00Z"]
    booked = desk.reserve(slot)
    _hours(desk, HOURS | {"windows": [day], "slot_minutes": 5})
    return commands.CancelBooking(asker=STAFF, key=new_key(), booking=booked["id"])


@proves(commands.SetSchedule, "schedule.changed")
def other_seats_and_data_in_one_window(desk: Desk) -> Command:
    days: Any = {"days": ["mon", "tue", "wed"], "start": "09:00", "end": "10:00"}
    yoga: Any = {"days": ["tue"], "start": "18:00", "end": "20:00", "slot_minutes": 60, "capacity": 10, "data": "yoga"}
    _hours(desk, HOURS | {"windows": [days, yoga]})
    (slot,) = [name for name, one in desk.slots().items() if one["start"] == "2027-01-05T18:00:00Z"]
    desk.reserve(slot, seats=4)
    schedule = HOURS | {"windows": [days, yoga | {"capacity": 3, "data": {"title": "Yoga"}}]}
    return commands.SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=schedule)


@pytest.mark.parametrize("name", CASES)
def test_old_snapshot_and_changes_are_the_new_snapshot(desk: Desk, name: str) -> None:
    """What a viewer had, with the changes of a command applied, is what a fresh snapshot says."""
    desk.open(2)
    kind, case, types = CASES[name]
    command = case(desk)
    assert type(command) is kind
    viewer = Viewer(desk.book, desk.calendar)
    before = viewer.have
    answer = desk.book.run(command)
    changes = viewer.follow()
    assert [change["type"] for change in changes] == types
    assert viewer.applied == list(range(before + 1, before + 1 + len(types)))
    assert all(len(change["slots"]) <= 200 for change in changes)
    if answer.calendar == desk.calendar:
        assert (answer.seq, answer.cursor) == (viewer.have, viewer.cursor)
    viewer.check()


def test_every_command_has_such_a_proof() -> None:
    """A command that the book can do stands in this file."""
    assert {kind for kind, _, _ in CASES.values()} == set(HANDLERS)


def test_one_change_tells_of_all_that_a_command_did(desk: Desk) -> None:
    """A booking with a hold is one change: its viewer never sees the seat free in between."""
    (slot,) = desk.open()
    hold = desk.hold(slot)
    viewer = Viewer(desk.book, desk.calendar)
    desk.reserve(slot, hold)
    (change,) = viewer.follow()
    assert change["slots"][0] | {"held": 0, "remaining": 0, "status": "booked"} == change["slots"][0]
    assert "held_until" not in change["slots"][0]


def test_a_refusal_makes_no_change(desk: Desk) -> None:
    """What was refused left no trace in the log."""
    (slot,) = desk.open()
    viewer = Viewer(desk.book, desk.calendar)
    commands_refused: list[Command] = [
        booking(slot, seats=2),
        booking(slot, seats=0),
        commands.HoldSlot(asker=GUEST, key="short", slot=slot),
        commands.ReleaseHold(asker=GUEST, key=new_key(), hold=HeldSeat(id=slot, token="x")),
        commands.CloseSlot(asker=GUEST, slot=slot),
    ]
    desk.together(commands_refused)
    assert viewer.follow() == []
    viewer.check()
