"""Repairs the faults of an audit.

A faulty slot, booking or policy is noted, and models/domain/outside_writes corrects it by a change. A log with a broken
chain is cut there. Rows without an owner are deleted.
"""

from __future__ import annotations

from models.contract.commands.background import RepairCalendar
from models.contract.values.ids import new_nonce
from models.domain.log import change_log
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.tables import Calendar, Touched
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_REMOVALS = {
    "orphan slot": (
        "DELETE FROM hold WHERE slot = {}",
        "DELETE FROM booking WHERE slot = {}",
        "DELETE FROM slot WHERE id = {}",
    ),
    "orphan hold": ("DELETE FROM hold WHERE id = {}",),
    "orphan booking": ("DELETE FROM booking WHERE id = {}",),
    "receipt": ("DELETE FROM receipt WHERE id = {}",),
}
# Kinds of note without a check by a trigger, since the row is faulty.
_NOTED = {
    "slot": "slot",
    "booking": "lost",
    "policy": "mended",
    "calendar": "mended",
    "gone": "gone",
    "orphan booking": "lost",
}

_note = CompiledQuery(
    Touched.insert({Touched.kind: bind("kind"), Touched.calendar: bind("calendar"), Touched.subject: bind("subject")})
)
_begin_anew = CompiledQuery(
    Calendar.update({Calendar.seq: bind("seq"), Calendar.nonce: bind("nonce")}).where(Calendar.id == bind("calendar"))
)


@handles(RepairCalendar)
def repair_calendar(transaction: Transaction, command: RepairCalendar) -> CommandResult:
    """Repair the rows without a place in any change, and note the others for the next TakeOutside."""
    calendar = command.calendar
    for kind, subject in command.wrong:
        for sql in _REMOVALS.get(kind, ()):
            transaction.db.execute_sql(sql.format(transaction.db.param), (subject,)).close()
        if kind in _NOTED:
            noted = calendar if kind in {"policy", "calendar"} else subject
            _note.execute(transaction.db, kind=_NOTED[kind], calendar=calendar, subject=noted)
        elif kind == "log":
            change_log.cut(transaction, calendar, int(subject))
        elif kind == "head" and calendar in transaction.calendars:
            _renew(transaction, calendar)
    return CommandResult(calendar, "repaired", len(command.wrong))


def _renew(transaction: Transaction, calendar: str) -> None:
    """Begin another history. A client with a cursor of the old one gets a snapshot."""
    row = transaction.calendar(calendar)
    seq = max(row.seq, change_log.read_last(transaction.db, calendar))
    change_log.forget(transaction, calendar)
    transaction.calendars[calendar] = row._replace(seq=seq, nonce=new_nonce())
    _begin_anew.execute(transaction.db, calendar=calendar, seq=seq, nonce=transaction.calendars[calendar].nonce)
