"""A change has a position in the log of all calendars, so that a look reads the new changes and no other row.

On SQLite the position is the row's id: one writer at a time gives them in the order of the commits. On PostgreSQL it is
the id of the transaction.
"""

from peewee import Database, SqliteDatabase


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    if not isinstance(db, SqliteDatabase):
        db.execute_sql("ALTER TABLE change_log ADD COLUMN position BIGINT NOT NULL DEFAULT 0")  # old rows are read
        db.execute_sql("ALTER TABLE change_log ALTER COLUMN position SET DEFAULT pg_current_xact_id()::text::bigint")
        db.execute_sql("CREATE INDEX change_log_position ON change_log (position)")
        return
    db.execute_sql(
        "CREATE TABLE new_change_log (position INTEGER PRIMARY KEY, calendar TEXT NOT NULL, seq INTEGER NOT NULL,"
        " nonce TEXT NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL, bookings TEXT NOT NULL,"
        " follows TEXT NOT NULL DEFAULT '', UNIQUE (calendar, seq))"
    )
    db.execute_sql(
        "INSERT INTO new_change_log (calendar, seq, nonce, at, type, body, bookings, follows)"
        " SELECT calendar, seq, nonce, at, type, body, bookings, follows FROM change_log"
    )
    db.execute_sql("DROP TABLE change_log")
    db.execute_sql("ALTER TABLE new_change_log RENAME TO change_log")
