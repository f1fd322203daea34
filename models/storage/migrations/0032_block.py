"""Blocks of customers and network addresses. `value` and `reason` are null and "" after an erasure; the hash stays."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql(
        "CREATE TABLE block (id TEXT NOT NULL PRIMARY KEY, calendar TEXT NOT NULL,"
        " kind TEXT NOT NULL CHECK (kind IN ('email', 'phone', 'address', 'sub')), value TEXT, digest TEXT NOT NULL,"
        " reason TEXT NOT NULL, made_by TEXT NOT NULL, made_at BIGINT NOT NULL, ends_at BIGINT)"
    )
    db.execute_sql("CREATE UNIQUE INDEX block_digest ON block (calendar, digest)")
    db.execute_sql("CREATE INDEX block_ends ON block (ends_at) WHERE ends_at IS NOT NULL")
