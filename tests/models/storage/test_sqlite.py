"""A SQLite file: its syncs, its owner, and the erasure of old pages."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from models.contract.values.time import DAY
from models.service import SlotService, UnusableDatabase
from tests.models.database_audit import asking
from tests.models.driver import Driver, FakeClock


@pytest.mark.only("sqlite")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_refused(database: str, tmp_path: Path) -> None:
    """Read-only is not enough for a server."""
    service = SlotService(database, b"secret")
    service.open()
    service.close()
    (tmp_path / "slotcast.db").chmod(0o400)
    with pytest.raises(UnusableDatabase):
        SlotService(database, b"secret").open()


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("synchronous", "level"), [("full", 2), ("normal", 1)])
def test_an_acked_booking_survives_the_power(database: str, clock: FakeClock, synchronous: str, level: int) -> None:
    """The writer's connection is in WAL mode and syncs every commit, unless the setting says otherwise."""
    service = SlotService(database, b"secret", clock=clock, synchronous=synchronous)
    service.open()
    driver = Driver(service, clock)
    found: list[object] = []

    def look(connection: sqlite3.Connection) -> None:
        found.extend(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))

    driver.together([], arm=look)
    assert found == ["wal", level]
    service.close()


@pytest.mark.only("sqlite")
def test_a_reader_keeps_old_pages(driver: Driver) -> None:
    """`wipe` empties the WAL; while a reader needs it, it answers False at once."""
    driver.open()
    db = driver.service._db
    with asking(driver.path) as ask:
        ask("BEGIN")
        ask("SELECT * FROM slot")
        driver.open()
        assert db.wipe() is False
        ask("COMMIT")
    assert db.wipe() is True
    assert Path(f"{driver.path}-wal").stat().st_size == 0
    driver.service.close_thread_connection()


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("count", [1, 3, 4, 31, 32, 33, 63, 127, 199])
def test_rows_of_one_call_arrive_in_order(driver: Driver, count: int) -> None:
    """Several rows go by one statement, and each is written once whatever their number."""
    opened = driver.open(count, start=driver.clock.now + DAY)
    assert [row[0] for row in driver.query("SELECT id FROM slot ORDER BY rowid")] == opened
