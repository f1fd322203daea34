"""Texts that no server can read: bytes of a SQLite file that are not UTF-8, from before the triggers refused them.

They are found and mended before all other faults, since a query for those would end at such a text. Bytes outside UTF-8
become U+FFFD. An id is replaced by one made from its bytes, so rows that refer to it still do.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from peewee import Model, TextField

from models.storage.dialect import Dialect
from models.storage.tables import Booking, Calendar, Hold, Slot
from models.storage.triggers.sqlite_values import is_not_text

_logger = logging.getLogger("slotcast.audit")

TABLES = (Calendar, Slot, Hold, Booking)  # in the order of their references
_UNREADABLE = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd", 0: None}  # SQLite reads the first two as U+FFFD
# The kinds of note that no trigger checks.
_NOTES = {
    "calendar": "SELECT 'mended', id, id FROM calendar WHERE rowid = ?",
    "slot": "SELECT 'slot', calendar, id FROM slot WHERE rowid = ?",
    "hold": "SELECT 'slot', calendar, slot FROM hold WHERE rowid = ?",
    "booking": "SELECT 'lost', calendar, id FROM booking WHERE rowid = ?",
}


class Unreadable(NamedTuple):
    """A text by its table, column and row, with its bytes and those of the row's id."""

    table: str
    column: str
    row: int
    content: bytes
    id: bytes

    @property
    def name(self) -> str:
        """Return the row's id in printable characters."""
        return ascii(self.id.decode(errors="backslashreplace"))[1:-1]


def find(db: Dialect, tables: Sequence[type[Model]] = TABLES) -> Iterator[Unreadable]:
    """Find the unreadable texts of SQLite; PostgreSQL stores none."""
    if db.locks_rows:
        return
    for model in tables:
        table: str = model._meta.table_name  # noqa: SLF001 - Peewee documents it
        for field in model._meta.sorted_fields:  # noqa: SLF001
            if isinstance(field, TextField):
                yield from _in_column(db, table, field.name)


def _in_column(db: Dialect, table: str, column: str) -> Iterator[Unreadable]:
    sql = (
        f"SELECT rowid, CAST({column} AS BLOB), CAST(id AS BLOB) FROM {table}"
        f" WHERE typeof({column}) = 'blob' OR {is_not_text(column)}"
    )
    for row, content, name in db.execute_sql(sql).fetchall():
        yield Unreadable(table, column, row, content, name)


def mend_calendars(db: Dialect) -> None:
    """Mend the calendars before a server reads all of them at its start. The other tables may be large."""
    if any(find(db, [Calendar])):
        mend(db, [Calendar])


def mend(db: Dialect, tables: Sequence[type[Model]] = TABLES) -> None:
    """Mend the unreadable texts, and note their rows like those of an outside write."""
    with db.changing_schema():
        _mend(db, list(find(db, tables)))


def _mend(db: Dialect, found: list[Unreadable]) -> None:
    for one in found:
        _logger.warning("The %s of %s %s was not UTF-8, and is mended", one.column, one.table, one.name)
        db.execute_sql(
            f"UPDATE {one.table} SET {one.column} = ? WHERE rowid = ?",
            (_mended(one), one.row),
        )
    db.execute_sql(f"DELETE FROM touched WHERE {is_not_text('subject')} OR {is_not_text('calendar')}")
    for table, row in {(one.table, one.row): None for one in found}:
        db.execute_sql(f"INSERT INTO touched (kind, calendar, subject) {_NOTES[table]}", (row,))


def _mended(one: Unreadable) -> str:
    name = hashlib.sha256(one.content).hexdigest()
    if one.column == "calendar" or (one.table, one.column) == ("calendar", "id"):
        return f"mended-{name[:12]}"
    if one.column in {"id", "slot"}:
        return f"{name[:8]}-{name[8:12]}-4{name[13:16]}-8{name[17:20]}-{name[20:32]}"
    return one.content.decode(errors="replace").translate(_UNREADABLE)
