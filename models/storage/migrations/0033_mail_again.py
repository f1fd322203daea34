"""The language of a verification's mail, how often the guest has asked for it again, and when it was asked for last."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    for column in ("language TEXT NOT NULL DEFAULT ''", "repeats INTEGER NOT NULL DEFAULT 0", "asked_at BIGINT"):
        db.execute_sql(f"ALTER TABLE verification ADD COLUMN {column}")
