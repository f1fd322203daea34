"""One command, once, however often it is sent: the receipt is written in the command's own transaction.

It stands under calendar, caller and key, none of which can be read from it, and holds the answer without its token,
which is made anew for whoever repeats the request. What is asked of a booking stands under the booking in the
calendar's place too: between the request and its repetition it may have moved to another calendar.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from peewee import SQL, Database, Select

from models.contract.commands import GUEST_KEY_LENGTH, Command
from models.contract.errors import BadRequest, IdempotencyMismatch
from models.contract.identifiers import Tokens
from models.storage.compiled_query import CompiledInsert, CompiledListQuery, CompiledQuery, bind
from models.storage.dialect import Dialect
from models.storage.tables import Receipt

KEY_LENGTH = 200  # characters at most

_encoder = msgspec.json.Encoder(order="deterministic")


class IdempotencyRecord(NamedTuple):
    """A receipt as a repeated command finds it; `calendar` is that of the first answer."""

    calendar: str
    fingerprint: str
    seq: int
    cursor: str
    result: bytes


def check_key(command: Command, *, is_required: bool) -> None:
    """A guest's key is all that tells it from another guest, so it must be one that nobody guesses."""
    key = command.key
    if not key:
        if is_required:
            raise BadRequest("A `key` is required, so that a retry is done once.", field="key")
        return
    if len(key) > KEY_LENGTH:
        raise BadRequest(f"A `key` has at most {KEY_LENGTH} characters.", field="key")
    if not command.principal.subject and len(key) < GUEST_KEY_LENGTH:
        raise BadRequest(f"Without a token a `key` needs at least {GUEST_KEY_LENGTH} characters.", field="key")


def identify(tokens: Tokens, scope: str, command: Command) -> str:
    """Under what a command's receipt stands, in a calendar or with a booking."""
    return tokens.pseudonym("receipt", scope, command.principal.subject, command.key)


def fingerprint(tokens: Tokens, command: Command) -> str:
    """Return the same text for two sendings of one command, and another one for another command."""
    return tokens.pseudonym("command", type(command).__name__, _written(command).decode())


# Records that are already stored have fingerprints of this text, so it never changes.
_HEAD = b'{"asker":{"subject":"","address":"","is_staff":false,"calendars":[]},"key":"","received":0'


def _written(command: Command) -> bytes:
    """Return the JSON of a command without its caller, key and time."""
    fields = [
        b',"%b":%b' % (name.encode(), _encoder.encode(value))
        for name, value in command.recorded().items()
        if value is not UNSET
    ]
    return b"%b%b}" % (_HEAD, b"".join(fields))


def _of(ids: list[Any]) -> Any:
    return Receipt.select(
        Receipt.id, Receipt.calendar, Receipt.fingerprint, Receipt.seq, Receipt.cursor, Receipt.result
    ).where(Receipt.id.in_(ids))


_find = CompiledListQuery(_of)
find = _find.rows


@lru_cache
def _find_and_time(time_sql: str) -> CompiledListQuery:
    """The same, and a row without an id that has the database's time for a seq."""
    row = [SQL(column) for column in ("''", "''", "''", time_sql, "''", "''::bytea")]
    return CompiledListQuery(lambda ids: _of(ids).union_all(Select(columns=row)))


def find_now(db: Dialect, ids: list[str]) -> tuple[list[tuple[Any, ...]], int]:
    """The receipts with these ids, and the database's time in milliseconds, in one statement."""
    if not ids:
        ((now,),) = db.execute_sql(f"SELECT {db.time_sql}").fetchall()
        return [], now
    rows = _find_and_time(db.time_sql).rows(db, ids)
    (now,) = (row[3] for row in rows if not row[0])
    return [row for row in rows if row[0]], now


_insert = CompiledInsert(Receipt)


def keep(db: Database, mark: str, kept: IdempotencyRecord, now: int) -> None:
    _insert.run(db, (mark, *kept, now))


forget = CompiledQuery(
    Receipt.delete().where((Receipt.calendar == bind("calendar")) & (Receipt.created_at < bind("before")))
)


def check_same(kept: IdempotencyRecord, mark: str) -> None:
    """Refuses another command under a key that is taken."""
    if kept.fingerprint != mark:
        raise IdempotencyMismatch
