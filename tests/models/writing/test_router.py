"""The router of the writers: commands of one calendar in order, and anew after a stale route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.service import SlotService
from models.writing.router import Router
from tests.models.crowd import Crowd
from tests.models.database_audit import audit
from tests.models.driver import Driver, FakeClock, Viewer, booking, moving, results

pytestmark = pytest.mark.only("postgres")


def test_a_calendar_is_written_in_the_order_of_its_commands(service: SlotService, clock: FakeClock) -> None:
    """Commands of one caller run in order, whether their routes are remembered or read."""
    driver = Driver(service, clock)
    driver.create()
    slots = driver.open(200)
    crowd = Crowd()
    for slot in slots:
        crowd.ask(service, booking(slot))
    crowd.wait()
    viewer = Viewer(service, "room")
    assert [viewer.slots[slot]["version"] for slot in slots] == list(range(2, 202))


def test_a_booking_that_moves_meanwhile_is_found_where_it_is(
    open_service: Callable[..., SlotService], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process moves the booking between the read of the route and the lock: the command is routed anew."""
    service, other = open_service(), open_service()
    driver = Driver(service, clock)
    driver.create("here")
    booked = driver.reserve(driver.open()[0])
    driver.create("there")
    (there,) = driver.open()
    router = service._writer
    assert isinstance(router, Router)
    look = router._routes
    looks = [0]

    def look_up_and_be_outdated(wanted: set[tuple[str, str]]) -> Any:
        routes = look(wanted)
        looks[0] += 1
        if looks[0] == 1:
            results(other.run(moving(booked, there)))
        return routes

    monkeypatch.setattr(router, "_routes", look_up_and_be_outdated)
    assert driver.cancel(booked)["calendar"] == "there"
    assert looks[0] == 2
    assert [slot["status"] for slot in (driver.slots("here") | driver.slots("there")).values()] == ["open", "open"]
    audit(driver.path)
