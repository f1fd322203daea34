"""The log is trimmed from its oldest row on, and needs no index by age: a page less is written with every change."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql("DROP INDEX change_log_age")
