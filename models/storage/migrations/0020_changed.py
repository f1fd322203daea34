"""A search finds the bookings that changed after a time, in all calendars, by an index that has all it compares."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql("CREATE INDEX booking_changed ON booking (changed_at, id, calendar)")
