"""Feeds: the time of each slot's and booking's last change, the least SEQUENCE, private feeds, and busy times."""

from peewee import Database, SqliteDatabase


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    for table in ("slot", "booking"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0")
        db.execute_sql(
            f"UPDATE {table} SET changed_at = COALESCE("  # noqa: S608 - ours
            f"(SELECT at FROM change_log WHERE change_log.calendar = {table}.calendar AND seq = {table}.version),"
            f" (SELECT created_at FROM calendar WHERE calendar.id = {table}.calendar), 0)"
        )
    blob = "BLOB" if isinstance(db, SqliteDatabase) else "BYTEA"
    db.execute_sql("ALTER TABLE slot ADD COLUMN busy INTEGER NOT NULL DEFAULT 0")
    db.execute_sql(
        "CREATE TABLE busy_source (id TEXT NOT NULL PRIMARY KEY, calendar TEXT NOT NULL, name TEXT NOT NULL, url TEXT,"
        f" body {blob}, etag TEXT NOT NULL, modified TEXT NOT NULL, created_at BIGINT NOT NULL,"
        " checked_at BIGINT NOT NULL, fetched_at BIGINT NOT NULL, expanded_at BIGINT NOT NULL, error TEXT NOT NULL,"
        " failing_since BIGINT, removed INTEGER NOT NULL DEFAULT 0)"
    )
    db.execute_sql("CREATE INDEX busy_source_calendar ON busy_source (calendar)")
    db.execute_sql(
        'CREATE TABLE busy (calendar TEXT NOT NULL, source TEXT NOT NULL, start BIGINT NOT NULL, "end" BIGINT NOT NULL)'
    )
    db.execute_sql('CREATE INDEX busy_calendar ON busy (calendar, "end")')
    db.execute_sql("CREATE INDEX busy_of_source ON busy (source)")
    db.execute_sql(
        "CREATE TABLE feed (id TEXT NOT NULL PRIMARY KEY, calendar TEXT NOT NULL, name TEXT NOT NULL,"
        " scope TEXT NOT NULL CHECK (scope IN ('slots', 'bookings')), created_at BIGINT NOT NULL,"
        " revoked INTEGER NOT NULL DEFAULT 0)"
    )
    db.execute_sql("CREATE INDEX feed_calendar ON feed (calendar)")
    db.execute_sql("CREATE TABLE feed_floor (calendar TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)")
