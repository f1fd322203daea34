"""Cases of commands on holds and bookings, also among neighbours."""

from __future__ import annotations

from models.contract.commands.background import (
    CancelMany,
    ClaimMails,
    EraseBookings,
    ErasePastBookings,
    ExpireBookings,
    ExpireHolds,
    NoteMail,
    TrimHolds,
)
from models.contract.commands.bookings import (
    BookSlot,
    CancelBooking,
    ConfirmBooking,
    EraseCustomer,
    MarkNoShow,
    NewDetails,
    ReinstateBooking,
    RejectBooking,
    RescheduleBooking,
    SendCode,
    UpdateBooking,
    VerifyBooking,
)
from models.contract.commands.calendars import UpdateCalendar
from models.contract.commands.command import Command
from models.contract.commands.holds import ExtendHold, HoldSlot, ReleaseHold
from models.contract.commands.slots import CloseSlot
from models.contract.values.time import DAY, HOUR, MINUTE
from models.domain.bookings.verification import code_of
from tests.invariants.cases.case import proves
from tests.models.driver import GUEST, STAFF, Driver, booking, moving, new_key, proof


@proves(HoldSlot, "slot.held")
def one_of_two_held(driver: Driver) -> Command:
    return HoldSlot(principal=GUEST, key=new_key(), slot=driver.open(capacity=2)[0])


@proves(HoldSlot, "slot.held")
def held_in_place_of_a_lapsed_hold(driver: Driver) -> Command:
    (slot,) = driver.open()
    driver.hold(slot)
    driver.clock.go(301)
    return HoldSlot(principal=GUEST, key=new_key(), slot=slot)


def over_every_rule(driver: Driver) -> str:
    """Return a closed, full and busy slot that has begun, beside a taken one."""
    driver.create("strict", overlap="reject", min_notice=60)
    start = driver.clock.now + HOUR
    slot, beside = (driver.open_between(start, start + at * HOUR)[0] for at in (2, 3))
    driver.reserve(slot)
    driver.service.run(booking(beside, principal=STAFF, override=True))
    driver.service.run(CloseSlot(principal=STAFF, slot=slot))
    driver.keep_busy(start, start + HOUR)
    driver.clock.go(3_700)
    return slot


@proves(HoldSlot, "slot.held")
def held_over_every_rule(driver: Driver) -> Command:
    slot = over_every_rule(driver)
    return HoldSlot(principal=STAFF, key=new_key(), slot=slot, seats=2, override=True)


@proves(SendCode)
def mailed_again(driver: Driver) -> Command:
    driver.service.run(UpdateCalendar(principal=STAFF, calendar=driver.calendar, policy={"verification": "email"}))
    booked = driver.reserve(driver.open()[0])
    driver.clock.go(60)
    return SendCode(principal=GUEST, key=new_key(), booking=booked["id"], token=booked["token"])


@proves(VerifyBooking, "booking.updated")
def verified(driver: Driver) -> Command:
    driver.create("coded", verification="email")
    booked = driver.reserve(driver.open()[0])
    code = code_of(driver.service.tokens, booked["id"])
    return VerifyBooking(principal=GUEST, booking=booked["id"], code=code, token=booked["token"])


@proves(CancelMany, "slot.cancelled")
def cancelled_for_a_customer(driver: Driver) -> Command:
    booked = [driver.reserve(slot)["id"] for slot in driver.open(3)]
    return CancelMany(principal=STAFF, calendar="room", bookings=tuple(booked), email="ADA@example.org")


@proves(TrimHolds)
def an_old_hold_trimmed(driver: Driver) -> Command:
    driver.release(driver.hold(driver.open()[0]))
    driver.clock.go(2 * 86_400)
    return TrimHolds()


@proves(ClaimMails)
def no_mail_claimed(driver: Driver) -> Command:
    return ClaimMails()


@proves(NoteMail)
def a_mail_noted(driver: Driver) -> Command:
    return NoteMail(booking=driver.reserve(driver.open()[0])["id"], is_sent=True)


@proves(ExtendHold, "slot.held")
def extended(driver: Driver) -> Command:
    hold = driver.hold(driver.open()[0])
    driver.clock.go(100)
    return ExtendHold(principal=GUEST, key=new_key(), **proof(hold))


@proves(ReleaseHold, "slot.released")
def released(driver: Driver) -> Command:
    return ReleaseHold(principal=GUEST, key=new_key(), **proof(driver.hold(driver.open()[0])))


@proves(ExpireHolds, "slot.expired")
def swept(driver: Driver) -> Command:
    for slot in driver.open(5, capacity=2):
        driver.hold(slot)
        driver.hold(slot)
    driver.clock.go(301)
    return ExpireHolds(calendar=driver.calendar)


@proves(BookSlot, "slot.booked")
def booked_at_once(driver: Driver) -> Command:
    return booking(driver.open(capacity=3)[0], seats=2)


@proves(BookSlot, "slot.booked")
def booked_with_a_hold(driver: Driver) -> Command:
    (slot,) = driver.open(capacity=3)
    driver.hold(slot)
    return booking(slot, driver.hold(slot, 2), seats=1)


@proves(BookSlot, "slot.booked")
def booked_with_a_hold_that_ran_out(driver: Driver) -> Command:
    (slot,) = driver.open()
    hold = driver.hold(slot)
    driver.clock.go(300.1)
    return booking(slot, hold, if_still_free=True)


@proves(BookSlot, "slot.booked")
def booked_over_every_rule(driver: Driver) -> Command:
    return booking(over_every_rule(driver), principal=STAFF, seats=2, override=True)


@proves(UpdateBooking, "booking.updated")
def more_seats_and_another_name(driver: Driver) -> Command:
    booked = driver.reserve(driver.open(capacity=3)[0])
    return UpdateBooking(
        key=new_key(), booking=booked["id"], token=booked["token"], seats=3, customer=NewDetails(name="Eve")
    )


@proves(ExpireBookings, "booking.updated")
def pending_for_too_long(driver: Driver) -> Command:
    driver.create("asked", confirmation="staff", pending_seconds=60)
    for slot in driver.open(3, capacity=2):
        driver.reserve(slot)
        driver.reserve(slot)
    driver.clock.go(60)
    return ExpireBookings(calendar="asked")


@proves(CancelBooking, "slot.cancelled")
def cancelled(driver: Driver) -> Command:
    booked = driver.reserve(driver.open()[0])
    return CancelBooking(principal=GUEST, key=new_key(), booking=booked["id"], token=booked["token"])


@proves(ConfirmBooking, "booking.updated")
def confirmed(driver: Driver) -> Command:
    driver.create("asked", confirmation="staff")
    return ConfirmBooking(principal=STAFF, booking=driver.reserve(driver.open()[0])["id"])


@proves(RejectBooking, "booking.updated")
def rejected(driver: Driver) -> Command:
    driver.create("asked", confirmation="staff")
    return RejectBooking(principal=STAFF, booking=driver.reserve(driver.open()[0])["id"])


@proves(MarkNoShow, "booking.updated")
def nobody_came(driver: Driver) -> Command:
    booked = driver.reserve(driver.open()[0])
    driver.clock.go(2 * 86_400)
    return MarkNoShow(principal=STAFF, booking=booked["id"])


@proves(ReinstateBooking, "booking.updated")
def somebody_came_after_all(driver: Driver) -> Command:
    missed = nobody_came(driver)
    driver.service.run(missed)
    return ReinstateBooking(principal=STAFF, booking=missed.booking)


@proves(ReinstateBooking, "booking.updated")
def cancelled_and_reinstated_over_the_capacity(driver: Driver) -> Command:
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    driver.cancel(booked)
    driver.reserve(slot)
    return ReinstateBooking(principal=STAFF, booking=booked["id"], override=True)


@proves(EraseCustomer, "booking.updated")
def erased(driver: Driver) -> Command:
    return EraseCustomer(principal=STAFF, booking=driver.reserve(driver.open()[0])["id"])


@proves(EraseBookings, "booking.updated")
def all_of_an_address_erased(driver: Driver) -> Command:
    names = tuple(driver.reserve(slot)["id"] for slot in driver.open(2))
    return EraseBookings(principal=STAFF, calendar=driver.calendar, email="ada@example.org", bookings=names)


@proves(ErasePastBookings, "booking.updated")
def all_of_the_past_erased(driver: Driver) -> Command:
    names = tuple(driver.reserve(slot)["id"] for slot in driver.open(2))
    return ErasePastBookings(calendar=driver.calendar, bookings=names, ended_before=driver.clock() + 365 * DAY)


@proves(RescheduleBooking, "slot.rescheduled")
def moved_to_another_slot(driver: Driver) -> Command:
    here, there = driver.open(2, capacity=2)
    return moving(driver.reserve(here, seats=2), there)


@proves(RescheduleBooking, "slot.rescheduled")
def moved_away_to_another_calendar(driver: Driver) -> Command:
    (here,) = driver.open()
    driver.create("there")
    (there,) = driver.open()
    booked = driver.reserve(here)
    driver.calendar = "room"
    return moving(booked, there)


@proves(RescheduleBooking, "slot.rescheduled")
def moved_here_from_another_calendar(driver: Driver) -> Command:
    (there,) = driver.open()
    booked = driver.reserve(there)
    driver.create("here")
    (here,) = driver.open()
    return moving(booked, here, driver.hold(here))


@proves(BookSlot, "slot.booked")
def booked_among_neighbours(driver: Driver) -> Command:
    driver.create("tight", buffer_after=1)
    slots = driver.open(5)
    driver.hold(slots[0])
    driver.clock.go(301)
    return booking(slots[1])


@proves(CancelBooking, "slot.cancelled", "slot.updated")
def cancelled_among_many_neighbours(driver: Driver) -> Command:
    driver.create("tight", overlap="reject")
    for minute in range(3):
        driver.open(100, start=driver.clock.now + DAY + minute * MINUTE)
    (wide,) = driver.open_between(driver.clock.now + DAY, driver.clock.now + 6 * DAY)
    booked = driver.reserve(wide)
    return CancelBooking(principal=STAFF, key=new_key(), booking=booked["id"])


@proves(UpdateCalendar, "calendar.updated", "slot.updated")
def overlap_rejected_from_now_on(driver: Driver) -> Command:
    for _ in range(5):
        taken = driver.open(110, start=driver.clock.now + DAY)
    for place in range(0, 110, 2):
        driver.reserve(taken[place])
    return UpdateCalendar(principal=STAFF, calendar=driver.calendar, policy={"overlap": "reject"})
