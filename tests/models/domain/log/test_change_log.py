"""A cursor is a place in one history: it resumes there, whole, or not at all."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from models.contract.changes import Cursor, read_cursor
from models.contract.commands.background import TrimLog
from models.service import SlotService
from realtime.rooms.replica.replica import Replica
from tests.models.driver import EVER, Driver, Viewer


def replica(service: SlotService) -> Replica:
    """Return the replica of a calendar, read anew."""
    replica = Replica(service.snapshot("room", -EVER, EVER), -EVER)
    replica.extend(service.changes_before("room", replica.tail_start))
    return replica


def replay(service: SlotService, cursor: str) -> list[int] | None:
    rows = replica(service).replay(read_cursor(cursor))
    return None if rows is None else [row.seq for row in rows]


def test_a_cursor_resumes_where_it_stands(driver: Driver) -> None:
    """The replay of a cursor is every later change, in order, and nothing else."""
    driver.open()
    cursor = Viewer(driver.service, "room").cursor
    slots = [driver.open()[0] for _ in range(5)]
    driver.reserve(slots[0])
    assert replay(driver.service, cursor) == [2, 3, 4, 5, 6, 7]
    assert replay(driver.service, Viewer(driver.service, "room").cursor) == []


def test_a_cursor_of_before_the_first_change_resumes(driver: Driver) -> None:
    """A viewer of an untouched calendar gets every change since."""
    cursor = Viewer(driver.service, "room").cursor
    assert cursor.startswith("0.")
    assert replay(driver.service, cursor) == []
    assert replay(driver.service, "0.another") is None
    driver.open()
    driver.open()
    assert replay(driver.service, cursor) == [1, 2]
    assert replay(driver.service, "0.another") is None


@pytest.mark.parametrize("strange", ["3.another", "4.another", "9.another"])
def test_another_history_is_never_replayed(driver: Driver, strange: str) -> None:
    """A cursor with another nonce is refused, as is one with a future seq."""
    for _ in range(4):
        driver.open()
    assert replay(driver.service, strange) is None


@pytest.mark.only("sqlite")
def test_a_database_put_back_to_an_earlier_copy_is_another_history(driver: Driver, tmp_path: Path) -> None:
    """A restored copy moves on past the cursor, and its changes are never taken for those of the first history."""
    driver.open()
    shared = Viewer(driver.service, "room").cursor
    copy = tmp_path / "copy.db"
    source, target = sqlite3.connect(driver.path), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    driver.open()
    driver.open()
    viewer = Viewer(driver.service, "room")
    assert viewer.have == 3
    driver.service.close()
    for name in ("slotcast.db-wal", "slotcast.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(copy, driver.path)

    restored = SlotService(driver.service.url, b"a secret of the tests", clock=driver.clock)
    restored.open()
    again = Driver(restored, driver.clock)
    for passed in range(4):  # behind the cursor, at its seq, and beyond it
        assert replay(restored, viewer.cursor) is None, f"{passed} changes after the restore"
        again.open()
    assert replay(restored, shared) == [2, 3, 4, 5]
    restored.close()


def test_a_trimmed_log_has_no_gap_and_forgets_old_cursors(driver: Driver) -> None:
    """Trimming by age deletes the oldest rows only; older cursors get a snapshot, all others their replay."""
    driver.open()
    old = Viewer(driver.service, "room").cursor
    driver.open()
    last_trimmed = Viewer(driver.service, "room").cursor
    driver.clock.go(8 * 86_400)
    driver.open()
    young = Viewer(driver.service, "room").cursor
    driver.open()
    driver.service.run(TrimLog(calendar="room"))
    assert [row[0] for row in driver.query("SELECT seq FROM change_log ORDER BY seq")] == [3, 4]
    assert replay(driver.service, old) is None
    assert replay(driver.service, last_trimmed) == [3, 4]
    assert replay(driver.service, young) == [4]


def test_the_log_is_trimmed_by_count(driver: Driver) -> None:
    """No more changes are kept than the setting says, and the head is always one of them."""
    driver.service.retention.log_changes = 3
    for _ in range(10):
        driver.open()
    driver.service.run(TrimLog(calendar="room"))
    assert [row[0] for row in driver.query("SELECT seq FROM change_log ORDER BY seq")] == [8, 9, 10]


def test_a_log_of_an_earlier_version_resumes(driver: Driver) -> None:
    """Rows of an old version do not name their predecessor. It is derived, except for the oldest row."""
    cursors = []
    for _ in range(4):
        driver.open()
        cursors.append(Viewer(driver.service, "room").cursor)
    driver.query("DELETE FROM change_log WHERE seq = 1")
    driver.query("ALTER TABLE change_log DROP COLUMN follows")
    driver.query("DELETE FROM schema_migration WHERE name = '0004_follows'")
    updated = SlotService(driver.service.url, b"a secret of the tests", clock=driver.clock)
    assert updated.open() == ["0004_follows"]
    Driver(updated, driver.clock).open()
    assert [replay(updated, cursor) for cursor in cursors] == [None, [3, 4, 5], [4, 5], [5]]
    updated.close()
    driver.query("DELETE FROM change_log WHERE follows = ''")  # or the audit would find it


def test_a_wholly_trimmed_log_still_knows_its_head(driver: Driver) -> None:
    """The calendar keeps the nonce of its head, so a current client is not sent everything again."""
    driver.open()
    viewer = Viewer(driver.service, "room")
    driver.clock.go(8 * 86_400)
    driver.service.run(TrimLog(calendar="room"))
    assert driver.query("SELECT COUNT(*) FROM change_log") == [(0,)]
    assert replay(driver.service, viewer.cursor) == []
    driver.open()
    assert replay(driver.service, viewer.cursor) == [2]
    assert [change["seq"] for change in viewer.follow()] == [2]
    viewer.check()


def test_a_clock_that_goes_back_leaves_no_gap(driver: Driver) -> None:
    """A change may be younger than the one before it: order is seq's, and trimming goes by seq."""
    driver.open()
    driver.clock.go(-3_600)
    driver.open()
    driver.clock.go(8 * 86_400 - 1_800)
    driver.open()
    driver.service.run(TrimLog(calendar="room"))
    assert [row[0] for row in driver.query("SELECT seq FROM change_log ORDER BY seq")] == [3]


@pytest.mark.parametrize(
    "text", ["", ".", "1", "1.", ".x", "-1.x", "1e3.x", "\u0661.x", "9" * 19 + ".x", "1." + "x" * 80, "1.2.3\0"]
)
def test_a_malformed_cursor_is_a_value_error(text: str) -> None:
    """A cursor that no server wrote is malformed, or of no history; it never breaks a read."""
    try:
        cursor = read_cursor(text)
    except ValueError:
        return
    assert isinstance(cursor, Cursor)
    assert text == f"{cursor.seq}.{cursor.nonce}"
