"""The history: who did what to a slot or booking.

A change keeps its command and the kind of its actor beside its body, and no name. The table has the entries of actors
with a name, and those that the log has let go.
"""

from peewee import Database, SqliteDatabase

_COLUMNS = ("command", "actor", "slots", "overridden")


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    for column in _COLUMNS:
        db.execute_sql(f"ALTER TABLE change_log ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
    # SQLite keeps the entries of a calendar together, as they are read.
    without_rowid = " WITHOUT ROWID" if isinstance(db, SqliteDatabase) else ""
    db.execute_sql(
        "CREATE TABLE history (calendar TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, command TEXT NOT NULL,"
        " actor TEXT NOT NULL CHECK (actor IN ('staff', 'holder', 'guest', 'outside', 'server')),"
        " sub TEXT NOT NULL, slots TEXT NOT NULL, bookings TEXT NOT NULL, overridden TEXT NOT NULL,"
        f" PRIMARY KEY (calendar, seq)){without_rowid}"
    )
    # The names of customers, which an erasure takes away.
    db.execute_sql("CREATE INDEX history_customer ON history (bookings, sub) WHERE sub <> '' AND actor <> 'staff'")
