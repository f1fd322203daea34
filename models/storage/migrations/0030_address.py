"""The addresses of the history, apart from it and with a retention of their own.

A row has those of a calendar's changes `first` to `seq`, of about a second.
"""

from peewee import Database, SqliteDatabase


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    without_rowid = " WITHOUT ROWID" if isinstance(db, SqliteDatabase) else ""
    db.execute_sql(
        "CREATE TABLE history_address (calendar TEXT NOT NULL, seq BIGINT NOT NULL, first BIGINT NOT NULL,"
        f" at BIGINT NOT NULL, addresses TEXT NOT NULL, PRIMARY KEY (calendar, seq)){without_rowid}"
    )
