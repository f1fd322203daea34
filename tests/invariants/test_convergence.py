"""Every command is proved by: old snapshot + its changes == new snapshot."""

from __future__ import annotations

import pytest

from models.contract.commands.command import Command
from models.contract.commands.holds import HoldSlot, ReleaseHold
from models.contract.commands.slots import CloseSlot
from models.transaction.handlers import HANDLERS
from tests.invariants.cases import access_cases, booking_cases, busy_cases, calendar_cases, schedule_cases
from tests.invariants.cases.case import CASES
from tests.models.driver import GUEST, Driver, Viewer, booking, new_key

# Each of these modules registers its cases.
CASE_MODULES = (access_cases, calendar_cases, booking_cases, schedule_cases, busy_cases)


@pytest.mark.parametrize("name", CASES)
def test_old_snapshot_and_changes_are_the_new_snapshot(driver: Driver, name: str) -> None:
    """A viewer with the changes of a command applied equals a fresh snapshot; what has changed has the time of it."""
    driver.open(2)
    kind, case, types = CASES[name]
    command = case(driver)
    assert type(command) is kind
    viewer = Viewer(driver.service, driver.calendar)
    before = viewer.have
    answer = driver.service.run(command)
    changes = viewer.follow()
    assert [change["type"] for change in changes] == types
    assert viewer.applied == list(range(before + 1, before + 1 + len(types)))
    assert all(len(change["slots"]) <= 200 for change in changes)
    for table in ("slot", "booking"):
        sql = f"SELECT id FROM {table} WHERE calendar = ? AND version > ? AND changed_at <> ?"
        assert driver.query(sql, driver.calendar, before, driver.clock.now) == []
    if answer.calendar == driver.calendar:
        assert (answer.seq, answer.cursor) == (viewer.have, viewer.cursor)
    viewer.check()


def test_every_command_has_such_a_proof() -> None:
    """Every command of the service has a case."""
    assert {kind for kind, _, _ in CASES.values()} == set(HANDLERS)


def test_one_change_has_the_whole_effect_of_a_command(driver: Driver) -> None:
    """A booking with a hold is one change: its viewer never sees the seat free in between."""
    (slot,) = driver.open()
    hold = driver.hold(slot)
    viewer = Viewer(driver.service, driver.calendar)
    driver.reserve(slot, hold)
    (change,) = viewer.follow()
    assert change["slots"][0] | {"held": 0, "remaining": 0, "status": "booked"} == change["slots"][0]
    assert "held_until" not in change["slots"][0]


def test_a_refusal_makes_no_change(driver: Driver) -> None:
    """A refused command leaves no trace in the log."""
    (slot,) = driver.open()
    viewer = Viewer(driver.service, driver.calendar)
    commands_refused: list[Command] = [
        booking(slot, seats=2),
        booking(slot, seats=0),
        HoldSlot(principal=GUEST, key="short", slot=slot),
        ReleaseHold(principal=GUEST, key=new_key(), hold=slot, token="x"),
        CloseSlot(principal=GUEST, slot=slot),
    ]
    driver.together(commands_refused)
    assert viewer.follow() == []
    viewer.check()
