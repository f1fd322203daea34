"""Bookings: seats taken for good, and given back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.contract.changes import Cursor, Customer
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
from models.contract.commands.slots import CloseSlot, RemoveSlot, ReopenSlot
from models.contract.errors import (
    BadRequest,
    CapacityExceeded,
    Forbidden,
    InvalidTransition,
    NotFound,
    OutsideCancellationWindow,
    SlotUnavailable,
    TooSoon,
    Unauthorized,
    VersionConflict,
)
from models.contract.principal import Principal
from models.contract.values.time import HOUR
from tests.models.database_audit import asking
from tests.models.driver import EVER, GUEST, STAFF, Driver, Viewer, booking, new_key, results
from tests.support import wait_until


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


def test_a_booking_is_read_by_its_token_or_by_staff(driver: Driver) -> None:
    """Another booking's token and staff of another calendar may not see the customer."""
    booked = driver.reserve(driver.open()[0], customer=Customer(name=" Ada ", note="a note"))
    for asked in (
        WithToken(principal=GUEST, booking=booked["id"], token=booked["token"]),
        WithToken(principal=STAFF, booking=booked["id"]),
    ):
        seen = driver.service.booking(asked)
        assert (seen.id, seen.customer) == (booked["id"], Customer(name="Ada", note="a note"))
    for principal, token in (
        (GUEST, "x" * 22),
        (GUEST, "\ud800"),
        (Principal(subject="s", is_staff=True, calendars=frozenset({"other"})), ""),
        (Principal(subject="guest", calendars=None), ""),
    ):
        with pytest.raises(Forbidden):
            driver.service.booking(WithToken(principal=principal, booking=booked["id"], token=token))
    for name in ("", "\ud800", booked["slot"]):
        with pytest.raises(NotFound):
            driver.service.booking(WithToken(principal=STAFF, booking=name))


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


def test_a_page_says_where_it_ends_and_loses_nothing(driver: Driver) -> None:
    """Page by page everything comes, each page from the end of the last one; slots with one start stay together."""
    crowded, *others = driver.open(6, capacity=20)
    made = [driver.reserve(slot)["id"] for slot in [crowded] * 17 + others]
    begin, pages = 0, []
    while begin < EVER:
        found, begin = driver.service.bookings("room", begin, EVER, most=3)
        pages.append([one.id for one in found])
    assert [len(page) for page in pages] == [17, 3, 2]
    assert {one for page in pages for one in page} == set(made)
    snapshot = driver.service.snapshot("room", 0, EVER, most=3, with_bookings=True)
    assert (len(snapshot.slots), snapshot.finish) == (3, driver.service.snapshot("room", 0, EVER).slots[3].start)
    assert {one.id for one in snapshot.bookings} == set(made[:19])


def test_the_bookings_of_a_page_are_those_of_its_slots(driver: Driver) -> None:
    """Bookings come by the slots' start; a change names its bookings, but not in its public body."""
    first, second = driver.open(2)
    later, earlier = driver.reserve(second), driver.reserve(first)
    start = driver.query("SELECT start FROM slot WHERE id = ?", second)[0][0]
    assert [one.id for one in driver.service.bookings("room", 0, 1 << 50)[0]] == [earlier["id"], later["id"]]
    assert [one.id for one in driver.service.bookings("room", start, 1 << 50)[0]] == [later["id"]]
    assert driver.service.bookings("room", start + 3_600_000, 1 << 50) == ([], 1 << 50)
    rows = driver.service.new_rows({"room": Cursor(1, "")})["room"]
    assert [row.bookings for row in rows] == [(later["id"],), (earlier["id"],)]
    assert all(later["id"].encode() not in row.body for row in rows)
    assert set(driver.service.bookings_by_id([later["id"], "x"])) == {later["id"]}
    assert booking(first).slot == first
    assert new_key() != new_key()


def test_staff_confirm_or_reject_pending_bookings(driver: Driver) -> None:
    """Confirming moves no seat, rejecting gives them back; either twice is no change, and the other one is refused."""
    driver.create("asked", confirmation="staff")
    (slot,) = driver.open(capacity=2)
    kept, sent_away = driver.reserve(slot), driver.reserve(slot)
    for _ in range(2):
        assert staff(driver, ConfirmBooking, kept)["status"] == "confirmed"
        assert staff(driver, RejectBooking, sent_away)["status"] == "rejected"
    assert driver.slot(slot)["remaining"] == 1
    assert Viewer(driver.service, "asked").have == 5
    for command, booked in ((RejectBooking, kept), (ConfirmBooking, sent_away), (MarkNoShow, sent_away)):
        with pytest.raises(InvalidTransition):
            staff(driver, command, booked)
    with pytest.raises(InvalidTransition):
        driver.cancel(sent_away)


def test_a_no_show_keeps_its_seats(driver: Driver) -> None:
    """A no-show gives no seat back, and nothing can be done with it but to take it back."""
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    driver.clock.go(2 * 86_400)
    for _ in range(2):
        assert staff(driver, MarkNoShow, booked)["status"] == "no_show"
    assert driver.slot(slot)["status"] == "booked"
    with pytest.raises(InvalidTransition):
        driver.cancel(booked, principal=STAFF)
    with pytest.raises(InvalidTransition):
        staff(driver, ConfirmBooking, booked)
    for _ in range(2):
        assert staff(driver, ReinstateBooking, booked)["status"] == "confirmed"
    assert driver.slot(slot)["status"] == "booked"
    assert driver.cancel(booked, principal=STAFF)["status"] == "cancelled"
    assert driver.slot(slot)["remaining"] == 1


@pytest.mark.parametrize(("after", "is_begun"), [(-1_000, False), (-1, False), (0, True), (1, True)])
def test_a_no_show_before_the_start_is_refused(driver: Driver, after: int, is_begun: bool) -> None:
    """A slot has begun for a no-show in the millisecond from which it can't be booked any more, and not before."""
    start = driver.clock.now + HOUR
    slot, other = (driver.open_between(start, start + HOUR, capacity=2)[0] for _ in range(2))
    booked = driver.reserve(slot)
    driver.clock.now = start + after
    if is_begun:
        assert staff(driver, MarkNoShow, booked)["status"] == "no_show"
        with pytest.raises(TooSoon):
            driver.reserve(other)
        return
    with pytest.raises(InvalidTransition) as refused:
        staff(driver, MarkNoShow, booked)
    assert refused.value.details["rule"] == "not_begun"
    assert driver.reserve(other)["status"] == "confirmed"
    assert driver.cancel(booked)["status"] == "cancelled", "everything is possible that was before"


def test_a_pending_booking_is_not_reinstated(driver: Driver) -> None:
    """It is confirmed instead."""
    driver.create("asked", confirmation="staff")
    booked = driver.reserve(driver.open()[0])
    with pytest.raises(InvalidTransition) as refused:
        staff(driver, ReinstateBooking, booked)
    assert refused.value.details == {"rule": "status", "status": "pending"}


@pytest.mark.parametrize("status", ["cancelled", "rejected"])
def test_a_booking_that_gave_its_seats_back_takes_them_anew(driver: Driver, status: str) -> None:
    """While they are there: a full, closed or removed slot refuses, and the booking stays as it was."""
    driver.create("asked", confirmation="staff")
    (slot,) = driver.open(capacity=2)
    booked = driver.reserve(slot, seats=2)
    if status == "cancelled":
        driver.cancel(booked)
    else:
        staff(driver, RejectBooking, booked)
    other = driver.reserve(slot)
    with pytest.raises(CapacityExceeded):
        staff(driver, ReinstateBooking, booked)
    driver.cancel(other)
    driver.service.run(CloseSlot(principal=STAFF, slot=slot))
    with pytest.raises(SlotUnavailable):
        staff(driver, ReinstateBooking, booked)
    driver.service.run(ReopenSlot(principal=STAFF, slot=slot))
    assert staff(driver, ReinstateBooking, booked)["status"] == "confirmed"
    assert driver.slot(slot)["remaining"] == 0
    driver.cancel(booked)
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    with pytest.raises(NotFound):
        staff(driver, ReinstateBooking, booked)


@pytest.mark.only("sqlite")
def test_an_erased_customer_is_nowhere(driver: Driver) -> None:
    """The booking stands and keeps its seats; nothing in the tables, and no page of the file, has the name."""
    (slot,) = driver.open()
    booked = driver.reserve(slot, customer=Customer(name="Marked Name", email="marked@example.org", note="marked note"))
    staff(driver, EraseCustomer, booked)
    staff(driver, EraseCustomer, booked)
    seen = driver.service.booking(WithToken(principal=STAFF, booking=booked["id"]))
    assert (seen.customer, seen.status) == (None, "confirmed")
    assert driver.slot(slot)["status"] == "booked"
    assert b"marked" not in content(driver)
    assert driver.cancel(booked)["status"] == "cancelled"


def content(driver: Driver) -> bytes:
    """All bytes of the database's files."""
    return b"".join(path.read_bytes() for path in Path(driver.path).parent.glob("slotcast.db*")).lower()


@pytest.mark.only("sqlite")
def test_an_erased_note_is_nowhere_however_long(driver: Driver) -> None:
    """After the answer to the erasure the name is in no page of the file, free or used, nor in the WAL."""
    note = ("marked" + "\N{GRINNING FACE}" * 50) * 35
    slots = driver.open(20)
    booked = [driver.reserve(slot, customer=Customer(name="Ada", note=note)) for slot in slots]
    assert content(driver).count(b"marked") >= 20 * 35
    for one in booked:
        staff(driver, EraseCustomer, one)
    assert b"marked" not in content(driver)


@pytest.mark.only("sqlite")
def test_an_erasure_does_not_wait_for_readers(driver: Driver) -> None:
    """An erasure is answered during a read; the old pages go after the read, without another command."""
    (slot,) = driver.open()
    booked = driver.reserve(slot, customer=Customer(name="Marked Name"))
    with asking(driver.path) as ask:
        ask("BEGIN")
        ask("SELECT * FROM booking")
        staff(driver, EraseCustomer, booked)
        assert driver.slot(slot)["status"] == "booked"
        assert b"marked" in content(driver)
        ask("COMMIT")
    wait_until(lambda: b"marked" not in content(driver), what="the wiping")


@pytest.mark.parametrize("command", [ConfirmBooking, RejectBooking, MarkNoShow, ReinstateBooking, EraseCustomer])
def test_only_staff_confirm_reject_and_erase(driver: Driver, command: type[StaffOnBooking]) -> None:
    """The holder may not do it either, and an unknown booking is not found."""
    booked = driver.reserve(driver.open()[0])
    with pytest.raises(Unauthorized):
        driver.service.run(command(principal=GUEST, booking=booked["id"]))
    for principal in (
        Principal(subject="guest", calendars=None),
        Principal(subject="s", is_staff=True, calendars=frozenset("x")),
    ):
        with pytest.raises(Forbidden):
            driver.service.run(command(principal=principal, booking=booked["id"]))
    for name in (booked["slot"], "", "\ud800"):
        with pytest.raises(NotFound):
            driver.service.run(command(principal=STAFF, booking=name))


def staff(driver: Driver, command: type[StaffOnBooking], booked: dict[str, Any]) -> Any:
    return results(driver.service.run(command(principal=STAFF, booking=booked["id"])))


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
