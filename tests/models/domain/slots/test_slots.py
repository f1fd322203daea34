"""Slots: staff open, change, close and remove them."""

from __future__ import annotations

from typing import Any

import pytest

from models.contract.changes import Cursor
from models.contract.commands.calendars import ArchiveCalendar
from models.contract.commands.slots import CloseSlot, NewSlot, OpenSlots, RemoveSlot, ReopenSlot, UpdateSlot
from models.contract.errors import (
    BadRequest,
    CapacityExceeded,
    Forbidden,
    InvalidTransition,
    SlotUnavailable,
    Unauthorized,
    VersionConflict,
)
from models.contract.principal import Principal, Role
from models.contract.values.time import DAY, HOUR
from tests.models.driver import GUEST, STAFF, START, Driver, Viewer, new_key, results

SOON = START + DAY


def open_one(driver: Driver, **fields: Any) -> Any:
    slot = NewSlot(**({"start": SOON, "end": SOON + HOUR} | fields))
    return results(driver.service.run(OpenSlots(principal=STAFF, key=new_key(), calendar="room", slots=(slot,))))[0]


def test_a_closed_slot_keeps_its_holds_and_bookings(driver: Driver) -> None:
    """A closed slot takes no new customers; holds can be booked, bookings stand, and reopening undoes it."""
    (slot,) = driver.open(capacity=3)
    hold, booked = driver.hold(slot), driver.reserve(slot)
    driver.service.run(CloseSlot(principal=STAFF, slot=slot))
    assert (driver.slot(slot)["status"], driver.slot(slot)["bookable"]) == ("closed", False)
    with pytest.raises(SlotUnavailable) as refused:
        driver.hold(slot)
    assert refused.value.details == {"rule": "closed"}
    driver.reserve(slot, hold)
    driver.cancel(booked)
    driver.service.run(ReopenSlot(principal=STAFF, slot=slot))
    driver.reserve(slot)


def test_new_slots_are_answered_as_the_database_has_them(driver: Driver) -> None:
    """No row is read back, and yet they are those of a snapshot, beside a taken neighbour and a busy time."""
    driver.create("clinic", overlap="reject", buffer_after=60)
    driver.calendar = "clinic"
    (taken,) = driver.open(start=SOON)
    driver.reserve(taken)
    driver.keep_busy(SOON + 3 * DAY, SOON + 3 * DAY + HOUR)
    places = [START - DAY, SOON + HOUR, SOON + 2 * HOUR, SOON + 3 * DAY - HOUR, SOON + 3 * DAY + HOUR, SOON + 9 * DAY]
    data = (None, b'{"t": "\xc3\xb6"}')
    slots = tuple(
        NewSlot(start=start, end=start + HOUR - 60_000 * (place == 2), capacity=place + 1, data=data[place % 2])
        for place, start in enumerate(places)
    )
    command = OpenSlots(principal=STAFF, key=new_key(), calendar="clinic", slots=slots)
    opened = results(driver.service.run(command))
    assert {slot["id"]: slot for slot in opened} == {slot["id"]: driver.slot(slot["id"]) for slot in opened}
    assert [slot["bookable"] for slot in opened] == [False, False, True, False, False, True]


@pytest.mark.parametrize("command", [CloseSlot, ReopenSlot])
def test_closing_and_reopening_are_idempotent(driver: Driver, command: Any) -> None:
    """A command without an effect makes no change."""
    (slot,) = driver.open()
    driver.service.run(CloseSlot(principal=STAFF, slot=slot))
    if command is ReopenSlot:
        driver.service.run(ReopenSlot(principal=STAFF, slot=slot))
    viewer = Viewer(driver.service, "room")
    driver.service.run(command(principal=STAFF, slot=slot))
    assert viewer.follow() == []


@pytest.mark.parametrize("taken", ["held", "booked"])
def test_a_slot_with_a_taken_seat_is_not_removed_or_moved(driver: Driver, taken: str) -> None:
    """A taken slot is not removed, nor is its calendar archived; its capacity shrinks to the taken seats only."""
    (slot,) = driver.open(capacity=3)
    undo = driver.hold(slot, 2) if taken == "held" else driver.reserve(slot, seats=2)
    for command in (
        RemoveSlot(principal=STAFF, slot=slot),
        UpdateSlot(principal=STAFF, slot=slot, start=SOON + 99 * DAY, end=SOON + 99 * DAY + HOUR),
        ArchiveCalendar(principal=STAFF, calendar="room"),
    ):
        with pytest.raises(InvalidTransition):
            driver.service.run(command)
    with pytest.raises(CapacityExceeded):
        driver.service.run(UpdateSlot(principal=STAFF, slot=slot, capacity=1))
    driver.service.run(UpdateSlot(principal=STAFF, slot=slot, capacity=2, data=b"1"))
    if taken == "held":
        driver.release(undo)
    else:
        driver.cancel(undo)
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    assert driver.slots() == {}


@pytest.mark.parametrize("command", [UpdateSlot, CloseSlot, ReopenSlot, RemoveSlot])
def test_if_version_is_the_version_that_was_seen(driver: Driver, command: Any) -> None:
    """A slot changed since the given version is not touched."""
    (slot,) = driver.open()
    driver.release(driver.hold(slot))
    version = driver.slot(slot)["version"]
    with pytest.raises(VersionConflict) as refused:
        driver.service.run(command(principal=STAFF, slot=slot, if_version=version - 1))
    assert refused.value.details == {"version": version}
    driver.service.run(command(principal=STAFF, slot=slot, if_version=version))


def test_an_update_changes_the_given_fields(driver: Driver) -> None:
    """The rest stays; nothing given is no change; data can be taken away."""
    slot = open_one(driver, capacity=2, data=b'{"a":  1}')
    assert slot["data"] == {"a": 1}
    viewer = Viewer(driver.service, "room")
    assert results(driver.service.run(UpdateSlot(principal=STAFF, slot=slot["id"]))) == slot
    assert viewer.follow() == []
    updated = results(driver.service.run(UpdateSlot(principal=STAFF, slot=slot["id"], capacity=5)))
    assert updated == slot | {"capacity": 5, "remaining": 5, "version": 2}
    assert "data" not in results(driver.service.run(UpdateSlot(principal=STAFF, slot=slot["id"], data=None)))


@pytest.mark.parametrize(
    "fields",
    [
        {"end": SOON},
        {"end": SOON - 1},
        {"end": SOON + 367 * DAY},
        {"start": -1, "end": HOUR},
        {"start": 10**18, "end": 10**18 + HOUR},
        {"start": 10**30, "end": 10**30 + HOUR},
        {"start": -(10**30), "end": HOUR},
        {"capacity": 0},
        {"capacity": -1},
        {"capacity": 10_001},
        {"capacity": 1 << 70},
        {"data": b"{"},
        {"data": b"NaN"},
        {"data": b'"\xff"'},
        {"data": b'"\\ud800"'},
        {"data": b"[" * 2_000 + b"]" * 2_000},
        {"data": b'"' + b"x" * 4_096 + b'"'},
    ],
)
def test_a_slot_that_cannot_be_is_a_bad_request(driver: Driver, fields: dict[str, Any]) -> None:
    """A value out of bounds is refused in `slot.open` and `slot.update`, and nothing of it is stored."""
    with pytest.raises(BadRequest):
        open_one(driver, **fields)
    slot = open_one(driver)
    with pytest.raises(BadRequest):
        driver.service.run(UpdateSlot(principal=STAFF, slot=slot["id"], **fields))
    assert list(driver.slots().values()) == [slot]


def test_slots_are_opened_all_or_none(driver: Driver) -> None:
    """One bad slot refuses the whole command; none, or more than 200, is a bad request."""
    good = NewSlot(start=SOON, end=SOON + HOUR)
    for slots in ((good, good, NewSlot(start=SOON, end=SOON)), (), (good,) * 201):
        with pytest.raises(BadRequest):
            driver.service.run(OpenSlots(principal=STAFF, key=new_key(), calendar="room", slots=slots))
    assert driver.slots() == {}
    assert Viewer(driver.service, "room").have == 0


def test_data_is_one_line_of_json(driver: Driver) -> None:
    """Line ends between its parts would break an event stream; those inside its strings are escaped anyway."""
    slot = open_one(driver, data=b'{"a":\r\n 1,\n "b": "\\n\\u0000"}')
    assert slot["data"] == {"a": 1, "b": "\n\0"}
    (row,) = driver.service.new_rows({"room": Cursor(0, "")})["room"]
    assert b"\n" not in row.body


def test_only_the_calendars_staff_change_slots(driver: Driver) -> None:
    """A guest is unauthorized, another calendar's staff and a holder of a token forbidden."""
    (slot,) = driver.open()
    elsewhere = Principal(subject="s", role=Role.STAFF, calendars=frozenset({"other"}))
    for command in (CloseSlot, ReopenSlot, RemoveSlot, UpdateSlot):
        with pytest.raises(Unauthorized):
            driver.service.run(command(principal=GUEST, slot=slot))
        for principal in (elsewhere, Principal(subject="guest", calendars=None)):
            with pytest.raises(Forbidden):
                driver.service.run(command(principal=principal, slot=slot))
    with pytest.raises(Unauthorized):
        driver.service.run(OpenSlots(principal=GUEST, key=new_key(), calendar="room", slots=()))
