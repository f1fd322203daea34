"""A booking's move: it stands in its old place or in its new one, never in both and never in none."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from models.contract.changes import Cursor, with_bookings
from models.contract.commands.calendars import UpdateCalendar
from models.contract.commands.command import WithToken
from models.contract.errors import (
    BadRequest,
    CapacityExceeded,
    Forbidden,
    HoldExpired,
    HoldNotYours,
    InvalidTransition,
    NotFound,
    OutsideCancellationWindow,
    SlotUnavailable,
    TooSoon,
    Unauthorized,
)
from models.contract.principal import Principal, Role
from models.service import SlotService
from tests.models.database_audit import audit
from tests.models.driver import GUEST, STAFF, Driver, FakeClock, Viewer, moving, results
from tests.support import ROOT


def move(driver: Driver, *args: Any, **kwargs: Any) -> Any:
    return results(driver.service.run(moving(*args, **kwargs)))


def test_a_move_is_one_change(driver: Driver) -> None:
    """The old slot is free and the new one taken, with the booking's seats, id and token as they were."""
    here, there = driver.open(2, capacity=3)
    booked = driver.reserve(here, seats=2)
    viewer = Viewer(driver.service, "room")
    moved = move(driver, booked, there)
    assert moved == {"id": booked["id"], "calendar": "room", "slot": there, "seats": 2, "status": "confirmed"}
    (change,) = viewer.follow()
    assert change["type"] == "slot.rescheduled"
    assert "tx" not in change
    assert {slot["id"]: slot["remaining"] for slot in change["slots"]} == {here: 3, there: 1}
    assert driver.cancel(booked)["status"] == "cancelled"


def test_between_two_calendars_each_has_its_change_of_one_tx(driver: Driver) -> None:
    """The answer's cursor is the new calendar's; the booking's version only grows."""
    (here,) = driver.open()
    for _ in range(5):
        driver.open()
    booked = driver.reserve(here)
    driver.create("other")
    (there,) = driver.open()
    old, new = Viewer(driver.service, "room"), Viewer(driver.service, "other")
    before = driver.service.bookings_by_id([booked["id"]])[booked["id"]]
    answer = driver.service.run(moving(booked, there))
    (left,), (come,) = old.follow(), new.follow()
    assert left["tx"] == come["tx"]
    assert [slot["id"] for slot in left["slots"]] == [here]
    assert [slot["id"] for slot in come["slots"]] == [there]
    assert (answer.calendar, answer.cursor) == ("other", new.cursor)
    old.check()
    new.check()
    after = driver.service.bookings_by_id([booked["id"]])[booked["id"]]
    assert (after.calendar, after.slot) == ("other", there)
    assert after.version > before.version
    assert after.customer == before.customer
    for calendar in ("room", "other"):
        (row,) = driver.service.new_rows({calendar: Cursor(driver.service.snapshot(calendar, 0, 1).seq - 1, "")})[
            calendar
        ]
        assert row.bookings == (booked["id"],)


def test_a_move_repeated_answers_the_same(driver: Driver) -> None:
    """A retry gets the first answer, also between calendars: the record is where the booking went."""
    (here,) = driver.open()
    booked = driver.reserve(here)
    driver.create("other")
    (there,) = driver.open()
    command = moving(booked, there)
    first = driver.service.run(command)
    assert driver.service.run(command) == first
    assert driver.together([command, command]) == [first, first]


def test_a_move_that_fails_leaves_the_old_booking(driver: Driver) -> None:
    """Full, too small, too soon, gone, or its hold run out: nothing has changed."""
    here, full, small, held = driver.open(4, capacity=2)
    booked = driver.reserve(here, seats=2)
    driver.reserve(full)
    driver.reserve(full)
    driver.reserve(small)
    hold = driver.hold(held)
    (past,) = driver.open(start=driver.clock.now)
    viewer = Viewer(driver.service, "room")
    for slot, refusal in (
        (full, SlotUnavailable),
        (small, CapacityExceeded),
        (past, TooSoon),
        (booked["id"], NotFound),
    ):
        with pytest.raises(refusal):
            move(driver, booked, slot)
    with pytest.raises(BadRequest):
        move(driver, booked, held, hold)
    driver.clock.go(300)
    with pytest.raises(HoldExpired):
        move(driver, booked, held, hold)
    assert viewer.follow() == []
    assert driver.slot(here)["remaining"] == 0


def test_a_move_with_ones_own_hold_takes_its_seats(driver: Driver) -> None:
    """The seats of the hold are used at once, and its extra seats are freed."""
    here, there = driver.open(2, capacity=3)
    booked = driver.reserve(here, seats=2)
    hold = driver.hold(there, 3)
    with pytest.raises(SlotUnavailable):
        move(driver, booked, there)
    move(driver, booked, there, hold)
    seen = driver.slot(there)
    assert (seen["held"], seen["remaining"]) == (0, 1)
    with pytest.raises(InvalidTransition):
        driver.reserve(there, hold)


def test_a_move_to_where_it_is_changes_nothing(driver: Driver) -> None:
    """The move makes no change and uses no hold; the hold must still be the caller's own."""
    (here,) = driver.open(capacity=2)
    booked = driver.reserve(here)
    hold = driver.hold(here)
    viewer = Viewer(driver.service, "room")
    assert move(driver, booked, here)["slot"] == here
    assert move(driver, booked, here, hold)["slot"] == here
    with pytest.raises(HoldNotYours):
        move(driver, booked, here, hold | {"token": "x" * 22})
    assert viewer.follow() == []


def test_the_right_to_reschedule(driver: Driver) -> None:
    """The booking's holder and its calendar's staff may; another calendar needs the right to book there."""
    here, there = driver.open(2)
    booked = driver.reserve(here)
    with pytest.raises(Forbidden):
        move(driver, booked | {"token": "x" * 22}, there)
    with pytest.raises(Forbidden):
        move(driver, booked, there, principal=Principal(subject="guest", calendars=None))
    driver.create("private")
    (elsewhere,) = driver.open()
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="private", visibility="private"))
    with pytest.raises(Unauthorized):
        move(driver, booked, elsewhere)
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", booking="token"))
    move(driver, booked, there)
    move(driver, booked, elsewhere, principal=STAFF)
    with pytest.raises(Unauthorized):
        move(driver, booked, here)


def test_the_notice_for_cancelling_is_the_notice_for_moving(driver: Driver) -> None:
    """Staff are not bound by it."""
    driver.create("strict", cancel_notice=86_400 * 7)
    here, there = driver.open(2)
    booked = driver.reserve(here)
    with pytest.raises(OutsideCancellationWindow):
        move(driver, booked, there)
    move(driver, booked, there, principal=STAFF)


def test_a_booking_moved_by_its_customer_is_pending_again(driver: Driver) -> None:
    """With confirmation by staff a customer's booking is pending again; one moved by staff keeps its status."""
    (free,) = driver.open()
    driver.create("asked", confirmation="staff")
    here, there, yonder = driver.open(3)
    booked = driver.reserve(here)
    assert move(driver, booked, there, principal=STAFF)["status"] == "pending"
    assert move(driver, booked, free)["status"] == "confirmed"
    assert move(driver, booked, yonder)["status"] == "pending"


def test_only_a_live_booking_moves(driver: Driver) -> None:
    """A cancelled one has no seats to take along."""
    here, there = driver.open(2)
    booked = driver.reserve(here)
    driver.cancel(booked)
    with pytest.raises(InvalidTransition):
        move(driver, booked, there)


_MOVE_AND_DIE = """
import os, signal, sys, msgspec
import models.storage.postgres  # once, and not in each of the processes
from models.service import SlotService
from models.contract.commands.bookings import RescheduleBooking
from tests.models.driver import FakeClock
url, command = sys.argv[1], msgspec.json.decode(sys.argv[2], type=RescheduleBooking)

def move(last):
    service = SlotService(url, b"secret", clock=FakeClock(), synchronous="normal", writers=1)
    service.open()
    run, seen = service._db.execute_sql, [0]
    def count(sql):
        seen[0] = 1 if sql.startswith("BEGIN") else seen[0] + 1 if seen[0] else 0
        if seen[0] == last:
            os.kill(os.getpid(), signal.SIGKILL)
    def run_or_die(sql, params=None):
        count(sql)
        done = run(sql, params)
        if sql == "COMMIT":
            count("after " + sql)
        return done
    service._db.execute_sql = run_or_die
    service.run(command)

for line in sys.stdin:
    child = os.fork()
    if not child:
        move(int(line))
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def test_a_kill_at_any_statement_leaves_the_booking_in_one_place(database: str, clock: FakeClock) -> None:
    """`kill -9` before each statement of a move between two calendars, and right after its COMMIT: the old booking
    stands or the new one, never both and never none.
    """
    service = SlotService(database, b"secret", clock=clock, synchronous="normal")
    service.open()
    driver = Driver(service, clock)
    driver.create("here")
    (here,) = driver.open()
    booked = driver.reserve(here)
    driver.create("there")
    (there,) = driver.open()
    command = msgspec.json.encode(moving(booked, there)).decode()
    service.close()
    movers = [sys.executable, "-c", _MOVE_AND_DIE, database, command]
    with subprocess.Popen(movers, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as mover:
        assert mover.stdin is not None
        assert mover.stdout is not None
        statements = 0
        stands = ["here"]
        while stands == ["here"]:
            statements += 1
            mover.stdin.write(f"{statements}\n")
            mover.stdin.flush()
            assert int(mover.stdout.readline()) == signal.SIGKILL, "the move came to its end"
            stands = where(driver)
        mover.stdin.close()
    assert stands == ["there"]
    assert statements > 15, "every statement was tried"


def where(driver: Driver) -> list[str]:
    """Return the calendars of the booking's seat, by the booking and by the slots; the two agree."""
    audit(driver.path)
    by_booking = driver.query("SELECT calendar FROM booking")
    by_slot = driver.query("SELECT calendar FROM slot WHERE booked > 0")
    assert by_booking == by_slot
    return [row[0] for row in by_slot]


def test_staff_of_the_old_calendar_get_no_customer(driver: Driver) -> None:
    """No change of its old calendar has the booking's customer; those of the new one do."""
    (here,) = driver.open()
    booked = driver.reserve(here)
    driver.create("other")
    move(driver, booked, driver.open()[0])
    found = list(driver.service.bookings_by_id([booked["id"]]).values())
    told = {
        calendar: [msgspec.json.decode(with_bookings(row.body, found))["bookings"] for row in rows if row.bookings]
        for calendar, rows in driver.service.new_rows({"room": Cursor(0, ""), "other": Cursor(0, "")}).items()
    }
    assert [one["customer"] for (one,) in told["room"]] == [None, None]
    assert [(one["customer"]["name"], one["calendar"]) for (one,) in told["other"]] == [("Ada Example", "other")]


def test_a_booking_is_read_where_it_is(driver: Driver) -> None:
    """Staff of the old calendar alone may no longer read it, its holder may."""
    (here,) = driver.open()
    booked = driver.reserve(here)
    driver.create("other")
    move(driver, booked, driver.open()[0])
    old = Principal(subject="s", role=Role.STAFF, calendars=frozenset({"room"}))
    with pytest.raises(Forbidden):
        driver.service.booking(WithToken(principal=old, booking=booked["id"]))
    assert (
        driver.service.booking(WithToken(principal=GUEST, booking=booked["id"], token=booked["token"])).calendar
        == "other"
    )
