"""Reads the history of a calendar, newest first: from the log, and from the table of the other entries."""

from __future__ import annotations

from itertools import islice
from typing import Any

from msgspec import UNSET
from peewee import SQL, Model, NodeList

from models.contract.answers import HistoryAnswer, HistoryEntry
from models.contract.values.ids import UUID
from models.contract.values.time import write_time
from models.domain.log import history_address
from models.query.calendars import read_calendar_row
from models.storage.cancellation import checked
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import Log, StoredEntry

CHARACTERS_A_PAGE = 400_000  # of ids: an entry may be about thousands of bookings
_ANY = "%"
_COLUMNS = ("seq", "at", "command", "actor", "slots", "bookings", "overridden")


def _has(column: Any, name: str) -> Any:
    return NodeList((column, SQL("LIKE"), bind(name)))


def _newest(table: type[Model], *more: str) -> CompiledQuery:
    fields: dict[str, Any] = table._meta.fields  # noqa: SLF001 - Peewee documents it
    return CompiledQuery(
        table.select(*[fields[name] for name in (*_COLUMNS, *more)])
        .where(
            (fields["calendar"] == bind("calendar"))
            & (fields["seq"] < bind("before"))
            & (fields["command"] != "")
            & _has(fields["slots"], "slot")
            & _has(fields["bookings"], "booking")
        )
        .order_by(fields["seq"].desc())
        .limit(bind("most"))
    )


_in_log = _newest(Log)
_in_table = _newest(StoredEntry, "sub")


def read_history(
    db: Dialect, calendar: str, *, slot: str, booking: str, before: int, most: int, with_addresses: bool = False
) -> HistoryAnswer:
    """Return the entries before this seq, at most `most`, about one slot or booking if they are not "".

    Raise NotFound without the calendar.
    """
    asked: dict[str, Any] = {
        "calendar": calendar,
        "before": before,
        "slot": _pattern(slot),
        "booking": _pattern(booking),
        "most": most + 1,
    }
    with reading(db):
        read_calendar_row(db, calendar)
        rows = [*checked(_in_log.rows(db, **asked)), *checked(_in_table.rows(db, **asked))]
        rows.sort(key=lambda row: -int(row[0]))
        shown = rows[:most]
        addresses = history_address.read(db, calendar, shown[-1][0], shown[0][0]) if shown and with_addresses else {}
    page, size = [], 0
    for row in islice(rows, most):
        page.append(_entry(*row))
        if (address := addresses.get(row[0])) is not None:
            page[-1].address = address
        size += len(row[4]) + len(row[5])
        if size >= CHARACTERS_A_PAGE:
            break
    return HistoryAnswer(entries=page, next=page[-1].seq if len(page) < len(rows) else UNSET)


def _pattern(subject: str) -> str:
    """Return the LIKE pattern of a list with this id; that of no list for a text that is no id."""
    if not subject:
        return _ANY
    return f"%{subject}%" if UUID.fullmatch(subject) else "-"


def _entry(  # noqa: PLR0917 - the columns of a row
    seq: int, at: int, command: str, actor: Any, slots: str, bookings: str, overridden: str, sub: str = ""
) -> HistoryEntry:
    return HistoryEntry(
        seq=seq,
        at=write_time(at),
        command=command,
        actor=actor,
        sub=sub or UNSET,
        slots=slots.split(),
        bookings=bookings.split(),
        overridden=overridden.split() or UNSET,
    )
