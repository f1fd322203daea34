"""The triggers of PostgreSQL."""

from __future__ import annotations

from models.contract.changes import (
    CUSTOMER_CHARACTERS,
    MOST_QUESTIONS,
    NAME_CHARACTERS,
    PLACE_CHARACTERS,
    QUESTIONS_BYTES,
)
from models.storage.triggers.note import (
    BAD_CALENDAR,
    BAD_CUSTOMER,
    BAD_DATA,
    BAD_ID,
    BAD_NAME,
    BAD_POLICY,
    BAD_TIME,
    BAD_TRUNCATE,
    DURATION_FIELDS,
    LATEST,
    LEAST_PENDING,
    LIMIT_FIELDS,
    LONGEST_DURATION,
    OVERFULL,
    PREFIX,
    QUESTION_FIELDS,
    UUID_PATTERN,
    Run,
)

SERVICE = "slotcast.service"  # a setting of the transaction, `on` in the service's transactions
_IS_OUTSIDE = f"WHEN (current_setting('{SERVICE}', true) IS DISTINCT FROM 'on')"
_COUNTS = ", ".join(map(repr, ("max_holds", *LIMIT_FIELDS)))
# PostgreSQL writes a space after each comma and colon: twelve spaces a question, and one a choice.
_QUESTIONS_TEXT = 2 * QUESTIONS_BYTES
_IS_QUESTION = f"""CASE WHEN jsonb_typeof(asked) = 'object' THEN
                        jsonb_typeof(asked -> 'label') IS NOT DISTINCT FROM 'string'
                        AND COALESCE(jsonb_typeof(asked -> 'required'), 'boolean') = 'boolean'
                        AND asked - ARRAY[{", ".join(map(repr, QUESTION_FIELDS))}] = '{{}}'
                        AND CASE COALESCE(jsonb_typeof(asked -> 'choices'), 'missing') WHEN 'missing' THEN true
                            WHEN 'array' THEN NOT EXISTS (
                                SELECT 1 FROM jsonb_array_elements(asked -> 'choices') AS choice
                                WHERE jsonb_typeof(choice) <> 'string')
                            ELSE false END
                    ELSE false END"""
_NULLABLE = ", ".join(map(repr, ("max_advance", "pending_seconds", *LIMIT_FIELDS)))
_TOUCHED = "INSERT INTO touched (kind, calendar, subject"

# A schema is a database of its own, and has its own channel of notifications.
CHANNEL = "'slotcast_' || substr(md5(current_schema()), 1, 12)"

_FUNCTIONS = {
    # The sums come after the lock, so they include the commits of its former owner.
    "recount(wanted text)": f"""
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE now_held integer; now_booked integer; now_until bigint; now_over integer; there slot%ROWTYPE;
    has_strange_hold boolean; has_strange_booking boolean;
BEGIN
    SELECT * INTO there FROM slot WHERE id = wanted FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT COALESCE(SUM(seats), 0), MIN(expires_at), bool_or(calendar <> there.calendar)
        INTO now_held, now_until, has_strange_hold
        FROM hold WHERE hold.slot = wanted AND hold.state = 0;
    SELECT COALESCE(SUM(seats) FILTER (WHERE status IN ('pending', 'confirmed')
            OR (status = 'no_show' AND there.state <> 2)), 0), bool_or(calendar <> there.calendar)
        INTO now_booked, has_strange_booking FROM booking WHERE booking.slot = wanted;
    -- A hold or booking is in the calendar of its slot, whatever its writer says.
    IF has_strange_hold THEN
        UPDATE hold SET calendar = there.calendar
            WHERE hold.slot = wanted AND hold.state = 0 AND calendar <> there.calendar;
    END IF;
    IF has_strange_booking THEN
        UPDATE booking SET calendar = there.calendar WHERE booking.slot = wanted AND calendar <> there.calendar;
    END IF;
    IF now_held + now_booked > there.capacity + there.overbooked THEN
        RAISE EXCEPTION '{OVERFULL}' USING ERRCODE = 'check_violation';
    END IF;
    now_over := LEAST(there.overbooked, GREATEST(0, now_held + now_booked - there.capacity));
    UPDATE slot SET held = now_held, booked = now_booked, held_until = now_until, overbooked = now_over
        WHERE id = wanted
        AND (held, booked, held_until, overbooked) IS DISTINCT FROM (now_held, now_booked, now_until, now_over);
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
            WHEN key = 'verification' THEN value IN ('"none"', '"email"', '"proof"')
            WHEN key = 'phone' THEN value IN ('"off"', '"optional"', '"required"')
            WHEN key = 'place' THEN value = 'null' OR jsonb_typeof(value) = 'string'
                AND length(value #>> '{{}}') BETWEEN 1 AND {PLACE_CHARACTERS}
            WHEN key = 'questions' THEN CASE WHEN jsonb_typeof(value) = 'array' THEN
                jsonb_array_length(value) <= {MOST_QUESTIONS} AND octet_length(value::text) <= {_QUESTIONS_TEXT}
                AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(value) AS asked
                    WHERE NOT {_IS_QUESTION}) ELSE false END
            WHEN key IN ({_NULLABLE}) AND value = 'null' THEN true
            WHEN key IN ('hold_seconds', 'pending_seconds', {_COUNTS}, {", ".join(map(repr, DURATION_FIELDS))}) THEN
                value::text ~ '^[0-9]{{1,9}}$' AND value::text::integer BETWEEN
                CASE WHEN key = 'hold_seconds' THEN 30 WHEN key IN ({_COUNTS}) THEN 1
                    WHEN key = 'pending_seconds' THEN {LEAST_PENDING} ELSE 0 END
                AND CASE WHEN key = 'hold_seconds' THEN 1800 WHEN key IN ({_COUNTS}) THEN 10000
                ELSE {LONGEST_DURATION} END
            ELSE false
        END) IS NOT FALSE INTO is_fit
        FROM jsonb_each(CASE WHEN jsonb_typeof(given) = 'object' THEN given ELSE '{{"":0}}' END);
    IF NOT is_fit THEN
        RAISE EXCEPTION '{BAD_POLICY}' USING ERRCODE = 'check_violation';
    END IF;
EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
    RAISE EXCEPTION '{BAD_POLICY}' USING ERRCODE = 'check_violation';
END $$""",
    "check_data(data text)": f"""
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF octet_length(data) > 4096 THEN
        RAISE EXCEPTION '{BAD_DATA}' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM data::json;
EXCEPTION WHEN invalid_text_representation THEN
    RAISE EXCEPTION '{BAD_DATA}' USING ERRCODE = 'check_violation';
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
        IF NEW.id !~ '{UUID_PATTERN}' THEN
            RAISE EXCEPTION '{BAD_ID}' USING ERRCODE = 'check_violation';
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
    ELSIF TG_OP = 'UPDATE' AND OLD.state = 2 AND NEW.state <> 2 THEN
        {_TOUCHED}) SELECT 'booking', NEW.calendar, id FROM booking WHERE slot = NEW.id;
    END IF;
    IF TG_OP = 'INSERT' OR NEW.calendar <> OLD.calendar
        OR (NEW.id, NEW.capacity, NEW.state, NEW.held, NEW.booked, NEW.held_until, NEW.overbooked)
        IS DISTINCT FROM (OLD.id, OLD.capacity, OLD.state, OLD.held, OLD.booked, OLD.held_until, OLD.overbooked) THEN
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
            -- With its version, since no version may fall.
            {_TOUCHED}, seq) SELECT DISTINCT 'booking', home, OLD.id, OLD.version FROM unnest(
                ARRAY[OLD.calendar, (SELECT calendar FROM slot WHERE id = OLD.slot)]) AS home WHERE home IS NOT NULL;
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF is_booking AND NEW.id !~ '{UUID_PATTERN}' THEN
            RAISE EXCEPTION '{BAD_ID}' USING ERRCODE = 'check_violation';
        END IF;
        {_TOUCHED}, start, "end") SELECT 'slot', calendar, id, start, "end" FROM slot WHERE id = NEW.slot;
        IF is_booking THEN
            IF {" OR ".join(f"char_length(NEW.{name}) > {most}" for name, most in CUSTOMER_CHARACTERS.items())} THEN
                RAISE EXCEPTION '{BAD_CUSTOMER}' USING ERRCODE = 'check_violation';
            END IF;
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
    END IF;
    -- A calendar with a new id continues the history of the last one with this id, or begins one.
    IF TG_OP = 'INSERT' OR NEW.id <> OLD.id THEN
        SELECT * INTO kept FROM touched WHERE calendar = NEW.id AND kind = 'gone' ORDER BY id DESC LIMIT 1;
        IF FOUND AND kept.seq IS NOT NULL THEN
            NEW.seq := kept.seq;
            NEW.nonce := kept.nonce;
        ELSE
            NEW.seq := 0;
            NEW.nonce := substr(replace(gen_random_uuid()::text, '-', ''), 1, 12);
        END IF;
    END IF;
    IF char_length(NEW.name) NOT BETWEEN 1 AND {NAME_CHARACTERS} THEN
        RAISE EXCEPTION '{BAD_NAME}' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.created_at NOT BETWEEN 0 AND {LATEST} THEN
        RAISE EXCEPTION '{BAD_TIME}' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'INSERT' OR NEW.id <> OLD.id THEN
        IF NEW.id !~ '^[a-z0-9][a-z0-9-]{{0,62}}$' THEN
            RAISE EXCEPTION '{BAD_CALENDAR}' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    -- Another calendar may take the place of one that had slots.
    IF TG_OP = 'INSERT' OR NEW.id <> OLD.id OR NEW.archived <> OLD.archived THEN
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
    # Before the TRUNCATE, since afterwards the rows are gone. It deletes also the rows that an older snapshot lacks,
    # and these could not be noted.
    "truncate()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION '{BAD_TRUNCATE}' USING ERRCODE = 'feature_not_supported';
    END IF;
    IF TG_TABLE_NAME = 'calendar' THEN
        {_TOUCHED}, seq, nonce) SELECT 'gone', id, id, seq, nonce FROM calendar;
    ELSIF TG_TABLE_NAME = 'slot' THEN
        {_TOUCHED}, start, "end") SELECT 'slot', calendar, id, start, "end" FROM slot;
    ELSE
        {_TOUCHED}, start, "end") SELECT 'slot', calendar, id, start, "end" FROM slot WHERE held + booked > 0;
        IF TG_TABLE_NAME = 'booking' THEN
            {_TOUCHED}, seq) SELECT 'booking', calendar, id, version FROM booking;
        END IF;
    END IF;
    RETURN NULL;
END $$""",
    # After the TRUNCATE, the seats are free.
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
_FUNCTIONS["notify()"] = f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_notify({CHANNEL}, '');
    RETURN NULL;
END $$"""
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
    "notify": ("touched", "AFTER INSERT", "STATEMENT", "notify"),
    **{f"{table}_truncated": (table, "AFTER TRUNCATE", "STATEMENT", "truncated") for table in ("hold", "booking")},
}


def install(run: Run) -> bool:
    """Make the functions and triggers those of this program; return True if a trigger was missing or off.

    They fire ALWAYS, also for a session with the role of a replica. The functions look at temporary tables last:
    a writer's staging table may have the name of one of these tables.
    """
    run("SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)")
    for name, body in _FUNCTIONS.items():
        run(f"CREATE OR REPLACE FUNCTION {PREFIX}{name}{body}")
    found = {
        row[0]
        for row in run(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A' AND tgrelid IN"
            " ('calendar'::regclass, 'slot'::regclass, 'hold'::regclass, 'booking'::regclass, 'touched'::regclass)"
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
    # Without this one a change is only heard of later, and none was missed.
    return bool({f"{PREFIX}{name}" for name in _TRIGGERS if name != "notify"} - found)
