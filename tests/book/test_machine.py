"""A machine that asks the book for anything in any order, with a plain model beside it that must agree."""

from __future__ import annotations

import copy
import itertools
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from models.clock import DAY, MINUTE
from models.commands import (
    CancelBooking,
    CloseSlot,
    Command,
    EraseCustomer,
    ExtendHold,
    HoldSlot,
    LapseHolds,
    MarkNoShow,
    NewSlot,
    OpenSlots,
    ReleaseHold,
    RemoveSlot,
    ReopenSlot,
    UpdateCalendar,
    UpdateSlot,
)
from models.errors import Refused
from tests.book.audit import audit
from tests.book.desk import GUEST, STAFF, Desk, Viewer, booking, held, moving, new_key, results
from tests.book.model import Model, No, Slot

# EXAMPLES=2000 in the environment is its long form.
EXAMPLES, STEPS = int(os.environ.get("EXAMPLES", "40")), 40
_number = itertools.count()
_any = st.integers(min_value=0, max_value=1_000)
_seats = st.integers(min_value=1, max_value=3)


class Machine(RuleBasedStateMachine):
    """Two calendars; in one of them slots may overlap at first, in the other they may not."""

    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self.calendars = [f"{name}-{next(_number)}" for name in ("loose", "strict")]
        for calendar, overlap in zip(self.calendars, ("allow", "reject"), strict=True):
            self.desk.create(calendar, overlap=overlap, max_holds=1_000)
        self.viewers = [Viewer(self.desk.book, calendar) for calendar in self.calendars]
        self.base = self.desk.clock.now + DAY
        self.model = Model({calendar: place == 1 for place, calendar in enumerate(self.calendars)})
        self.tokens: dict[str, dict[str, Any]] = {}
        self.last: tuple[Command, Any] | None = None

    def ask(self, command: Command, expect: Callable[[], Any]) -> tuple[Any, Any]:
        """The book's answer and the model's; both None where both refuse. They never differ in that."""
        before = copy.deepcopy(self.model)
        self.model.now = self.desk.clock.now
        try:
            expected, is_refused = expect(), False
        except No:
            self.model, is_refused = before, True
        try:
            answer = self.desk.book.run(command)
        except Refused as refusal:
            if not is_refused:
                pytest.fail(f"the book refuses {command} with {refusal.code}, {refusal.details}")
            return None, None
        assert not is_refused, f"the book should refuse {command}"
        if command.key:
            self.last = (command, answer)
        return results(answer), expected

    def pick(self, some: dict[str, Any], place: int) -> str:
        return list(some)[place % len(some)]

    @rule(where=st.booleans(), at=st.integers(0, 8), length=st.integers(1, 4), capacity=_seats)
    def open_slot(self, where: bool, at: int, length: int, capacity: int) -> None:
        calendar = self.calendars[where]
        start, end = self.base + at * 30 * MINUTE, self.base + (at + length) * 30 * MINUTE
        new = NewSlot(start=start, end=end, capacity=capacity)
        command = OpenSlots(asker=STAFF, key=new_key(), calendar=calendar, slots=(new,))
        (opened,), _ = self.ask(command, lambda: None)
        self.model.slots[opened["id"]] = Slot(calendar, start, end, capacity)

    @precondition(lambda self: self.model.slots)
    @rule(place=_any, seats=_seats)
    def hold(self, place: int, seats: int) -> None:
        slot = self.pick(self.model.slots, place)
        command = HoldSlot(asker=GUEST, key=new_key(), slot=slot, seats=seats)
        answer, hold = self.ask(command, lambda: self.model.hold(slot, seats))
        if answer:
            self.model.holds[answer["id"]], self.tokens[answer["id"]] = hold, answer

    @precondition(lambda self: self.model.slots)
    @rule(place=_any, seats=_seats)
    def book(self, place: int, seats: int) -> None:
        slot = self.pick(self.model.slots, place)
        self.booked(booking(slot, seats=seats), lambda: self.model.book(slot, seats))

    @precondition(lambda self: self.model.holds)
    @rule(place=_any, seats=st.none() | _seats, if_still_free=st.booleans())
    def book_held(self, place: int, seats: int | None, if_still_free: bool) -> None:
        name = self.pick(self.model.holds, place)
        slot = self.model.holds[name].slot
        command = booking(slot, self.tokens[name], seats=seats, if_still_free=if_still_free)
        self.booked(command, lambda: self.model.book_held(name, seats, if_still_free=if_still_free))

    def booked(self, command: Command, expect: Callable[[], Any]) -> None:
        answer, made = self.ask(command, expect)
        if answer:
            self.model.bookings[answer["id"]], self.tokens[answer["id"]] = made, answer

    @precondition(lambda self: self.model.holds)
    @rule(place=_any)
    def extend(self, place: int) -> None:
        name = self.pick(self.model.holds, place)
        command = ExtendHold(asker=GUEST, key=new_key(), hold=held(self.tokens[name]))
        self.ask(command, lambda: self.model.extend(name))

    @precondition(lambda self: self.model.holds)
    @rule(place=_any)
    def release(self, place: int) -> None:
        name = self.pick(self.model.holds, place)
        command = ReleaseHold(asker=GUEST, key=new_key(), hold=held(self.tokens[name]))
        self.ask(command, lambda: self.model.release(name))

    @precondition(lambda self: self.model.bookings)
    @rule(place=_any)
    def cancel(self, place: int) -> None:
        name = self.pick(self.model.bookings, place)
        command = CancelBooking(asker=GUEST, key=new_key(), booking=name, token=self.tokens[name]["token"])
        self.ask(command, lambda: self.model.cancel(name))

    @precondition(lambda self: self.model.bookings)
    @rule(place=_any, to=_any, hold=st.none() | _any)
    def move(self, place: int, to: int, hold: int | None) -> None:
        name, slot = self.pick(self.model.bookings, place), self.pick(self.model.slots, to)
        with_hold = self.pick(self.model.holds, hold) if hold is not None and self.model.holds else None
        if with_hold is not None:
            slot = self.model.holds[with_hold].slot
        command = moving(self.tokens[name], slot, self.tokens[with_hold] if with_hold else None)
        self.ask(command, lambda: self.model.move(name, slot, with_hold))

    @precondition(lambda self: self.model.bookings)
    @rule(place=_any, is_erased=st.booleans())
    def note(self, place: int, is_erased: bool) -> None:
        name = self.pick(self.model.bookings, place)
        if is_erased:
            self.ask(EraseCustomer(asker=STAFF, booking=name), lambda: None)
        else:
            self.ask(MarkNoShow(asker=STAFF, booking=name), lambda: self.model.mark_no_show(name))

    @precondition(lambda self: self.model.slots)
    @rule(place=_any, what=st.sampled_from(["close", "reopen", "remove", "resize"]), capacity=_seats)
    def change(self, place: int, what: str, capacity: int) -> None:
        slot = self.pick(self.model.slots, place)
        match what:
            case "close":
                self.ask(CloseSlot(asker=STAFF, slot=slot), lambda: self.model.set_state(slot, "closed"))
            case "reopen":
                self.ask(ReopenSlot(asker=STAFF, slot=slot), lambda: self.model.set_state(slot, "open"))
            case "remove":
                self.ask(RemoveSlot(asker=STAFF, slot=slot), lambda: self.model.remove(slot))
            case "resize":
                command = UpdateSlot(asker=STAFF, slot=slot, capacity=capacity)
                self.ask(command, lambda: self.model.resize(slot, capacity))

    @rule(where=st.booleans(), is_strict=st.booleans())
    def turn(self, where: bool, is_strict: bool) -> None:
        calendar = self.calendars[where]
        policy = {"overlap": "reject" if is_strict else "allow"}
        self.ask(UpdateCalendar(asker=STAFF, calendar=calendar, policy=policy), lambda: None)
        self.model.strict[calendar] = is_strict

    @rule(seconds=st.sampled_from([1, 100, 299.9, 300, 300.4, 301]))
    def wait(self, seconds: float) -> None:
        self.desk.clock.go(seconds)

    @rule(where=st.booleans())
    def sweep(self, where: bool) -> None:
        calendar = self.calendars[where]
        self.ask(LapseHolds(calendar=calendar), lambda: self.model.sweep(calendar))

    @precondition(lambda self: self.last)
    @rule()
    def repeat(self) -> None:
        assert self.last is not None
        command, answer = self.last
        assert self.desk.book.run(command) == answer

    @invariant()
    def the_book_is_the_model(self) -> None:
        """Every slot as the model has it; and every viewer, with nothing but changes, as the book has it."""
        self.model.now = self.desk.clock.now
        for viewer in self.viewers:
            viewer.follow()
            viewer.check()
            expected = {
                name: (slot.capacity, self.model.held(name), self.model.left(name), self.model.has(name, 1))
                for name, slot in self.model.slots.items()
                if slot.calendar == viewer.calendar and slot.state != "removed"
            }
            assert expected == {
                name: (slot["capacity"], slot["held"], slot["remaining"], slot["bookable"])
                for name, slot in viewer.slots.items()
            }
            assert all(left >= 0 for _, _, left, _ in expected.values())

    def teardown(self) -> None:
        """No booking is lost, none is where it should not be."""
        rows = self.desk.book.bookings_by_id(list(self.model.bookings))
        assert {name: (row.slot, row.seats, row.status) for name, row in rows.items()} == {
            name: (one.slot, one.seats, one.status) for name, one in self.model.bookings.items()
        }
        for viewer in self.viewers:
            assert viewer.applied == list(range(1, viewer.have + 1))


def test_the_book_and_the_model_agree(desk: Desk) -> None:
    """Whatever is asked in whatever order: the same is refused, the same seats are taken, the log tells all of it."""
    machine = type("BookMachine", (Machine,), {"desk": desk})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            deadline=None,
            database=None,
            phases=[Phase.generate],  # shrinking would outlast the test's time
        ),
    )
    audit(desk.path)
