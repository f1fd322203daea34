"""Accounts of staff, and the credentials that are listed and revoked: sessions, tokens and private links."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql(
        "CREATE TABLE account (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE,"
        " password TEXT NOT NULL, roles TEXT NOT NULL, created_at BIGINT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0)"
    )
    db.execute_sql(
        "CREATE TABLE credential (id TEXT NOT NULL PRIMARY KEY,"
        " kind TEXT NOT NULL CHECK (kind IN ('session', 'token', 'link')), account TEXT, digest TEXT,"
        " subject TEXT NOT NULL, roles TEXT NOT NULL, made_by TEXT NOT NULL, made_at BIGINT NOT NULL, ends_at BIGINT,"
        " used_at BIGINT, revoked_at BIGINT)"
    )
    db.execute_sql("CREATE INDEX credential_kind ON credential (kind, made_at)")
    db.execute_sql("CREATE INDEX credential_account ON credential (account)")
