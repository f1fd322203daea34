"""PostgreSQL: several writers at READ COMMITTED, which lock their calendars before they read anything.

A restart or a failover of the server costs the running commands; the next commands connect again.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import peewee
import psycopg
from peewee import PostgresqlDatabase
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Composed, Identifier, Literal

from models.storage.bounded_connection import BoundedConnection
from models.storage.dialect import (
    LEAD_SECONDS,
    Busy,
    CloseCommits,
    Commits,
    Dialect,
    Duplicate,
    Newest,
    UnusableDatabase,
)
from models.storage.triggers import postgres as triggers
from models.storage.triggers.note import begin_anew

# Defaults for parameters missing in the URL. A server that vanished is given up within some ten seconds.
_CONNECTION: dict[str, str | int] = {
    "client_encoding": "UTF8",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "fallback_application_name": "slotcast",
}
LOCK_TIMEOUT_SECONDS = 10  # a command that waits longer is overloaded
# The wait for a locked calendar. The commands of the writer's other calendars wait behind it.
CALENDAR_LOCK_SECONDS = 0.05
STANDSTILL_SECONDS = 5  # the server ends a process's transaction that stands still, and frees its calendars
SCHEMA_STANDSTILL_SECONDS = 60  # the same for a start or a migration: all others would wait for its lock
STATEMENT_TIMEOUT_SECONDS = 30  # no statement takes a second; the bound does not apply to a COMMIT
# A stronger setting of the server stays, like a wait for a standby's disk.
_COMMITS = {
    "full": "SELECT set_config(name, CASE was WHEN 'off' THEN 'on' ELSE was END, {is_local})"
    " FROM (SELECT 'synchronous_commit' AS name, current_setting('synchronous_commit') AS was) AS setting",
    "normal": "SELECT set_config('synchronous_commit', 'off', {is_local})",
}
_OWN = f"SET LOCAL {triggers.SERVICE} = 'on'"  # for this transaction: a pooled connection has other clients
_OLDEST = 13  # the first with pg_current_snapshot
_PREPARED = 500  # prepared statements for one connection; there are fewer, in all their types
# After a failed connection, queued commands are answered at once instead of one time-out after another.
_REST_SECONDS = 0.2
_SCHEMA_LOCK = 0x510_7CA57

_NO_POSITION = 1 << 62
# One statement sees one snapshot, and pg_current_snapshot() is that snapshot.
_LOOK = (
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, EXISTS (SELECT 1 FROM touched),{more}"
    " later.calendar, later.seq FROM (SELECT 1) AS once LEFT JOIN (SELECT calendar, MAX(seq) AS seq FROM change_log"
    " WHERE position >= %s GROUP BY calendar) AS later ON TRUE{join}"
)
_COMMITTED = _LOOK.format(more="", join="")
_CLOSELY = _LOOK.format(
    more=" EXISTS (SELECT 1 FROM change_log WHERE calendar = %s AND seq = %s AND nonce = %s),"
    " floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, newest.calendar, newest.seq, newest.nonce,",
    join=" LEFT JOIN (SELECT calendar, seq, nonce FROM change_log ORDER BY position DESC LIMIT 1) AS newest ON TRUE",
)

_IDENTITY = (
    "SELECT substr(md5(concat_ws(' ', system_identifier, pg_database.oid, current_schema())), 1, 20)"
    " FROM pg_control_system(), pg_database WHERE datname = current_database()"
)

# A schema is a database of its own, and has its own leader.
_TRY_LEAD = (
    f"SELECT pg_try_advisory_xact_lock({_SCHEMA_LOCK >> 8}, ('x' || substr(md5(current_schema()), 1, 8))::bit(32)::int)"
)

# Subclasses first.
_ERRORS: tuple[tuple[type[psycopg.Error], type[peewee.PeeweeException]], ...] = (
    (psycopg.errors.UniqueViolation, Duplicate),
    (psycopg.errors.LockNotAvailable, Busy),
    (psycopg.IntegrityError, peewee.IntegrityError),
    (psycopg.DataError, peewee.DataError),
    (psycopg.ProgrammingError, peewee.ProgrammingError),
    (psycopg.InternalError, peewee.InternalError),
    (psycopg.NotSupportedError, peewee.NotSupportedError),
    (psycopg.OperationalError, peewee.OperationalError),
    (psycopg.InterfaceError, peewee.InterfaceError),
    (psycopg.Error, peewee.DatabaseError),
)


class Postgres(Dialect, PostgresqlDatabase):
    """Calls the driver directly, and reconnects where a transaction begins."""

    most_writers = 1 << 10
    locks_rows = True
    has_lead = True
    sees_old_notes = True
    poll_seconds = 0.05
    most_notification_bytes = 7_999
    time_sql = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

    def __init__(
        self, conninfo: str, *, synchronous: str, is_pooled: bool | None, answer_seconds: float | None = None
    ) -> None:
        super().__init__(conninfo, prefer_psycopg3=True)
        self._conninfo = conninfo
        self._answer_seconds = answer_seconds
        self._synchronous = synchronous
        self._is_pooled = is_pooled  # None until the first connection has shown it
        self._rests_until = 0.0

    def _connect(self) -> psycopg.Connection[Any]:
        if time.monotonic() < self._rests_until:
            message = "the database could not be reached a moment ago"
            raise peewee.OperationalError(message)
        try:
            connection = BoundedConnection.connect(self._conninfo, autocommit=True)
            connection.answer_seconds = self._answer_seconds
            if self._is_pooled is None:
                self._is_pooled = _is_pooled(connection)
            if self._is_pooled:
                connection.prepare_threshold = None
            else:
                connection.prepared_max = _PREPARED
                connection.execute(f"{_bounds('')}; SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'; {self._commits()}")
        except psycopg.Error as error:
            self._rests_until = time.monotonic() + _REST_SECONDS
            raise _translated(error) from None
        return connection

    def _commits(self, *, is_local: bool = False) -> str:
        return _COMMITS[self._synchronous].format(is_local=str(is_local).lower())

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """Run a statement without a log line, and keep rows out of errors: rows have people's names."""
        connection = self._state.conn or self.connection()
        try:
            cursor = connection.execute(sql, params or None)
        except psycopg.Error as error:
            raise _translated(error) from None
        if cursor.rowcount > 0 and not sql.startswith("SELECT"):
            self._state.written_rows = self.written_rows + cursor.rowcount
        return cursor

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run them in a pipeline: one round trip for all rows."""
        connection = self._state.conn or self.connection()
        try:
            with connection.cursor() as cursor:
                cursor.executemany(sql, rows)
                self._state.written_rows = self.written_rows + max(0, cursor.rowcount)
        except psycopg.Error as error:
            raise _translated(error) from None

    @property
    def written_rows(self) -> int:
        return getattr(self._state, "written_rows", 0)

    def check(self) -> None:
        version = self.connection().info.server_version // 10_000
        if version < _OLDEST:
            raise UnusableDatabase(f"PostgreSQL {_OLDEST} or newer is needed; SLOTCAST_DATABASE is {version}")
        ((encoding,),) = self.execute_sql("SHOW server_encoding").fetchall()
        if encoding != "UTF8":
            raise UnusableDatabase(f"SLOTCAST_DATABASE: the database's encoding is {encoding}, and must be UTF8")

    @contextmanager
    def changing_schema(self) -> Iterator[None]:
        with self.atomic():
            for setting in ("lock_timeout", "statement_timeout"):
                self.execute_sql(f"SET LOCAL {setting} = 0")  # a migration may take long
            self.execute_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{SCHEMA_STANDSTILL_SECONDS}s'")
            self.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
            self.execute_sql(_OWN)
            yield

    def install_triggers(self) -> bool:
        return triggers.install(self.execute_sql)

    def begin_anew(self) -> None:
        begin_anew(self.execute_sql, "substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)")

    def settle_positions(self) -> None:
        self.execute_sql(
            "UPDATE change_log SET position = 0 WHERE position > pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        )

    def begin_write(self, *, waits: bool = False) -> None:
        patience = LOCK_TIMEOUT_SECONDS if waits else CALENDAR_LOCK_SECONDS
        lock = f"lock_timeout = '{int(patience * 1_000)}ms'"
        pooled = f"; {_bounds('LOCAL')}; SET LOCAL {lock}; {self._commits(is_local=True)}"
        self._begin(f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_OWN}", pooled, first=f"SET {lock}")

    def begin_read(self) -> None:
        self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", f"; {_bounds('LOCAL')}")

    def _begin(self, sql: str, pooled: str, first: str = "") -> None:
        """Begin on the open connection, or on a new one if the server has closed it; run `first` on a new one.

        A pooler gives each transaction another session. There `pooled` sets the bounds, in the same round trip.
        """
        if self._is_pooled:
            sql, first = f"{sql}{pooled}", ""
        if self._status() == TransactionStatus.IDLE:
            try:
                self.execute_sql(sql)
            except (peewee.OperationalError, peewee.InterfaceError):
                pass
            else:
                return
        self.drop()
        self.connect()
        if first:
            self.execute_sql(first)
        self.execute_sql(sql)

    def _status(self) -> TransactionStatus:
        if self.is_closed():
            return TransactionStatus.UNKNOWN
        return TransactionStatus(self._state.conn.pgconn.transaction_status)

    def commit_write(self) -> None:
        """Commit. The COMMIT of a failed transaction raises nothing: only its tag says so."""
        done = self.execute_sql("COMMIT").statusmessage
        if done != "COMMIT":
            message = f"COMMIT was answered with {done}"
            raise peewee.DatabaseError(message)

    def is_in_transaction(self, *, or_failed: bool = False) -> bool:
        status = self._status()
        return status == TransactionStatus.INTRANS or (or_failed and status == TransactionStatus.INERROR)

    def roll_back(self) -> None:
        if self.is_in_transaction(or_failed=True):
            self.execute_sql("ROLLBACK")

    def read_commits(self, position: int | None) -> Commits:
        """Read the changes of transactions that were not all over at the last look, by one statement.

        A row's position is its transaction's id. The oldest running transaction of the whole server bounds the next
        look, so a change may be read twice. The caller compares its seq.
        """
        return self._commits_of(position, self._look(_COMMITTED, position))

    def read_closely(self, position: int | None, was: Newest | None) -> CloseCommits:
        rows = self._look(_CLOSELY, *(was or ("", 0, "")), position)
        has_it, moment, *newest = rows[0][2:7]
        return CloseCommits.of(self._commits_of(position, rows), was, newest, has_it=has_it, moment=moment)

    def _look(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run the query. Its last value is a position."""
        if self._status() != TransactionStatus.IDLE:
            self.drop()
            self.connect()
        *others, position = values
        rows: list[tuple[Any, ...]] = self.execute_sql(
            sql, (*others, _NO_POSITION if position is None else position)
        ).fetchall()
        return rows

    def _commits_of(self, position: int | None, rows: Sequence[tuple[Any, ...]]) -> Commits:
        oldest, has_notes = rows[0][:2]
        if position is None or oldest < position:  # a standby that lacks transactions took over
            return Commits(oldest, None, has_notes)
        return Commits(oldest, {calendar: seq for *_, calendar, seq in rows if calendar is not None}, has_notes)

    def keep_lead(self) -> bool:
        """Keep the lock of a transaction, which the server ends when it stands still.

        Such a transaction works behind a pooler too. It has no snapshot, so it holds no VACUUM up.
        """
        if self.is_in_transaction():
            self.execute_sql("SELECT 1")
            return True
        if self._status() != TransactionStatus.IDLE:
            self.drop()
            self.connect()
        if not self._try_lead():  # outside of a transaction the lock is free again at once
            return False
        self.execute_sql(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;"
            f" SET LOCAL idle_in_transaction_session_timeout = '{int(LEAD_SECONDS * 1_000)}ms'"
        )
        if self._try_lead():
            return True
        self.roll_back()
        return False

    def _try_lead(self) -> bool:
        ((has_lock,),) = self.execute_sql(_TRY_LEAD).fetchall()
        return bool(has_lock)

    def channel(self) -> str:
        ((channel,),) = self.execute_sql(f"SELECT {triggers.CHANNEL}").fetchall()
        return str(channel)

    def identity(self) -> str:
        ((name,),) = self.execute_sql(_IDENTITY).fetchall()
        return str(name)

    def notify(self, channel: str, payloads: Sequence[str]) -> None:
        """Send the notifications in one transaction that waits for no disk."""
        name = Literal(channel)
        calls = SQL(", ").join(SQL("pg_notify({}, {})").format(name, Literal(payload)) for payload in payloads)
        self._run(SQL("SELECT set_config('synchronous_commit', 'off', true), {}").format(calls))

    def listen(self, channel: str) -> None:
        if not self._is_pooled:  # PgBouncer would drop all that arrives, each time with a warning in its log
            self._run(SQL("LISTEN {}").format(Identifier(channel)))

    def _run(self, sql: Composed) -> None:
        try:
            self.connection().execute(sql)
        except psycopg.Error as error:
            self.drop()
            raise _translated(error) from None

    def notified(self, seconds: float, wake: int) -> list[str]:
        """Wait by a poll of the kernel: the driver's own wait wakes ten times a second."""
        connection: psycopg.Connection[Any] = self.connection()
        try:
            found = [notice.payload for notice in connection.notifies(timeout=0)]
            if not found:
                waiting = select.poll()
                for descriptor in (connection.fileno(), wake):
                    waiting.register(descriptor, select.POLLIN)
                waiting.poll(seconds * 1_000)
                found = [notice.payload for notice in connection.notifies(timeout=0)]
        except psycopg.Error as error:
            raise _translated(error) from None
        return found

    def interrupter(self) -> Callable[[], None]:
        """Return the interrupter. The server may end the statement late, so drop the connection afterwards."""
        interrupt: Callable[[], None] = self.connection().cancel_safe
        return interrupt

    def drop(self) -> None:
        if not self.is_closed():
            self.close()


def _bounds(local: str) -> str:
    """Return the statements that set the bounds of a session, or with `LOCAL` of a transaction."""
    return (
        f"SET {local} idle_in_transaction_session_timeout = '{STANDSTILL_SECONDS}s';"
        f" SET {local} statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'"
    )


def _is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Say if a pooler is between: it makes up the process's number of its sessions."""
    row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return row is None or row[0] != connection.info.backend_pid


def _translated(error: psycopg.Error) -> peewee.PeeweeException:
    """Return Peewee's error, without the server's DETAIL, as it repeats whole rows."""
    kind = next(ours for theirs, ours in _ERRORS if isinstance(error, theirs))
    return kind(error.diag.message_primary or " ".join(str(error).split()))


def open_postgres(
    url: str, *, synchronous: str, is_pooled: bool | None = None, answer_seconds: float | None = None
) -> Postgres:
    """Return the database of a `postgresql://` URL with libpq's parameters in its query, not connected yet.

    `is_pooled` says if a pooler shares the server's sessions between transactions; None is to find out. A statement
    without an answer for `answer_seconds` fails; None lets it wait.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:  # its text may repeat a password
        message = "SLOTCAST_DATABASE must look like postgresql://user:password@host:5432/name, percent-encoded"
        raise UnusableDatabase(message) from None
    missing: dict[str, Any] = {name: value for name, value in _CONNECTION.items() if name not in given}
    return Postgres(
        make_conninfo(url, **missing), synchronous=synchronous, is_pooled=is_pooled, answer_seconds=answer_seconds
    )
