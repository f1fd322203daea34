"""How far ahead a slot can be taken and a booking left, to the millisecond, by the vectors that the page is held to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.clock import DAY, HOUR
from models.commands import CancelBooking, HoldSlot, UpdateCalendar
from models.errors import Refused
from models.service import Outcome
from tests.book.desk import GUEST, STAFF, Desk, booking, moving, new_key

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "policy.json").read_text())["vectors"]


def rule(outcome: Outcome) -> str:
    return str(outcome.details["rule"]) if isinstance(outcome, Refused) else ""


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['policy']}, {vector['ahead_ms']}")
def test_the_boundaries_are_those_of_the_vectors(desk: Desk, vector: dict[str, Any]) -> None:
    """Holding, booking and the explanation ask the same; so do cancelling and moving."""
    start = desk.clock.now + 400 * DAY
    (slot,) = desk.open_between(start, start + HOUR, capacity=9)
    (elsewhere,) = desk.open_between(start + 9 * HOUR, start + 10 * HOUR)
    booked, moved = desk.reserve(slot), desk.reserve(slot)
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", policy=vector["policy"]))
    desk.clock.now = start - vector["ahead_ms"]
    taken = desk.together([HoldSlot(asker=GUEST, key=new_key(), slot=slot), booking(slot)])
    assert [rule(one) for one in taken] == [vector["take"]] * 2
    explained = desk.book.explain(GUEST, slot)
    assert next((one["rule"] for one in explained if not one["ok"]), "") == vector["take"]
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", policy={"min_notice": 0, "max_advance": None}))
    cancelling = CancelBooking(asker=GUEST, key=new_key(), booking=booked["id"], token=booked["token"])
    left = desk.together([cancelling, moving(moved, elsewhere)])
    assert [rule(one) for one in left] == [("" if vector["leave"] else "cancel_notice")] * 2
