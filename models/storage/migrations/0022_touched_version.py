"""The old versions of touched bookings are found by the booking, in the notes of all calendars."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql("CREATE INDEX touched_version ON touched (subject) WHERE seq IS NOT NULL")
