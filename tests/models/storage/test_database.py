"""Opening the database: from nothing, together with others, or not at all and with one clear line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playhouse.migrations import Runner

from models.contract.values.ids import new_id
from models.contract.values.time import HOUR
from models.service import SlotService, UnusableDatabase
from models.storage.database import MIGRATIONS, open_database
from tests.models.database_audit import asking, audit, query
from tests.models.driver import EVER, Driver, FakeClock
from tests.support import ROOT


def test_a_second_start_finds_everything(database: str, clock: FakeClock) -> None:
    """The first start makes the schema; the second applies nothing and keeps the data."""
    service = SlotService(database, b"secret", clock=clock)
    applied = service.open()
    assert applied[0] == "0001_book"
    Driver(service, clock).create()
    service.close()
    service = SlotService(database, b"secret", clock=clock)
    assert service.open() == []
    assert service.snapshot("room", -EVER, EVER).seq == 0
    service.close()


def test_stored_calendars_keep_their_policy_and_history(database: str, clock: FakeClock) -> None:
    """A database of the version before, with its triggers, is migrated; pending bookings expire at their start."""
    db = open_database(database)
    db.connect()
    with db.changing_schema():
        Runner(db, str(MIGRATIONS)).up("0008_waiting")
    slot, booking, start = new_id(clock.now), new_id(clock.now), clock.now + HOUR
    with asking(database) as ask:
        ask("INSERT INTO calendar (id, name, nonce) VALUES ('room', 'Room', 'kept')")
        ask(
            'INSERT INTO slot (id, calendar, start, "end", booked) VALUES (?, ?, ?, ?, 1)',
            slot, "room", start, start + HOUR,
        )  # fmt: skip
        ask(
            "INSERT INTO booking (id, calendar, slot, status, name) VALUES (?, 'room', ?, 'pending', 'Ada')",
            booking, slot,
        )  # fmt: skip
    with db.changing_schema():
        db.install_triggers()
    db.drop()
    service = SlotService(database, b"secret", clock=clock)
    assert "0010_override" in service.open()
    for command in service.outside():
        service.run(command)
    info = service.snapshot("room", -EVER, EVER).info
    assert info.policy.overlap == "allow"
    assert query(database, "SELECT expires_at FROM booking") == [(start,)]
    # A new history would begin at a seq without a change.
    assert query(database, "SELECT seq FROM calendar") == query(database, "SELECT COUNT(*) FROM change_log")
    clock.now = start
    for command in service.unanswered():
        service.run(command)
    assert service.bookings_by_id([booking])[booking].status == "rejected"
    service.close()
    audit(database)


_OPEN_AT_ONCE = """
import multiprocessing, sys
import models.storage.postgres  # once, and not in each of the processes
from models.service import SlotService

forking = multiprocessing.get_context("fork")
start = forking.Barrier(8)

def open_one(url):
    service = SlotService(url, b"secret")
    start.wait(60)
    count = len(service.open())
    service.close()
    return count

with forking.Pool(8) as pool:
    print(*pool.map(open_one, sys.argv[1:] * 8, chunksize=1))
"""


def test_many_processes_open_a_new_database_at_once(database: str) -> None:
    """One of them makes the schema, the others wait for it: none fails."""
    done = subprocess.run([sys.executable, "-c", _OPEN_AT_ONCE, database], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    counts = sorted(map(int, done.stdout.split()))
    assert counts[:7] == [0] * 7
    assert counts[7] > 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "slotcast.db",
        "sqlite://",
        "sqlite:///",
        "sqlite://host/file.db",
        "mysql://host/db",
        "sqlite:///no/such/folder/slotcast.db",
        "\0",
        "sqlite:///a\0b",
    ],
)
def test_a_setting_that_is_no_database_is_one_clear_line(url: str) -> None:
    """The line names the setting."""
    with pytest.raises(UnusableDatabase) as refused:
        SlotService(url, b"secret").open()
    assert "SLOTCAST_DATABASE" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Another file, a broken one and a folder are refused, and left as they are."""
    broken = tmp_path / "broken.db"
    service = SlotService(f"sqlite:///{broken}", b"secret")
    service.open()
    service.close()
    whole = broken.read_bytes()
    for content in (
        b"This is a letter, not a database. " * 100,
        whole[:1_000],
        b"\0" * 4_096,
        b"SQLite format 3\0junk",
    ):
        broken.write_bytes(content)
        with pytest.raises(UnusableDatabase) as refused:
            SlotService(f"sqlite:///{broken}", b"secret").open()
        assert "\n" not in str(refused.value)
        assert broken.read_bytes() == content
    with pytest.raises(UnusableDatabase):
        SlotService(f"sqlite:///{tmp_path}", b"secret").open()


def test_a_schema_newer_than_the_program_is_refused(database: str) -> None:
    """The newer database is not touched. One of a program before this rule names no oldest program."""
    service = SlotService(database, b"secret")
    service.open()
    service.close()
    query(database, "INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")
    query(database, "UPDATE oldest_program SET migration = '9999_later'")
    with pytest.raises(UnusableDatabase, match="newer than this program"):
        SlotService(database, b"secret").open()
