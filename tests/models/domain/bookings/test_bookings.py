"""Bookings: seats taken for good, and given back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from models.contract.changes import Customer
from models.contract.commands.bookings import (
    CancelBooking,
    ConfirmBooking,
    EraseCustomer,
    MarkNoShow,
    ReinstateBooking,
    RejectBooking,
    RescheduleBooking,
    StaffOnBooking,
)
from models.contract.commands.command import WithToken
from models.contract.commands.slots import RemoveSlot
from models.contract.errors import (
    BadRequest,
    Forbidden,
    InvalidTransition,
    NotFound,
    OutsideCancellationWindow,
    Unauthorized,
    VersionConflict,
)
from models.contract.principal import Principal, Role
from models.contract.values.time import HOUR
from tests.models.driver import GUEST, STAFF, Driver, Viewer, new_key, results


def test_a_booking_answers_its_maker_with_a_token(driver: Driver) -> None:
    """The answer has the holder's own fields, and nothing of the customer."""
    (slot,) = driver.open(capacity=3)
    booked = driver.reserve(slot, seats=2)
    assert {name: booked[name] for name in ("calendar", "slot", "seats", "status")} == {
        "calendar": "room",
        "slot": slot,
        "seats": 2,
        "status": "confirmed",
    }
    assert set(booked) == {"id", "calendar", "slot", "seats", "status", "token"}
    assert len(booked["token"]) == 22


def test_where_staff_confirm_a_booking_is_pending(driver: Driver) -> None:
    """Pending takes its seats."""
    driver.create("asked", confirmation="staff")
    (slot,) = driver.open()
    assert driver.reserve(slot)["status"] == "pending"
    assert driver.slot(slot)["status"] == "booked"


def test_a_cancelled_booking_frees_its_seats_once(driver: Driver) -> None:
    """Cancelling again changes nothing and answers the same."""
    (slot,) = driver.open(capacity=2)
    driver.reserve(slot)
    booked = driver.reserve(slot)
    assert driver.cancel(booked)["status"] == "cancelled"
    viewer = Viewer(driver.service, "room")
    assert driver.cancel(booked)["status"] == "cancelled"
    assert viewer.follow() == []
    assert driver.slot(slot)["remaining"] == 1


def test_staff_cancel_without_a_token_and_learn_none(driver: Driver) -> None:
    """The token is the customer's."""
    booked = driver.reserve(driver.open()[0])
    answer = driver.service.run(CancelBooking(principal=STAFF, key="1", booking=booked["id"]))
    assert "token" not in results(answer)
    assert driver.service.run(CancelBooking(principal=STAFF, key="1", booking=booked["id"])) == answer


def test_it_can_be_too_late_to_cancel(driver: Driver) -> None:
    """`cancel_notice` binds the customer and not the staff; once the slot began, nobody cancels but staff."""
    driver.create("strict", cancel_notice=3_600)
    (slot,) = driver.open(start=driver.clock.now + 3_600_000, capacity=2)
    in_time, late = driver.reserve(slot), driver.reserve(slot)
    driver.cancel(in_time)
    driver.clock.go(1)
    with pytest.raises(OutsideCancellationWindow) as refused:
        driver.cancel(late)
    assert refused.value.details == {"rule": "cancel_notice", "cancel_notice": 3_600}
    driver.cancel(late, principal=STAFF)


@pytest.mark.parametrize(
    ("customer", "field"),
    [
        (Customer(name=""), "name"),
        (Customer(name="  "), "name"),
        (Customer(name="n" * 201), "name"),
        (Customer(name="n", email="e" * 255), "email"),
        (Customer(name="n", phone="1" * 41), "phone"),
        (Customer(name="n", note="n" * 2_001), "note"),
        (Customer(name="n\0"), "name"),
    ],
)
def test_a_customer_is_kept_within_bounds(driver: Driver, customer: Customer, field: str) -> None:
    """A bad customer is refused, and the answer names the field."""
    (slot,) = driver.open()
    with pytest.raises(BadRequest) as refused:
        driver.reserve(slot, customer=customer)
    assert refused.value.details == {"field": f"customer.{field}"}


def test_a_booking_of_a_removed_slot_or_a_cancelled_hold_is_not_possible(driver: Driver) -> None:
    """A removed slot is not found, and a released hold is refused."""
    (slot,) = driver.open()
    hold = driver.hold(slot)
    driver.release(hold)
    with pytest.raises(InvalidTransition):
        driver.reserve(slot, hold)
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    with pytest.raises(NotFound):
        driver.reserve(slot)


def test_staff_confirm_or_reject_pending_bookings(driver: Driver) -> None:
    """Confirming moves no seat, rejecting gives them back; either twice is no change, and the other one is refused."""
    driver.create("asked", confirmation="staff")
    (slot,) = driver.open(capacity=2)
    kept, sent_away = driver.reserve(slot), driver.reserve(slot)
    for _ in range(2):
        assert driver.run_as_staff(ConfirmBooking, kept)["status"] == "confirmed"
        assert driver.run_as_staff(RejectBooking, sent_away)["status"] == "rejected"
    assert driver.slot(slot)["remaining"] == 1
    assert Viewer(driver.service, "asked").have == 5
    for command, booked in ((RejectBooking, kept), (ConfirmBooking, sent_away), (MarkNoShow, sent_away)):
        with pytest.raises(InvalidTransition):
            driver.run_as_staff(command, booked)
    with pytest.raises(InvalidTransition):
        driver.cancel(sent_away)


@pytest.mark.parametrize("command", [ConfirmBooking, RejectBooking, MarkNoShow, ReinstateBooking, EraseCustomer])
def test_only_staff_confirm_reject_and_erase(driver: Driver, command: type[StaffOnBooking]) -> None:
    """The holder may not do it either, and an unknown booking is not found."""
    booked = driver.reserve(driver.open()[0])
    with pytest.raises(Unauthorized):
        driver.service.run(command(principal=GUEST, booking=booked["id"]))
    for principal in (
        Principal(subject="guest", calendars=None),
        Principal(subject="s", role=Role.STAFF, calendars=frozenset("x")),
    ):
        with pytest.raises(Forbidden):
            driver.service.run(command(principal=principal, booking=booked["id"]))
    for name in (booked["slot"], "", "\ud800"):
        with pytest.raises(NotFound):
            driver.service.run(command(principal=STAFF, booking=name))


def test_a_command_about_another_version_of_a_booking_is_refused(driver: Driver) -> None:
    """Each command about a booking takes `if_version`; without it, or with the version that it has, it is done."""
    driver.create("asked", confirmation="staff")
    slots = driver.open(3, start=driver.clock.now + HOUR)

    def version(booked: dict[str, Any]) -> int:
        return driver.service.booking(WithToken(principal=STAFF, booking=booked["id"])).version

    booked, other = driver.reserve(slots[0]), driver.reserve(slots[1])
    moved = RescheduleBooking(principal=STAFF, key=new_key(), booking=other["id"], slot=slots[2], if_version=0)
    cancelled = CancelBooking(principal=STAFF, key=new_key(), booking=other["id"], if_version=0)
    rejected = RejectBooking(principal=STAFF, booking=other["id"], if_version=0)
    for command in (moved, cancelled, rejected):
        seen = version(other)
        with pytest.raises(VersionConflict) as refused:
            driver.service.run(command)
        assert refused.value.details == {"version": seen}
        if command is moved:
            driver.service.run(msgspec.structs.replace(command, if_version=seen))
    for kind in (ConfirmBooking, MarkNoShow, ReinstateBooking, EraseCustomer):
        if kind is MarkNoShow:
            driver.clock.go(3_601)
        seen = version(booked)
        with pytest.raises(VersionConflict):
            driver.service.run(kind(principal=STAFF, booking=booked["id"], if_version=seen + 1))
        driver.service.run(kind(principal=STAFF, booking=booked["id"], if_version=seen))
        assert version(booked) > seen
