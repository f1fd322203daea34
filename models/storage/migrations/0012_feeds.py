"""Feeds: the time of each slot's and booking's last change, and the least SEQUENCE that a feed may have."""

from peewee import Database


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    for table in ("slot", "booking"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0")
        db.execute_sql(
            f"UPDATE {table} SET changed_at = COALESCE("  # noqa: S608 - ours
            f"(SELECT at FROM change_log WHERE change_log.calendar = {table}.calendar AND seq = {table}.version),"
            f" (SELECT created_at FROM calendar WHERE calendar.id = {table}.calendar), 0)"
        )
    db.execute_sql("CREATE TABLE feed_floor (calendar TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)")
