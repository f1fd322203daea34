"""The service runs commands in any order, and is compared with a plain model."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test
from msgspec.structs import replace

from models.contract.commands.background import ExpireBookings, ExpireHolds, FillHorizon, TrimLog
from models.contract.commands.bookings import (
    CancelBooking,
    ConfirmBooking,
    EraseCustomer,
    MarkNoShow,
    ReinstateBooking,
    RejectBooking,
    StaffOnBooking,
    UpdateBooking,
)
from models.contract.commands.calendars import ArchiveCalendar, RestoreCalendar, SetSchedule, UpdateCalendar
from models.contract.commands.command import Command
from models.contract.commands.holds import ExtendHold, HoldSlot, ReleaseHold
from models.contract.commands.slots import CloseSlot, NewSlot, OpenSlots, RemoveSlot, ReopenSlot, UpdateSlot
from models.contract.principal import Principal, Role
from models.contract.values.time import DAY, HOUR, MINUTE
from tests.invariants.machine import Machine, any_one, any_slot, calendars, principals, rarely, seats
from tests.invariants.model.hours import Hours
from tests.invariants.model.model import Model
from tests.invariants.model.rows import Slot
from tests.invariants.model.schedule_model import fill, set_schedule
from tests.invariants.outside_writer import Outsiders
from tests.models.driver import GUEST, STAFF, Driver, booking, moving, new_key, proof

# EXAMPLES=2000 in the environment is its long form.
EXAMPLES = {kind: int(os.environ.get("EXAMPLES", few)) for kind, few in (("sqlite", "60"), ("postgres", "12"))}
STEPS = 50
POLICIES: tuple[dict[str, Any], ...] = (
    {"max_holds": 9},
    {"overlap": "reject", "cancel_notice": 3_600},
    {"buffer_before": 1_800, "buffer_after": 600, "confirmation": "staff"},
    {"confirmation": "staff", "cancel_notice": 5_400, "pending_seconds": 1_500},
    {"max_holds": 1, "min_notice": 3_600},
    {"max_holds": 2, "max_advance": 5_400},
    {"overlap": "allow", "buffer_before": 0, "buffer_after": 0, "confirmation": "none"},
    {"max_bookings": 3},
    {"max_bookings_per_day": 1, "max_bookings": None},
    {"max_bookings": None, "max_bookings_per_day": None},
    {"max_holds": 10, "min_notice": 0, "max_advance": None, "cancel_notice": 0, "pending_seconds": None},
)

PERIODIC = ("fill", "expire", "expire", "unanswered", "trim", "archive", "restore")
NOTES: dict[type[StaffOnBooking], Callable[[Model, str], None]] = {
    ConfirmBooking: lambda model, name: model.mark(name, "confirmed", of={"pending"}),
    RejectBooking: lambda model, name: model.mark(name, "rejected", of={"pending"}),
    MarkNoShow: lambda model, name: model.miss(name),
    ReinstateBooking: lambda model, name: model.reinstate(name),
    EraseCustomer: lambda model, name: model.erase(name),
}


class Taking(Machine):
    """The rules for the requests of guests."""

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot, count=seats, principal=principals, override=rarely)
    def hold(self, place: int, count: int, principal: Principal, override: bool) -> None:
        slot, name = self.pick_slot(place), self.name_of(principal)
        command = HoldSlot(principal=principal, key=new_key(), slot=slot, seats=count, override=override)
        answer, hold = self.ask(command, lambda: self.model.hold(slot, count, name, override=override))
        if answer:
            answer = self.made(answer, "hold")
            self.model.holds[answer["id"]], self.tokens[answer["id"]] = hold, answer

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot, count=seats, principal=principals, override=rarely)
    def book(self, place: int, count: int, principal: Principal, override: bool) -> None:
        slot, name = self.pick_slot(place), self.name_of(principal)
        command = booking(slot, seats=count, principal=principal, override=override)
        self.booked(command, lambda: self.model.book(slot, count, name, override=override))

    @precondition(lambda self: self.model.holds)
    @rule(place=any_one, count=st.none() | seats, if_still_free=st.booleans())
    def book_held(self, place: int, count: int | None, if_still_free: bool) -> None:
        name = self.pick(self.model.holds, place)
        slot = self.model.holds[name].slot
        command = booking(slot, self.tokens[name], seats=count, if_still_free=if_still_free)
        self.booked(command, lambda: self.model.book_held(name, count, if_still_free=if_still_free))

    def booked(self, command: Command, expect: Callable[[], Any]) -> None:
        answer, made = self.ask(command, expect)
        if answer:
            answer = self.made(answer, "booking")
            self.model.bookings[answer["id"]], self.tokens[answer["id"]] = made, answer

    @precondition(lambda self: self.model.holds)
    @rule(place=any_one)
    def extend(self, place: int) -> None:
        name = self.pick(self.model.holds, place)
        command = ExtendHold(principal=GUEST, key=new_key(), **proof(self.tokens[name]))
        self.ask(command, lambda: self.model.extend(name))

    @precondition(lambda self: self.model.holds)
    @rule(place=any_one)
    def release(self, place: int) -> None:
        name = self.pick(self.model.holds, place)
        command = ReleaseHold(principal=GUEST, key=new_key(), **proof(self.tokens[name]))
        self.ask(command, lambda: self.model.release(name))

    @precondition(lambda self: self.model.bookings)
    @rule(place=any_one, principal=principals)
    def cancel(self, place: int, principal: Principal) -> None:
        name = self.pick(self.model.bookings, place)
        token = "" if (principal.role >= Role.STAFF) else self.tokens[name]["token"]
        command = CancelBooking(principal=principal, key=new_key(), booking=name, token=token)
        self.ask(command, lambda: self.model.cancel(name, is_staff=(principal.role >= Role.STAFF)))

    @precondition(lambda self: self.model.bookings)
    @rule(place=any_one, to=any_slot, hold=st.none() | any_one, principal=principals, override=rarely)
    def move(self, place: int, to: int, hold: int | None, principal: Principal, override: bool) -> None:
        name, slot = self.pick(self.model.bookings, place), self.pick_slot(to)
        with_hold = self.pick(self.model.holds, hold) if hold is not None and self.model.holds else None
        if with_hold is not None:
            slot = self.model.holds[with_hold].slot
        command = moving(self.tokens[name], slot, self.tokens[with_hold] if with_hold else None, principal=principal)
        command = replace(command, override=override)
        is_staff = principal.role >= Role.STAFF
        self.ask(command, lambda: self.model.move(name, slot, with_hold, is_staff=is_staff, override=override))

    @precondition(lambda self: self.model.bookings)
    @rule(place=any_one, count=seats, principal=principals, override=rarely)
    def change_seats(self, place: int, count: int, principal: Principal, override: bool) -> None:
        name, is_staff = self.pick(self.model.bookings, place), (principal.role >= Role.STAFF)
        token = "" if is_staff else self.tokens[name]["token"]
        command = UpdateBooking(
            principal=principal, key=new_key(), booking=name, token=token, seats=count, override=override
        )
        self.ask(command, lambda: self.model.change_seats(name, count, override=override, is_staff=is_staff))

    @precondition(lambda self: self.last)
    @rule()
    def repeat(self) -> None:
        assert self.last is not None
        command, answer = self.last
        assert self.driver.service.run(command) == answer


class Everything(Taking, Outsiders):
    """The rules for the commands of staff, the clock, and outside writes."""

    @initialize(policies=st.lists(st.sampled_from(POLICIES), min_size=3, max_size=3))
    def begin(self, policies: list[dict[str, Any]]) -> None:
        for where, policy in enumerate(policies):
            self.turn(where, policy)
            for at in range(3):
                self.open_slot(where, at, 2, 3)

    @rule(where=calendars, at=st.integers(-1, 8), length=st.integers(1, 4), capacity=seats, twice=st.booleans())
    def open_slot(self, where: int, at: int, length: int, capacity: int, twice: bool = True) -> None:
        calendar = self.calendars[where]
        start, end = self.near(at, length)
        new = NewSlot(start=start, end=end, capacity=capacity)
        command = OpenSlots(principal=STAFF, key=new_key(), calendar=calendar, slots=(new,), duplicates=twice)
        answer, _ = self.ask(command, lambda: self.model.open(calendar, start, end, twice=twice))
        for slot in answer["slots"] if isinstance(answer, dict) else answer or ():
            self.model.slots[slot["id"]] = Slot(calendar, start, end, capacity)

    def near(self, at: int, length: int) -> tuple[int, int]:
        """A time around now, in half hours."""
        first = (self.driver.clock.now // HOUR + 1) * HOUR
        return first + at * 30 * MINUTE, first + (at + length) * 30 * MINUTE

    @precondition(lambda self: self.model.bookings)
    @rule(place=any_one, what=st.sampled_from([*NOTES, MarkNoShow]))
    def note(self, place: int, what: type[Any]) -> None:
        name = self.pick(self.model.bookings, place)
        self.ask(what(principal=STAFF, key=new_key(), booking=name), lambda: NOTES[what](self.model, name))

    @precondition(lambda self: self.model.bookings)
    @rule(place=any_one, override=st.booleans())
    def reinstate(self, place: int, override: bool) -> None:
        name = self.pick(self.model.bookings, place)
        command = ReinstateBooking(principal=STAFF, key=new_key(), booking=name, override=override)
        self.ask(command, lambda: self.model.reinstate(name, override=override))

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot, what=st.sampled_from(["close", "reopen", "remove"]))
    def change(self, place: int, what: str) -> None:
        slot = self.pick_slot(place)
        kind = {"close": CloseSlot, "reopen": ReopenSlot, "remove": RemoveSlot}[what]
        self.ask(kind(principal=STAFF, slot=slot), lambda: getattr(self.model, what)(slot))

    @precondition(lambda self: self.model.slots)
    @rule(place=any_slot, capacity=seats, override=rarely)
    def resize(self, place: int, capacity: int, override: bool) -> None:
        slot = self.pick_slot(place)
        command = UpdateSlot(principal=STAFF, slot=slot, capacity=capacity, override=override)
        self.ask(command, lambda: self.model.resize(slot, capacity, override=override))

    @precondition(lambda self: self.model.slots)
    @rule(
        place=any_slot, at=st.integers(-1, 8), length=st.integers(1, 4), is_along=st.booleans(), override=rarely,
    )  # fmt: skip
    def retime(self, place: int, at: int, length: int, is_along: bool, override: bool) -> None:
        slot = self.pick_slot(place)
        start, end = self.near(at, length)
        command = UpdateSlot(
            principal=STAFF, slot=slot, start=start, end=end, with_bookings=is_along, override=override
        )
        self.ask(command, lambda: self.model.retime(slot, start, end, is_along=is_along, override=override))

    @rule(where=calendars, policy=st.sampled_from(POLICIES))
    def turn(self, where: int, policy: dict[str, Any]) -> None:
        calendar = self.calendars[where]
        command = UpdateCalendar(principal=STAFF, calendar=calendar, policy=policy)
        self.ask(command, lambda: self.model.update(calendar, policy))

    @rule(
        where=calendars, opening=st.sampled_from([0, 1_320, 1_380]), count=st.sampled_from([4, 3, 1, 0]),
        minutes=st.sampled_from([60, 30]), capacity=seats, since=st.integers(-1, 1), horizon_days=st.integers(1, 3),
        own_opening=st.sampled_from([0, 30, 1_350, 1_380]), own_slots=st.integers(0, 2),
        own_minutes=st.sampled_from([60, 30]), own_capacity=seats, data=st.sampled_from([None, "yoga", "pilates"]),
    )  # fmt: skip
    def schedule(self, where: int, opening: int, count: int, minutes: int, **numbers: Any) -> None:
        calendar, today = self.calendars[where], self.driver.clock.now // DAY
        since = today + numbers["since"]
        hours = Hours(opening, count, minutes, **numbers | {"since": since})
        command = SetSchedule(principal=STAFF, key=new_key(), calendar=calendar, schedule=hours.schedule())
        answer, times = self.ask(command, lambda: set_schedule(self.model, calendar, hours))
        if answer:
            assert answer["opened"] == len(times)
            self.adopt(calendar, times)

    @rule(seconds=st.sampled_from([1, 299.9, 300, 300.4, 301, 1_500, 3_600, 86_400]))
    def wait(self, seconds: float) -> None:
        self.driver.clock.go(seconds)

    @rule(where=calendars, what=st.sampled_from(PERIODIC))
    def run_periodic_work(self, where: int, what: str) -> None:
        calendar = self.calendars[where]
        match what:
            case "fill":
                count, times = self.ask(FillHorizon(calendar=calendar), lambda: fill(self.model, calendar))
                assert count == len(times)
                self.adopt(calendar, times)
            case "expire":
                self.ask(ExpireHolds(calendar=calendar), lambda: self.model.expire_holds(calendar))
            case "unanswered":
                self.ask(ExpireBookings(calendar=calendar), lambda: self.model.expire_bookings(calendar))
            case "trim":
                self.last = None  # a key is not repeated after its record may be gone
                self.ask(TrimLog(calendar=calendar), lambda: None)
            case "archive":
                last = self.calendars[-1]
                self.ask(ArchiveCalendar(principal=STAFF, calendar=last), lambda: self.model.archive(last))
            case "restore":
                last = self.calendars[-1]
                self.ask(RestoreCalendar(principal=STAFF, calendar=last), lambda: self.model.restore(last))


def test_the_service_and_the_model_agree(driver: Driver, kind: str) -> None:
    """Any commands in any order: the service refuses, takes seats and logs exactly like the model."""
    machine = type("ServiceMachine", (Everything,), {"driver": driver})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES[kind],
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            deadline=None,
            database=None,
            phases=[Phase.generate],  # shrinking would outlast the test's time
        ),
    )
