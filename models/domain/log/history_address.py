"""The addresses of the history: from where each change was asked for, apart from its entry, for a shorter time.

A row has the addresses of one calendar's changes of a second. Only owners read them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from peewee import fn

from models.contract.values.addressed import Addressed
from models.contract.values.time import SECOND
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind
from models.storage.dialect import Dialect
from models.storage.tables import Log, StoredAddresses, StoredEntry
from models.transaction.transaction import Transaction

DELETED_AT_ONCE = 20_000  # changes
_OF_CALENDAR = StoredAddresses.calendar == bind("calendar")

# Optional, as a hand may have set a calendar's seq back: no command is refused for its address.
_insert = CompiledInsert(StoredAddresses, is_optional=True)
_between = CompiledQuery(
    StoredAddresses.select(StoredAddresses.addresses).where(
        _OF_CALENDAR & (StoredAddresses.seq >= bind("first")) & (StoredAddresses.first <= bind("last"))
    )
)
_rows = CompiledQuery(StoredAddresses.select(StoredAddresses.seq, StoredAddresses.addresses).where(_OF_CALENDAR))
_oldest = CompiledQuery(StoredAddresses.select(fn.MIN(StoredAddresses.seq)).where(_OF_CALENDAR))
_trim = CompiledQuery(
    StoredAddresses.delete().where(
        _OF_CALENDAR & (StoredAddresses.seq < bind("before")) & (StoredAddresses.at < bind("since"))
    )
)
_forget = CompiledQuery(StoredAddresses.delete().where(_OF_CALENDAR))
_write = CompiledQuery(
    StoredAddresses.update({StoredAddresses.addresses: bind("addresses")}).where(
        _OF_CALENDAR & (StoredAddresses.seq == bind("seq"))
    )
)


def _about(table: type[Any]) -> CompiledQuery:
    """Return the query of the changes of bookings that staff did not make."""
    return CompiledQuery(
        table.select(table.seq, table.at, table.bookings).where(
            (table.calendar == bind("calendar"))
            & (table.at >= bind("since"))
            & (table.bookings != "")
            & (table.actor != "staff")
        )
    )


_in_log, _in_table = _about(Log), _about(StoredEntry)


def note(transaction: Transaction, calendar: str, seq: int) -> None:
    """Note the address of the running command, if the command has one and addresses are kept."""
    address = transaction.command.principal.address
    if address and transaction.retention.address_seconds:
        transaction.addresses.append((calendar, seq, transaction.now, address))


def write(db: Dialect, some: Iterable[Addressed]) -> None:
    """Write the addresses of committed changes: one row for each calendar."""
    of_calendars: dict[str, list[tuple[int, int, str]]] = {}
    for calendar, seq, at, address in some:
        of_calendar = of_calendars.get(calendar)
        if of_calendar is None:
            of_calendar = of_calendars[calendar] = []
        of_calendar.append((seq, at, f"{seq}={address}"))
    rows = []
    for calendar, of in of_calendars.items():
        of.sort()
        rows.append((calendar, of[-1][0], of[0][0], of[-1][1], " ".join([text for _, _, text in of])))
    _insert.run_many(db, rows)


def read(db: Dialect, calendar: str, first: int, last: int) -> dict[int, str]:
    """Return the addresses of the changes `first` to `last`, by seq."""
    rows = _between.rows(db, calendar=calendar, first=first, last=last)
    return {seq: address for (text,) in rows for seq, address in _parsed(text)}


def _parsed(text: str) -> Iterator[tuple[int, str]]:
    for part in text.split():
        seq, _, address = part.partition("=")
        if seq.isdecimal():
            yield int(seq), address


def trim(transaction: Transaction, calendar: str) -> None:
    """Delete the oldest addresses beyond their retention."""
    (oldest,) = _oldest.rows(transaction.db, calendar=calendar)[0]
    if oldest is not None:
        since = transaction.now - transaction.retention.address_seconds * SECOND
        _trim.execute(transaction.db, calendar=calendar, before=oldest + DELETED_AT_ONCE, since=since)


def forget(transaction: Transaction, calendar: str) -> None:
    """Delete the addresses of a deleted calendar."""
    _forget.execute(transaction.db, calendar=calendar)


def read_of_bookings(db: Dialect, calendar: str, bookings: Collection[str]) -> list[tuple[int, int, str, str]]:
    """Return the seq, the time, the booking and the address of each change of these bookings by a customer."""
    known = {seq: address for _, text in _rows.rows(db, calendar=calendar) for seq, address in _parsed(text)}
    wanted = frozenset(bookings)
    if not known or not wanted:
        return []
    return [
        (seq, at, booking, known[seq])
        for query in (_in_log, _in_table)
        for seq, at, about in query.rows(db, calendar=calendar, since=0)
        if seq in known
        for booking in wanted.intersection(about.split())
    ]


def erase(transaction: Transaction, calendar: str, bookings: Collection[str]) -> None:
    """Delete the addresses from which customers made or changed these bookings, from every change of the calendar.

    So a hold of the same person, which names no booking, keeps none either.
    """
    rows = [(seq, dict(_parsed(text))) for seq, text in _rows.rows(transaction.db, calendar=calendar)]
    known = {seq: address for _, some in rows for seq, address in some.items()}
    if not known:
        return
    since = transaction.now - transaction.retention.address_seconds * SECOND
    wanted = frozenset(bookings)
    erased = {
        known[seq]
        for query in (_in_log, _in_table)
        for seq, _at, about in query.rows(transaction.db, calendar=calendar, since=since)
        if seq in known and not wanted.isdisjoint(about.split())
    }
    for last, some in rows:
        if not erased.isdisjoint(some.values()):
            left = " ".join(f"{seq}={address}" for seq, address in some.items() if address not in erased)
            _write.execute(transaction.db, calendar=calendar, seq=last, addresses=left)
