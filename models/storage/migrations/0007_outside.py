"""Outside writers: notes of the rows they touch, defaults for missing columns, and CHECKs on their values.

SQLite can't add a default or a CHECK to a table: its tables are made anew, and their rows copied. Values of other
programs are brought within the CHECKs by the copy.
"""

from peewee import Database, SqliteDatabase

_DAY = 86_400_000
_LATEST = 253_402_214_400_000  # 9999-12-31

_SQLITE_ID = (
    "(lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) || '-4' || substr(lower(hex(randomblob(2))), 2)"
    " || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(lower(hex(randomblob(2))), 2)"
    " || '-' || lower(hex(randomblob(6))))"
)
_SQLITE_NOW = "(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))"
_SQLITE_SOON = "(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + 300000)"

_SQLITE_TABLES = {
    "calendar": f"""
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL CHECK (typeof(name) = 'text'),
        zone TEXT NOT NULL DEFAULT 'Etc/UTC' CHECK (typeof(zone) = 'text'),
        visibility TEXT NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'private')),
        booking TEXT NOT NULL DEFAULT 'anyone' CHECK (booking IN ('anyone', 'token')),
        policy TEXT NOT NULL DEFAULT '{{}}' CHECK (typeof(policy) = 'text'),
        archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
        created_at INTEGER NOT NULL DEFAULT {_SQLITE_NOW} CHECK (typeof(created_at) = 'integer'),
        seq INTEGER NOT NULL DEFAULT 0 CHECK (typeof(seq) = 'integer' AND seq >= 0),
        nonce TEXT NOT NULL DEFAULT (lower(hex(randomblob(6)))) CHECK (typeof(nonce) = 'text')
    """,
    "slot": f"""
        id TEXT NOT NULL DEFAULT {_SQLITE_ID} PRIMARY KEY,
        calendar TEXT NOT NULL,
        start INTEGER NOT NULL CHECK (typeof(start) = 'integer' AND start >= 0),
        "end" INTEGER NOT NULL CHECK (typeof("end") = 'integer' AND "end" <= {_LATEST}),
        capacity INTEGER NOT NULL DEFAULT 1 CHECK (typeof(capacity) = 'integer' AND capacity BETWEEN 1 AND 10000),
        held INTEGER NOT NULL DEFAULT 0 CHECK (typeof(held) = 'integer' AND held >= 0),
        booked INTEGER NOT NULL DEFAULT 0 CHECK (typeof(booked) = 'integer' AND booked >= 0),
        blocked INTEGER NOT NULL DEFAULT 0 CHECK (typeof(blocked) = 'integer' AND blocked >= 0),
        held_until INTEGER CHECK (typeof(held_until) IN ('integer', 'null')),
        state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
        origin INTEGER NOT NULL DEFAULT 0 CHECK (origin IN (0, 1)),
        version INTEGER NOT NULL DEFAULT 0 CHECK (typeof(version) = 'integer'),
        data TEXT CHECK (typeof(data) IN ('text', 'null')),
        dropped BOOLEAN NOT NULL DEFAULT FALSE CHECK (dropped IN (0, 1)),
        CHECK (held + booked <= capacity),
        CHECK (state <> 2 OR held + booked = 0),
        CHECK (start < "end" AND "end" - start <= {366 * _DAY}),
        FOREIGN KEY (calendar) REFERENCES calendar (id)
    """,
    "hold": f"""
        id TEXT NOT NULL DEFAULT {_SQLITE_ID} PRIMARY KEY,
        calendar TEXT NOT NULL,
        slot TEXT NOT NULL,
        seats INTEGER NOT NULL DEFAULT 1 CHECK (typeof(seats) = 'integer' AND seats BETWEEN 1 AND 10000),
        holder TEXT NOT NULL DEFAULT '',
        state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2, 3)),
        created_at INTEGER NOT NULL DEFAULT {_SQLITE_NOW} CHECK (typeof(created_at) = 'integer'),
        expires_at INTEGER NOT NULL DEFAULT {_SQLITE_SOON}
            CHECK (typeof(expires_at) = 'integer' AND expires_at BETWEEN 0 AND {_LATEST}),
        FOREIGN KEY (slot) REFERENCES slot (id)
    """,
    "booking": f"""
        id TEXT NOT NULL DEFAULT {_SQLITE_ID} PRIMARY KEY,
        calendar TEXT NOT NULL,
        slot TEXT NOT NULL,
        seats INTEGER NOT NULL DEFAULT 1 CHECK (typeof(seats) = 'integer' AND seats BETWEEN 1 AND 10000),
        status TEXT NOT NULL DEFAULT 'confirmed'
            CHECK (status IN ('pending', 'confirmed', 'cancelled', 'rejected', 'no_show')),
        name TEXT CHECK (typeof(name) IN ('text', 'null')),
        email TEXT CHECK (typeof(email) IN ('text', 'null')),
        phone TEXT CHECK (typeof(phone) IN ('text', 'null')),
        note TEXT CHECK (typeof(note) IN ('text', 'null')),
        created_at INTEGER NOT NULL DEFAULT {_SQLITE_NOW}
            CHECK (typeof(created_at) = 'integer' AND created_at BETWEEN 0 AND {_LATEST}),
        version INTEGER NOT NULL DEFAULT 0 CHECK (typeof(version) = 'integer'),
        FOREIGN KEY (slot) REFERENCES slot (id)
    """,
}
_POSTGRES_NOW = "(floor(extract(epoch FROM clock_timestamp()) * 1000))::bigint"
_POSTGRES_DEFAULTS = {
    "calendar": {
        "zone": "'Etc/UTC'", "visibility": "'public'", "booking": "'anyone'", "policy": "'{}'", "archived": "FALSE",
        "created_at": _POSTGRES_NOW, "seq": "0", "nonce": "substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)",
    },
    "slot": {
        "id": "gen_random_uuid()::text", "capacity": "1", "held": "0", "booked": "0", "blocked": "0", "state": "0",
        "origin": "0", "version": "0", "dropped": "FALSE",
    },
    "hold": {
        "id": "gen_random_uuid()::text", "seats": "1", "holder": "''", "state": "0", "created_at": _POSTGRES_NOW,
        "expires_at": f"{_POSTGRES_NOW} + 300000",
    },
    "booking": {
        "id": "gen_random_uuid()::text", "seats": "1", "status": "'confirmed'", "created_at": _POSTGRES_NOW,
        "version": "0",
    },
}  # fmt: skip
_POSTGRES_CHECKS = {
    "calendar": ("seq >= 0",),
    "slot": (
        "capacity BETWEEN 1 AND 10000",
        "state <> 2 OR held + booked = 0",
        f'start >= 0 AND "end" <= {_LATEST} AND "end" - start <= {366 * _DAY}',
    ),
    "hold": ("seats <= 10000", f"expires_at BETWEEN 0 AND {_LATEST}"),
    "booking": ("seats <= 10000", f"created_at BETWEEN 0 AND {_LATEST}"),
}
# Rows of other writers are brought within the CHECKs.
_MENDED = (
    "UPDATE slot SET capacity = 1 WHERE capacity < 1",
    "UPDATE slot SET state = 1 WHERE state = 2 AND held + booked > 0",
)


def up(migrator: object, db: Database) -> None:  # noqa: ARG001 - the runner's signature
    is_sqlite = isinstance(db, SqliteDatabase)
    for sql in _MENDED:
        db.execute_sql(sql)
    if is_sqlite:
        _rebuild(db)
    else:
        _alter(db)
    key, number = ("INTEGER PRIMARY KEY", "INTEGER") if is_sqlite else ("BIGSERIAL PRIMARY KEY", "BIGINT")
    db.execute_sql(
        f"CREATE TABLE touched (id {key}, kind TEXT NOT NULL, calendar TEXT NOT NULL, subject TEXT NOT NULL,"
        f' seq {number}, nonce TEXT, start {number}, "end" {number})'
    )
    db.execute_sql("CREATE INDEX touched_calendar ON touched (calendar, id)")
    if is_sqlite:
        db.execute_sql("CREATE INDEX touched_later ON touched (kind) WHERE kind = 'later'")


def _rebuild(db: Database) -> None:
    """SQLite's own procedure; foreign keys are off while the schema changes."""
    for table, columns in _SQLITE_TABLES.items():
        indexes = db.execute_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", (table,)
        ).fetchall()
        db.execute_sql(f"CREATE TABLE new_{table} ({columns})")
        known = {row[1] for row in db.execute_sql(f"PRAGMA table_info(new_{table})").fetchall()}
        found = db.execute_sql(f"PRAGMA table_info({table})").fetchall()
        for _, name, kind, is_required, default, _ in found:
            if name not in known:  # another migration's
                rest = (" NOT NULL" if is_required else "") + (f" DEFAULT {default}" if default is not None else "")
                db.execute_sql(f'ALTER TABLE new_{table} ADD COLUMN "{name}" {kind}{rest}')
        names = ", ".join(f'"{row[1]}"' for row in found)
        db.execute_sql(f"INSERT INTO new_{table} ({names}) SELECT {names} FROM {table}")  # noqa: S608 - ours
        db.execute_sql(f"DROP TABLE {table}")
        db.execute_sql(f"ALTER TABLE new_{table} RENAME TO {table}")
        for (sql,) in indexes:
            db.execute_sql(sql)


def _alter(db: Database) -> None:
    for table, defaults in _POSTGRES_DEFAULTS.items():
        changes = [f"ALTER COLUMN {column} SET DEFAULT {value}" for column, value in defaults.items()]
        changes += [f"ADD CHECK ({check})" for check in _POSTGRES_CHECKS[table]]
        db.execute_sql(f"ALTER TABLE {table} {', '.join(changes)}")
