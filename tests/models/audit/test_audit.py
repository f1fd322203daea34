"""An audit finds every fault of a database changed behind its triggers, and a repair mends it."""

from __future__ import annotations

import pytest

from models.contract.changes import read_cursor
from models.contract.values.time import HOUR
from models.service import SlotService
from tests.models.database_audit import spoil
from tests.models.driver import Driver, Viewer
from tests.models.outside import AT, uuid

SPOILED = {
    "held": ("UPDATE slot SET held = 1", "held seats are not those"),
    "booked": ("UPDATE slot SET booked = 0", "booked seats are not those"),
    "held until": ("UPDATE slot SET held_until = 5", "held_until is not that"),
    "too few seats": ("UPDATE slot SET capacity = 0", "more seats are taken"),
    "removed": ("UPDATE slot SET state = 2 WHERE booked > 0", "seat is taken in a removed slot"),
    "blocked": ("UPDATE slot SET blocked = 7", "not blocked by as many"),
    "ahead": ("UPDATE slot SET version = 99", "ahead of its calendar"),
    "data": ("UPDATE slot SET data = '{'", "not JSON"),
    "policy": ("UPDATE calendar SET policy = '[]'", "policy can't be read"),
    "stray booking": ("UPDATE booking SET calendar = 'elsewhere'", "of another calendar"),
    "no slot": (f"INSERT INTO booking (id, calendar, slot) VALUES ('{uuid(9)}', 'room', 'none')", "of no slot"),
    "no slot for a hold": (f"INSERT INTO hold (id, calendar, slot) VALUES ('{uuid(9)}', 'room', 'none')", "of no slot"),
    "no calendar": (
        f"INSERT INTO slot (id, calendar, start, \"end\") VALUES ('{uuid(9)}', 'none', {AT}, {AT + HOUR})",
        "of no calendar",
    ),
    "a gap": ("DELETE FROM change_log WHERE seq = 2", "the log has a gap"),
    "another history": ("UPDATE change_log SET nonce = 'x' WHERE seq = 2", "does not follow"),
    "the head": ("UPDATE calendar SET seq = 2", "does not end at its calendar's head"),
    "the nonce": ("UPDATE calendar SET nonce = 'x'", "does not end at its calendar's head"),
    "a lost log": ("UPDATE change_log SET calendar = 'gone'", "a log of no calendar"),
    "a receipt": ("UPDATE receipt SET seq = 99", "receipt is ahead"),
    "a lost receipt": ("UPDATE receipt SET calendar = 'gone'", "receipts of no calendar"),
}


@pytest.mark.parametrize(("sql", "complaint"), SPOILED.values(), ids=SPOILED)
def test_faults_are_found_and_repaired(driver: Driver, sql: str, complaint: str) -> None:
    """The audit reports each fault in one line; after the repair every subscriber has the right state."""
    slots = driver.open(2)
    driver.reserve(slots[0])
    driver.open(1)
    viewer = Viewer(driver.service, "room")
    assert driver.service.audit() == []
    spoil(driver.service.url, sql)
    found = driver.service.audit()
    assert complaint in " ".join(map(str, found))
    assert all("\n" not in str(finding) for finding in found)
    driver.service.repair(found)
    assert driver.service.audit() == []
    if driver.service.new_rows({"room": read_cursor(viewer.cursor)}).get("room") == []:
        viewer.look()  # another history: it was disbanded
    viewer.follow()
    viewer.check()


def test_triggers_that_are_gone_are_made_again(driver: Driver) -> None:
    """A start puts missing triggers back, as after the restore of a dump.

    Nothing noted the writes meanwhile, so no client can resume: the calendars get a new history.
    """
    driver.open()
    viewer = Viewer(driver.service, "room")
    spoil(driver.service.url, "DELETE FROM slot")
    if driver.service.url.startswith("postgresql:"):
        driver.query("ALTER TABLE slot DISABLE TRIGGER ALL")
    again = SlotService(driver.service.url, b"a secret of the tests", clock=driver.clock)
    again.open()
    driver.query(f"INSERT INTO slot (id, calendar, start, \"end\") VALUES ('{uuid(1)}', 'room', {AT}, {AT + HOUR})")
    (command,) = again.outside()
    again.run(command)
    assert [row.seq for row in again.new_rows({"room": read_cursor(viewer.cursor)})["room"]] == [viewer.have + 2]
    assert again.new_rows({"room": read_cursor(viewer.cursor)})["room"][0].follows != read_cursor(viewer.cursor).nonce
    again.close()
