"""Bookings: seats taken for good, and given back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.change import Cursor, Customer
from models.clock import HOUR
from models.commands import (
    Asker,
    CancelBooking,
    ConfirmBooking,
    EraseCustomer,
    MarkNoShow,
    ReinstateBooking,
    RejectBooking,
    RemoveSlot,
    StaffOnBooking,
    WithToken,
)
from models.errors import (
    BadRequest,
    Forbidden,
    InvalidTransition,
    NotFound,
    OutsideCancellationWindow,
    TooSoon,
    Unauthorized,
)
from tests.book.audit import asking
from tests.book.desk import EVER, GUEST, STAFF, Desk, Viewer, booking, new_key, results
from tests.support import wait_until


def test_a_booking_answers_its_maker_with_a_token(desk: Desk) -> None:
    """And with what is his, but nothing of the customer."""
    (slot,) = desk.open(capacity=3)
    booked = desk.reserve(slot, seats=2)
    assert {name: booked[name] for name in ("calendar", "slot", "seats", "status")} == {
        "calendar": "room",
        "slot": slot,
        "seats": 2,
        "status": "confirmed",
    }
    assert set(booked) == {"id", "calendar", "slot", "seats", "status", "token"}
    assert len(booked["token"]) == 22


def test_where_staff_confirm_a_booking_is_pending(desk: Desk) -> None:
    """Pending takes its seats."""
    desk.create("asked", confirmation="staff")
    (slot,) = desk.open()
    assert desk.reserve(slot)["status"] == "pending"
    assert desk.slot(slot)["status"] == "booked"


def test_a_booking_is_read_by_its_token_or_by_staff(desk: Desk) -> None:
    """Nobody else's token, and no other calendar's staff, may see the customer."""
    booked = desk.reserve(desk.open()[0], customer=Customer(name=" Ada ", note="a note"))
    for asked in (
        WithToken(asker=GUEST, booking=booked["id"], token=booked["token"]),
        WithToken(asker=STAFF, booking=booked["id"]),
    ):
        seen = desk.book.booking(asked)
        assert (seen.id, seen.customer) == (booked["id"], Customer(name="Ada", note="a note"))
    for asker, token in (
        (GUEST, "x" * 22),
        (GUEST, "\ud800"),
        (Asker(subject="s", is_staff=True, calendars=frozenset({"other"})), ""),
        (Asker(subject="guest", calendars=None), ""),
    ):
        with pytest.raises(Forbidden):
            desk.book.booking(WithToken(asker=asker, booking=booked["id"], token=token))
    for name in ("", "\ud800", booked["slot"]):
        with pytest.raises(NotFound):
            desk.book.booking(WithToken(asker=STAFF, booking=name))


def test_a_cancelled_booking_frees_its_seats_once(desk: Desk) -> None:
    """Cancelling again changes nothing and answers the same."""
    (slot,) = desk.open(capacity=2)
    desk.reserve(slot)
    booked = desk.reserve(slot)
    assert desk.cancel(booked)["status"] == "cancelled"
    viewer = Viewer(desk.book, "room")
    assert desk.cancel(booked)["status"] == "cancelled"
    assert viewer.follow() == []
    assert desk.slot(slot)["remaining"] == 1


def test_staff_cancel_without_a_token_and_learn_none(desk: Desk) -> None:
    """The token is the customer's."""
    booked = desk.reserve(desk.open()[0])
    answer = desk.book.run(CancelBooking(asker=STAFF, key="1", booking=booked["id"]))
    assert "token" not in results(answer)
    assert desk.book.run(CancelBooking(asker=STAFF, key="1", booking=booked["id"])) == answer


def test_it_can_be_too_late_to_cancel(desk: Desk) -> None:
    """`cancel_notice` binds the customer and not the staff; once the slot began, nobody cancels but staff."""
    desk.create("strict", cancel_notice=3_600)
    (slot,) = desk.open(start=desk.clock.now + 3_600_000, capacity=2)
    in_time, late = desk.reserve(slot), desk.reserve(slot)
    desk.cancel(in_time)
    desk.clock.go(1)
    with pytest.raises(OutsideCancellationWindow) as refused:
        desk.cancel(late)
    assert refused.value.details == {"rule": "cancel_notice", "cancel_notice": 3_600}
    desk.cancel(late, asker=STAFF)


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
def test_a_customer_is_kept_within_bounds(desk: Desk, customer: Customer, field: str) -> None:
    """What can't be kept is refused, and the answer names the field."""
    (slot,) = desk.open()
    with pytest.raises(BadRequest) as refused:
        desk.reserve(slot, customer=customer)
    assert refused.value.details == {"field": f"customer.{field}"}


def test_a_booking_of_a_removed_slot_or_a_cancelled_hold_is_not_possible(desk: Desk) -> None:
    """What is gone is not found."""
    (slot,) = desk.open()
    hold = desk.hold(slot)
    desk.release(hold)
    with pytest.raises(InvalidTransition):
        desk.reserve(slot, hold)
    desk.book.run(RemoveSlot(asker=STAFF, slot=slot))
    with pytest.raises(NotFound):
        desk.reserve(slot)


def test_what_is_cut_says_where_and_loses_nothing(desk: Desk) -> None:
    """Page by page, each from where the last one ended, everything comes; what starts at once is not parted."""
    crowded, *others = desk.open(6, capacity=20)
    made = [desk.reserve(slot)["id"] for slot in [crowded] * 17 + others]
    begin, pages = 0, []
    while begin < EVER:
        found, begin = desk.book.bookings("room", begin, EVER, most=3)
        pages.append([one.id for one in found])
    assert [len(page) for page in pages] == [17, 3, 2]
    assert {one for page in pages for one in page} == set(made)
    snapshot = desk.book.snapshot("room", 0, EVER, most=3, with_bookings=True)
    assert (len(snapshot.slots), snapshot.finish) == (3, desk.book.snapshot("room", 0, EVER).slots[3].start)
    assert {one.id for one in snapshot.bookings} == set(made[:19])


def test_the_bookings_of_a_window_are_those_of_its_slots(desk: Desk) -> None:
    """By the slots' start; a change names the bookings that it is about, and not in its public body."""
    first, second = desk.open(2)
    later, earlier = desk.reserve(second), desk.reserve(first)
    start = desk.query("SELECT start FROM slot WHERE id = ?", second)[0][0]
    assert [one.id for one in desk.book.bookings("room", 0, 1 << 50)[0]] == [earlier["id"], later["id"]]
    assert [one.id for one in desk.book.bookings("room", start, 1 << 50)[0]] == [later["id"]]
    assert desk.book.bookings("room", start + 3_600_000, 1 << 50) == ([], 1 << 50)
    rows = desk.book.moves({"room": Cursor(1, "")})["room"]
    assert [row.bookings for row in rows] == [(later["id"],), (earlier["id"],)]
    assert all(later["id"].encode() not in row.body for row in rows)
    assert set(desk.book.bookings_by_id([later["id"], "x"])) == {later["id"]}
    assert booking(first).slot == first
    assert new_key() != new_key()


def test_staff_confirm_or_reject_what_is_pending(desk: Desk) -> None:
    """Confirming moves no seat, rejecting gives them back; either twice is no change, and the other one is refused."""
    desk.create("asked", confirmation="staff")
    (slot,) = desk.open(capacity=2)
    kept, sent_away = desk.reserve(slot), desk.reserve(slot)
    for _ in range(2):
        assert staff(desk, ConfirmBooking, kept)["status"] == "confirmed"
        assert staff(desk, RejectBooking, sent_away)["status"] == "rejected"
    assert desk.slot(slot)["remaining"] == 1
    assert Viewer(desk.book, "asked").have == 5
    for command, booked in ((RejectBooking, kept), (ConfirmBooking, sent_away), (MarkNoShow, sent_away)):
        with pytest.raises(InvalidTransition):
            staff(desk, command, booked)
    with pytest.raises(InvalidTransition):
        desk.cancel(sent_away)


def test_who_did_not_come_had_a_seat(desk: Desk) -> None:
    """A no-show gives no seat back, and nothing can be done with it but to take it back."""
    (slot,) = desk.open()
    booked = desk.reserve(slot)
    desk.clock.go(2 * 86_400)
    for _ in range(2):
        assert staff(desk, MarkNoShow, booked)["status"] == "no_show"
    assert desk.slot(slot)["status"] == "booked"
    with pytest.raises(InvalidTransition):
        desk.cancel(booked, asker=STAFF)
    with pytest.raises(InvalidTransition):
        staff(desk, ConfirmBooking, booked)
    for _ in range(2):
        assert staff(desk, ReinstateBooking, booked)["status"] == "confirmed"
    assert desk.slot(slot)["status"] == "booked"
    assert desk.cancel(booked, asker=STAFF)["status"] == "cancelled"
    assert desk.slot(slot)["remaining"] == 1


@pytest.mark.parametrize(("after", "is_begun"), [(-1_000, False), (-1, False), (0, True), (1, True)])
def test_nobody_is_missed_before_the_start(desk: Desk, after: int, is_begun: bool) -> None:
    """A slot has begun for a no-show in the millisecond in which it can no longer be booked, and not before."""
    start = desk.clock.now + HOUR
    slot, other = (desk.open_between(start, start + HOUR, capacity=2)[0] for _ in range(2))
    booked = desk.reserve(slot)
    desk.clock.now = start + after
    if is_begun:
        assert staff(desk, MarkNoShow, booked)["status"] == "no_show"
        with pytest.raises(TooSoon):
            desk.reserve(other)
        return
    with pytest.raises(InvalidTransition) as refused:
        staff(desk, MarkNoShow, booked)
    assert refused.value.details["rule"] == "not_begun"
    assert desk.reserve(other)["status"] == "confirmed"
    assert desk.cancel(booked)["status"] == "cancelled", "everything is possible that was before"


@pytest.mark.parametrize("status", ["pending", "cancelled", "rejected"])
def test_only_a_no_show_is_taken_back(desk: Desk, status: str) -> None:
    """What gave its seats back, or was never certain, does not become certain that way."""
    desk.create("asked", confirmation="staff")
    booked = desk.reserve(desk.open()[0])
    if status == "cancelled":
        desk.cancel(booked)
    elif status == "rejected":
        staff(desk, RejectBooking, booked)
    with pytest.raises(InvalidTransition) as refused:
        staff(desk, ReinstateBooking, booked)
    assert refused.value.details == {"rule": "status", "status": status}


@pytest.mark.only("sqlite")
def test_an_erased_customer_is_nowhere(desk: Desk) -> None:
    """The booking stands and keeps its seats; nothing in the tables, and no page of the file, has the name."""
    (slot,) = desk.open()
    booked = desk.reserve(slot, customer=Customer(name="Marked Name", email="marked@example.org", note="marked note"))
    staff(desk, EraseCustomer, booked)
    staff(desk, EraseCustomer, booked)
    seen = desk.book.booking(WithToken(asker=STAFF, booking=booked["id"]))
    assert (seen.customer, seen.status) == (None, "confirmed")
    assert desk.slot(slot)["status"] == "booked"
    assert b"marked" not in content(desk)
    assert desk.cancel(booked)["status"] == "cancelled"


def content(desk: Desk) -> bytes:
    """All bytes of the database's files."""
    return b"".join(path.read_bytes() for path in Path(desk.path).parent.glob("slotcast.db*")).lower()


@pytest.mark.only("sqlite")
def test_an_erased_note_is_nowhere_however_long(desk: Desk) -> None:
    """Nor on pages that only it had needed, nor in the WAL, once the erasure is answered."""
    note = ("marked" + "\N{GRINNING FACE}" * 50) * 35
    slots = desk.open(20)
    booked = [desk.reserve(slot, customer=Customer(name="Ada", note=note)) for slot in slots]
    assert content(desk).count(b"marked") >= 20 * 35
    for one in booked:
        staff(desk, EraseCustomer, one)
    assert b"marked" not in content(desk)


@pytest.mark.only("sqlite")
def test_who_reads_is_not_waited_for_when_a_customer_is_erased(desk: Desk) -> None:
    """The erasure is answered; what the reader may still see goes once it has read, though nobody asks for more."""
    (slot,) = desk.open()
    booked = desk.reserve(slot, customer=Customer(name="Marked Name"))
    with asking(desk.path) as ask:
        ask("BEGIN")
        ask("SELECT * FROM booking")
        staff(desk, EraseCustomer, booked)
        assert desk.slot(slot)["status"] == "booked"
        assert b"marked" in content(desk)
        ask("COMMIT")
    wait_until(lambda: b"marked" not in content(desk), what="the wiping")


@pytest.mark.parametrize("command", [ConfirmBooking, RejectBooking, MarkNoShow, ReinstateBooking, EraseCustomer])
def test_what_staff_do_with_a_booking_is_theirs_alone(desk: Desk, command: type[StaffOnBooking]) -> None:
    """Not even its holder may, and a booking that is not there is not found."""
    booked = desk.reserve(desk.open()[0])
    with pytest.raises(Unauthorized):
        desk.book.run(command(asker=GUEST, booking=booked["id"]))
    for asker in (Asker(subject="guest", calendars=None), Asker(subject="s", is_staff=True, calendars=frozenset("x"))):
        with pytest.raises(Forbidden):
            desk.book.run(command(asker=asker, booking=booked["id"]))
    for name in (booked["slot"], "", "\ud800"):
        with pytest.raises(NotFound):
            desk.book.run(command(asker=STAFF, booking=name))


def staff(desk: Desk, command: type[StaffOnBooking], booked: dict[str, Any]) -> Any:
    return results(desk.book.run(command(asker=STAFF, booking=booked["id"])))
