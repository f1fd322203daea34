"""Corrections: a booking's customer and seats, by its holder or by staff."""

from typing import Any

import msgspec
import pytest

from models.contract.changes import Customer
from models.contract.commands.bookings import EraseCustomer, MarkNoShow, NewDetails, UpdateBooking
from models.contract.commands.command import WithToken
from models.contract.errors import (
    BadRequest,
    CapacityExceeded,
    Forbidden,
    InvalidTransition,
    LimitExceeded,
    OutsideCancellationWindow,
    Refused,
    TooSoon,
    VersionConflict,
)
from models.contract.principal import Principal
from models.contract.values.time import HOUR
from tests.models.driver import GUEST, STAFF, Driver, Viewer, new_key, results


def update(driver: Driver, booked: dict[str, Any], *, principal: Principal = GUEST, **fields: Any) -> Any:
    token = booked["token"] if principal is GUEST else ""
    command = UpdateBooking(principal=principal, key=new_key(), booking=booked["id"], token=token, **fields)
    return results(driver.service.run(command))


def seen(driver: Driver, booked: dict[str, Any]) -> Any:
    return driver.service.booking(WithToken(principal=STAFF, booking=booked["id"]))


@pytest.mark.parametrize("principal", [GUEST, STAFF])
def test_details_are_corrected(driver: Driver, principal: Principal) -> None:
    """A missing detail stays, and null or an empty text removes it; the public change has none of them."""
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    viewer = Viewer(driver.service, "room")
    update(driver, booked, principal=principal, customer=NewDetails(name=" Marked ", phone="+43 12"))
    assert msgspec.to_builtins(seen(driver, booked).customer) == {
        "name": "Marked",
        "email": "ada@example.org",
        "phone": "+43 12",
    }
    update(driver, booked, principal=principal, customer=NewDetails(email=None, phone=""))
    assert msgspec.to_builtins(seen(driver, booked).customer) == {"name": "Marked"}
    assert "Marked" not in str(viewer.follow())
    viewer.check()


def test_the_same_details_are_no_change(driver: Driver) -> None:
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    viewer = Viewer(driver.service, "room")
    update(driver, booked, customer=NewDetails(name="Ada Example"), seats=1)
    assert viewer.follow() == []


@pytest.mark.parametrize("principal", [GUEST, STAFF])
def test_seats_go_up_and_down_within_what_is_free(driver: Driver, principal: Principal) -> None:
    """A refusal leaves the booking as it was, its details too."""
    (slot,) = driver.open(capacity=3)
    booked = driver.reserve(slot)
    viewer = Viewer(driver.service, "room")
    assert update(driver, booked, principal=principal, seats=3)["seats"] == 3
    assert driver.slot(slot)["remaining"] == 0
    assert update(driver, booked, principal=principal, seats=2)["seats"] == 2
    driver.reserve(slot)
    with pytest.raises(Refused) as refused:
        update(driver, booked, principal=principal, seats=3, customer=NewDetails(name="Eve"))
    assert refused.value.details["rule"] == "capacity"
    assert (seen(driver, booked).seats, seen(driver, booked).customer.name) == (2, "Ada Example")
    with pytest.raises(CapacityExceeded):
        update(driver, booked, principal=principal, seats=9)
    viewer.follow()
    viewer.check()


def test_staff_override_the_capacity(driver: Driver) -> None:
    """The answer and the booking name it."""
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    command = UpdateBooking(principal=STAFF, key=new_key(), booking=booked["id"], seats=2, override=True)
    answer = msgspec.json.decode(driver.service.run(command).result)
    assert (answer["booking"]["seats"], answer["overridden"]) == (2, ["capacity"])
    assert seen(driver, booked).overridden == ["capacity"]
    with pytest.raises(Forbidden):
        update(driver, booked, principal=Principal(subject="s", calendars=None), seats=2, override=True)
    assert driver.slot(slot)["remaining"] == 0
    update(driver, booked, seats=1)
    assert driver.query("SELECT overbooked FROM slot") == [(0,)]


def test_a_holder_is_bound_by_the_notice(driver: Driver) -> None:
    """Fewer seats as late as a cancellation, more as late as a booking; staff give some back at any time."""
    driver.create("noticed", cancel_notice=3_600, min_notice=3_600)
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + HOUR, capacity=3)
    booked = driver.reserve(slot, seats=2)
    update(driver, booked, seats=1)
    update(driver, booked, seats=2)
    driver.clock.go(1)
    with pytest.raises(OutsideCancellationWindow):
        update(driver, booked, seats=1)
    with pytest.raises(TooSoon):
        update(driver, booked, seats=3)
    assert update(driver, booked, customer=NewDetails(name="Eve"))["status"] == "confirmed"
    assert update(driver, booked, principal=STAFF, seats=1)["seats"] == 1


def test_a_customers_further_seats_need_the_staffs_answer(driver: Driver) -> None:
    """More seats need a confirmation by staff; fewer seats, and corrections by staff, need none."""
    driver.create("asked", confirmation="staff")
    (slot,) = driver.open(capacity=3)
    booked = driver.reserve(slot, principal=STAFF, override=True) | {"token": ""}
    booked["token"] = driver.service.tokens.token("booking", booked["id"])
    assert update(driver, booked, principal=STAFF, seats=2)["status"] == "confirmed"
    assert update(driver, booked, seats=1)["status"] == "confirmed"
    assert update(driver, booked, seats=2)["status"] == "pending"
    assert seen(driver, booked).expires_at


def test_a_booking_that_has_ended_changes_no_more(driver: Driver) -> None:
    """Its holder corrects nothing, staff its customer but not its seats."""
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    driver.clock.go(2 * 86_400)
    driver.service.run(MarkNoShow(principal=STAFF, booking=booked["id"]))
    with pytest.raises(InvalidTransition):
        update(driver, booked, customer=NewDetails(note="late"))
    with pytest.raises(InvalidTransition):
        update(driver, booked, principal=STAFF, seats=2)
    update(driver, booked, principal=STAFF, customer=NewDetails(note="late"))
    assert seen(driver, booked).customer.note == "late"


@pytest.mark.parametrize(
    "fields",
    [
        {"seats": 0},
        {"customer": NewDetails(name=" ")},
        {"customer": NewDetails(name="Ada\nEve")},
        {"customer": NewDetails(email="ada")},
        {"customer": NewDetails(phone="12")},
        {"customer": NewDetails(note="\0")},
    ],
)
def test_a_correction_is_checked_like_a_booking(driver: Driver, fields: dict[str, Any]) -> None:
    booked = driver.reserve(driver.open(capacity=2)[0])
    with pytest.raises(BadRequest):
        update(driver, booked, **fields)


@pytest.mark.parametrize("principal", [GUEST, STAFF])
def test_data_is_replaced_as_a_whole(driver: Driver, principal: Principal) -> None:
    """Data stays if the request has none, equal data is no change, and null removes it. No public change has it."""
    (slot,) = driver.open()
    booked = driver.reserve(slot, data={"Marked": 1, "b": 2})
    viewer = Viewer(driver.service, "room")
    update(driver, booked, principal=principal, customer=NewDetails(name="Eve"))
    assert seen(driver, booked).data == {"Marked": 1, "b": 2}
    update(driver, booked, principal=principal, data={"Marked": [2]})
    assert (seen(driver, booked).data, seen(driver, booked).customer.name) == ({"Marked": [2]}, "Eve")
    changes = viewer.follow()
    assert [change["type"] for change in changes] == ["booking.updated"] * 2
    assert "Marked" not in str(changes)
    update(driver, booked, principal=principal, data={"Marked": [2]})
    assert viewer.follow() == []
    update(driver, booked, principal=principal, data=None)
    assert seen(driver, booked).data is msgspec.UNSET
    assert len(viewer.follow()) == 1
    viewer.check()


def test_data_has_4096_bytes_at_most_after_booking_too(driver: Driver) -> None:
    """One byte more is refused, with the field; nothing has changed."""
    booked = driver.reserve(driver.open()[0], data={"a": 1})
    update(driver, booked, data={"a": "x" * (4_096 - len('{"a":""}'))})
    with pytest.raises(BadRequest) as refused:
        update(driver, booked, data={"a": "x" * (4_097 - len('{"a":""}'))}, customer=NewDetails(name="Eve"))
    assert refused.value.details == {"field": "data"}
    assert seen(driver, booked).customer.name == "Ada Example"


def test_data_of_an_erased_customer_does_not_come_back_alone(driver: Driver) -> None:
    """Staff give it with a customer; the holder of a cancelled booking changes nothing."""
    booked = driver.reserve(driver.open()[0], data={"a": 1})
    driver.service.run(EraseCustomer(principal=STAFF, booking=booked["id"]))
    with pytest.raises(BadRequest) as refused:
        update(driver, booked, principal=STAFF, data={"a": 1})
    assert refused.value.details == {"field": "data"}
    update(driver, booked, principal=STAFF, data={"a": 2}, customer=NewDetails(name="Eve"))
    assert seen(driver, booked).data == {"a": 2}
    driver.cancel(booked)
    with pytest.raises(InvalidTransition):
        update(driver, booked, data={"a": 3})
    update(driver, booked, principal=STAFF, data={"a": 3})
    assert seen(driver, booked).data == {"a": 3}


def test_a_correction_of_another_version_is_refused(driver: Driver) -> None:
    """And one of the booking's own version is not."""
    booked = driver.reserve(driver.open(capacity=2)[0])
    version = seen(driver, booked).version
    with pytest.raises(VersionConflict) as refused:
        update(driver, booked, seats=2, if_version=version + 1)
    assert refused.value.details == {"version": version}
    assert update(driver, booked, seats=2, if_version=version)["seats"] == 2


def test_another_address_has_its_own_limit(driver: Driver) -> None:
    """A holder changes to no address with enough bookings; staff do, and what is no further booking is free."""
    driver.create("limited", max_bookings=1)
    slots = driver.open(2, capacity=2)
    driver.reserve(slots[0], principal=Principal(address="198.51.100.9"))
    booked = driver.reserve(slots[1], customer=Customer(name="Eve", email="eve@example.org"))
    with pytest.raises(LimitExceeded) as refused:
        update(driver, booked, customer=NewDetails(email="Ada@Example.org"))
    assert refused.value.details == {"rule": "max_bookings", "max_bookings": 1, "by": "email"}
    assert seen(driver, booked).customer.email == "eve@example.org"
    update(driver, booked, seats=2, customer=NewDetails(name="E.", email="EVE@example.org"))
    update(driver, booked, customer=NewDetails(email="mallory@example.org"))
    update(driver, booked, principal=STAFF, customer=NewDetails(email="ada@example.org"))


def test_a_booking_of_the_past_does_not_count_against_another_address(driver: Driver) -> None:
    """Its slot is over, so it is none of the bookings that `max_bookings` counts."""
    driver.create("limited", max_bookings=1)
    start = driver.clock.now + HOUR
    (first,), (later,) = driver.open_between(start, start + HOUR), driver.open(start=start + 48 * HOUR)
    booked = driver.reserve(first, customer=Customer(name="Eve", email="eve@example.org"))
    driver.reserve(later, principal=Principal(address="198.51.100.9"))
    driver.clock.now = start + HOUR - 1
    with pytest.raises(LimitExceeded):
        update(driver, booked, customer=NewDetails(email="ada@example.org"))
    driver.clock.now += 1
    update(driver, booked, customer=NewDetails(email="ada@example.org"))


def test_an_erased_customer_needs_a_name(driver: Driver) -> None:
    """Nothing else brings a customer back."""
    booked = driver.reserve(driver.open()[0])
    driver.service.run(EraseCustomer(principal=STAFF, booking=booked["id"]))
    with pytest.raises(BadRequest):
        update(driver, booked, principal=STAFF, customer=NewDetails(note="x"))
    update(driver, booked, principal=STAFF, customer=NewDetails(name="Eve"))
    assert seen(driver, booked).customer.name == "Eve"


def test_a_repeated_correction_is_done_once(driver: Driver) -> None:
    (slot,) = driver.open(capacity=3)
    booked = driver.reserve(slot)
    command = UpdateBooking(principal=STAFF, key=new_key(), booking=booked["id"], seats=2)
    assert driver.service.run(command) == driver.service.run(command)
    assert driver.slot(slot)["remaining"] == 1
