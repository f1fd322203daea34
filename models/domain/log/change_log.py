"""The change log: one row for each change, written in the transaction of the change.

The `seq` is gapless within its calendar, and there is no order between calendars. A row is public: it never holds
personal data. A reader with a cursor has missed nothing if the first row after it follows the cursor's nonce, or if
the head has that nonce. A database restored from a backup has other nonces for its new changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from msgspec import UNSET, Raw, UnsetType
from peewee import SQL, Database, fn

from models.contract.changes import Change, Info, Logged, Type, encode, write_cursor
from models.contract.changes import Slot as PublicSlot
from models.contract.values.ids import new_nonce
from models.contract.values.time import SECOND, write_time
from models.domain.log import history
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind
from models.storage.rows import CalendarRow, with_head
from models.storage.tables import Calendar, Log
from models.transaction.transaction import Transaction

TRIMMED_AT_ONCE = 20_000  # rows; 0.1 to 0.2 s with their entries of the history, while other commands wait
TAIL_ROWS_A_READ = 64

_move_head = CompiledQuery(
    Calendar.update({Calendar.seq: bind("seq"), Calendar.nonce: bind("nonce")}).where(Calendar.id == bind("calendar"))
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
_first = CompiledQuery(
    Log.select(Log.calendar, Log.seq, Log.at).order_by(SQL("position")).limit(bind("most"))  # about as they came
)
_trim = CompiledQuery(Log.delete().where((Log.calendar == bind("calendar")) & (Log.seq <= bind("through"))))


def next_seq(transaction: Transaction, calendar: str) -> int:
    """Allot the calendar's next seq and move its head there. The same transaction must `append` the change.

    The transaction holds the lock of the calendar's row, so the row that it has read is the last one.
    """
    row = transaction.calendar(calendar)
    seq, nonce = row.seq + 1, new_nonce()
    transaction.update_head(_move_head, calendar, {"calendar": calendar, "seq": seq, "nonce": nonce})
    transaction.calendars[calendar] = with_head(row, seq, nonce)
    transaction.follows[calendar] = row.nonce
    return seq


def append(
    transaction: Transaction,
    calendar: str,
    kind: Type,
    *,
    slots: Iterable[PublicSlot | Raw] = (),
    removed: Sequence[str] = (),
    bookings: Sequence[str] = (),
    about: Sequence[str] | None = (),
    info: Info | UnsetType = UNSET,
    tx: str | UnsetType = UNSET,
) -> None:
    """Write the change of the seq just allotted. `bookings` are ids, and stay out of the public body.

    `about` are the slots of its entry in the history, None for no entry.
    """
    head, now, name = transaction.calendars[calendar], transaction.now, kind.value
    seq, nonce = head.seq, head.nonce
    body = encode(
        Change(
            calendar=calendar,
            seq=seq,
            prev=seq - 1,
            cursor=write_cursor(seq, nonce),
            at=write_time(now),
            type=name,
            slots=cast("list[PublicSlot]", list(slots)),
            removed=list(removed),
            info=info,
            tx=tx,
        )
    )
    follows = transaction.follows[calendar]
    entry = history.NO_ENTRY if about is None else history.write(transaction, head, about, bookings)
    transaction.insert(_insert, (calendar, seq, nonce, follows, now, name, body, " ".join(bookings), *entry))
    transaction.logged.append(Logged(calendar, seq, nonce, follows, name, body, tuple(bookings)))


def head_cursor(calendar: CalendarRow) -> str:
    """Return the cursor of the calendar's last change."""
    return write_cursor(calendar.seq, calendar.nonce)


def _logged(row: tuple[Any, ...]) -> Logged:
    calendar, seq, nonce, follows, kind, body, bookings = row
    return Logged(calendar, seq, nonce, follows, kind, bytes(body), tuple(bookings.split()))


def read_after(db: Database, calendar: str, seq: int, most: int) -> list[Logged]:
    """Return at most `most` rows after `seq`, oldest first."""
    return [_logged(row) for row in _after.rows(db, calendar=calendar, seq=seq, most=most)]


def read_before(db: Database, calendar: str, before: int, most: int, most_bytes: int) -> list[Logged]:
    """Return the last rows before this seq, oldest first: at most `most`, and some that fill `most_bytes`."""
    tail: list[Logged] = []
    size = 0
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
    """Return the time of the last change and True; once the log has forgotten it, the creation time and False."""
    found = _at.row(db, calendar=calendar.id, seq=calendar.seq)
    return (int(found[0]), True) if found is not None else (calendar.created_at, False)


def forget(transaction: Transaction, calendar: str) -> None:
    """Delete the calendar's whole log. The history keeps its entries."""
    history.keep(transaction, calendar, 1 << 62)
    _trim.execute(transaction.db, calendar=calendar, through=1 << 62)


def cut(transaction: Transaction, calendar: str, seq: int) -> None:
    """Delete the changes before this seq. The history keeps their entries."""
    history.keep(transaction, calendar, seq - 1)
    _trim.execute(transaction.db, calendar=calendar, through=seq - 1)


def read_last(db: Database, calendar: str) -> int:
    """Return the seq of the last change in the log; 0 without one."""
    (last,) = _last.rows(db, calendar=calendar)[0]
    return int(last or 0)


def trim(transaction: Transaction, calendar: str) -> int:
    """Delete the oldest changes beyond the retention, and return their number. The rest has no gap.

    The history keeps their entries for its own retention.
    """
    retention, head = transaction.retention, transaction.calendar(calendar)
    (oldest,) = _oldest.rows(transaction.db, calendar=calendar)[0]
    if oldest is None:
        return 0
    most = min(oldest + TRIMMED_AT_ONCE - 1, head.seq)
    # There is no index by age: each change would write it, and only the trim would read it.
    since = transaction.now - retention.log_seconds * SECOND
    kept = _first_since.row(transaction.db, calendar=calendar, through=most, since=since)
    too_old = kept[0] - 1 if kept else most
    too_many = head.seq - retention.log_changes
    return _trim_through(transaction, calendar, min(max(too_old, too_many), most))


def trim_oldest(transaction: Transaction, most: int) -> int:
    """Delete the changes past their time among the first `most` of all calendars, and return their number.

    The rest of each calendar has no gap: what comes before a deleted change is deleted too. The history keeps their
    entries.
    """
    since = transaction.now - transaction.retention.log_seconds * SECOND
    through: dict[str, int] = {}
    young: set[str] = set()
    for calendar, seq, at in sorted(_first.rows(transaction.db, most=most)):
        if at < since and calendar not in young:
            through[calendar] = seq
        else:
            young.add(calendar)
    return sum(_trim_through(transaction, calendar, seq) for calendar, seq in through.items())


def _trim_through(transaction: Transaction, calendar: str, through: int) -> int:
    history.keep(transaction, calendar, through)
    return int(_trim.execute(transaction.db, calendar=calendar, through=through).rowcount)
