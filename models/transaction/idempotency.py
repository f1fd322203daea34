"""Idempotency records: a command sent twice with one key is done once, and gets the same answer.

The record is written in the command's own transaction. Its key is a pseudonym of calendar, caller and `key`. It holds
the answer without the token, which is made anew for each repetition. A command on a booking has a second record under
the booking, which may have moved to another calendar before the repetition.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from peewee import SQL, Select

from models.contract.commands.command import GUEST_KEY_LENGTH, Command
from models.contract.errors import BadRequest, IdempotencyMismatch
from models.contract.values.tokens import Tokens
from models.storage.compiled_query import CompiledInsert, CompiledListQuery, CompiledQuery, bind
from models.storage.dialect import Dialect
from models.storage.tables import StoredRecord

KEY_LENGTH = 200  # characters at most

_encoder = msgspec.json.Encoder(order="deterministic")


class IdempotencyRecord(NamedTuple):
    """The record of a command; `calendar` is that of the first answer."""

    calendar: str
    fingerprint: str
    seq: int
    cursor: str
    result: bytes


def check_key(command: Command, *, is_required: bool) -> None:
    """Raise BadRequest for a missing or too long key, and for a short one of a guest.

    Only the key tells one guest from another, so nobody may guess it.
    """
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
    """Return the key of the command's record, in the scope of a calendar or a booking."""
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


def _records(ids: list[Any]) -> Any:
    return StoredRecord.select(
        StoredRecord.id,
        StoredRecord.calendar,
        StoredRecord.fingerprint,
        StoredRecord.seq,
        StoredRecord.cursor,
        StoredRecord.result,
    ).where(StoredRecord.id.in_(ids))


_find = CompiledListQuery(_records)
find = _find.rows


@lru_cache
def _find_and_time(time_sql: str) -> CompiledListQuery:
    """Return the same query with one more row: without an id, and with the database's time as its seq."""
    row = [SQL(column) for column in ("''", "''", "''", time_sql, "''", "''::bytea")]
    return CompiledListQuery(lambda ids: _records(ids).union_all(Select(columns=row)))


def find_now(db: Dialect, ids: list[str]) -> tuple[list[tuple[Any, ...]], int]:
    """Return the records with these keys, and the database's time in milliseconds, by one statement."""
    if not ids:
        ((now,),) = db.execute_sql(f"SELECT {db.time_sql}").fetchall()
        return [], now
    rows = _find_and_time(db.time_sql).rows(db, ids)
    (now,) = (row[3] for row in rows if not row[0])
    return [row for row in rows if row[0]], now


insert = CompiledInsert(StoredRecord)


forget = CompiledQuery(
    StoredRecord.delete().where(
        (StoredRecord.calendar == bind("calendar")) & (StoredRecord.created_at < bind("before"))
    )
)


_forget_oldest = CompiledQuery(
    StoredRecord.delete().where(
        StoredRecord.id.in_(
            StoredRecord.select(StoredRecord.id)
            .where(StoredRecord.created_at < bind("before"))
            .order_by(StoredRecord.created_at)
            .limit(bind("most"))
        )
    )
)


def forget_oldest(db: Dialect, before: int, most: int) -> int:
    """Delete at most `most` records made before this time, the oldest first, and return their number."""
    return int(_forget_oldest.execute(db, before=before, most=most).rowcount)


def check_same(record: IdempotencyRecord, command_fingerprint: str) -> None:
    """Refuse another command with the same key."""
    if record.fingerprint != command_fingerprint:
        raise IdempotencyMismatch
