"""Limits for customers, and metadata: pseudonyms of who booked, and `data` of bookings and calendars."""

from peewee import Database, SqliteDatabase


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    is_text = " CHECK (typeof({0}) = 'text')" if isinstance(db, SqliteDatabase) else ""
    is_text_or_null = " CHECK (typeof({0}) IN ('text', 'null'))" if isinstance(db, SqliteDatabase) else ""
    for column in ("booked_by", "booked_for"):
        db.execute_sql(f"ALTER TABLE booking ADD COLUMN {column} TEXT NOT NULL DEFAULT ''{is_text.format(column)}")
    for table in ("booking", "calendar"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN data TEXT{is_text_or_null.format('data')}")
