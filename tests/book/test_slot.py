"""Slots: what staff open, change, close and remove."""

from __future__ import annotations

from typing import Any

import pytest

from models.change import Cursor
from models.clock import DAY, HOUR
from models.commands import ArchiveCalendar, Asker, CloseSlot, NewSlot, OpenSlots, RemoveSlot, ReopenSlot, UpdateSlot
from models.errors import (
    BadRequest,
    CapacityExceeded,
    Forbidden,
    InvalidTransition,
    SlotUnavailable,
    Unauthorized,
    VersionConflict,
)
from tests.book.desk import GUEST, STAFF, START, Desk, Viewer, new_key, results

SOON = START + DAY


def open_one(desk: Desk, **fields: Any) -> Any:
    slot = NewSlot(**({"start": SOON, "end": SOON + HOUR} | fields))
    return results(desk.book.run(OpenSlots(asker=STAFF, key=new_key(), calendar="room", slots=(slot,))))[0]


def test_a_closed_slot_keeps_its_holds_and_bookings(desk: Desk) -> None:
    """Nobody new gets in; holds stay confirmable and bookings stand; reopening lets people in again."""
    (slot,) = desk.open(capacity=3)
    hold, booked = desk.hold(slot), desk.reserve(slot)
    desk.book.run(CloseSlot(asker=STAFF, slot=slot))
    assert (desk.slot(slot)["status"], desk.slot(slot)["bookable"]) == ("closed", False)
    with pytest.raises(SlotUnavailable) as refused:
        desk.hold(slot)
    assert refused.value.details == {"rule": "closed"}
    desk.reserve(slot, hold)
    desk.cancel(booked)
    desk.book.run(ReopenSlot(asker=STAFF, slot=slot))
    desk.reserve(slot)


@pytest.mark.parametrize("command", [CloseSlot, ReopenSlot])
def test_closing_and_reopening_are_idempotent(desk: Desk, command: Any) -> None:
    """What is so already is not told of again."""
    (slot,) = desk.open()
    desk.book.run(CloseSlot(asker=STAFF, slot=slot))
    if command is ReopenSlot:
        desk.book.run(ReopenSlot(asker=STAFF, slot=slot))
    viewer = Viewer(desk.book, "room")
    desk.book.run(command(asker=STAFF, slot=slot))
    assert viewer.follow() == []


@pytest.mark.parametrize("taken", ["held", "booked"])
def test_what_somebody_has_a_seat_in_is_not_removed_or_moved(desk: Desk, taken: str) -> None:
    """Nor archived with its calendar; its capacity goes down to what is taken, and its data may change."""
    (slot,) = desk.open(capacity=3)
    undo = desk.hold(slot, 2) if taken == "held" else desk.reserve(slot, seats=2)
    for command in (
        RemoveSlot(asker=STAFF, slot=slot),
        UpdateSlot(asker=STAFF, slot=slot, start=SOON + 99 * DAY, end=SOON + 99 * DAY + HOUR),
        ArchiveCalendar(asker=STAFF, calendar="room"),
    ):
        with pytest.raises(InvalidTransition):
            desk.book.run(command)
    with pytest.raises(CapacityExceeded):
        desk.book.run(UpdateSlot(asker=STAFF, slot=slot, capacity=1))
    desk.book.run(UpdateSlot(asker=STAFF, slot=slot, capacity=2, data=b"1"))
    if taken == "held":
        desk.release(undo)
    else:
        desk.cancel(undo)
    desk.book.run(RemoveSlot(asker=STAFF, slot=slot))
    assert desk.slots() == {}


@pytest.mark.parametrize("command", [UpdateSlot, CloseSlot, ReopenSlot, RemoveSlot])
def test_if_version_is_the_version_that_was_seen(desk: Desk, command: Any) -> None:
    """A slot that has changed since is not touched."""
    (slot,) = desk.open()
    desk.release(desk.hold(slot))
    version = desk.slot(slot)["version"]
    with pytest.raises(VersionConflict) as refused:
        desk.book.run(command(asker=STAFF, slot=slot, if_version=version - 1))
    assert refused.value.details == {"version": version}
    desk.book.run(command(asker=STAFF, slot=slot, if_version=version))


def test_an_update_changes_what_is_given(desk: Desk) -> None:
    """The rest stays; nothing given is no change; data can be taken away."""
    slot = open_one(desk, capacity=2, data=b'{"a":  1}')
    assert slot["data"] == {"a": 1}
    viewer = Viewer(desk.book, "room")
    assert results(desk.book.run(UpdateSlot(asker=STAFF, slot=slot["id"]))) == slot
    assert viewer.follow() == []
    updated = results(desk.book.run(UpdateSlot(asker=STAFF, slot=slot["id"], capacity=5)))
    assert updated == slot | {"capacity": 5, "remaining": 5, "version": 2}
    assert "data" not in results(desk.book.run(UpdateSlot(asker=STAFF, slot=slot["id"], data=None)))


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
def test_a_slot_that_cannot_be_is_a_bad_request(desk: Desk, fields: dict[str, Any]) -> None:
    """Whatever is out of bounds, when it is opened and when it is changed; and nothing of it stays."""
    with pytest.raises(BadRequest):
        open_one(desk, **fields)
    slot = open_one(desk)
    with pytest.raises(BadRequest):
        desk.book.run(UpdateSlot(asker=STAFF, slot=slot["id"], **fields))
    assert list(desk.slots().values()) == [slot]


def test_slots_are_opened_all_or_none(desk: Desk) -> None:
    """One that can't be takes the others with it; none, or more than 200, is a bad request."""
    good = NewSlot(start=SOON, end=SOON + HOUR)
    for slots in ((good, good, NewSlot(start=SOON, end=SOON)), (), (good,) * 201):
        with pytest.raises(BadRequest):
            desk.book.run(OpenSlots(asker=STAFF, key=new_key(), calendar="room", slots=slots))
    assert desk.slots() == {}
    assert Viewer(desk.book, "room").have == 0


def test_data_is_one_line_of_json(desk: Desk) -> None:
    """Line ends between its parts would break an event stream; those inside its strings are escaped anyway."""
    slot = open_one(desk, data=b'{"a":\r\n 1,\n "b": "\\n\\u0000"}')
    assert slot["data"] == {"a": 1, "b": "\n\0"}
    (row,) = desk.book.moves({"room": Cursor(0, "")})["room"]
    assert b"\n" not in row.body


def test_only_the_calendars_staff_change_slots(desk: Desk) -> None:
    """A guest is unauthorized, another calendar's staff and a holder of a token forbidden."""
    (slot,) = desk.open()
    elsewhere = Asker(subject="s", is_staff=True, calendars=frozenset({"other"}))
    for command in (CloseSlot, ReopenSlot, RemoveSlot, UpdateSlot):
        with pytest.raises(Unauthorized):
            desk.book.run(command(asker=GUEST, slot=slot))
        for asker in (elsewhere, Asker(subject="guest", calendars=None)):
            with pytest.raises(Forbidden):
                desk.book.run(command(asker=asker, slot=slot))
    with pytest.raises(Unauthorized):
        desk.book.run(OpenSlots(asker=GUEST, key=new_key(), calendar="room", slots=()))
