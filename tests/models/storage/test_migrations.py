"""A database of an earlier version is migrated in place."""

from __future__ import annotations

import json

import pytest
from playhouse.migrations import Runner

from models.contract.changes import Cursor
from models.contract.commands.bookings import CancelBooking
from models.contract.values.time import DAY, HOUR
from models.service import Search, SlotService
from models.storage.database import MIGRATIONS, open_database
from tests.models.database_audit import asking, audit
from tests.models.driver import EVER, STAFF, START, FakeClock, new_key
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


# A calendar of an earlier version: a booked slot, opening hours, and an idempotency record.
_EARLIER = (
    "INSERT INTO calendar (id, name, zone, seq, nonce) VALUES ('room', 'Room', 'Etc/UTC', 2, 'n2')",
    f"""INSERT INTO slot (id, calendar, start, "end", booked, version)
        VALUES ('{uuid(1)}', 'room', {AT}, {AT + HOUR}, 1, 2)""",
    f"""INSERT INTO booking (id, calendar, slot, status, name, created_at, version)
        VALUES ('{uuid(3)}', 'room', '{uuid(1)}', 'confirmed', 'Ada', {START}, 2)""",
    """INSERT INTO timetable (calendar, body, generated_until, version)
       VALUES ('room', '{"windows":[{"days":["mon"],"start":"09:00","end":"11:00"}],"slot_minutes":60,'
       || '"from":"2027-01-01","horizon_days":14}', '2027-01-10', 1)""",
    f"""INSERT INTO receipt (id, calendar, fingerprint, seq, cursor, result, created_at)
        VALUES ('key', 'room', 'f', 2, '2.n2', '{{}}', {START})""",
)


@pytest.mark.parametrize("version", ["0008_waiting", "0011_limits", "0013_position"])
def test_an_earlier_version_goes_on_after_the_upgrade(version: str, database: str, clock: FakeClock) -> None:
    """Cursors resume, bookings are found and changed, opening hours open slots, and old rows are trimmed."""
    db = open_database(database)
    db.connect()
    with db.changing_schema():
        Runner(db, str(MIGRATIONS)).up(version)
    with asking(database) as ask:
        for statement in _EARLIER:
            ask(statement)
        for seq, kind in ((1, "slot.opened"), (2, "slot.booked")):
            ask(
                "INSERT INTO change_log (calendar, seq, nonce, follows, at, type, body, bookings)"
                f" VALUES ('room', {seq}, 'n{seq}', 'n{seq - 1}', {START}, '{kind}', ?, '')",
                b'{"seq":%d}' % seq,
            )
    with db.changing_schema():
        db.install_triggers()
    db.drop()
    service = SlotService(database, b"a secret of the tests", clock=clock)
    later = [path.stem for path in sorted(MIGRATIONS.glob("[0-9]*.py")) if path.stem > version]
    assert service.open() == later
    assert take(service) == 0
    assert [row.seq for row in service.changes_after("room", Cursor(0, "n0")) or ()] == [1, 2]
    (found,), _ = service.find_bookings(Search(None, -EVER, EVER, text="Ada"), most=10)
    assert found.id == uuid(3)
    (fill,) = service.behind()
    service.run(fill)
    assert service.behind() == []
    assert len(service.snapshot("room", START, AT).slots.starts) == 2
    service.run(CancelBooking(principal=STAFF, booking=uuid(3), key=new_key()))
    assert service.bookings_by_id([uuid(3)])[uuid(3)].status == "cancelled"
    entries = service.history("room", slot="", booking=uuid(3), before=EVER, most=10).entries
    assert [entry.command for entry in entries] == ["booking.cancel"]
    clock.now += 40 * DAY
    for command in service.trims():
        service.run(command)
    with asking(database) as ask:
        assert ask("SELECT COUNT(*) FROM receipt") == [(0,)]
        assert ask("SELECT COUNT(*) FROM change_log WHERE seq <= 2") == [(0,)]
    service.close()
    audit(database)
