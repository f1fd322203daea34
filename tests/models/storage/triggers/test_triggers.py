"""The notes of outside writes: every way to write a row leaves one, and the service's own writes leave none."""

from __future__ import annotations

from typing import Any, cast

from models.contract.commands.background import ExpireHolds
from models.contract.commands.calendars import CreateCalendar
from tests.models.driver import STAFF, Viewer
from tests.models.outside import ROWS, Outside, sql, take, uuid
from tests.support.databases.outsider import write

WAYS = (
    (
        "INSERT INTO slot (id, calendar, start, \"end\") VALUES (<3>, 'room', <at>, <end>)"
        " ON CONFLICT (id) DO UPDATE SET capacity = 7, start = excluded.start"
    ),
    (
        "INSERT INTO slot (id, calendar, start, \"end\") VALUES (<3>, 'room', <at>, <end>)"
        " ON CONFLICT (id) DO UPDATE SET id = <8>"
    ),
    "INSERT INTO slot (id, calendar, start, \"end\") VALUES (<3>, 'room', <at>, <end>) ON CONFLICT DO NOTHING",
    (
        "INSERT INTO booking (id, calendar, slot) VALUES (<12>, 'room', <3>)"
        " ON CONFLICT (id) DO UPDATE SET slot = excluded.slot, seats = 2"
    ),
    "INSERT INTO hold SELECT * FROM hold WHERE TRUE ON CONFLICT (id) DO UPDATE SET seats = 2",
    (
        "INSERT INTO calendar (id, name) VALUES ('room', 'Again')"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, seq = excluded.seq, nonce = excluded.nonce"
    ),
    "UPDATE slot SET id = <8> WHERE id = <3>",
    "UPDATE booking SET id = <18> WHERE id = <11>",
    "UPDATE hold SET id = <28> WHERE id = <21>",
    "UPDATE slot SET start = slot.start + 1000 FROM booking WHERE booking.slot = slot.id",
    "DELETE FROM hold WHERE id = <21> RETURNING id",
    "BEGIN; SAVEPOINT a; DELETE FROM booking; ROLLBACK TO a; UPDATE slot SET capacity = 8; RELEASE a; COMMIT",
    "UPDATE slot SET calendar = 'other'",
    "UPDATE slot SET calendar = CASE calendar WHEN 'room' THEN 'other' ELSE 'room' END",
    "UPDATE booking SET slot = <9> WHERE id = <11>",
    "UPDATE hold SET slot = <9> WHERE id = <21>",
    "UPDATE hold SET calendar = 'other'",
    "UPDATE booking SET calendar = 'other'",
    "INSERT INTO hold (calendar, slot) VALUES ('nowhere', <3>)",
    "INSERT INTO booking (calendar, slot, status) VALUES ('nowhere', <3>, 'cancelled')",
    (
        "INSERT INTO calendar (id, name) VALUES ('third', 'Third');"
        " UPDATE calendar SET id = 'fourth' WHERE id = 'third'; UPDATE slot SET calendar = 'fourth' WHERE id = <1>"
    ),
)


def test_every_way_to_write_is_noticed(outside: Outside) -> None:
    """Upserts, new keys, moves to another calendar, partly undone transactions: old snapshot + changes == new one."""
    outside.driver.create("other")
    there = Viewer(outside.driver.service, "other")
    for way in WAYS:
        outside.write(ROWS)
        changes = outside.write(sql(way))
        there.follow()
        there.check()
        assert changes or there.have, way


def test_a_hold_is_in_the_calendar_of_its_slot(outside: Outside) -> None:
    """At once, so that it expires there; also with its slot moved, and moved back."""
    driver = outside.driver
    driver.create("other")
    outside.write(ROWS)
    for statement in ("UPDATE hold SET calendar = 'other'", "UPDATE slot SET calendar = 'other' WHERE id = <1>"):
        write(driver.service.url, sql(statement))
        assert driver.query(
            "SELECT slot.id FROM slot JOIN (SELECT slot, calendar FROM hold UNION SELECT slot, calendar FROM booking)"
            " AS taken ON taken.slot = slot.id WHERE taken.calendar <> slot.calendar"
        ) == []  # fmt: skip
    driver.clock.now = driver.query("SELECT MAX(expires_at) FROM hold")[0][0] + 1_000
    due = sorted(driver.service.due(), key=lambda command: command.calendar)
    assert due == [ExpireHolds(calendar="other"), ExpireHolds(calendar="room")]
    for command in driver.service.due():
        driver.service.run(command)
    assert driver.query("SELECT COUNT(*) FROM hold WHERE state = 0") == [(0,)]
    assert driver.query("SELECT SUM(held) FROM slot") == [(0,)]
    take(driver.service)


def test_no_version_of_a_booking_falls(outside: Outside) -> None:
    """A booking from a calendar with more changes has a version ahead of its calendar, also once it is written anew."""
    driver = outside.driver
    driver.create("other")
    outside.write(ROWS)
    write(driver.service.url, sql("INSERT INTO booking (id, calendar, slot) VALUES (<13>, 'other', <9>)"))
    take(driver.service)
    for number in range(30):
        write(driver.service.url, f"UPDATE slot SET data = '{number}' WHERE calendar = 'other'")
        take(driver.service)
    outside.write(sql("UPDATE booking SET slot = <3> WHERE id = <13>"))
    versions = [_version(outside)]
    for way in (
        "UPDATE booking SET version = 0 WHERE id = <13>",
        (
            "BEGIN; DELETE FROM booking WHERE id = <13>;"
            " INSERT INTO booking (id, calendar, slot) VALUES (<13>, 'room', <2>); COMMIT"
        ),
    ):
        outside.write(sql(way))
        versions.append(_version(outside))
    assert versions[0] > outside.viewer.have
    assert versions == sorted(set(versions))


def test_staff_of_both_calendars_have_the_version_of_a_moved_booking(outside: Outside) -> None:
    """Whichever calendar is taken first: a change has the row that the database has until the next one."""
    service = outside.driver.service
    outside.driver.create("other")
    outside.write(ROWS)
    for home in ("other", "room", "other"):
        write(service.url, sql(f"UPDATE slot SET calendar = '{home}' WHERE id = <1>"))
        told, last = 0, 0
        for first in (min, max):
            while commands := cast("list[Any]", service.outside()):
                service.run(first(commands, key=lambda command: command.calendar))
                ((seq,),) = outside.driver.query("SELECT seq FROM calendar WHERE id = ?", home)
                if seq > last:
                    told, last = service.bookings_by_id([uuid(11)])[uuid(11)].version, seq
        assert service.bookings_by_id([uuid(11)])[uuid(11)].version == told


def _version(outside: Outside) -> int:
    ((version,),) = outside.driver.query("SELECT version FROM booking WHERE id = ?", uuid(13))
    return int(version)


def test_a_renamed_calendar_begins_a_history(outside: Outside) -> None:
    """A calendar with the id of a deleted one continues that one's history, so that no client is taken back."""
    driver = outside.driver
    driver.open(2)
    outside.viewer.follow()
    before = outside.viewer.have
    driver.service.run(CreateCalendar(principal=STAFF, calendar="other", name="Other", zone="Etc/UTC"))
    outside.write(
        "BEGIN; DELETE FROM slot; DELETE FROM calendar WHERE id = 'room';"
        " UPDATE calendar SET id = 'room' WHERE id = 'other'; COMMIT"
    )
    assert outside.viewer.info["name"] == "Other"
    assert outside.viewer.slots == {}
    assert outside.viewer.have > before
