"""Every command leaves its entries in the history: exactly one for each change, by the right actor."""

from __future__ import annotations

from typing import Any

import pytest

from models.contract.commands.background import CancelMany, EraseBookings, TakeOutside
from models.contract.commands.bookings import CancelBooking, RescheduleBooking, UpdateBooking, VerifyBooking
from models.contract.commands.command import Command
from models.contract.commands.holds import ExtendHold, HoldSlot, ReleaseHold
from models.contract.errors import Refused
from models.contract.principal import Role
from models.contract.requests import REQUESTS
from tests.invariants.cases.case import CASES
from tests.invariants.test_convergence import CASE_MODULES
from tests.models.driver import GUEST, STAFF, Driver, Viewer, booking, code, history, moving, new_key

assert CASE_MODULES
_BY_HOLDER = {ExtendHold, ReleaseHold, CancelBooking, RescheduleBooking, UpdateBooking, VerifyBooking}
# They are about more slots than a change has.
_WITH_MORE_ENTRIES = {"archived_with_many_slots", "restored_with_many_slots", "last_booking_before_many_that_wait"}


def _actor(command: Command) -> str:
    if isinstance(command, EraseBookings | CancelMany):
        return "staff"
    if not command.wire.name:
        return "outside" if isinstance(command, TakeOutside) else "server"
    if command.principal.role >= Role.STAFF:
        return "staff"
    return "holder" if type(command) in _BY_HOLDER else "guest"


@pytest.mark.parametrize("name", CASES)
def test_a_command_leaves_one_entry(driver: Driver, name: str) -> None:
    """A command that changes a calendar leaves one entry in it, and one without a change leaves none."""
    driver.open(2)
    kind, case, types = CASES[name]
    command = case(driver)
    viewer = Viewer(driver.service, driver.calendar)
    before = viewer.have
    driver.service.run(command)
    changes = viewer.follow()
    entries = [entry for entry in history(driver) if entry["seq"] > before]
    assert entries == entries[: len(types)]
    if "schedule" not in kind.wire.name and name not in _WITH_MORE_ENTRIES:
        assert len(entries) == bool(types)
    for entry in entries:
        assert entry["actor"] == _actor(command)
        assert not kind.wire.name or entry["command"] == kind.wire.name
        assert entry.get("sub") == (command.principal.subject or None)
        change = changes[entry["seq"] - before - 1]
        touched = {slot["id"] for slot in change["slots"]} | set(change["removed"])
        assert set(entry["slots"]) <= touched | {row[0] for row in driver.query("SELECT slot FROM booking")}
    _about_its_subject(command, entries[-1:])


def _about_its_subject(command: Command, first: list[dict[str, Any]]) -> None:
    """The first entry names the slot and the booking of the request."""
    for entry in first:
        if isinstance(command, RescheduleBooking):
            assert entry["bookings"] == [command.booking]
        elif isinstance(booked := getattr(command, "booking", None), str) and command.wire.name != "calendar.update":
            assert entry["bookings"] == [booked]
            assert entry["slots"]
        elif slot := getattr(command, "slot", ""):
            assert slot in entry["slots"]


def test_every_request_about_slots_and_bookings_is_covered() -> None:
    """Each command of the wire has a case, so that a new one is tested here."""
    commands = {kind for kind in REQUESTS.values() if issubclass(kind, Command)}
    assert commands <= {kind for kind, _, _ in CASES.values()}


def test_a_move_between_calendars_is_in_both(driver: Driver) -> None:
    """Each calendar has one entry, with its own slot."""
    (here,) = driver.open()
    booked = driver.reserve(here)
    driver.create("there")
    (there,) = driver.open()
    driver.service.run(moving(booked, there))
    for calendar, slot in (("room", here), ("there", there)):
        entry, *_ = history(driver, calendar)
        assert (entry["command"], entry["slots"], entry["bookings"]) == ("booking.reschedule", [slot], [booked["id"]])


def test_a_neighbour_is_not_what_an_entry_is_about(driver: Driver) -> None:
    """A booking that blocks its neighbours is in the history of its own slot only."""
    driver.create("strict", overlap="reject")
    start = driver.clock.now + 86_400_000
    slot, beside = (driver.open_between(start, start + at * 3_600_000)[0] for at in (2, 3))
    driver.reserve(slot)
    assert [entry["command"] for entry in history(driver, slot=slot)] == ["slot.book", "slot.open"]
    assert [entry["command"] for entry in history(driver, slot=beside)] == ["slot.open"]


def test_a_refused_command_leaves_no_entry(driver: Driver) -> None:
    """A refused command and a failed one are not in the history."""
    (slot,) = driver.open()
    before = history(driver)
    outcomes = driver.together([booking(slot, seats=2), HoldSlot(principal=STAFF, key=new_key(), slot=slot, seats=3)])
    assert all(isinstance(outcome, Refused) for outcome in outcomes), [code(one) for one in outcomes]
    assert history(driver) == before


@pytest.mark.parametrize("principal", [GUEST, STAFF], ids=["guest", "staff"])
def test_a_repeated_command_leaves_one_entry(driver: Driver, principal: Any) -> None:
    """A command sent again with its key, also in the same batch, is in the history once."""
    (slot,) = driver.open(capacity=9)
    command = booking(slot, principal=principal, key="a-key-of-one-request-only")
    driver.together([command, command])
    driver.service.run(command)
    assert [entry["command"] for entry in history(driver)] == ["slot.book", "slot.open"]
