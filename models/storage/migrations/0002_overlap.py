"""Neighbours are found by the longest slot of their calendar."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql('CREATE INDEX slot_length ON slot (calendar, ("end" - start))')
