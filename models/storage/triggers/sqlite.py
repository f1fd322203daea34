"""The triggers of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from models.contract.changes import CUSTOMER_CHARACTERS, NAME_CHARACTERS
from models.storage.triggers.note import (
    BAD_CALENDAR,
    BAD_CUSTOMER,
    BAD_DATA,
    BAD_ID,
    BAD_IDS,
    BAD_NAME,
    BAD_POLICY,
    BAD_TEXT,
    BAD_TIME,
    LATEST,
    OVERFULL,
    PREFIX,
    REMOVED,
    UUID_GLOB,
    Run,
)
from models.storage.triggers.sqlite_values import is_not_text, is_valid_policy, refuse, refuse_ids

_SLOT_DIFFERS = " OR ".join(
    f"OLD.{name} IS NOT NEW.{name}"
    for name in (
        "id", "calendar", "start", '"end"', "capacity", "held", "booked", "blocked", "held_until", "state", "origin",
        "version", "data", "dropped", "overbooked", "busy", "changed_at",
    )
)  # fmt: skip
_IS_BACK = "(OLD.state = 2 AND NEW.state <> 2)"
_COUNTS_DIFFER = " OR ".join(
    [
        *[f"OLD.{name} IS NOT NEW.{name}" for name in ("id", "held", "booked", "held_until", "overbooked")],
        "(OLD.capacity IS NOT NEW.capacity AND NEW.overbooked > 0)",
        _IS_BACK,  # its no-shows have their seats again
    ]
)
_HELD = "(SELECT COALESCE(SUM(seats), 0) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)"
_BOOKED = (
    "(SELECT COALESCE(SUM(seats), 0) FROM booking"
    " WHERE booking.slot = slot.id AND (booking.status IN ('pending', 'confirmed')"
    " OR (booking.status = 'no_show' AND slot.state <> 2)))"
)
_OVER = f"MIN(overbooked, MAX(0, {_HELD} + {_BOOKED} - capacity))"
_HELD_UNTIL = "(SELECT MIN(expires_at) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)"
# Each UPDATE finds one row by its key: for more, SQLite makes a table for the rows, 100 us and more for each note. A
# statement replaces two rows at most.
_LATER = "(SELECT {} FROM touched WHERE kind = 'later' ORDER BY id {} LIMIT 1)"
_SEATED = (("hold", " AND state = 0"), ("booking", ""))
_OF_SLOT = "(SELECT calendar FROM slot WHERE id = NEW.subject)"
_IDS = ("id", "calendar")


def _note(kind: str, source: str, *, calendar: str = "calendar", where: str = "") -> str:
    """Return SQL that notes the slots of `source`, with their times."""
    return (
        'INSERT INTO touched (kind, calendar, subject, start, "end")'
        f' SELECT {kind}, {calendar}, id, start, "end" FROM {source}{f" WHERE {where}" if where else ""};'
    )


def _row(kind: str, row: str, where: str = "TRUE") -> str:
    """Return SQL that notes the slot of a trigger's row, OLD or NEW."""
    return (
        'INSERT INTO touched (kind, calendar, subject, start, "end")'
        f' SELECT {kind}, {row}.calendar, {row}.id, {row}.start, {row}."end" WHERE {where};'
    )


def _booking(row: str, where: str = "TRUE") -> str:
    """Return SQL that notes a booking, for its slot's calendar and for its own, if the two differ.

    The note of an old row has its version, since no version may fall.
    """
    version = "OLD.version" if row == "OLD" else "NULL"
    return (
        "INSERT INTO touched (kind, calendar, subject, seq) SELECT 'booking',"
        f" COALESCE((SELECT calendar FROM slot WHERE id = {row}.slot), {row}.calendar), {row}.id, {version}"
        f" WHERE {where}; INSERT INTO touched (kind, calendar, subject, seq)"
        f" SELECT 'booking', {row}.calendar, {row}.id, {version} WHERE ({where})"
        f" AND {row}.calendar IS NOT (SELECT calendar FROM slot WHERE id = {row}.slot);"
    )


def _hold(row: str) -> str:
    """Return SQL that refuses the texts of a hold, also of an ended one: requests read it by its id."""
    if row == "OLD":
        return ""
    bad = " OR ".join(["typeof(NEW.holder) <> 'text'", is_not_text("NEW.holder"), is_not_text("NEW.overridden")])
    return f"INSERT INTO touched (kind, calendar, subject) SELECT 'bad text', '', '' WHERE {bad};"


def _trigger(event: str, *statements: str) -> str:
    return f"{event} BEGIN {' '.join(statements)} END"


def _replaced(table: str, notes: Callable[[str], str]) -> dict[str, str]:
    """Return the triggers that note the rows deleted by a REPLACE, since it fires no trigger for them.

    `notes` returns the SQL for the rows of a condition. A row has two keys: its id, and its rowid under three names.
    """
    is_taken = "(id = NEW.id OR rowid = NEW.rowid)"
    return {
        f"{table}_before_insert": _trigger(f"BEFORE INSERT ON {table}", notes(is_taken)),
        f"{table}_before_update": _trigger(
            f"BEFORE UPDATE OF id, rowid, oid, _rowid_ ON {table}", notes(f"{is_taken} AND rowid IS NOT OLD.rowid")
        ),
    }


def _seat_triggers(
    table: str, columns: tuple[str, ...], more: Callable[[str], str], replaced: Callable[[str], str]
) -> dict[str, str]:
    """Return the triggers of holds or bookings: each event recounts the seats of the slot."""
    differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in columns)

    def of_replaced(where: str) -> str:  # the slot is counted after the new row is there
        return _note("'later'", "slot", where=f"id IN (SELECT slot FROM {table} WHERE {where})") + replaced(where)

    return {
        **_replaced(table, of_replaced),
        f"{table}_insert": _trigger(
            f"AFTER INSERT ON {table}",
            _note("'seats'", "slot", where="id = NEW.slot"),
            more("NEW"),
            refuse_ids(*_IDS, "slot"),
        ),
        f"{table}_update": _trigger(
            f"AFTER UPDATE ON {table}",
            _note("'seats'", "slot", where=f"id IN (OLD.slot, NEW.slot) AND ({differs})"),
            more("NEW"),
            more("OLD"),
            refuse_ids(*_IDS, "slot", of="OLD"),
        ),
        f"{table}_delete": _trigger(
            f"AFTER DELETE ON {table}", _note("'seats'", "slot", where="id = OLD.slot"), more("OLD")
        ),
    }


_CALENDAR_DIFFERS = " OR ".join(
    f"OLD.{name} IS NOT NEW.{name}"
    for name in ("name", "zone", "visibility", "booking", "policy", "archived", "created_at", "data")
)
_HEAD_DIFFERS = "(OLD.seq IS NOT NEW.seq OR OLD.nonce IS NOT NEW.nonce)"
# A head restored by a trigger is not a new head.
_IS_PUT_BACK = "EXISTS (SELECT 1 FROM touched WHERE calendar = NEW.id AND seq = NEW.seq AND nonce = NEW.nonce)"
_LAST_HEAD = "FROM touched WHERE calendar = NEW.id AND kind = 'gone' ORDER BY id DESC LIMIT 1"
# A calendar with a new id continues the history of the last one with this id, or begins one.
_BEGINNING = (
    "INSERT INTO touched (kind, calendar, subject, seq, nonce)"
    f" SELECT 'policy', NEW.id, NEW.id, COALESCE((SELECT seq {_LAST_HEAD}), 0),"
    f" COALESCE((SELECT nonce {_LAST_HEAD}), lower(hex(randomblob(6))))"
)
_GONE = (
    "INSERT INTO touched (kind, calendar, subject, seq, nonce) SELECT 'gone', id, id, seq, nonce FROM calendar WHERE"
)

_HOLD_COLUMNS = ("id", "calendar", "slot", "seats", "holder", "state", "expires_at", "overridden")
_BOOKING_COLUMNS = (
    "id", "calendar", "slot", "seats", "status", "name", "email", "phone", "note", "created_at", "version", "data",
    "overridden", "expires_at", "booked_by", "changed_at",
)  # fmt: skip
_IS_OTHER = "OLD.calendar IS NOT NEW.calendar"


def _bookings_of_slot(calendar: str, where: str) -> str:
    return (
        "INSERT INTO touched (kind, calendar, subject)"
        f" SELECT 'booking', {calendar}, id FROM booking WHERE slot = NEW.id AND {where};"
    )


def _replaced_slots(where: str) -> str:
    """Return SQL that notes slots about to be replaced. Bookings of a removed slot show its times only then."""
    return _note("'slot'", "slot", where=where) + (
        "INSERT INTO touched (kind, calendar, subject)"
        f" SELECT 'booking', calendar, id FROM booking WHERE slot IN (SELECT id FROM slot WHERE {where} AND state = 2);"
    )


def _lost_bookings(where: str) -> str:
    """Return SQL that notes bookings about to be deleted, without a check of their content."""
    return (
        "INSERT INTO touched (kind, calendar, subject, seq) SELECT 'lost',"
        " COALESCE((SELECT calendar FROM slot WHERE slot.id = booking.slot), calendar), id, version"
        f" FROM booking WHERE {where};"
    )


_SQLITE = {
    **_replaced("slot", _replaced_slots),
    "slot_insert": _trigger("AFTER INSERT ON slot", _row("'new'", "NEW"), refuse_ids(*_IDS)),
    "slot_update": _trigger(
        "AFTER UPDATE ON slot",
        _row("'slot'", "OLD", _SLOT_DIFFERS),
        _row("'seats'", "NEW", _COUNTS_DIFFER),
        _row("'new'", "NEW", f"OLD.id IS NOT NEW.id OR OLD.data IS NOT NEW.data OR {_IS_OTHER}"),
        _bookings_of_slot("OLD.calendar", _IS_OTHER),
        _bookings_of_slot("NEW.calendar", f"({_IS_OTHER} OR {_IS_BACK})"),
        _row("'moved'", "NEW", _IS_OTHER),
        refuse_ids(*_IDS, of="OLD"),
    ),
    "slot_delete": _trigger("AFTER DELETE ON slot", _row("'slot'", "OLD")),
    **_seat_triggers("hold", _HOLD_COLUMNS, _hold, lambda _: ""),
    **_seat_triggers("booking", _BOOKING_COLUMNS, _booking, _lost_bookings),
    **_replaced("calendar", lambda where: f"{_GONE} {where};"),
    "calendar_insert": _trigger(
        "AFTER INSERT ON calendar",
        f"{_BEGINNING};",
        refuse_ids("id"),
        "INSERT INTO touched (kind, calendar, subject) SELECT 'archived', NEW.id, NEW.id;",
    ),
    "calendar_update": _trigger(
        "AFTER UPDATE ON calendar",
        "INSERT INTO touched (kind, calendar, subject)"
        " SELECT CASE WHEN OLD.policy IS NOT NEW.policy THEN 'policy' ELSE 'calendar' END,"
        f" NEW.id, NEW.id WHERE OLD.id IS NEW.id AND ({_CALENDAR_DIFFERS});",
        f"{_BEGINNING} WHERE OLD.id IS NOT NEW.id;",
        "INSERT INTO touched (kind, calendar, subject)"
        " SELECT 'archived', NEW.id, NEW.id WHERE OLD.archived IS NOT NEW.archived OR OLD.id IS NOT NEW.id;",
        "INSERT INTO touched (kind, calendar, subject, seq, nonce)"
        " SELECT 'head', NEW.id, NEW.id, OLD.seq, OLD.nonce"
        f" WHERE OLD.id IS NEW.id AND {_HEAD_DIFFERS} AND NOT {_IS_PUT_BACK};",
        "INSERT INTO touched (kind, calendar, subject, seq, nonce)"
        " SELECT 'gone', OLD.id, OLD.id, OLD.seq, OLD.nonce WHERE OLD.id IS NOT NEW.id;",
        refuse_ids("id", of="OLD"),
    ),
    "calendar_delete": _trigger(
        "AFTER DELETE ON calendar",
        "INSERT INTO touched (kind, calendar, subject, seq, nonce) SELECT 'gone', OLD.id, OLD.id, OLD.seq, OLD.nonce;",
    ),
    # The consequences of a note. RAISE(ABORT) refuses even a statement with OR IGNORE.
    "touched_seats": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind IN ('seats', 'new')",
        refuse(OVERFULL, f"FROM slot WHERE id = NEW.subject AND {_HELD} + {_BOOKED} > capacity + overbooked"),
        # OR IGNORE would pass over the CHECK behind the UPDATE below.
        refuse(REMOVED, f"FROM slot WHERE id = NEW.subject AND state = 2 AND {_HELD} + {_BOOKED} > 0"),
        *(
            f"UPDATE slot SET held = {_HELD}, booked = {_BOOKED}, held_until = {_HELD_UNTIL}, overbooked = {_OVER}"
            f" WHERE id = {one} AND (held <> {_HELD} OR booked <> {_BOOKED} OR held_until IS NOT {_HELD_UNTIL}"
            f" OR overbooked <> {_OVER});"
            for one in ("NEW.subject", *(_LATER.format("subject", order) for order in ("ASC", "DESC")))
        ),
        *(f"UPDATE touched SET kind = 'slot' WHERE id = {_LATER.format('id', order)};" for order in ("ASC", "DESC")),
        *(
            f"UPDATE {table} SET calendar = {_OF_SLOT} WHERE id = (SELECT id FROM {table}"
            f" WHERE slot = NEW.subject{which} AND calendar <> {_OF_SLOT} LIMIT 1);"
            for table, which in _SEATED
        ),
    ),
    "touched_new": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind IN ('new', 'bad id', 'bad text')",
        refuse(BAD_IDS, "WHERE NEW.kind = 'bad id'"),
        refuse(BAD_TEXT, "WHERE NEW.kind = 'bad text'"),
        refuse(BAD_ID, f"WHERE NEW.subject NOT GLOB '{UUID_GLOB}'"),
        refuse(
            BAD_DATA,
            "FROM slot WHERE id = NEW.subject AND data IS NOT NULL"
            f" AND (NOT json_valid(data) OR length(CAST(data AS BLOB)) > 4096 OR {is_not_text('data')})",
        ),
    ),
    "touched_booking": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind = 'booking'",
        refuse(BAD_ID, f"WHERE NEW.subject NOT GLOB '{UUID_GLOB}'"),
        refuse(
            BAD_CUSTOMER,
            "FROM booking WHERE id = NEW.subject AND ("
            + " OR ".join(f"length({name}) > {most}" for name, most in CUSTOMER_CHARACTERS.items())
            + ")",
        ),
        refuse(
            BAD_TEXT,
            "FROM booking WHERE id = NEW.subject"
            f" AND ({' OR '.join(map(is_not_text, (*CUSTOMER_CHARACTERS, 'overridden', 'data', 'booked_by')))})",
        ),
    ),
    "touched_policy": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind IN ('calendar', 'policy')",
        refuse(BAD_NAME, f"FROM calendar WHERE id = NEW.subject AND length(name) NOT BETWEEN 1 AND {NAME_CHARACTERS}"),
        refuse(BAD_TIME, f"FROM calendar WHERE id = NEW.subject AND created_at NOT BETWEEN 0 AND {LATEST}"),
        refuse(
            BAD_TEXT,
            "FROM calendar WHERE id = NEW.subject"
            f" AND ({' OR '.join(map(is_not_text, ('name', 'zone', 'policy', 'data')))})",
        ),
        refuse(
            BAD_CALENDAR,
            "WHERE NEW.subject GLOB '*[^a-z0-9-]*' OR NEW.subject GLOB '-*'"
            " OR length(NEW.subject) NOT BETWEEN 1 AND 63",
        ),
        refuse(BAD_POLICY, f"FROM calendar WHERE id = NEW.subject AND NOT COALESCE({is_valid_policy('policy')}, 0)"),
    ),
    "touched_head": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind = 'moved' OR (NEW.kind IN ('head', 'policy') AND NEW.seq IS NOT NULL)",
        "UPDATE calendar SET seq = NEW.seq, nonce = NEW.nonce WHERE id = NEW.subject AND NEW.seq IS NOT NULL;",
        *(
            f"UPDATE {table} SET calendar = NEW.calendar WHERE slot = NEW.subject{which} AND calendar <> NEW.calendar;"
            for table, which in _SEATED
        ),
    ),
}


def ignore_own(
    action: int, _subject: str | None, _detail: str | None, _database: str | None, trigger: str | None
) -> int:
    """Authorize the service's own connections. SQLite asks when it compiles a statement, never when it runs one."""
    is_note = action == sqlite3.SQLITE_INSERT and trigger is not None and trigger.startswith(PREFIX)
    return sqlite3.SQLITE_IGNORE if is_note else sqlite3.SQLITE_OK


def install(run: Run) -> bool:
    """Make the triggers those of this program; return True if one was missing."""
    wanted = {f"{PREFIX}{name}": f"CREATE TRIGGER {PREFIX}{name} {body}" for name, body in _SQLITE.items()}
    found = dict(
        run(f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB '{PREFIX}*'").fetchall()
    )
    for name, sql in found.items():
        if sql != wanted.get(name):
            run(f"DROP TRIGGER {name}")
    for name, sql in wanted.items():
        if found.get(name) != sql:
            run(sql)
    return bool(wanted.keys() - found.keys())
