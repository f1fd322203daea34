"""The bounds of bookings and cancellations in time, to the millisecond, by vectors shared with the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.contract.commands.bookings import CancelBooking
from models.contract.commands.calendars import ArchiveCalendar, UpdateCalendar
from models.contract.commands.holds import HoldSlot
from models.contract.commands.slots import CloseSlot
from models.contract.errors import Refused
from models.contract.principal import Principal
from models.contract.values.time import DAY, HOUR
from models.service import Outcome, is_bookable
from tests.models.driver import EVER, GUEST, STAFF, Driver, Viewer, booking, moving, new_key

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "policy.json").read_text())["vectors"]


# The feed's status of a slot with seats left, by the rule that refuses it.
FED = {"": "open", "past": "past", "min_notice": "too_soon", "max_advance": "too_far"}
OTHER = Principal(address="198.51.100.7")


def rule(outcome: Outcome) -> str:
    return str(outcome.details["rule"]) if isinstance(outcome, Refused) else ""


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['policy']}, {vector['ahead_ms']}")
def test_the_boundaries_are_those_of_the_vectors(driver: Driver, vector: dict[str, Any]) -> None:
    """Holding, booking and the explanation ask the same; so do cancelling and moving."""
    start = driver.clock.now + 400 * DAY
    (slot,) = driver.open_between(start, start + HOUR, capacity=9)
    (elsewhere,) = driver.open_between(start + 9 * HOUR, start + 10 * HOUR)
    booked, moved = driver.reserve(slot), driver.reserve(slot)
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy=vector["policy"]))
    driver.clock.now = start - vector["ahead_ms"]
    taken = driver.together([HoldSlot(principal=GUEST, key=new_key(), slot=slot), booking(slot)])
    assert [rule(one) for one in taken] == [vector["take"]] * 2
    fed = {one[0]: one[3] for one in driver.service.feed("room", 0, EVER, most=9).slots}
    assert fed[slot] == FED[vector["take"]]
    assert driver.slot(slot)["bookable"] == (vector["take"] != "past")
    explained = driver.service.explain(GUEST, slot)
    assert next((one["rule"] for one in explained if not one["ok"]), "") == vector["take"]
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"min_notice": 0, "max_advance": None}))
    cancelling = CancelBooking(principal=GUEST, key=new_key(), booking=booked["id"], token=booked["token"])
    left = driver.together([cancelling, moving(moved, elsewhere)])
    assert [rule(one) for one in left] == [("" if vector["leave"] else "cancel_notice")] * 2


def set_scene(driver: Driver, slot: str, start: int, scene: str) -> None:
    """Puts something in the slot's way."""
    match scene:
        case "archived":
            driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
        case "closed":
            driver.service.run(CloseSlot(principal=STAFF, slot=slot))
        case "full":
            driver.reserve(slot)
        case "held":
            driver.hold(slot)
        case "blocked":
            driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"overlap": "reject"}))
            driver.reserve(driver.open(start=start + 1)[0])
        case "begun":
            driver.clock.now = start
        case "too soon":
            driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"min_notice": 2 * 86_400}))
        case "too far":
            driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"max_advance": 0}))


@pytest.mark.parametrize(
    "scene", ["nothing", "archived", "closed", "full", "held", "blocked", "begun", "too soon", "too far"]
)
def test_free_means_takeable(driver: Driver, scene: str) -> None:
    """List, feed, explanation, hold and booking agree on one slot; the list leaves notice and advance to its reader."""
    start = driver.clock.now + DAY
    (slot,) = driver.open(start=start)
    set_scene(driver, slot, start, scene)
    is_free = scene == "nothing"
    fed = {one[0]: one[3] for one in driver.service.feed("room", 0, EVER, most=9).slots}
    assert (fed[slot] == "open") is is_free
    assert is_bookable(driver.service.explain(OTHER, slot)) is is_free
    assert driver.slot(slot)["bookable"] is (is_free or scene in {"too soon", "too far"})
    viewer = Viewer(driver.service, "room")
    assert viewer.slots_now[slot]["bookable"] is driver.slot(slot)["bookable"]
    (held,) = driver.together([HoldSlot(principal=OTHER, key=new_key(), slot=slot)])
    assert isinstance(held, Refused) is not is_free
    if is_free:
        driver.release(json.loads(held.result)["hold"])  # type: ignore[union-attr]
    (booked,) = driver.together([booking(slot, principal=OTHER)])
    assert isinstance(booked, Refused) is not is_free
