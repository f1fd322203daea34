"""The history: one entry for each change, with its command, the actor, and the slots and bookings that it is about.

An entry is a part of its change's row in the log, so a guest's booking costs no row more. The log has no names: the
entry of an actor with a token's `sub` is a row of the table `history` instead. The trim of the log moves the other
entries there. No entry has a customer's data, and an erasure takes the `sub` of the customer away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from peewee import SQL, fn

from models.contract.answers import Actor
from models.contract.commands import background
from models.contract.commands.command import Command
from models.contract.values.time import SECOND
from models.domain.log import history_address
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind
from models.storage.rows import CalendarRow
from models.storage.tables import Log, StoredEntry
from models.transaction.transaction import Retention, Transaction

DELETED_AT_ONCE = 20_000  # rows

# The commands that no client sends, by the names of what they do.
_UNNAMED: dict[type[Command], str] = {
    background.ExpireHolds: "hold.expire",
    background.ExpireBookings: "booking.expire",
    background.FillHorizon: "schedule.fill",
    background.SetBusy: "busy.set",
    background.TakeOutside: "outside.take",
    background.RepairCalendar: "calendar.repair",
    background.EraseBookings: "customer.erase",
    background.CancelMany: "booking.cancel_all",
    background.ErasePastBookings: "customer.expire",
}

# Optional, as a hand may have set a calendar's seq back: no command is refused for its entry.
_insert = CompiledInsert(StoredEntry, is_optional=True)
_IS_OF_CUSTOMER = SQL("sub <> '' AND actor <> 'staff'")  # with parameters SQLite would not use the index
_keep = CompiledQuery(
    StoredEntry.insert_from(
        Log.select(
            Log.calendar, Log.seq, Log.at, Log.command, Log.actor, "", Log.slots, Log.bookings, Log.overridden
        ).where(
            (Log.calendar == bind("calendar"))
            & (Log.seq <= bind("through"))
            & (Log.at >= bind("since"))
            & (Log.command != "")
        ),
        list(StoredEntry._meta.sorted_fields),  # noqa: SLF001 - Peewee documents it
    ).on_conflict_ignore()
)
_oldest = CompiledQuery(StoredEntry.select(fn.MIN(StoredEntry.seq)).where(StoredEntry.calendar == bind("calendar")))
_trim = CompiledQuery(
    StoredEntry.delete().where(
        (StoredEntry.calendar == bind("calendar"))
        & (StoredEntry.seq < bind("before"))
        & (StoredEntry.at < bind("since"))
    )
)
_forget = CompiledQuery(StoredEntry.delete().where(StoredEntry.calendar == bind("calendar")))
_customers = CompiledQuery(
    StoredEntry.select(StoredEntry.calendar, StoredEntry.sub)
    .where((StoredEntry.bookings == bind("booking")) & _IS_OF_CUSTOMER)
    .distinct()
)
_erase = CompiledQuery(
    StoredEntry.update({StoredEntry.sub: ""}).where(
        (StoredEntry.bookings == bind("booking"))
        & (StoredEntry.sub == bind("sub"))
        & (StoredEntry.calendar == bind("calendar"))
        & _IS_OF_CUSTOMER
    )
)


class Columns(NamedTuple):
    """The columns of an entry in the log. They are empty where the entry is a row of its own."""

    command: str = ""
    actor: Actor | Literal[""] = ""
    slots: str = ""
    overridden: str = ""


def write(transaction: Transaction, head: CalendarRow, slots: Sequence[str], bookings: Sequence[str]) -> Columns:
    """Return the entry of a change for its row in the log, or write the entry of an actor with a name."""
    command = transaction.command
    history_address.note(transaction, head.id, head.seq)
    entry = Columns(
        command.wire.name or _UNNAMED.get(type(command), ""),
        actor_of(command, head.id),
        " ".join(slots),
        " ".join(transaction.passed),
    )
    if not command.principal.subject:
        return entry
    name = command.principal.subject.replace("\0", " ")
    about = (entry.slots, " ".join(bookings), entry.overridden)
    transaction.insert(_insert, (head.id, head.seq, transaction.now, entry.command, entry.actor, name, *about))
    return NO_ENTRY


NO_ENTRY = Columns()


def actor_of(command: Command, calendar: str) -> Actor:
    """Return the kind of a command's actor. A holder has shown the token of a hold or booking, and a guest none."""
    if command.principal.is_staff_of(calendar):
        return "staff"
    if not command.wire.name:
        return "outside" if isinstance(command, background.TakeOutside) else "server"
    return "holder" if hasattr(command, "token") else "guest"


def keep(transaction: Transaction, calendar: str, through: int) -> None:
    """Move the entries of the log up to this seq to the table, before the log lets them go."""
    since = transaction.now - kept_seconds(transaction.retention) * SECOND
    _keep.execute(transaction.db, calendar=calendar, through=through, since=since)


def kept_seconds(retention: Retention) -> int:
    """Return the retention of the history: that of the log at least, of which it is a part."""
    return max(retention.history_seconds, retention.log_seconds)


def trim(transaction: Transaction, calendar: str) -> None:
    """Delete the oldest entries beyond the retention, and the oldest addresses beyond theirs."""
    history_address.trim(transaction, calendar)
    (oldest,) = _oldest.rows(transaction.db, calendar=calendar)[0]
    if oldest is not None:
        since = transaction.now - kept_seconds(transaction.retention) * SECOND
        _trim.execute(transaction.db, calendar=calendar, before=oldest + DELETED_AT_ONCE, since=since)


def forget(transaction: Transaction, calendar: str) -> None:
    """Delete the history of a deleted calendar."""
    _forget.execute(transaction.db, calendar=calendar)
    history_address.forget(transaction, calendar)


def erase(transaction: Transaction, calendar: str, bookings: Sequence[str]) -> None:
    """Take the customers' `sub` away: from the entries about these bookings, and from those about the customers' holds.

    Their addresses go too.
    """
    for booking in bookings:
        for of, sub in _customers.rows(transaction.db, booking=booking):
            for about in (booking, ""):
                _erase.execute(transaction.db, calendar=of, sub=sub, booking=about)
    history_address.erase(transaction, calendar, bookings)
