"""A change says which one it follows, so that a cursor resumes where its own row is trimmed, or never was."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql("ALTER TABLE change_log ADD COLUMN follows TEXT NOT NULL DEFAULT ''")
    db.execute_sql(
        "UPDATE change_log SET follows = COALESCE((SELECT earlier.nonce FROM change_log AS earlier"
        " WHERE earlier.calendar = change_log.calendar AND earlier.seq = change_log.seq - 1), '')"
    )
