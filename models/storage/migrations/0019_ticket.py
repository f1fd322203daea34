"""Used tickets, so that a ticket of one server is good once on all of them."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql("CREATE TABLE used_ticket (id TEXT NOT NULL PRIMARY KEY, ends_at BIGINT NOT NULL)")
    db.execute_sql("CREATE INDEX used_ticket_end ON used_ticket (ends_at)")
