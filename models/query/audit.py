"""Audits a database: counters against holds and bookings, blocked counts, the log's chain, receipts, orphans.

`find` reads in one transaction and changes nothing. `repair` is a command like any other: it notes what is wrong, for
models/domain/outside_writes to set right and log, cuts a log where its chain is broken, and removes what belongs to
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from models.contract.changes import Policy
from models.contract.commands import RepairCalendar
from models.contract.identifiers import new_nonce
from models.contract.time import SECOND
from models.domain import change_log, outside_writes, rules
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import Calendar, Touched
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_HELD = "(SELECT COALESCE(SUM(seats), 0) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)"
_UNTIL = "(SELECT MIN(expires_at) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)"
_BOOKED = (
    "(SELECT COALESCE(SUM(seats), 0) FROM booking"
    " WHERE booking.slot = slot.id AND status IN ('pending', 'confirmed', 'no_show'))"
)


class Finding(NamedTuple):
    """One thing that is wrong: where, with what, and as what it is repaired."""

    complaint: str
    calendar: str
    subject: str
    kind: str

    def __str__(self) -> str:
        return f"{self.calendar}: {self.subject}: {self.complaint}"


# What is wrong, as what it is repaired, and the rows that are: (calendar, subject).
_COMPLAINTS = (
    ("more seats are taken than there are", "slot", "SELECT calendar, id FROM slot WHERE held + booked > capacity"),
    ("it has no seats", "slot", "SELECT calendar, id FROM slot WHERE capacity < 1"),
    ("its held seats are not those of its holds", "slot", f"SELECT calendar, id FROM slot WHERE held <> {_HELD}"),
    (
        "its held_until is not that of its first hold",
        "slot",
        f"SELECT calendar, id FROM slot WHERE COALESCE(held_until, -1) <> COALESCE({_UNTIL}, -1)",
    ),
    (
        "its booked seats are not those of its bookings",
        "slot",
        f"SELECT calendar, id FROM slot WHERE booked <> {_BOOKED}",
    ),
    (
        "a seat is taken in a removed slot",
        "slot",
        f"SELECT calendar, id FROM slot WHERE state = 2 AND {_HELD} + {_BOOKED} > 0",
    ),
    (
        "one of its holds or bookings is of another calendar",
        "slot",
        (
            "SELECT slot.calendar, slot.id FROM slot"
            " JOIN (SELECT slot, calendar FROM hold UNION SELECT slot, calendar FROM booking) AS taken"
            " ON taken.slot = slot.id WHERE taken.calendar <> slot.calendar"
        ),
    ),
    (
        "its version is ahead of its calendar",
        "slot",
        (
            "SELECT slot.calendar, slot.id FROM slot JOIN calendar ON calendar.id = slot.calendar"
            " WHERE slot.version > calendar.seq"
        ),
    ),
    (
        "it is of no calendar",
        "orphan slot",
        "SELECT calendar, id FROM slot WHERE calendar NOT IN (SELECT id FROM calendar)",
    ),
    ("it is of no slot", "orphan hold", "SELECT calendar, id FROM hold WHERE slot NOT IN (SELECT id FROM slot)"),
    ("it is of no slot", "orphan booking", "SELECT calendar, id FROM booking WHERE slot NOT IN (SELECT id FROM slot)"),
    (
        "a log of no calendar",
        "gone",
        "SELECT DISTINCT calendar, calendar FROM change_log WHERE calendar NOT IN (SELECT id FROM calendar)",
    ),
    (
        "opening hours of no calendar",
        "gone",
        "SELECT calendar, calendar FROM timetable WHERE calendar NOT IN (SELECT id FROM calendar)",
    ),
    (
        "receipts of no calendar",
        "gone",
        "SELECT DISTINCT calendar, calendar FROM receipt WHERE calendar NOT IN (SELECT id FROM calendar)",
    ),
    (
        "a receipt is ahead of its calendar",
        "receipt",
        (
            "SELECT receipt.calendar, receipt.id FROM receipt JOIN calendar ON calendar.id = receipt.calendar"
            " WHERE receipt.seq > calendar.seq"
        ),
    ),
    (
        "the log has a gap, or a change does not follow the one before it",
        "log",
        # The last break: from there on the log is whole.
        (
            "SELECT later.calendar, MAX(later.seq) FROM change_log AS later"
            " LEFT JOIN change_log AS earlier ON earlier.calendar = later.calendar AND earlier.seq = later.seq - 1"
            " WHERE COALESCE(earlier.nonce, '') <> later.follows"
            " AND later.seq > (SELECT MIN(seq) FROM change_log AS oldest"
            " WHERE oldest.calendar = later.calendar) GROUP BY later.calendar"
        ),
    ),
    (
        "the log does not end at its calendar's head",
        "head",
        (
            "SELECT calendar.id, calendar.id FROM calendar JOIN change_log AS last ON last.calendar = calendar.id"
            " GROUP BY calendar.id, calendar.seq, calendar.nonce HAVING MAX(last.seq) <> calendar.seq"
            " OR NOT EXISTS (SELECT 1 FROM change_log AS head WHERE head.calendar = calendar.id"
            " AND head.seq = calendar.seq AND head.nonce = calendar.nonce)"
        ),
    ),
    (
        "rows that others wrote wait to be taken",
        "touched",
        "SELECT DISTINCT calendar, calendar FROM touched",
    ),
)
_SLOTS = (
    'SELECT id, start, "end", held + booked, blocked, data FROM slot WHERE calendar = {} AND state <> 2 ORDER BY start'
)
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
_NOTED = {"slot": "slot", "policy": "policy", "gone": "gone", "orphan booking": "booking"}

_note = CompiledQuery(
    Touched.insert({Touched.kind: bind("kind"), Touched.calendar: bind("calendar"), Touched.subject: bind("subject")})
)
_begin_anew = CompiledQuery(
    Calendar.update({Calendar.seq: bind("seq"), Calendar.nonce: bind("nonce")}).where(Calendar.id == bind("calendar"))
)


def find(db: Dialect) -> list[Finding]:
    """All that is wrong, as of one instant."""
    with reading(db):
        found = [
            Finding(complaint, str(calendar), str(subject), kind)
            for complaint, kind, sql in _COMPLAINTS
            for calendar, subject in db.execute_sql(sql).fetchall()
        ]
        for calendar, policy in db.execute_sql("SELECT id, policy FROM calendar ORDER BY id").fetchall():
            found += _in_calendar(db, calendar, policy)
        if not db.locks_rows:
            told = [row[0] for row in db.execute_sql("PRAGMA integrity_check").fetchall()]
            found += [Finding(line, "the file", "SQLite", "file") for line in told if line != "ok"]
    return found


def _in_calendar(db: Dialect, calendar: str, text: str) -> Iterator[Finding]:
    """What SQL can't count: policies and data that are no JSON, and neighbours that block."""
    try:
        policy = rules.read_policy(text)
    except msgspec.DecodeError as error:
        yield Finding(f"its policy can't be read: {error}", calendar, calendar, "policy")
        policy = Policy()
    slots = db.execute_sql(_SLOTS.format(db.param), (calendar,)).fetchall()
    for row in slots:
        if row[5] is not None:
            try:
                msgspec.json.decode(row[5])
            except (ValueError, RecursionError):
                yield Finding("its data is not JSON", calendar, row[0], "slot")
    room = (policy.buffer_before + policy.buffer_after) * SECOND
    if policy.rejects_overlap:
        wrong = [name for name, _ in outside_writes.recounted(slots, slots, room)]
    else:
        wrong = [row[0] for row in slots if row[4]]
    for name in wrong:
        yield Finding("it is not blocked by as many neighbours as have a seat taken", calendar, name, "policy")


@handles(RepairCalendar)
def repair(transaction: Transaction, command: RepairCalendar) -> CommandResult:
    """Repairs what can be without telling of it, and notes the rest, which the next TakeOutside tells of."""
    calendar = command.calendar
    for kind, subject in command.wrong:
        for sql in _REMOVALS.get(kind, ()):
            transaction.db.execute_sql(sql.format(transaction.db.param), (subject,)).close()
        if kind in _NOTED:
            noted = calendar if kind == "policy" else subject
            _note.execute(transaction.db, kind=_NOTED[kind], calendar=calendar, subject=noted)
        elif kind == "log":
            change_log.cut(transaction, calendar, int(subject))
        elif kind == "head" and calendar in transaction.calendars:
            _renew(transaction, calendar)
    return CommandResult(calendar, "repaired", len(command.wrong))


def _renew(transaction: Transaction, calendar: str) -> None:
    """Begins another history: who has a cursor of this one gets a snapshot."""
    row = transaction.calendar(calendar)
    seq = max(row.seq, change_log.read_last(transaction.db, calendar))
    change_log.forget(transaction, calendar)
    transaction.calendars[calendar] = row._replace(seq=seq, nonce=new_nonce())
    _begin_anew.execute(transaction.db, calendar=calendar, seq=seq, nonce=transaction.calendars[calendar].nonce)


def commands_for(found: list[Finding]) -> Iterator[RepairCalendar]:
    """The commands that repair these, at most 100 findings each."""
    of: dict[str, dict[tuple[str, str], None]] = {}
    for finding in found:
        subject = finding.calendar if finding.kind == "policy" else finding.subject
        of.setdefault(finding.calendar, {})[finding.kind, subject] = None
    for calendar, wrong in of.items():
        listed = list(wrong)
        for place in range(0, len(listed), outside_writes.NOTES_AT_ONCE):
            yield RepairCalendar(calendar=calendar, wrong=tuple(listed[place : place + outside_writes.NOTES_AT_ONCE]))
