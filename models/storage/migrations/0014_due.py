"""Housekeeping finds what is due by an index: schedules by the time of their next date, records by their age.

A schedule of 0 is looked at once, and is given its time then.
"""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    db.execute_sql("ALTER TABLE timetable ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0")
    db.execute_sql("CREATE INDEX timetable_due ON timetable (due_at)")
    db.execute_sql("DROP INDEX receipt_age")
    db.execute_sql("CREATE INDEX receipt_age ON receipt (created_at)")
