"""A replica's snapshots: what has begun is not bookable, though no change says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.contract.changes import read_cursor
from models.contract.commands import UpdateSlot
from models.contract.time import HOUR
from models.service import SlotService
from realtime.rooms.replica import Replica
from tests.models.driver import EVER, STAFF, Driver, FakeClock


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    """Return a service with one calendar."""
    clock = FakeClock()
    service = SlotService(f"sqlite:///{tmp_path / 'replica.db'}", b"a secret of the tests", clock=clock)
    service.open()
    driver = Driver(service, clock)
    driver.create()
    yield driver
    service.close()


def bookable(replica: Replica, now: int) -> list[bool]:
    return [slot["bookable"] for slot in json.loads(b"[%b]" % replica.slots(-EVER, EVER, now).slots)]


def test_a_slot_that_has_begun_is_not_bookable(driver: Driver) -> None:
    """From its start on, and in a change that comes later too; the mark of the window is another then."""
    start = driver.clock.now + HOUR
    first, _ = driver.open(2, start=start)
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    before = replica.slots(-EVER, EVER, start - 1)
    assert bookable(replica, start - 1) == [True, True]
    assert bookable(replica, start) == [False, True]
    assert replica.slots(-EVER, EVER, start).mark != before.mark
    data = b'{"bookable":true}'
    driver.service.run(UpdateSlot(principal=STAFF, slot=first, data=data))  # committed by a clock that is behind
    for row in driver.service.new_rows({"room": read_cursor(replica.cursor)})["room"]:
        replica.apply(row)
    (slot, other) = json.loads(b"[%b]" % replica.slots(-EVER, EVER, start).slots)
    assert (slot["bookable"], slot["data"], other["bookable"]) == (False, {"bookable": True}, True)
    driver.clock.now = start
    fresh = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    assert fresh.slots(-EVER, EVER, start) == replica.slots(-EVER, EVER, start)
