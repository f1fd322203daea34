"""Overbooked seats, the rules passed over by staff, and the expiry of a pending booking.

The CHECK on the seats of a slot allows for overbooked ones. SQLite can't change a CHECK,
so the table is made anew from its own text, and its rows are copied. A calendar that an outside writer makes rejects
overlaps from now on, and stored calendars keep their policy.
"""

from peewee import Database, SqliteDatabase

_OLD, _NEW = "held + booked <= capacity", "held + booked <= capacity + overbooked"
_POLICY = '{"overlap":"reject"}'
_LATEST = 253_402_214_400_000  # 9999-12-31
_MOST = 200  # characters of the names of all rules


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql(
        "ALTER TABLE slot ADD COLUMN overbooked INTEGER NOT NULL DEFAULT 0"
        f" CHECK ({_typed(db, 'overbooked', 'integer')}overbooked >= 0)"
    )
    if isinstance(db, SqliteDatabase):
        _drop_triggers(db)
        _rebuild(db, "slot", _OLD, _NEW)
        _rebuild(db, "calendar", "policy TEXT NOT NULL DEFAULT '{}'", f"policy TEXT NOT NULL DEFAULT '{_POLICY}'")
    else:
        _alter(db)
    number = "INTEGER" if isinstance(db, SqliteDatabase) else "BIGINT"
    for table in ("hold", "booking"):
        db.execute_sql(
            f"ALTER TABLE {table} ADD COLUMN overridden TEXT NOT NULL DEFAULT ''"
            f" CHECK ({_typed(db, 'overridden', 'text')}length(overridden) <= {_MOST})"
        )
    db.execute_sql(
        f"ALTER TABLE booking ADD COLUMN expires_at {number} CHECK (expires_at IS NULL"
        f" OR ({_typed(db, 'expires_at', 'integer')}expires_at BETWEEN 0 AND {_LATEST}))"
    )
    db.execute_sql(
        "UPDATE booking SET expires_at = (SELECT start FROM slot WHERE slot.id = booking.slot) WHERE status = 'pending'"
    )
    db.execute_sql("CREATE INDEX booking_expiry ON booking (expires_at) WHERE status = 'pending'")
    db.execute_sql("CREATE INDEX booking_expiry_calendar ON booking (calendar, expires_at) WHERE status = 'pending'")


def _typed(db: Database, column: str, kind: str) -> str:
    """Return the condition on the type of a value, since SQLite stores any."""
    return f"typeof({column}) = '{kind}' AND " if isinstance(db, SqliteDatabase) else ""


def _drop_triggers(db: Database) -> None:
    """Drop the notes of outside writers, which name the tables: the start makes them again."""
    found = db.execute_sql("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'outside_*'").fetchall()
    for (name,) in found:
        db.execute_sql(f"DROP TRIGGER {name}")


def _rebuild(db: Database, table: str, old: str, new: str) -> None:
    ((sql,),) = db.execute_sql("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchall()
    indexes = db.execute_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", (table,)
    ).fetchall()
    names = ", ".join(f'"{row[1]}"' for row in db.execute_sql(f"PRAGMA table_info({table})").fetchall())
    assert old in sql, "the table is as the migrations before have made it"
    db.execute_sql(f"CREATE TABLE new_{table} {sql[sql.index('(') :].replace(old, new)}")
    db.execute_sql(f"INSERT INTO new_{table} ({names}) SELECT {names} FROM {table}")  # noqa: S608 - ours
    db.execute_sql(f"DROP TABLE {table}")
    db.execute_sql(f"ALTER TABLE new_{table} RENAME TO {table}")
    for (index,) in indexes:
        db.execute_sql(index)


def _alter(db: Database) -> None:
    checks = db.execute_sql(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = 'slot'::regclass"
        " AND pg_get_constraintdef(oid) LIKE '%held + booked%<= capacity%'"
    ).fetchall()
    for (name,) in checks:
        db.execute_sql(f'ALTER TABLE slot DROP CONSTRAINT "{name}"')
    db.execute_sql(f"ALTER TABLE slot ADD CHECK ({_NEW})")
    db.execute_sql(f"ALTER TABLE calendar ALTER COLUMN policy SET DEFAULT '{_POLICY}'")
