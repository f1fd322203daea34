"""Searches go through the bookings of a calendar by id, and through its slots by start.

The index of a calendar's bookings replaces one by the time of their creation, which nothing reads.
"""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql("DROP INDEX booking_calendar")
    db.execute_sql("CREATE INDEX booking_calendar ON booking (calendar, id)")
    db.execute_sql("CREATE INDEX slot_calendar_start ON slot (calendar, start)")
