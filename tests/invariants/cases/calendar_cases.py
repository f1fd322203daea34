"""Cases of commands on calendars and slots, and of the scheduler's own commands."""

from __future__ import annotations

from msgspec import UNSET

from models.contract.commands.background import ExpireHolds, RepairCalendar, TakeOutside, TrimLog, TrimOldest
from models.contract.commands.bookings import MarkNoShow
from models.contract.commands.calendars import ArchiveCalendar, CreateCalendar, RestoreCalendar, UpdateCalendar
from models.contract.commands.command import Command
from models.contract.commands.slots import CloseSlot, NewSlot, OpenSlots, RemoveSlot, ReopenSlot, UpdateSlot
from models.contract.values.time import DAY, HOUR
from tests.invariants.cases.case import proves
from tests.models.driver import STAFF, Driver, new_key


@proves(CreateCalendar)
def another_calendar(driver: Driver) -> Command:
    return CreateCalendar(principal=STAFF, calendar="another", name="Another", zone="Europe/Vienna")


@proves(UpdateCalendar, "calendar.updated")
def name_and_policy(driver: Driver) -> Command:
    return UpdateCalendar(principal=STAFF, calendar=driver.calendar, name="New", policy={"min_notice": 60})


@proves(UpdateCalendar)
def nothing_new(driver: Driver) -> Command:
    return UpdateCalendar(principal=STAFF, calendar=driver.calendar, name="Room", zone=UNSET)


@proves(ArchiveCalendar, "calendar.archived")
def archived(driver: Driver) -> Command:
    driver.open()
    return ArchiveCalendar(principal=STAFF, calendar=driver.calendar)


@proves(ArchiveCalendar, "calendar.archived")
def archived_with_slots_of_every_kind(driver: Driver) -> Command:
    driver.create("mixed", overlap="reject")
    taken, full, shut, past = (driver.open_between(driver.clock.now + at, driver.clock.now + at + HOUR, capacity=2)[0]
                               for at in (DAY, 3 * DAY, 5 * DAY, HOUR))  # fmt: skip
    driver.open_between(driver.clock.now + DAY, driver.clock.now + DAY + 2 * HOUR)
    driver.cancel(driver.reserve(taken))
    driver.cancel(driver.reserve(full, seats=2))
    driver.service.run(CloseSlot(principal=STAFF, slot=shut))
    driver.hold(past)
    driver.clock.go(2 * 3_600 + 1)
    return ArchiveCalendar(principal=STAFF, calendar="mixed")


@proves(ArchiveCalendar, "calendar.archived", "slot.updated", "slot.updated")
def archived_with_many_slots(driver: Driver) -> Command:
    driver.open(450)
    return ArchiveCalendar(principal=STAFF, calendar=driver.calendar)


@proves(RestoreCalendar, "calendar.restored", "slot.updated", "slot.updated")
def restored_with_many_slots(driver: Driver) -> Command:
    driver.open(450)
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar=driver.calendar))
    return RestoreCalendar(principal=STAFF, calendar=driver.calendar)


@proves(ExpireHolds, "slot.expired")
def swept_after_the_end(driver: Driver) -> Command:
    (slot,) = driver.open_between(driver.clock.now + HOUR, driver.clock.now + HOUR + 60_000)
    driver.clock.go(3_590)
    driver.hold(slot)
    driver.clock.go(80)
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar=driver.calendar))
    driver.clock.go(300)
    return ExpireHolds(calendar=driver.calendar)


@proves(TrimLog)
def trimmed(driver: Driver) -> Command:
    driver.open(3)
    driver.clock.go(30 * 86_400)
    return TrimLog(calendar=driver.calendar)


@proves(TrimOldest)
def trimmed_with_all_others(driver: Driver) -> Command:
    driver.open(3)
    driver.clock.go(30 * 86_400)
    return TrimOldest()


@proves(OpenSlots, "slot.opened")
def two_hundred_slots(driver: Driver) -> Command:
    start = driver.clock.now + DAY
    slots = tuple(NewSlot(start=start + at * HOUR, end=start + (at + 1) * HOUR, data=b'{"a": 1}') for at in range(200))
    return OpenSlots(principal=STAFF, key=new_key(), calendar=driver.calendar, slots=slots)


@proves(UpdateSlot, "slot.updated")
def moved_and_grown(driver: Driver) -> Command:
    (slot,) = driver.open()
    start = driver.clock.now + 3 * DAY
    return UpdateSlot(principal=STAFF, slot=slot, start=start, end=start + HOUR, capacity=7, data=b"[]")


@proves(UpdateSlot, "slot.updated")
def moved_with_everyone_in_it(driver: Driver) -> Command:
    driver.create("strict", overlap="reject")
    first, _, third = driver.open(3)
    driver.reserve(first)
    driver.reserve(third)
    start = driver.clock.now + DAY + HOUR // 2
    return UpdateSlot(principal=STAFF, slot=first, start=start, end=start + 2 * HOUR, with_bookings=True, override=True)


@proves(CloseSlot, "slot.closed")
def closed(driver: Driver) -> Command:
    return CloseSlot(principal=STAFF, slot=driver.open()[0])


@proves(ReopenSlot, "slot.reopened")
def reopened(driver: Driver) -> Command:
    (slot,) = driver.open()
    driver.service.run(CloseSlot(principal=STAFF, slot=slot))
    return ReopenSlot(principal=STAFF, slot=slot)


@proves(RemoveSlot, "slot.removed")
def removed(driver: Driver) -> Command:
    return RemoveSlot(principal=STAFF, slot=driver.open()[0])


@proves(RemoveSlot, "slot.removed")
def removed_with_a_no_show(driver: Driver) -> Command:
    driver.create("strict", overlap="reject")
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + 3 * HOUR)
    driver.open_between(start + 2 * HOUR, start + 4 * HOUR)
    booked = driver.reserve(slot)
    driver.clock.go(3_600)
    driver.service.run(MarkNoShow(principal=STAFF, booking=booked["id"]))
    return RemoveSlot(principal=STAFF, slot=slot)


@proves(TakeOutside, "slot.updated")
def written_by_others(driver: Driver) -> Command:
    (slot, *_) = driver.open(3)
    driver.query("UPDATE slot SET capacity = 2")
    driver.query("INSERT INTO booking (calendar, slot) VALUES (?, ?)", driver.calendar, slot)
    driver.query("DELETE FROM slot WHERE booked = 0")
    return TakeOutside(calendar=driver.calendar)


@proves(RepairCalendar)
def repaired(driver: Driver) -> Command:
    return RepairCalendar(calendar=driver.calendar, wrong=(("receipt", "of nothing"),))
