"""The triggers that note which rows other writers than the service touch, for models/domain/outside_writes to take.

They stand on calendar, slot, hold and booking, and fill the table `touched`. A note is written in the outside writer's
own transaction, so it is there exactly when what it tells of is. A seat that is taken or given back is counted there
and then: the counters of a slot are right at every commit, and the CHECK on them refuses an overfull slot.

The service's own writes are told from all others by their connection, never by what is in the row: a copied row can't
pass for one of the service's. On SQLite its connections have an authorizer that compiles the notes of these triggers
to nothing (`ignore_own`). On PostgreSQL its transactions set `slotcast.service`, which the triggers ask first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

PREFIX = "outside_"

Run = Callable[[str], Any]

_HEX = "[0-9a-f]"
_UUID_GLOB = "-".join(_HEX * count for count in (8, 4, 4, 4, 12))
_UUID_PATTERN = f"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$"
_DURATIONS = ("min_notice", "max_advance", "cancel_notice", "buffer_before", "buffer_after")
_LONGEST = 366 * 86_400
_POLICIES = (*_DURATIONS, "hold_seconds", "overlap", "max_holds", "confirmation")

_BAD_ID = "the id is not a UUID in lower case"
_BAD_CALENDAR = "the id of a calendar is a slug: a-z, 0-9 and -, up to 63 characters"
_BAD_DATA = "the data of a slot is not JSON of at most 4096 bytes"
_BAD_POLICY = "the policy is not one that the API takes"
_OVERFULL = "more seats are taken than the slot has"

# SQLite

_SLOT_DIFFERS = " OR ".join(
    f"OLD.{name} IS NOT NEW.{name}"
    for name in (
        "id", "calendar", "start", '"end"', "capacity", "held", "booked", "blocked", "held_until", "state", "origin",
        "version", "data", "dropped",
    )
)  # fmt: skip
_COUNTS_DIFFER = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in ("id", "held", "booked", "held_until"))
_HELD = "(SELECT COALESCE(SUM(seats), 0) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)"
_BOOKED = (
    "(SELECT COALESCE(SUM(seats), 0) FROM booking"
    " WHERE booking.slot = slot.id AND booking.status IN ('pending', 'confirmed', 'no_show'))"
)
_HELD_UNTIL = "(SELECT MIN(expires_at) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)"


def _note(kind: str, source: str, *, calendar: str = "calendar", where: str = "") -> str:
    """Notes slots of `source`, with the times they have there."""
    return (
        'INSERT INTO touched (kind, calendar, subject, start, "end")'
        f' SELECT {kind}, {calendar}, id, start, "end" FROM {source}{f" WHERE {where}" if where else ""};'
    )


def _row(kind: str, row: str, where: str = "TRUE") -> str:
    """Notes the slot of a trigger's row, OLD or NEW."""
    return (
        'INSERT INTO touched (kind, calendar, subject, start, "end")'
        f' SELECT {kind}, {row}.calendar, {row}.id, {row}.start, {row}."end" WHERE {where};'
    )


def _booking(row: str, where: str = "TRUE") -> str:
    """Notes a booking where its slot is, or where it says that it is."""
    return (
        "INSERT INTO touched (kind, calendar, subject) SELECT 'booking',"
        f" COALESCE((SELECT calendar FROM slot WHERE id = {row}.slot), {row}.calendar), {row}.id WHERE {where};"
        " INSERT INTO touched (kind, calendar, subject)"
        f" SELECT 'booking', {row}.calendar, {row}.id WHERE ({where})"
        f" AND {row}.calendar IS NOT (SELECT calendar FROM slot WHERE id = {row}.slot);"
    )


def _trigger(event: str, *statements: str) -> str:
    return f"{event} BEGIN {' '.join(statements)} END"


def _seat_triggers(table: str, columns: tuple[str, ...], more: Callable[[str], str]) -> dict[str, str]:
    """Those of holds and bookings: whatever happens to one, the seats of its slot are counted anew."""
    differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in columns)
    # A row that REPLACE puts out fires no trigger: its slot is counted once the new row is there.
    replaced = _note("'later'", "slot", where=f"id IN (SELECT slot FROM {table} WHERE id = NEW.id OR rowid = {{}})")
    return {
        f"{table}_before_insert": _trigger(f"BEFORE INSERT ON {table}", replaced.format("NEW.rowid")),
        f"{table}_before_update": _trigger(f"BEFORE UPDATE OF id ON {table}", replaced.format("-1")),
        f"{table}_insert": _trigger(
            f"AFTER INSERT ON {table}", _note("'seats'", "slot", where="id = NEW.slot"), more("NEW")
        ),
        f"{table}_update": _trigger(
            f"AFTER UPDATE ON {table}",
            _note("'seats'", "slot", where=f"id IN (OLD.slot, NEW.slot) AND ({differs})"),
            more("NEW"),
            more("OLD"),
        ),
        f"{table}_delete": _trigger(
            f"AFTER DELETE ON {table}", _note("'seats'", "slot", where="id = OLD.slot"), more("OLD")
        ),
    }


def _is_valid_policy(text: str) -> str:
    """NULL or false for what the service could not read."""

    def of(name: str) -> str:
        return f"json_extract({text}, '$.{name}')"

    def kind(name: str) -> str:
        return f"COALESCE(json_type({text}, '$.{name}'), 'missing')"

    checks = [
        f"json_type({text}) = 'object'",
        f"NOT EXISTS (SELECT 1 FROM json_each({text}) WHERE key NOT IN ({', '.join(map(repr, _POLICIES))}))",
        *[
            f"({kind(name)} {absent} OR ({kind(name)} = 'integer' AND {of(name)} BETWEEN {least} AND {most}))"
            for name, absent, least, most in (
                ("hold_seconds", "= 'missing'", 30, 1_800),
                ("max_holds", "= 'missing'", 1, 10_000),
                ("max_advance", "IN ('missing', 'null')", 0, _LONGEST),
                *[(name, "= 'missing'", 0, _LONGEST) for name in _DURATIONS if name != "max_advance"],
            )
        ],
        f"({kind('overlap')} = 'missing' OR {of('overlap')} IN ('allow', 'reject'))",
        f"({kind('confirmation')} = 'missing' OR {of('confirmation')} IN ('none', 'staff'))",
    ]
    return f"CASE WHEN json_valid({text}) THEN {' AND '.join(checks)} END"


def _refuse(message: str, source: str) -> str:
    return f"SELECT RAISE(ABORT, '{message}') {source};"


_CALENDAR_DIFFERS = " OR ".join(
    f"OLD.{name} IS NOT NEW.{name}"
    for name in ("id", "name", "zone", "visibility", "booking", "policy", "archived", "created_at")
)
_HEAD_DIFFERS = "(OLD.seq IS NOT NEW.seq OR OLD.nonce IS NOT NEW.nonce)"
# A head that was put back is no new one.
_IS_PUT_BACK = "EXISTS (SELECT 1 FROM touched WHERE calendar = NEW.id AND seq = NEW.seq AND nonce = NEW.nonce)"
_LAST_HEAD = "FROM touched WHERE calendar = NEW.id AND kind = 'gone' ORDER BY id DESC LIMIT 1"
_GONE = (
    "INSERT INTO touched (kind, calendar, subject, seq, nonce) SELECT 'gone', id, id, seq, nonce FROM calendar WHERE"
)

_IS_OTHER = "OLD.calendar IS NOT NEW.calendar"


def _bookings_of_moved(calendar: str) -> str:
    return (
        "INSERT INTO touched (kind, calendar, subject)"
        f" SELECT 'booking', {calendar}, id FROM booking WHERE slot = NEW.id AND {_IS_OTHER};"
    )


_SQLITE = {
    "slot_before_insert": _trigger(
        "BEFORE INSERT ON slot", _note("'slot'", "slot", where="id = NEW.id OR rowid = NEW.rowid")
    ),
    "slot_before_update": _trigger(
        "BEFORE UPDATE OF id ON slot", _note("'slot'", "slot", where="id = NEW.id AND NEW.id IS NOT OLD.id")
    ),
    "slot_insert": _trigger("AFTER INSERT ON slot", _row("'new'", "NEW")),
    "slot_update": _trigger(
        "AFTER UPDATE ON slot",
        _row("'slot'", "OLD", _SLOT_DIFFERS),
        _row("'seats'", "NEW", _COUNTS_DIFFER),
        _row("'new'", "NEW", f"OLD.id IS NOT NEW.id OR OLD.data IS NOT NEW.data OR {_IS_OTHER}"),
        _bookings_of_moved("OLD.calendar"),
        _bookings_of_moved("NEW.calendar"),
    ),
    "slot_delete": _trigger("AFTER DELETE ON slot", _row("'slot'", "OLD")),
    **_seat_triggers("hold", ("id", "calendar", "slot", "seats", "state", "expires_at"), lambda _: ""),
    **_seat_triggers(
        "booking",
        ("id", "calendar", "slot", "seats", "status", "name", "email", "phone", "note", "created_at", "version"),
        _booking,
    ),
    "calendar_before_insert": _trigger("BEFORE INSERT ON calendar", f"{_GONE} id = NEW.id OR rowid = NEW.rowid;"),
    "calendar_before_update": _trigger(
        "BEFORE UPDATE OF id ON calendar", f"{_GONE} id = NEW.id AND NEW.id IS NOT OLD.id;"
    ),
    "calendar_insert": _trigger(
        "AFTER INSERT ON calendar",
        "INSERT INTO touched (kind, calendar, subject, seq, nonce)"
        f" SELECT 'policy', NEW.id, NEW.id, (SELECT seq {_LAST_HEAD}), (SELECT nonce {_LAST_HEAD});",
    ),
    "calendar_update": _trigger(
        "AFTER UPDATE ON calendar",
        "INSERT INTO touched (kind, calendar, subject)"
        " SELECT CASE WHEN OLD.policy IS NOT NEW.policy OR OLD.id IS NOT NEW.id THEN 'policy' ELSE 'calendar' END,"
        f" NEW.id, NEW.id WHERE {_CALENDAR_DIFFERS};",
        "INSERT INTO touched (kind, calendar, subject)"
        " SELECT 'archived', NEW.id, NEW.id WHERE OLD.archived IS NOT NEW.archived;",
        "INSERT INTO touched (kind, calendar, subject, seq, nonce)"
        " SELECT 'head', NEW.id, NEW.id, OLD.seq, OLD.nonce"
        f" WHERE OLD.id IS NEW.id AND {_HEAD_DIFFERS} AND NOT {_IS_PUT_BACK};",
        "INSERT INTO touched (kind, calendar, subject, seq, nonce)"
        " SELECT 'gone', OLD.id, OLD.id, OLD.seq, OLD.nonce WHERE OLD.id IS NOT NEW.id;",
    ),
    "calendar_delete": _trigger(
        "AFTER DELETE ON calendar",
        "INSERT INTO touched (kind, calendar, subject, seq, nonce) SELECT 'gone', OLD.id, OLD.id, OLD.seq, OLD.nonce;",
    ),
    # What follows from a note, at once. RAISE(ABORT) holds also where the outside statement says OR IGNORE.
    "touched_seats": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind IN ('seats', 'new')",
        _refuse(_OVERFULL, f"FROM slot WHERE id = NEW.subject AND {_HELD} + {_BOOKED} > capacity"),
        f"UPDATE slot SET held = {_HELD}, booked = {_BOOKED}, held_until = {_HELD_UNTIL}"
        " WHERE (id = NEW.subject OR id IN (SELECT subject FROM touched WHERE kind = 'later'))"
        f" AND (held <> {_HELD} OR booked <> {_BOOKED} OR held_until IS NOT {_HELD_UNTIL});",
        "UPDATE touched SET kind = 'slot' WHERE kind = 'later';",
    ),
    "touched_new": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind = 'new'",
        _refuse(_BAD_ID, f"WHERE NEW.subject NOT GLOB '{_UUID_GLOB}'"),
        _refuse(
            _BAD_DATA,
            "FROM slot WHERE id = NEW.subject AND data IS NOT NULL"
            " AND (NOT json_valid(data) OR length(CAST(data AS BLOB)) > 4096)",
        ),
    ),
    "touched_booking": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind = 'booking'",
        _refuse(_BAD_ID, f"WHERE NEW.subject NOT GLOB '{_UUID_GLOB}'"),
    ),
    "touched_policy": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind = 'policy'",
        _refuse(
            _BAD_CALENDAR,
            "WHERE NEW.subject GLOB '*[^a-z0-9-]*' OR NEW.subject GLOB '-*'"
            " OR length(NEW.subject) NOT BETWEEN 1 AND 63",
        ),
        _refuse(_BAD_POLICY, f"FROM calendar WHERE id = NEW.subject AND NOT COALESCE({_is_valid_policy('policy')}, 0)"),
    ),
    "touched_head": _trigger(
        "AFTER INSERT ON touched WHEN NEW.kind IN ('head', 'policy') AND NEW.seq IS NOT NULL",
        "UPDATE calendar SET seq = NEW.seq, nonce = NEW.nonce WHERE id = NEW.subject;",
    ),
}


def ignore_own(
    action: int, _subject: str | None, _detail: str | None, _database: str | None, trigger: str | None
) -> int:
    """The authorizer of the service's own SQLite connections: asked as a statement is compiled, never as it runs."""
    is_note = action == sqlite3.SQLITE_INSERT and trigger is not None and trigger.startswith(PREFIX)
    return sqlite3.SQLITE_IGNORE if is_note else sqlite3.SQLITE_OK


def begin_anew(run: Run, nonce: str) -> None:
    """Begins another history of every calendar, so that nobody goes on from what may not be there any more."""
    last = "(SELECT COALESCE(MAX(log.seq), 0) FROM change_log AS log WHERE log.calendar = calendar.id)"
    run(f"UPDATE calendar SET nonce = {nonce}, seq = 1 + CASE WHEN seq > {last} THEN seq ELSE {last} END")
    run("DELETE FROM change_log")


def install_sqlite(run: Run) -> bool:
    """Makes the triggers what this program has them; whether one was not there."""
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


# PostgreSQL

SERVICE = "slotcast.service"  # a setting of the transaction, `on` in the service's own
_IS_OUTSIDE = f"WHEN (current_setting('{SERVICE}', true) IS DISTINCT FROM 'on')"
_TOUCHED = "INSERT INTO touched (kind, calendar, subject"

_FUNCTIONS = {
    # The lock comes first, and the sums after it: so they are of what whoever had the lock has committed.
    "recount(wanted text)": f"""
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE now_held integer; now_booked integer; now_until bigint; seats_there integer;
BEGIN
    SELECT capacity INTO seats_there FROM slot WHERE id = wanted FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT COALESCE(SUM(seats), 0), MIN(expires_at) INTO now_held, now_until
        FROM hold WHERE hold.slot = wanted AND hold.state = 0;
    SELECT COALESCE(SUM(seats), 0) INTO now_booked
        FROM booking WHERE booking.slot = wanted AND status IN ('pending', 'confirmed', 'no_show');
    IF now_held + now_booked > seats_there THEN
        RAISE EXCEPTION '{_OVERFULL}' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE slot SET held = now_held, booked = now_booked, held_until = now_until
        WHERE id = wanted AND (held, booked, held_until) IS DISTINCT FROM (now_held, now_booked, now_until);
END $$""",
    "check_policy(policy text)": f"""
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE given jsonb; is_fit boolean;
BEGIN
    given := policy::jsonb;
    SELECT jsonb_typeof(given) = 'object' AND bool_and(
        CASE
            WHEN key IN ('overlap') THEN value IN ('"allow"', '"reject"')
            WHEN key IN ('confirmation') THEN value IN ('"none"', '"staff"')
            WHEN key = 'max_advance' AND value = 'null' THEN true
            WHEN key IN ('hold_seconds', 'max_holds', {", ".join(map(repr, _DURATIONS))}) THEN
                value::text ~ '^[0-9]{{1,9}}$' AND value::text::integer BETWEEN
                CASE key WHEN 'hold_seconds' THEN 30 WHEN 'max_holds' THEN 1 ELSE 0 END
                AND CASE key WHEN 'hold_seconds' THEN 1800 WHEN 'max_holds' THEN 10000 ELSE {_LONGEST} END
            ELSE false
        END) IS NOT FALSE INTO is_fit
        FROM jsonb_each(CASE WHEN jsonb_typeof(given) = 'object' THEN given ELSE '{{"":0}}' END);
    IF NOT is_fit THEN
        RAISE EXCEPTION '{_BAD_POLICY}' USING ERRCODE = 'check_violation';
    END IF;
EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
    RAISE EXCEPTION '{_BAD_POLICY}' USING ERRCODE = 'check_violation';
END $$""",
    "check_data(data text)": f"""
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF octet_length(data) > 4096 THEN
        RAISE EXCEPTION '{_BAD_DATA}' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM data::json;
EXCEPTION WHEN invalid_text_representation THEN
    RAISE EXCEPTION '{_BAD_DATA}' USING ERRCODE = 'check_violation';
END $$""",
    "slot()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN RETURN NULL; END IF;
    IF TG_OP <> 'INSERT' THEN
        {_TOUCHED}, start, "end") VALUES ('slot', OLD.calendar, OLD.id, OLD.start, OLD."end");
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN NULL; END IF;
    IF TG_OP = 'INSERT' OR NEW.id <> OLD.id THEN
        IF NEW.id !~ '{_UUID_PATTERN}' THEN
            RAISE EXCEPTION '{_BAD_ID}' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    IF NEW.data IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.data IS DISTINCT FROM OLD.data) THEN
        PERFORM outside_check_data(NEW.data);
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.id, NEW.calendar, NEW.start, NEW."end")
        IS NOT DISTINCT FROM (OLD.id, OLD.calendar, OLD.start, OLD."end") THEN NULL;
    ELSE
        {_TOUCHED}, start, "end") VALUES ('slot', NEW.calendar, NEW.id, NEW.start, NEW."end");
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.calendar <> OLD.calendar THEN
        {_TOUCHED}) SELECT 'booking', home, id FROM booking, unnest(ARRAY[OLD.calendar, NEW.calendar]) AS home
            WHERE slot = NEW.id;
    END IF;
    IF TG_OP = 'INSERT' OR (NEW.id, NEW.held, NEW.booked, NEW.held_until)
        IS DISTINCT FROM (OLD.id, OLD.held, OLD.booked, OLD.held_until) THEN
        PERFORM outside_recount(NEW.id);
    END IF;
    RETURN NULL;
END $$""",
    "seats()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE is_booking boolean := TG_TABLE_NAME = 'booking';
BEGIN
    IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN RETURN NULL; END IF;
    IF TG_OP <> 'INSERT' THEN
        {_TOUCHED}, start, "end") SELECT 'slot', calendar, id, start, "end" FROM slot WHERE id = OLD.slot;
        IF is_booking THEN
            {_TOUCHED}) SELECT DISTINCT 'booking', home, OLD.id FROM unnest(
                ARRAY[OLD.calendar, (SELECT calendar FROM slot WHERE id = OLD.slot)]) AS home WHERE home IS NOT NULL;
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF is_booking AND NEW.id !~ '{_UUID_PATTERN}' THEN
            RAISE EXCEPTION '{_BAD_ID}' USING ERRCODE = 'check_violation';
        END IF;
        {_TOUCHED}, start, "end") SELECT 'slot', calendar, id, start, "end" FROM slot WHERE id = NEW.slot;
        IF is_booking THEN
            {_TOUCHED}) SELECT DISTINCT 'booking', home, NEW.id FROM unnest(
                ARRAY[NEW.calendar, (SELECT calendar FROM slot WHERE id = NEW.slot)]) AS home WHERE home IS NOT NULL;
        END IF;
        PERFORM outside_recount(NEW.slot);
    END IF;
    IF TG_OP = 'DELETE' THEN
        PERFORM outside_recount(OLD.slot);
    ELSIF TG_OP = 'UPDATE' AND OLD.slot <> NEW.slot THEN
        PERFORM outside_recount(OLD.slot);
    END IF;
    RETURN NULL;
END $$""",
    "calendar()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE kept touched%ROWTYPE;
BEGIN
    IF TG_OP = 'DELETE' THEN
        {_TOUCHED}, seq, nonce) VALUES ('gone', OLD.id, OLD.id, OLD.seq, OLD.nonce);
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.id <> OLD.id THEN
            {_TOUCHED}, seq, nonce) VALUES ('gone', OLD.id, OLD.id, OLD.seq, OLD.nonce);
        END IF;
        -- The head is the service's: what an outside writer says of it is not heard.
        NEW.seq := OLD.seq;
        NEW.nonce := OLD.nonce;
        IF NEW IS NOT DISTINCT FROM OLD THEN RETURN NEW; END IF;
    ELSE
        SELECT * INTO kept FROM touched WHERE calendar = NEW.id AND kind = 'gone' ORDER BY id DESC LIMIT 1;
        IF FOUND AND kept.seq IS NOT NULL THEN
            NEW.seq := kept.seq;
            NEW.nonce := kept.nonce;
        END IF;
    END IF;
    IF TG_OP = 'INSERT' OR NEW.id <> OLD.id THEN
        IF NEW.id !~ '^[a-z0-9][a-z0-9-]{{0,62}}$' THEN
            RAISE EXCEPTION '{_BAD_CALENDAR}' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.archived <> OLD.archived THEN
        {_TOUCHED}) VALUES ('archived', NEW.id, NEW.id);
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.id = OLD.id AND NEW.policy = OLD.policy THEN
        {_TOUCHED}) VALUES ('calendar', NEW.id, NEW.id);
    ELSE
        PERFORM outside_check_policy(NEW.policy);
        {_TOUCHED}) VALUES ('policy', NEW.id, NEW.id);
    END IF;
    RETURN NEW;
END $$""",
    # Before it: afterwards nothing says what there was.
    "truncate()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_TABLE_NAME = 'calendar' THEN
        {_TOUCHED}, seq, nonce) SELECT 'gone', id, id, seq, nonce FROM calendar;
    ELSIF TG_TABLE_NAME = 'slot' THEN
        {_TOUCHED}, start, "end") SELECT 'slot', calendar, id, start, "end" FROM slot;
    ELSE
        {_TOUCHED}, start, "end") SELECT 'slot', calendar, id, start, "end" FROM slot WHERE held + booked > 0;
        IF TG_TABLE_NAME = 'booking' THEN
            {_TOUCHED}) SELECT 'booking', calendar, id FROM booking;
        END IF;
    END IF;
    RETURN NULL;
END $$""",
    # After it: its seats are free at once.
    "truncated()": """
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_TABLE_NAME = 'hold' THEN
        UPDATE slot SET held = 0, held_until = NULL WHERE held > 0;
    ELSE
        UPDATE slot SET booked = 0 WHERE booked > 0;
    END IF;
    RETURN NULL;
END $$""",
}
_ROWS = "INSERT OR UPDATE OR DELETE"
_TRIGGERS = {
    "calendar": ("calendar", f"BEFORE {_ROWS}", "ROW", "calendar"),
    "slot": ("slot", f"AFTER {_ROWS}", "ROW", "slot"),
    "hold": ("hold", f"AFTER {_ROWS}", "ROW", "seats"),
    "booking": ("booking", f"AFTER {_ROWS}", "ROW", "seats"),
    **{
        f"{table}_truncate": (table, "BEFORE TRUNCATE", "STATEMENT", "truncate")
        for table in ("calendar", "slot", "hold", "booking")
    },
    **{f"{table}_truncated": (table, "AFTER TRUNCATE", "STATEMENT", "truncated") for table in ("hold", "booking")},
}


def install_postgres(run: Run) -> bool:
    """Makes the functions and triggers what this program has them; whether a trigger was not there, or switched off.

    They fire ALWAYS: a replica's role does not skip them.
    """
    for name, body in _FUNCTIONS.items():
        run(f"CREATE OR REPLACE FUNCTION {PREFIX}{name}{body}")
    found = {
        row[0]
        for row in run(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A' AND tgrelid IN"
            " ('calendar'::regclass, 'slot'::regclass, 'hold'::regclass, 'booking'::regclass)"
        ).fetchall()
    }
    for name, (table, event, each, function) in _TRIGGERS.items():
        if f"{PREFIX}{name}" not in found:
            run(f"DROP TRIGGER IF EXISTS {PREFIX}{name} ON {table}")
            run(
                f"CREATE TRIGGER {PREFIX}{name} {event} ON {table} FOR EACH {each} {_IS_OUTSIDE}"
                f" EXECUTE FUNCTION {PREFIX}{function}()"
            )
            run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {PREFIX}{name}")
    return bool({f"{PREFIX}{name}" for name in _TRIGGERS} - found)
