"""A replica's tail is short until a client asks for earlier changes, and has no gap."""

from __future__ import annotations

import pytest

from models.contract.changes import Cursor
from models.service import SlotService
from realtime.rooms import replica as module
from realtime.rooms.replica import AT_REST, MOST_REPLAYED, Replica
from tests.models.conftest import clock, database, driver, pytest_configure, pytest_generate_tests, service
from tests.models.driver import EVER, Driver, Viewer

__all__ = ["clock", "database", "driver", "pytest_configure", "pytest_generate_tests", "service"]
CHANGES = AT_REST + 20
pytestmark = pytest.mark.only("sqlite")


def follow(service: SlotService, replica: Replica) -> None:
    for row in service.new_rows({"room": Cursor(replica.seq, replica.nonce)})["room"]:
        replica.apply(row)


def test_a_replica_at_rest_keeps_its_last_changes_and_extends_to_all(driver: Driver) -> None:
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    first = Cursor(replica.seq, replica.nonce)
    for _ in range(CHANGES):
        driver.open()
    follow(driver.service, replica)
    assert replica.replay(first) is None
    assert replica.lacks(first)
    replica.extend(driver.service.changes_before("room", replica.tail_start))
    rows = replica.replay(first)
    assert rows is not None
    assert [row.seq for row in rows] == list(range(first.seq + 1, replica.seq + 1))
    assert not replica.lacks(first)


def test_an_extended_tail_goes_after_a_while(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    first = Cursor(replica.seq, replica.nonce)
    for _ in range(CHANGES):
        driver.open()
    follow(driver.service, replica)
    replica.extend(driver.service.changes_before("room", replica.tail_start))
    large = replica.size_bytes
    replica.shrink()
    assert replica.replay(first) is not None
    monkeypatch.setattr(module, "EXTENDED_SECONDS", -1.0)
    replica.shrink()
    assert replica.replay(first) is None
    assert replica.lacks(first)
    assert replica.size_bytes < large


def test_rows_that_do_not_reach_the_tail_are_not_taken(driver: Driver) -> None:
    """The tail may lose its first changes while the rows before them are read."""
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    first = Cursor(replica.seq, replica.nonce)
    for _ in range(10):
        driver.open()
    early = driver.service.changes_before("room", replica.tail_start + 3)
    for _ in range(CHANGES):
        driver.open()
    follow(driver.service, replica)
    replica.extend(early)
    assert replica.replay(first) is None
    assert replica.lacks(first)


def test_a_cursor_too_far_back_asks_for_no_read(driver: Driver) -> None:
    replica = Replica(driver.service.snapshot("room", -EVER, EVER), -EVER)
    replica.seq += MOST_REPLAYED + 5
    assert not replica.lacks(Cursor(1, ""))
    assert replica.lacks(Cursor(7, ""))
    assert Viewer(driver.service, "room").cursor
