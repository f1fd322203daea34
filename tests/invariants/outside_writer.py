"""Rules of the state machine for outside writes to the tables, repeated on the model."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from models.contract.values.time import HOUR, MINUTE
from tests.invariants.machine import Machine, any_one, any_slot, calendars, seats
from tests.invariants.model.rows import Booking, Hold, No, Slot
from tests.models.database_audit import Ask, asking
from tests.models.driver import booking

_number = itertools.count(1)


def new_uuid() -> str:
    return f"00000000-0000-4000-8000-{next(_number):012x}"


class Outsiders(Machine):
    """Each rule writes by an outside connection. The notes are taken before the next comparison."""

    def __init__(self) -> None:
        super().__init__()
        self.open_connections = ExitStack()
        self.outside: Ask | None = None

    def write(self, sql: str, *params: Any, expect: Callable[[], Any] = lambda: None) -> None:
        """Run the statement; the database must refuse it exactly if the model does."""
        self.last = None  # an earlier answer does not hold for a repetition any more
        try:
            expect()
            is_refused = False
        except No:
            is_refused = True
        try:
            self.connected()(sql, *params)
        except (psycopg.IntegrityError, sqlite3.IntegrityError) as error:
            if not is_refused:
                pytest.fail(f"the database refuses {sql} with {error}")
        else:
            assert not is_refused, f"the database should refuse {sql}"

    def connected(self) -> Ask:
        """Return the one connection of this run."""
        if self.outside is None:
            self.outside = self.open_connections.enter_context(asking(self.driver.path))
            if not self.driver.service.url.startswith("postgresql:"):
                self.outside("PRAGMA foreign_keys = ON")
        return self.outside

    def teardown(self) -> None:
        self.open_connections.close()
        super().teardown()

    @rule(where=calendars, at=st.integers(-1, 8), length=st.integers(1, 4), capacity=seats)
    def insert_slot(self, where: int, at: int, length: int, capacity: int) -> None:
        first = (self.driver.clock.now // HOUR + 1) * HOUR
        start, end = first + at * 30 * MINUTE, first + (at + length) * 30 * MINUTE
        name, calendar = new_uuid(), self.calendars[where]
        self.write(
            'INSERT INTO slot (id, calendar, start, "end", capacity) VALUES (?, ?, ?, ?, ?)',
            name, calendar, start, end, capacity,
        )  # fmt: skip
        self.model.slots[name] = Slot(calendar, start, end, capacity)

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot, state=st.sampled_from([0, 1, 2]))
    def set_state(self, place: int, state: int) -> None:
        name = self.pick_slot(place)
        slot = self.model.slots[name]
        if slot.state == "removed":
            return
        self.write(
            "UPDATE slot SET state = ?, dropped = FALSE WHERE id = ?", state, name,
            expect=lambda: self.model.need(state != 2 or not self.model.taken(name)),
        )  # fmt: skip
        if state != 2 or not self.model.taken(name):
            slot.state, slot.is_dropped = ("open", "closed", "removed")[state], False

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot, capacity=st.integers(0, 4), at=st.integers(-1, 8), length=st.integers(1, 4))
    def set_times_and_capacity(self, place: int, capacity: int, at: int, length: int) -> None:
        name = self.pick_slot(place)
        slot, first = self.model.slots[name], (self.driver.clock.now // HOUR + 1) * HOUR
        start, end = first + at * 30 * MINUTE, first + (at + length) * 30 * MINUTE
        # Staff have taken the seats over the capacity, so they are no reason to refuse.
        is_fit = capacity >= max(1, min(slot.capacity, self.model.taken(name)))
        self.write(
            'UPDATE slot SET start = ?, "end" = ?, capacity = ? WHERE id = ?', start, end, capacity, name,
            expect=lambda: self.model.need(is_fit),
        )  # fmt: skip
        if is_fit:
            slot.start, slot.end, slot.capacity = start, end, capacity
            for one in self.model.bookings.values():
                if one.slot == name and one.expires is not None:
                    one.expires = min(one.expires, start)

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot)
    def delete_slot(self, place: int) -> None:
        name = self.pick_slot(place)
        is_named = name in {hold.slot for hold in self.model.holds.values()}
        is_named |= name in {one.slot for one in self.model.bookings.values()}
        self.write("DELETE FROM slot WHERE id = ?", name, expect=lambda: self.model.need(not is_named))
        if not is_named:
            del self.model.slots[name]

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot, count=seats, is_raced=st.booleans())
    def insert_booking(self, place: int, count: int, is_raced: bool) -> None:
        """Insert a booking, and book the same seats by the service before it has taken the note."""
        slot, name = self.pick_slot(place), new_uuid()
        here = self.model.slots[slot]
        is_fit = self.model.left(slot) >= count and here.state != "removed"
        self.write(
            "INSERT INTO booking (id, calendar, slot, seats) VALUES (?, ?, ?, ?)", name, here.calendar, slot, count,
            expect=lambda: self.model.need(is_fit),
        )  # fmt: skip
        if is_fit:
            self.model.bookings[name] = Booking(slot, count, "confirmed")
            self.tokens[name] = {"id": name, "token": self.driver.service.tokens.token("booking", name)}
        if is_raced:
            answer, made = self.ask(booking(slot, seats=count), lambda: self.model.book(slot, count, "guest"))
            if answer:
                self.model.bookings[answer["id"]], self.tokens[answer["id"]] = made, answer

    @precondition(lambda self: self.model.bookings)
    @rule(place=any_one, status=st.sampled_from(["pending", "confirmed", "cancelled", "no_show", "deleted"]))
    def set_booking(self, place: int, status: str) -> None:
        name = self.pick(self.model.bookings, place)
        one = self.model.bookings[name]
        is_new = self.model.has_seats(one, status) and not self.model.has_seats(one, one.status)
        slot = self.model.slots[one.slot]
        is_fit = not is_new or (self.model.left(one.slot) >= one.seats and slot.state != "removed")
        sql = (
            "DELETE FROM booking WHERE id = ?" if status == "deleted" else "UPDATE booking SET status = ? WHERE id = ?"
        )
        params = (name,) if status == "deleted" else (status, name)
        self.write(sql, *params, expect=lambda: self.model.need(is_fit))
        if is_fit and status == "deleted":
            del self.model.bookings[name]
        elif is_fit:
            one.status = status
            one.expires = (one.expires or slot.start) if status == "pending" else None

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot, count=seats, seconds=st.sampled_from([10, 300, 3_600]))
    def insert_hold(self, place: int, count: int, seconds: int) -> None:
        slot, name, now = self.pick_slot(place), new_uuid(), self.driver.clock.now
        here = self.model.slots[slot]
        is_fit = self.model.left(slot) >= count and here.state != "removed"
        self.write(
            "INSERT INTO hold (id, calendar, slot, seats, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            name, here.calendar, slot, count, now, now + seconds * 1_000,
            expect=lambda: self.model.need(is_fit),
        )  # fmt: skip
        if is_fit:
            self.model.holds[name] = Hold(slot, count, "nobody", now, now + seconds * 1_000)
            self.tokens[name] = {"id": name, "token": self.driver.service.tokens.token("hold", name)}

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot)
    def spoil_counters(self, place: int) -> None:
        """Write wrong counters; a trigger corrects them at once."""
        self.write("UPDATE slot SET held = 0, booked = 0, blocked = 3, version = 0 WHERE id = ?", self.pick_slot(place))
