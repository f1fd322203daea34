"""Limits for customers, and metadata: the pseudonym of who booked, and `data` of bookings and calendars."""

from peewee import Database, SqliteDatabase


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    is_text = " CHECK (typeof(booked_by) = 'text')" if isinstance(db, SqliteDatabase) else ""
    is_text_or_null = " CHECK (typeof(data) IN ('text', 'null'))" if isinstance(db, SqliteDatabase) else ""
    db.execute_sql(f"ALTER TABLE booking ADD COLUMN booked_by TEXT NOT NULL DEFAULT ''{is_text}")
    for table in ("booking", "calendar"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN data TEXT{is_text_or_null}")
