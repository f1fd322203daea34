"""Audits a database: counters, blocked counts, the chain of the log, idempotency records, and orphaned rows.

`find` reads in one transaction and changes nothing. models/audit/repair carries out the commands of `commands_for`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from models.audit import unreadable
from models.contract.changes import Policy
from models.contract.commands.background import RepairCalendar
from models.contract.values.zones import is_zone
from models.domain.outside_writes.notes import NOTES_AT_ONCE
from models.domain.policy import rules
from models.domain.slots import busy_times, neighbours
from models.storage.database import reading
from models.storage.dialect import Dialect

_HELD = "(SELECT COALESCE(SUM(seats), 0) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)"
_UNTIL = "(SELECT MIN(expires_at) FROM hold WHERE hold.slot = slot.id AND hold.state = 0)"
_BOOKED = (
    "(SELECT COALESCE(SUM(seats), 0) FROM booking"
    " WHERE booking.slot = slot.id"
    " AND (status IN ('pending', 'confirmed') OR (status = 'no_show' AND slot.state <> 2)))"
)


TEXT = "text"  # the kind of an unreadable text, which has to be mended before all else


class Finding(NamedTuple):
    """One fault: the complaint, its calendar and row, and the kind of its repair."""

    complaint: str
    calendar: str
    subject: str
    kind: str

    def __str__(self) -> str:
        return f"{self.calendar}: {self.subject}: {self.complaint}"


# The complaint, the kind of its repair, and a query for the faulty rows: (calendar, subject).
_COMPLAINTS = (
    (
        "more seats are taken than there are",
        "slot",
        "SELECT calendar, id FROM slot WHERE held + booked > capacity + overbooked",
    ),
    (
        "its overbooked seats are not those over its capacity",
        "slot",
        "SELECT calendar, id FROM slot WHERE overbooked > 0 AND overbooked > held + booked - capacity",
    ),
    (
        "a pending booking has no time to expire at",
        "booking",
        "SELECT calendar, id FROM booking WHERE status = 'pending' AND expires_at IS NULL",
    ),
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
            " JOIN (SELECT slot, calendar FROM hold WHERE state = 0 UNION SELECT slot, calendar FROM booking) AS taken"
            " ON taken.slot = slot.id WHERE taken.calendar <> slot.calendar"
        ),
    ),
    (
        "busy times of no source",
        "gone",
        "SELECT DISTINCT calendar, calendar FROM busy WHERE source NOT IN (SELECT id FROM busy_source)",
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
        (
            # Those of '' are the notices of changed rights.
            "SELECT DISTINCT calendar, calendar FROM change_log"
            " WHERE calendar <> '' AND calendar NOT IN (SELECT id FROM calendar)"
        ),
    ),
    (
        "a history of no calendar",
        "gone",
        "SELECT DISTINCT calendar, calendar FROM history WHERE calendar NOT IN (SELECT id FROM calendar)",
    ),
    (
        "opening hours of no calendar",
        "gone",
        "SELECT calendar, calendar FROM timetable WHERE calendar NOT IN (SELECT id FROM calendar)",
    ),
    (
        "waiting slots of no calendar",
        "gone",
        "SELECT DISTINCT calendar, calendar FROM waiting_slot WHERE calendar NOT IN (SELECT id FROM calendar)",
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
        # The last break: the log is whole after it. Notices of rights are in no calendar, and in no order.
        (
            "SELECT later.calendar, MAX(later.seq) FROM change_log AS later"
            " LEFT JOIN change_log AS earlier ON earlier.calendar = later.calendar AND earlier.seq = later.seq - 1"
            " WHERE COALESCE(earlier.nonce, '') <> later.follows AND later.calendar <> ''"
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
    'SELECT id, start, "end", held + booked, blocked, data, busy FROM slot'
    " WHERE calendar = {} AND state <> 2 ORDER BY start"
)
_BUSY = 'SELECT start, "end" FROM busy WHERE calendar = {}'


def find(db: Dialect) -> list[Finding]:
    """Return every fault, as of one instant. With an unreadable text, only those: other queries would end at it."""
    with reading(db):
        found = [Finding(f"its {one.column} is not UTF-8", one.table, one.name, TEXT) for one in unreadable.find(db)]
        if found:
            return found
        found = [
            Finding(complaint, str(calendar), str(subject), kind)
            for complaint, kind, sql in _COMPLAINTS
            for calendar, subject in db.execute_sql(sql).fetchall()
        ]
        for calendar, zone, policy in db.execute_sql("SELECT id, zone, policy FROM calendar ORDER BY id").fetchall():
            if not is_zone(zone):
                found.append(Finding("its zone is not known", calendar, calendar, "calendar"))
            found += _in_calendar(db, calendar, policy)
        if not db.locks_rows:
            lines = [row[0] for row in db.execute_sql("PRAGMA integrity_check").fetchall()]
            found += [Finding(line, "the file", "SQLite", "file") for line in lines if line != "ok"]
    return found


def _in_calendar(db: Dialect, calendar: str, text: str) -> Iterator[Finding]:
    """Find the faults out of reach for SQL: policies and data without JSON, and wrong counts of neighbours."""
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
    for name, _ in neighbours.miscounted(policy, slots, slots):
        yield Finding("it is not blocked by as many neighbours as have a seat taken", calendar, name, "policy")
    times = busy_times.merged(db.execute_sql(_BUSY.format(db.param), (calendar,)).fetchall())
    marks = ((row[0], row[1], row[2], row[6]) for row in slots)
    for name in busy_times.miscounted(marks, times, neighbours.buffer_of(policy)):
        yield Finding("its mark is not that of the imported busy times", calendar, name, "slot")


def commands_for(found: list[Finding]) -> Iterator[RepairCalendar]:
    """Return the commands that repair these faults, at most 100 faults each."""
    found_in: dict[str, dict[tuple[str, str], None]] = {}
    for finding in found:
        subject = finding.calendar if finding.kind == "policy" else finding.subject
        found_in.setdefault(finding.calendar, {})[finding.kind, subject] = None
    for calendar, wrong in found_in.items():
        listed = list(wrong)
        for place in range(0, len(listed), NOTES_AT_ONCE):
            yield RepairCalendar(calendar=calendar, wrong=tuple(listed[place : place + NOTES_AT_ONCE]))
