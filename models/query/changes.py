"""Reads the changes of many calendars after the caller's cursors."""

from __future__ import annotations

from models.contract.changes import Cursor, Logged
from models.domain.log import change_log
from models.storage.compiled_query import CompiledListQuery
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import Calendar

CHANGES_A_READ = 1_000
CHANGES_A_PAGE = 500
BYTES_A_PAGE = 512 * 1024
CALENDARS_A_READ = 256
BYTES_A_READ = 1 << 20

_heads = CompiledListQuery(
    lambda ids: Calendar.select(Calendar.id, Calendar.seq, Calendar.nonce).where(Calendar.id.in_(ids))
)


def read_new_rows(db: Dialect, have: dict[str, Cursor]) -> dict[str, list[Logged]]:
    """Return the rows after `have` of each calendar with another cursor now, at most 1,000 of each.

    One transaction reads them all. A calendar with no rows was restored from a backup, and the caller must read it
    anew. If the restored calendar has moved on, its first row follows a nonce unknown to the caller.
    """
    changes: dict[str, list[Logged]] = {}
    with reading(db):
        names = list(have)
        heads: dict[str, Cursor] = {}
        for place in range(0, len(names), CALENDARS_A_READ):
            for calendar, seq, nonce in _heads.rows(db, names[place : place + CALENDARS_A_READ]):
                heads[calendar] = Cursor(seq, nonce)
        for calendar, cursor in have.items():
            if heads.get(calendar) != cursor:
                changes[calendar] = change_log.read_after(db, calendar, cursor.seq, CHANGES_A_READ)
    return changes


def read_page_after(db: Dialect, calendar: str, cursor: Cursor) -> list[Logged] | None:
    """Return the changes after the cursor, at most 500 and about 512 KB.

    Return None if the log has lost the first of them, or has another history.
    """
    with reading(db):
        rows = change_log.read_after(db, calendar, cursor.seq, CHANGES_A_PAGE)
    if not rows or rows[0].seq != cursor.seq + 1 or rows[0].follows != cursor.nonce:
        return None
    page, size = [], 0
    for row in rows:
        if size >= BYTES_A_PAGE:
            break
        page.append(row)
        size += len(row.body)
    return page


def read_changes_before(db: Dialect, calendar: str, seq: int) -> list[Logged]:
    """Return the last rows before this seq, oldest first: at most 1,000, and about 1 MB."""
    with reading(db):
        return change_log.read_before(db, calendar, seq, CHANGES_A_READ, BYTES_A_READ)
