"""The change log: one row a change, its `seq` gapless within its calendar, written with what it tells of.

Order is promised within a calendar only, and by `seq` only. A row is public: it never holds personal data. Whoever
reads rows from a cursor on has missed nothing, as long as the first of them follows the cursor's nonce, or the head
has it: a database that was put back to an earlier copy and moved on has other nonces from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import UNSET, UnsetType
from peewee import Database, fn

from models.contract.changes import Change, Info, Logged, Type, encode, write_cursor
from models.contract.changes import Slot as PublicSlot
from models.contract.identifiers import new_nonce
from models.contract.time import SECOND, write_time
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind
from models.storage.tables import Calendar, CalendarRow, Log
from models.transaction.transaction import Transaction

TRIMMED_AT_ONCE = 20_000  # rows; some 20 ms, so that nobody waits long for it

TAIL_ROWS_A_READ = 64

_advance = CompiledQuery(
    Calendar.update({Calendar.seq: Calendar.seq + 1, Calendar.nonce: bind("nonce")})
    .where(Calendar.id == bind("calendar"))
    .returning(Calendar.seq)
)
_insert = CompiledInsert(Log)
_ROW = (Log.calendar, Log.seq, Log.nonce, Log.follows, Log.type, Log.body, Log.bookings)
_after = CompiledQuery(
    Log.select(*_ROW)
    .where((Log.calendar == bind("calendar")) & (Log.seq > bind("seq")))
    .order_by(Log.seq)
    .limit(bind("most"))
)
_at = CompiledQuery(Log.select(Log.at).where((Log.calendar == bind("calendar")) & (Log.seq == bind("seq"))))
_before = CompiledQuery(
    Log.select(*_ROW)
    .where((Log.calendar == bind("calendar")) & (Log.seq < bind("seq")))
    .order_by(Log.seq.desc())
    .limit(bind("most"))
)
_first_since = CompiledQuery(
    Log.select(Log.seq)
    .where((Log.calendar == bind("calendar")) & (Log.seq <= bind("through")) & (Log.at >= bind("since")))
    .order_by(Log.seq)
    .limit(1)
)
_oldest = CompiledQuery(Log.select(fn.MIN(Log.seq)).where(Log.calendar == bind("calendar")))
_last = CompiledQuery(Log.select(fn.MAX(Log.seq)).where(Log.calendar == bind("calendar")))
_trim = CompiledQuery(Log.delete().where((Log.calendar == bind("calendar")) & (Log.seq <= bind("through"))))


def next_seq(transaction: Transaction, calendar: str) -> int:
    """Allots the calendar's next seq, and moves its head there, in the transaction that will `append` the change."""
    row = transaction.calendar(calendar)
    nonce = new_nonce()
    found = _advance.row(transaction.db, calendar=calendar, nonce=nonce)
    assert found is not None, "the calendar's row is locked by this transaction"
    transaction.calendars[calendar] = row._replace(seq=found[0], nonce=nonce)
    transaction.follows[calendar] = row.nonce
    return int(found[0])


def append(
    transaction: Transaction,
    calendar: str,
    kind: Type,
    *,
    slots: Iterable[PublicSlot] = (),
    removed: Sequence[str] = (),
    bookings: Sequence[str] = (),
    info: Info | UnsetType = UNSET,
    tx: str | UnsetType = UNSET,
) -> None:
    """Writes the change of the seq just allotted; `bookings` are ids, and stay out of the public body."""
    head = transaction.calendars[calendar]
    body = encode(
        Change(
            calendar=calendar,
            seq=head.seq,
            prev=head.seq - 1,
            cursor=head_cursor(head),
            at=write_time(transaction.now),
            type=kind.value,
            slots=list(slots),
            removed=list(removed),
            info=info,
            tx=tx,
        )
    )
    follows = transaction.follows[calendar]
    _insert.run(
        transaction.db, (calendar, head.seq, head.nonce, follows, transaction.now, kind.value, body, " ".join(bookings))
    )
    transaction.logged.append(Logged(calendar, head.seq, head.nonce, follows, kind.value, body, tuple(bookings)))


def head_cursor(calendar: CalendarRow) -> str:
    """The cursor of the calendar's last change."""
    return write_cursor(calendar.seq, calendar.nonce)


def _logged(row: tuple[Any, ...]) -> Logged:
    calendar, seq, nonce, follows, kind, body, bookings = row
    return Logged(calendar, seq, nonce, follows, kind, bytes(body), tuple(bookings.split()))


def read_after(db: Database, calendar: str, seq: int, most: int) -> list[Logged]:
    """The rows after `seq`, oldest first, at most `most` of them."""
    return [_logged(row) for row in _after.rows(db, calendar=calendar, seq=seq, most=most)]


def read_tail(db: Database, calendar: str, most: int, most_bytes: int) -> list[Logged]:
    """The end of the log, oldest first: at most `most` rows, and none before the one that fills `most_bytes`."""
    tail: list[Logged] = []
    size, before = 0, 1 << 62
    while len(tail) < most and size < most_bytes:
        rows = _before.rows(db, calendar=calendar, seq=before, most=min(TAIL_ROWS_A_READ, most - len(tail)))
        for row in rows:
            tail.append(_logged(row))
            size += len(tail[-1].body)
            if size >= most_bytes:
                break
        if len(rows) < TAIL_ROWS_A_READ:
            break
        before = tail[-1].seq
    return tail[::-1]


def read_changed_at(db: Database, calendar: CalendarRow) -> tuple[int, bool]:
    """When the calendar last changed, in milliseconds; or when it was made, and False, once the log has forgotten."""
    found = _at.row(db, calendar=calendar.id, seq=calendar.seq)
    return (int(found[0]), True) if found is not None else (calendar.created_at, False)


def forget(transaction: Transaction, calendar: str) -> None:
    """Removes the whole log of a calendar that there is no more."""
    _trim.execute(transaction.db, calendar=calendar, through=1 << 62)


def cut(transaction: Transaction, calendar: str, seq: int) -> None:
    """Removes what is before this change."""
    _trim.execute(transaction.db, calendar=calendar, through=seq - 1)


def read_last(db: Database, calendar: str) -> int:
    """The seq of the last change that the log has; 0 without one."""
    (last,) = _last.rows(db, calendar=calendar)[0]
    return int(last or 0)


def trim(transaction: Transaction, calendar: str) -> int:
    """Forgets what is older than the settings keep; returns how many rows went. What stays has no gap."""
    retention, head = transaction.retention, transaction.calendar(calendar)
    (oldest,) = _oldest.rows(transaction.db, calendar=calendar)[0]
    if oldest is None:
        return 0
    most = min(oldest + TRIMMED_AT_ONCE - 1, head.seq)
    # The log has no index by age: it would be written with every change, to be read when the log is trimmed.
    since = transaction.now - retention.log_seconds * SECOND
    young = _first_since.row(transaction.db, calendar=calendar, through=most, since=since)
    too_old = young[0] - 1 if young else most
    too_many = head.seq - retention.log_changes
    return int(_trim.execute(transaction.db, calendar=calendar, through=min(max(too_old, too_many), most)).rowcount)
