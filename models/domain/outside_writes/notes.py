"""The notes of triggers: rows that outside writers have touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from peewee import fn

from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.dialect import Dialect
from models.storage.tables import Touched
from models.transaction.transaction import Transaction

NOTES_AT_ONCE = 100  # about as many slots, 5 to 10 ms: a change may have 200, but other commands wait for the writer
# One step in the index for each calendar; DISTINCT would read every note, after each commit.
_TOUCHED_CALENDARS = (
    "WITH RECURSIVE found (name) AS (SELECT MIN(calendar) FROM touched UNION ALL"
    " SELECT (SELECT MIN(calendar) FROM touched WHERE calendar > found.name) FROM found WHERE found.name IS NOT NULL)"
    " SELECT name FROM found WHERE name IS NOT NULL LIMIT 1000"
)
_first = Touched.alias()
_take = CompiledQuery(
    Touched.delete()
    .where(
        Touched.id.in_(
            _first.select(_first.id)
            .where(_first.calendar == bind("calendar"))
            .order_by(_first.id)
            .limit(literal(NOTES_AT_ONCE))
        )
    )
    .returning(Touched.id, Touched.kind, Touched.subject, Touched.start, Touched.end, Touched.seq)
)
_versions = CompiledListQuery(
    lambda ids: (
        Touched.select(Touched.subject, fn.MAX(Touched.seq))
        .where(Touched.subject.in_(ids) & Touched.seq.is_null(is_null=False) & Touched.kind.in_(("booking", "lost")))
        .group_by(Touched.subject)
    )
)
_note_gone = CompiledQuery(
    Touched.insert({Touched.kind: "gone", Touched.calendar: bind("calendar"), Touched.subject: bind("calendar")})
)


class Note(NamedTuple):
    """A touched row: a slot with its old or new times, a booking with its old version, or the calendar itself."""

    id: int
    kind: str
    subject: str
    start: int | None
    end: int | None
    version: int | None


def read_calendars(db: Dialect) -> list[str]:
    """Return the calendars with notes, also deleted ones."""
    return [row[0] for row in db.execute_sql(_TOUCHED_CALENDARS).fetchall()]


def take_notes(transaction: Transaction, calendar: str) -> list[Note]:
    """Remove at most NOTES_AT_ONCE notes of the calendar, and return them in order."""
    return sorted(Note._make(row) for row in _take.rows(transaction.db, calendar=calendar))


def read_versions(db: Dialect, bookings: Sequence[str]) -> dict[str, int]:
    """Return the highest old version of each of these bookings, in the notes that no calendar has taken yet."""
    return {subject: int(version) for subject, version in _versions.rows(db, bookings)}


def note_gone(transaction: Transaction, calendar: str) -> None:
    """Note that a deleted calendar has rows left."""
    _note_gone.execute(transaction.db, calendar=calendar)
