"""A booking's move: it stands in its old place or in its new one, never in both and never in none."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from models.change import Cursor, with_bookings
from models.commands import Asker, UpdateCalendar, WithToken
from models.errors import (
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
from models.service import Book
from tests.book.audit import audit
from tests.book.desk import GUEST, STAFF, Desk, FakeClock, Viewer, moving, results
from tests.support import ROOT


def move(desk: Desk, *args: Any, **kwargs: Any) -> Any:
    return results(desk.book.run(moving(*args, **kwargs)))


def test_a_move_is_one_change(desk: Desk) -> None:
    """The old slot is free and the new one taken, with the booking's seats, id and token as they were."""
    here, there = desk.open(2, capacity=3)
    booked = desk.reserve(here, seats=2)
    viewer = Viewer(desk.book, "room")
    moved = move(desk, booked, there)
    assert moved == {"id": booked["id"], "calendar": "room", "slot": there, "seats": 2, "status": "confirmed"}
    (change,) = viewer.follow()
    assert change["type"] == "slot.rescheduled"
    assert "tx" not in change
    assert {slot["id"]: slot["remaining"] for slot in change["slots"]} == {here: 3, there: 1}
    assert desk.cancel(booked)["status"] == "cancelled"


def test_between_two_calendars_each_has_its_change_of_one_tx(desk: Desk) -> None:
    """The answer's cursor is that of where it went; the booking's version only grows."""
    (here,) = desk.open()
    for _ in range(5):
        desk.open()
    booked = desk.reserve(here)
    desk.create("other")
    (there,) = desk.open()
    old, new = Viewer(desk.book, "room"), Viewer(desk.book, "other")
    before = desk.book.bookings_by_id([booked["id"]])[booked["id"]]
    answer = desk.book.run(moving(booked, there))
    (left,), (come,) = old.follow(), new.follow()
    assert left["tx"] == come["tx"]
    assert [slot["id"] for slot in left["slots"]] == [here]
    assert [slot["id"] for slot in come["slots"]] == [there]
    assert (answer.calendar, answer.cursor) == ("other", new.cursor)
    old.check()
    new.check()
    after = desk.book.bookings_by_id([booked["id"]])[booked["id"]]
    assert (after.calendar, after.slot) == ("other", there)
    assert after.version > before.version
    assert after.customer == before.customer
    for calendar in ("room", "other"):
        (row,) = desk.book.moves({calendar: Cursor(desk.book.snapshot(calendar, 0, 1).seq - 1, "")})[calendar]
        assert row.bookings == (booked["id"],)


def test_a_move_repeated_answers_the_same(desk: Desk) -> None:
    """Also between calendars: its receipt stands where it went to."""
    (here,) = desk.open()
    booked = desk.reserve(here)
    desk.create("other")
    (there,) = desk.open()
    command = moving(booked, there)
    first = desk.book.run(command)
    assert desk.book.run(command) == first
    assert desk.together([command, command]) == [first, first]


def test_a_move_that_fails_leaves_the_old_booking(desk: Desk) -> None:
    """Full, too small, too soon, gone, or its hold run out: nothing has changed."""
    here, full, small, held = desk.open(4, capacity=2)
    booked = desk.reserve(here, seats=2)
    desk.reserve(full)
    desk.reserve(full)
    desk.reserve(small)
    hold = desk.hold(held)
    (past,) = desk.open(start=desk.clock.now)
    viewer = Viewer(desk.book, "room")
    for slot, refusal in (
        (full, SlotUnavailable),
        (small, CapacityExceeded),
        (past, TooSoon),
        (booked["id"], NotFound),
    ):
        with pytest.raises(refusal):
            move(desk, booked, slot)
    with pytest.raises(BadRequest):
        move(desk, booked, held, hold)
    desk.clock.go(300)
    with pytest.raises(HoldExpired):
        move(desk, booked, held, hold)
    assert viewer.follow() == []
    assert desk.slot(here)["remaining"] == 0


def test_a_move_with_ones_own_hold_takes_its_seats(desk: Desk) -> None:
    """Nobody can come between, and what the hold has too many is given back."""
    here, there = desk.open(2, capacity=3)
    booked = desk.reserve(here, seats=2)
    hold = desk.hold(there, 3)
    with pytest.raises(SlotUnavailable):
        move(desk, booked, there)
    move(desk, booked, there, hold)
    seen = desk.slot(there)
    assert (seen["held"], seen["remaining"]) == (0, 1)
    with pytest.raises(InvalidTransition):
        desk.reserve(there, hold)


def test_a_move_to_where_it_is_changes_nothing(desk: Desk) -> None:
    """Nor is it told of, nor is a hold there spent, which has to be the asker's all the same."""
    (here,) = desk.open(capacity=2)
    booked = desk.reserve(here)
    hold = desk.hold(here)
    viewer = Viewer(desk.book, "room")
    assert move(desk, booked, here)["slot"] == here
    assert move(desk, booked, here, hold)["slot"] == here
    with pytest.raises(HoldNotYours):
        move(desk, booked, here, hold | {"token": "x" * 22})
    assert viewer.follow() == []


def test_who_may_move_a_booking(desk: Desk) -> None:
    """Its holder and its calendar's staff; into another calendar only who may book there."""
    here, there = desk.open(2)
    booked = desk.reserve(here)
    with pytest.raises(Forbidden):
        move(desk, booked | {"token": "x" * 22}, there)
    with pytest.raises(Forbidden):
        move(desk, booked, there, asker=Asker(subject="guest", calendars=None))
    desk.create("private")
    (elsewhere,) = desk.open()
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="private", visibility="private"))
    with pytest.raises(Unauthorized):
        move(desk, booked, elsewhere)
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", booking="token"))
    move(desk, booked, there)
    move(desk, booked, elsewhere, asker=STAFF)
    with pytest.raises(Unauthorized):
        move(desk, booked, here)


def test_the_notice_for_cancelling_is_the_notice_for_moving(desk: Desk) -> None:
    """Staff are not bound by it."""
    desk.create("strict", cancel_notice=86_400 * 7)
    here, there = desk.open(2)
    booked = desk.reserve(here)
    with pytest.raises(OutsideCancellationWindow):
        move(desk, booked, there)
    move(desk, booked, there, asker=STAFF)


def test_what_a_customer_moves_is_confirmed_anew(desk: Desk) -> None:
    """Where staff confirm; what staff move stays as it was; and elsewhere it is confirmed at once."""
    (free,) = desk.open()
    desk.create("asked", confirmation="staff")
    here, there, yonder = desk.open(3)
    booked = desk.reserve(here)
    assert move(desk, booked, there, asker=STAFF)["status"] == "pending"
    assert move(desk, booked, free)["status"] == "confirmed"
    assert move(desk, booked, yonder)["status"] == "pending"


def test_only_a_live_booking_moves(desk: Desk) -> None:
    """A cancelled one has no seats to take along."""
    here, there = desk.open(2)
    booked = desk.reserve(here)
    desk.cancel(booked)
    with pytest.raises(InvalidTransition):
        move(desk, booked, there)


_MOVE_AND_DIE = """
import os, signal, sys, msgspec
import models.postgres  # once, and not in each of the processes
from models.service import Book
from models.commands import RescheduleBooking
from tests.book.desk import FakeClock
url, command = sys.argv[1], msgspec.json.decode(sys.argv[2], type=RescheduleBooking)

def move(last):
    book = Book(url, b"secret", clock=FakeClock(), synchronous="normal", writers=1)
    book.open()
    run, seen = book._db.execute_sql, [0]
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
    book._db.execute_sql = run_or_die
    book.run(command)

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
    book = Book(database, b"secret", clock=clock, synchronous="normal")
    book.open()
    desk = Desk(book, clock)
    desk.create("here")
    (here,) = desk.open()
    booked = desk.reserve(here)
    desk.create("there")
    (there,) = desk.open()
    command = msgspec.json.encode(moving(booked, there)).decode()
    book.close()
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
            stands = where(desk)
        mover.stdin.close()
    assert stands == ["there"]
    assert statements > 15, "every statement was tried"


def where(desk: Desk) -> list[str]:
    """The calendars in which the booking has its seat, by the booking and by the slots, which agree."""
    audit(desk.path)
    by_booking = desk.query("SELECT calendar FROM booking")
    by_slot = desk.query("SELECT calendar FROM slot WHERE booked > 0")
    assert by_booking == by_slot
    return [row[0] for row in by_slot]


def test_the_staff_it_has_left_are_told_of_no_customer(desk: Desk) -> None:
    """In whatever change of its old calendar it is sent; in those of the new one its customer stands."""
    (here,) = desk.open()
    booked = desk.reserve(here)
    desk.create("other")
    move(desk, booked, desk.open()[0])
    found = list(desk.book.bookings_by_id([booked["id"]]).values())
    told = {
        calendar: [msgspec.json.decode(with_bookings(row.body, found))["bookings"] for row in rows if row.bookings]
        for calendar, rows in desk.book.moves({"room": Cursor(0, ""), "other": Cursor(0, "")}).items()
    }
    assert [one["customer"] for (one,) in told["room"]] == [None, None]
    assert [(one["customer"]["name"], one["calendar"]) for (one,) in told["other"]] == [("Ada Example", "other")]


def test_a_booking_is_read_where_it_is(desk: Desk) -> None:
    """Staff of the old calendar alone may no longer read it, its holder may."""
    (here,) = desk.open()
    booked = desk.reserve(here)
    desk.create("other")
    move(desk, booked, desk.open()[0])
    old = Asker(subject="s", is_staff=True, calendars=frozenset({"room"}))
    with pytest.raises(Forbidden):
        desk.book.booking(WithToken(asker=old, booking=booked["id"]))
    assert desk.book.booking(WithToken(asker=GUEST, booking=booked["id"], token=booked["token"])).calendar == "other"
