"""The state machine of the service: it runs commands on the service and on a model, and compares the two."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from models.contract.commands.command import Command
from models.contract.errors import Refused
from models.contract.principal import Principal, Role
from models.contract.values.time import HOUR, MINUTE, read_time, write_time
from tests.invariants.model.hours import Planned
from tests.invariants.model.model import Model
from tests.invariants.model.rows import Calendar, No, Slot
from tests.invariants.model.schedule_model import refill
from tests.models.database_audit import asking, audit
from tests.models.driver import GUEST, STAFF, START, Driver, Viewer

STEPS_AN_AUDIT = 5
_number = itertools.count()

any_one = st.integers(min_value=0, max_value=1_000)
any_slot = st.integers(min_value=0, max_value=11)
seats = st.integers(min_value=1, max_value=3)
rarely = st.sampled_from([False, False, False, True])
principals = st.sampled_from([GUEST, GUEST, STAFF])
calendars = st.integers(min_value=0, max_value=2)


class Machine(RuleBasedStateMachine):
    """Three calendars: one allows overlaps at first, one rejects them, and one may be archived."""

    driver: Driver

    def __init__(self) -> None:
        super().__init__()
        self.driver.clock.now = START + 23 * HOUR + 50 * MINUTE  # each run begins shortly before midnight
        self.calendars = [f"{name}-{next(_number)}" for name in ("loose", "strict", "brief")]
        self.model = Model()
        for calendar, overlap in zip(self.calendars, ("allow", "reject", "allow"), strict=True):
            self.driver.create(calendar, overlap=overlap)
            self.model.calendars[calendar] = Calendar(overlap)
        self.viewers = {calendar: Viewer(self.driver.service, calendar) for calendar in self.calendars}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.last: tuple[Command, Any] | None = None
        self.before: Model | None = None  # the model at its last comparison
        self.steps = 0

    def ask(self, command: Command, expect: Callable[[], Any]) -> tuple[Any, Any]:
        """Return the service's answer and the model's; both are None if both refuse."""
        before = copy.deepcopy(self.model)
        self.model.now = self.driver.clock.now
        try:
            expected, is_refused = expect(), False
        except No:
            self.model, is_refused = before, True
        try:
            answer = self.driver.service.run(command)
        except Refused as refusal:
            if not is_refused:
                pytest.fail(f"the service refuses {command} with {refusal.code}, {refusal.details}")
            return None, None
        assert not is_refused, f"the service should refuse {command}"
        self.before = self.before or before
        if command.key:
            self.last = (command, answer)
        result = msgspec.json.decode(answer.result)
        return next(iter(result.values())) if len(result) == 1 else result, expected

    def made(self, answer: Any, kind: str) -> Any:
        """Return the hold or booking of an answer, which may have more fields beside it."""
        return answer[kind] if isinstance(answer.get(kind), dict) else answer

    def pick(self, some: dict[str, Any], place: int) -> str:
        return list(some)[place % len(some)]

    def pick_slot(self, place: int) -> str:
        """Return one of the last opened slots, without removed ones."""
        standing = [name for name, slot in self.model.slots.items() if slot.state != "removed"]
        return (standing or list(self.model.slots))[-1 - place % len(standing or self.model.slots)]

    def adopt(self, calendar: str, wanted: list[Planned]) -> None:
        """Add the slots opened by the schedule to the model; they must be the wanted ones."""
        viewer = self.viewers[calendar]
        viewer.follow()
        new = {name: slot for name, slot in viewer.slots.items() if name not in self.model.slots}
        for name, slot in new.items():
            start, end = read_time(slot["start"]), read_time(slot["end"])
            more: dict[str, Any] = {"is_scheduled": True, "data": slot.get("data")}
            self.model.slots[name] = Slot(calendar, start, end, slot["capacity"], **more)
        opened = [self.model.slots[name] for name in new]
        assert sorted((slot.start, slot.end, slot.capacity, slot.data or "") for slot in opened) == sorted(
            (one.start, one.end, one.capacity, one.data or "") for one in wanted
        )

    def name_of(self, principal: Principal) -> str:
        return "staff" if principal.role >= Role.STAFF else "guest"

    @invariant()
    def the_service_agrees_with_the_model(self) -> None:
        """Every slot is as in the model, and every viewer has the service's slots by changes alone."""
        self.model.now = self.driver.clock.now
        self.model.tidy()
        while asked := self.driver.service.outside():
            for command in asked:
                self.driver.service.run(command)
        for calendar, opened in refill(self.model, self.before or self.model).items():
            self.adopt(calendar, opened)
        self.before = None
        for viewer in self.viewers.values():
            viewer.follow()
            viewer.check()
            expected: dict[str, dict[str, Any]] = {
                name: {
                    "start": slot.start,
                    "capacity": slot.capacity,
                    "held": self.model.held(name),
                    "remaining": max(0, self.model.left(name)),
                    "bookable": self.model.has(name, 1) and slot.start > self.driver.clock.now,
                    "data": slot.data,
                }
                for name, slot in self.model.slots.items()
                if slot.calendar == viewer.calendar and slot.state != "removed"
            }
            assert expected == {
                name: {**{field: slot.get(field) for field in expected[name]}, "start": read_time(slot["start"])}
                for name, slot in viewer.slots_now.items()
            }
            assert all(slot["remaining"] >= 0 for slot in expected.values())

    @invariant()
    def the_tables_agree(self) -> None:
        """No booking is lost or misplaced, and every counter is the sum of its rows."""
        self.steps += 1
        if self.steps % STEPS_AN_AUDIT == 0:
            self.check_tables()

    def check_tables(self) -> None:
        rows = self.driver.service.bookings_by_id(list(self.model.bookings))
        seen = {
            name: (row.slot, row.seats, row.status, tuple(row.overridden or ()), row.expires_at or None)
            for name, row in rows.items()
        }
        assert seen == {
            name: (one.slot, one.seats, one.status, one.overridden, one.expires and write_time(one.expires))
            for name, one in self.model.bookings.items()
        }
        audit(self.driver.path)

    def teardown(self) -> None:
        self.check_tables()
        for viewer in self.viewers.values():
            assert viewer.applied == list(range(1, viewer.have + 1))
        with asking(self.driver.path) as ask:  # otherwise each audit would read the rows of all runs before
            names = "booking hold receipt change_log history timetable waiting_slot slot calendar touched"
            for table in names.split():
                ask(f"DELETE FROM {table}")
