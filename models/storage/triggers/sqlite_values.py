"""The checks of SQLite's triggers on written values: policies, texts and ids."""

from __future__ import annotations

from models.contract.changes import MOST_QUESTIONS, PLACE_CHARACTERS, QUESTIONS_BYTES
from models.storage.triggers.note import (
    DURATION_FIELDS,
    LEAST_PENDING,
    LIMIT_FIELDS,
    LONGEST_DURATION,
    POLICY_FIELDS,
    QUESTION_FIELDS,
)


def is_valid_policy(text: str) -> str:
    """Return an SQL expression, true for a policy in a form known to the service."""

    def of(name: str) -> str:
        return f"json_extract({text}, '$.{name}')"

    def kind(name: str) -> str:
        return f"COALESCE(json_type({text}, '$.{name}'), 'missing')"

    checks = [
        f"json_type({text}) = 'object'",
        f"NOT EXISTS (SELECT 1 FROM json_each({text}) WHERE key NOT IN ({', '.join(map(repr, POLICY_FIELDS))}))",
        # Of two fields with one name, SQLite reads the first and JSON parsers the last.
        f"NOT EXISTS (SELECT 1 FROM json_each({text}) GROUP BY key HAVING COUNT(*) > 1)",
        *[
            f"({kind(name)} {absent} OR ({kind(name)} = 'integer' AND {of(name)} BETWEEN {least} AND {most}))"
            for name, absent, least, most in (
                ("hold_seconds", "= 'missing'", 30, 1_800),
                ("max_holds", "= 'missing'", 1, 10_000),
                ("max_advance", "IN ('missing', 'null')", 0, LONGEST_DURATION),
                ("pending_seconds", "IN ('missing', 'null')", LEAST_PENDING, LONGEST_DURATION),
                *[(name, "IN ('missing', 'null')", 1, 10_000) for name in LIMIT_FIELDS],
                *[(name, "= 'missing'", 0, LONGEST_DURATION) for name in DURATION_FIELDS if name != "max_advance"],
            )
        ],
        f"({kind('overlap')} = 'missing' OR {of('overlap')} IN ('allow', 'reject'))",
        f"({kind('confirmation')} = 'missing' OR {of('confirmation')} IN ('none', 'staff'))",
        f"({kind('verification')} = 'missing' OR {of('verification')} IN ('none', 'email', 'proof'))",
        f"({kind('phone')} = 'missing' OR {of('phone')} IN ('off', 'optional', 'required'))",
        f"{kind('place')} IN ('missing', 'null', 'text')",
        f"({kind('place')} <> 'text' OR length({of('place')}) BETWEEN 1 AND {PLACE_CHARACTERS})",
        f"CASE {kind('questions')} WHEN 'missing' THEN 1 WHEN 'array' THEN {_are_questions(text)} ELSE 0 END",
    ]
    return f"CASE WHEN json_valid({text}) THEN {' AND '.join(checks)} END"


def _are_questions(text: str) -> str:
    """Return an SQL expression, true for a policy whose array of questions is valid."""
    array = f"json_extract({text}, '$.questions')"
    each = f"json_each({text}, '$.questions') AS asked"
    return (
        f"json_array_length({array}) <= {MOST_QUESTIONS} AND length(CAST({array} AS BLOB)) <= {QUESTIONS_BYTES}"
        f" AND NOT EXISTS (SELECT 1 FROM {each} WHERE NOT {_is_question('asked')})"
    )


def _is_question(row: str) -> str:
    """Return an SQL expression, true for a row of `json_each` with a question."""

    def kind(name: str) -> str:
        return f"COALESCE(json_type({row}.value, '$.{name}'), 'missing')"

    fields = ", ".join(map(repr, QUESTION_FIELDS))
    # The function reads text only of an object; CASE keeps it from any other value.
    checks = [
        f"{kind('label')} = 'text'",
        f"{kind('required')} IN ('missing', 'true', 'false')",
        f"{kind('choices')} IN ('missing', 'array')",
        f"NOT EXISTS (SELECT 1 FROM json_each({row}.value) WHERE key NOT IN ({fields}))",
        f"NOT EXISTS (SELECT 1 FROM json_each({row}.value) GROUP BY key HAVING COUNT(*) > 1)",
        f"NOT EXISTS (SELECT 1 FROM json_each({row}.value, '$.choices') WHERE type <> 'text')",
    ]
    return f"CASE WHEN {row}.type = 'object' THEN {' AND '.join(checks)} ELSE 0 END"


def is_not_text(text: str) -> str:
    """Return an SQL expression that is true for a text with a NUL, or with bytes that are not UTF-8.

    SQLite stores any bytes as text, and a driver of Python can't read those back. The characters are compared in
    pieces of 64, as `substr` counts from the start of its text.
    """
    return (
        f"(instr({text}, char(0)) OR {text} GLOB '*[^' || char(1) || '-~]*' AND EXISTS ("
        "WITH RECURSIVE piece (at) AS"
        f" (SELECT 1 UNION ALL SELECT at + 64 FROM piece WHERE at + 64 <= length({text})),"
        f" place (part, at) AS (SELECT substr({text}, at, 64), 1 FROM piece"
        " UNION ALL SELECT part, at + 1 FROM place WHERE at < length(part))"
        " SELECT 1 FROM place WHERE char(unicode(substr(part, at, 1))) IS NOT substr(part, at, 1)))"
    )


def refuse(message: str, source: str) -> str:
    return f"SELECT RAISE(ABORT, '{message}') {source};"


def refuse_ids(*columns: str, of: str = "") -> str:
    """Return SQL that refuses a BLOB, other bytes and a NUL as an id: SQLite would store them.

    With `of="OLD"` an id that stays is not looked at.
    """
    wrong = (
        f"(typeof({name}) <> 'text' OR {name} GLOB '*[^a-z0-9-]*' OR instr({name}, char(0)))"
        + (f" AND {name} IS NOT {of}.{column}" if of else "")
        for column in columns
        for name in (f"NEW.{column}",)
    )
    return f"INSERT INTO touched (kind, calendar, subject) SELECT 'bad id', '', '' WHERE {' OR '.join(wrong)};"
