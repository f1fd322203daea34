"""A database of an earlier version is migrated in place."""

from __future__ import annotations

import json

from playhouse.migrations import Runner

from models.contract.values.time import HOUR
from models.service import SlotService
from models.storage.database import MIGRATIONS, open_database
from tests.models.database_audit import asking, audit
from tests.models.outside import AT, take, uuid
from tests.support.databases.outsider import write


def test_a_database_of_the_version_before_is_migrated_in_place(database: str) -> None:
    """Rows from before the triggers are migrated; values that break a CHECK are brought into their bounds."""
    db = open_database(database)
    db.connect()
    with db.changing_schema():
        Runner(db, str(MIGRATIONS)).up("0005_trim")
    db.drop()
    with asking(database) as ask:
        ask(
            "INSERT INTO calendar (id, name, zone, visibility, booking, policy, archived, created_at, seq, nonce)"
            " VALUES ('room', 'Room', 'Etc/UTC', 'public', 'anyone', '{}', FALSE, 0, 0, 'x')"
        )
        for number, capacity in ((1, 1), (2, 0)):
            ask(
                'INSERT INTO slot (id, calendar, start, "end", capacity, held, booked, blocked, state, origin, version)'
                f" VALUES ('{uuid(number)}', 'room', {AT}, {AT + HOUR}, {capacity}, 0, {capacity}, 0, 0, 0, 0)"
            )
        ask(
            "INSERT INTO booking (id, calendar, slot, seats, status, created_at, version)"
            f" VALUES ('{uuid(3)}', 'room', '{uuid(1)}', 1, 'confirmed', 0, 0)"
        )
    service = SlotService(database, b"a secret of the tests")
    assert "0007_outside" in service.open()
    assert [json.loads(slot.body)["capacity"] for slot in service.snapshot("room", 0, 1 << 52).slots] == [1, 1]
    assert take(service) == 0
    write(database, f"UPDATE booking SET status = 'cancelled' WHERE id = '{uuid(3)}'")
    assert take(service) == 1
    service.close()
    audit(database)
