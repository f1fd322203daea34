"""SQLite's triggers: a replaced row counts as deleted."""

from __future__ import annotations

import re

import pytest

from models.contract.commands.calendars import CreateCalendar
from models.storage.triggers.note import BAD_CALENDAR, BAD_ID, BAD_IDS, BAD_POLICY, BAD_TEXT, OVERFULL, REMOVED
from tests.models.driver import STAFF, Viewer
from tests.models.outside import ROWS, Outside, slot_row, sql, uuid
from tests.support.databases.outsider import Refused, write

WAYS = (
    "UPDATE OR REPLACE slot SET rowid = (SELECT rowid FROM slot WHERE id = <3>) WHERE id = <9>",
    "UPDATE OR REPLACE slot SET oid = (SELECT rowid FROM slot WHERE id = <9>) WHERE id = <3>",
    'UPDATE OR REPLACE slot SET ("_ROWID_", capacity) = (SELECT rowid, 4 FROM slot WHERE id = <3>) WHERE id = <9>',
    "UPDATE slot SET rowid = -rowid",
    "UPDATE OR REPLACE slot SET id = <3> WHERE id = <9>",
    "UPDATE OR IGNORE slot SET id = <3> WHERE id = <9>",
    "UPDATE OR IGNORE slot SET capacity = 0",
    (
        'INSERT OR REPLACE INTO slot (rowid, id, calendar, start, "end")'
        " SELECT rowid, <8>, 'other', start, \"end\" FROM slot WHERE id = <3>"
    ),
    (
        'INSERT OR REPLACE INTO slot (oid, id, calendar, start, "end")'
        " SELECT rowid, <3>, 'room', start, \"end\" FROM slot WHERE id = <9>"
    ),
    "REPLACE INTO slot (id, calendar, start, \"end\") VALUES (<3>, 'other', <at>, <end>)",
    "UPDATE OR REPLACE hold SET rowid = (SELECT rowid FROM hold WHERE id = <22>) WHERE id = <21>",
    "UPDATE OR REPLACE hold SET rowid = 1",
    "UPDATE OR REPLACE hold SET id = <22>, slot = <3> WHERE id = <21>",
    "REPLACE INTO hold (id, calendar, slot) VALUES (<22>, 'room', <3>)",
    "REPLACE INTO hold (rowid, id, calendar, slot) SELECT rowid, <21>, 'room', <3> FROM hold WHERE id = <22>",
    "UPDATE OR REPLACE booking SET rowid = (SELECT rowid FROM booking WHERE id = <12>) WHERE id = <11>",
    "UPDATE OR REPLACE booking SET id = <12> WHERE id = <11>",
    "REPLACE INTO booking (id, calendar, slot) VALUES (<12>, 'room', <3>)",
    "REPLACE INTO booking (rowid, id, calendar, slot) SELECT rowid, <18>, 'room', <3> FROM booking WHERE id = <12>",
    "REPLACE INTO booking (id, calendar, slot, status) VALUES (<12>, 'room', <2>, 'cancelled')",
    "ATTACH 'slotcast.db' AS far; UPDATE OR REPLACE far.hold SET oid = 5; REPLACE INTO far.slot SELECT * FROM far.slot",
)
REFUSED = (
    ("UPDATE slot SET state = 2 WHERE id = <9>; INSERT OR IGNORE INTO hold (calendar, slot) VALUES ('', <9>)", REMOVED),
    ("UPDATE slot SET state = 2 WHERE id = <3>; UPDATE OR IGNORE booking SET slot = <3>", REMOVED),
    ("UPDATE OR IGNORE booking SET seats = 5", OVERFULL),
    ("UPDATE OR REPLACE booking SET seats = 5", OVERFULL),
    ("UPDATE slot SET id = id || char(0) WHERE id = <3>", BAD_IDS),
    ("UPDATE slot SET id = upper(id) || 'A' WHERE id = <3>", BAD_ID),
    *[
        (f"UPDATE {table} SET {column} = {value} WHERE id NOT IN (<1>, <2>)", f"{BAD_IDS}|{BAD_ID}")
        for table, column in (
            ("slot", "calendar"),
            ("hold", "id"), ("hold", "calendar"), ("hold", "slot"),
            ("booking", "id"), ("booking", "calendar"), ("booking", "slot"),
        )
        for value in (f"CAST({column} AS BLOB)", "CAST(x'ff' AS TEXT)")
        if (column, value) != ("id", "CAST(x'ff' AS TEXT)") or table == "hold"
    ],
    ("UPDATE calendar SET id = CAST(id AS BLOB) WHERE id = 'other'", BAD_IDS),
    *[
        (f"UPDATE {table} SET {column} = CAST(x'{text.hex()}' AS TEXT)", BAD_TEXT)
        for table, column, text in (
            ("calendar", "data", b'"\xff"'),
            ("booking", "data", b'{"a":"\xff"}'),
            ("booking", "booked_by", b"\xff"),
            ("booking", "note", b"\xff"),
        )
    ],
    *[
        (f"UPDATE OR IGNORE hold SET {state}holder = {value}", BAD_TEXT)
        for state in ("", "state = 3, ")
        for value in ("CAST(x'ff' AS TEXT)", "x'61'", "'a' || char(0)")
    ],
    ("INSERT INTO hold (calendar, slot, state, holder) VALUES ('room', <3>, 2, CAST(x'ff' AS TEXT))", BAD_TEXT),
    ("""UPDATE calendar SET policy = '{"overlap":"allow","overlap":"zzz"}'""", BAD_POLICY),
    ("UPDATE calendar SET id = 'Other' WHERE id = 'other'", BAD_CALENDAR),
)  # fmt: skip


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("recursive", ["OFF", "ON"])
def test_a_row_that_is_replaced_counts_as_deleted(outside: Outside, recursive: str) -> None:
    """INSERT OR REPLACE fires no trigger for the replaced row; it is still noticed, whatever the pragma."""
    driver = outside.driver
    pragma = f"PRAGMA recursive_triggers = {recursive};"
    outside.write(slot_row(1) + slot_row(2, 1))
    booked = driver.reserve(uuid(1))["id"]
    outside.viewer.follow()
    outside.write(
        f"{pragma}INSERT OR REPLACE INTO booking (id, calendar, slot) VALUES ('{booked}', 'room', '{uuid(2)}')"
    )
    assert [outside.viewer.slots[uuid(number)]["remaining"] for number in (1, 2)] == [1, 0]
    outside.write(f"{pragma}UPDATE slot SET state = 1 WHERE id = '{uuid(1)}'")
    outside.write(pragma + slot_row(1, 7).replace("INSERT", "INSERT OR REPLACE"))
    assert outside.viewer.slots[uuid(1)]["bookable"]
    driver.service.run(CreateCalendar(principal=STAFF, calendar="other", name="Other", zone="Etc/UTC"))
    outside.write(pragma + slot_row(1, 7, calendar="other").replace("INSERT", "INSERT OR REPLACE"))
    assert uuid(1) not in outside.viewer.slots
    outside.write(f"{pragma}INSERT OR REPLACE INTO calendar (id, name) VALUES ('room', 'Sala')")
    assert outside.viewer.info["name"] == "Sala"
    outside.write(f"{pragma}UPDATE calendar SET seq = 0, nonce = ''")
    outside.write(f"{pragma}UPDATE slot SET booked = 0, held = 1")


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("pragmas", ["foreign_keys = OFF; PRAGMA recursive_triggers = OFF", "foreign_keys = ON"])
def test_every_way_to_replace_a_row_is_noticed(outside: Outside, pragmas: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By any of a row's keys: also staff get to know of a booking that is gone."""
    monkeypatch.chdir(outside.driver.service.url.removeprefix("sqlite:///").rpartition("/")[0])
    outside.driver.create("other")
    there = Viewer(outside.driver.service, "other")
    for way in WAYS:
        outside.write(ROWS)
        outside.write("UPDATE booking SET version = 999")  # as after a move from another calendar
        last, known = outside.viewer.have, _bookings(outside)
        outside.write(f"PRAGMA {pragmas}; {sql(way)}")
        there.follow()
        there.check()
        told = {
            name
            for (names,) in outside.driver.query(
                "SELECT bookings FROM change_log WHERE calendar = 'room' AND seq > ?", last
            )
            for name in re.findall("[0-9a-f-]{36}", names)
        }
        assert known - _bookings(outside) <= told, way
        low = outside.driver.query("SELECT id FROM booking WHERE id IN (?, ?) AND version < 999", uuid(11), uuid(12))
        assert low == [], way


def _bookings(outside: Outside) -> set[str]:
    return {name for (name,) in outside.driver.query("SELECT id FROM booking")}


@pytest.mark.only("sqlite")
def test_a_calendar_that_is_replaced_is_gone(outside: Outside) -> None:
    """By its rowid too; its history ends, and that of the one with its id goes on."""
    for way in (
        "UPDATE OR REPLACE calendar SET rowid = (SELECT rowid FROM calendar WHERE id = 'other') WHERE id = 'room'",
        "REPLACE INTO calendar (rowid, id, name) SELECT rowid, 'room', 'Again' FROM calendar WHERE id = 'other'",
        "UPDATE OR REPLACE calendar SET id = 'room' WHERE id = 'other'",
    ):
        outside.driver.create("other")
        outside.write(sql(way))
        assert outside.driver.query("SELECT id FROM calendar") == [("room",)]
        assert outside.driver.query("SELECT DISTINCT calendar FROM change_log") in ([], [("room",)])


@pytest.mark.only("sqlite")
def test_what_can_not_be_is_refused_whatever_the_conflict_clause(outside: Outside) -> None:
    """OR IGNORE passes over no rule, and an id is a text that the service can read."""
    outside.driver.create("other")
    outside.write(ROWS)
    for statement, message in REFUSED:
        with pytest.raises(Refused, match=message):
            write(outside.driver.service.url, f"BEGIN; {sql(statement)}; COMMIT")
    assert outside.driver.query("SELECT COUNT(*) FROM touched") == [(0,)]
