"""The bounds of bookings and cancellations in time, to the millisecond, by vectors shared with the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.contract.commands import CancelBooking, HoldSlot, UpdateCalendar
from models.contract.errors import Refused
from models.contract.time import DAY, HOUR
from models.service import Outcome
from tests.models.driver import GUEST, STAFF, Driver, booking, moving, new_key

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "policy.json").read_text())["vectors"]


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
    explained = driver.service.explain(GUEST, slot)
    assert next((one["rule"] for one in explained if not one["ok"]), "") == vector["take"]
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"min_notice": 0, "max_advance": None}))
    cancelling = CancelBooking(principal=GUEST, key=new_key(), booking=booked["id"], token=booked["token"])
    left = driver.together([cancelling, moving(moved, elsewhere)])
    assert [rule(one) for one in left] == [("" if vector["leave"] else "cancel_notice")] * 2
