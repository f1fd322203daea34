"""The rule that lets servers of two releases run on one database: expand first, contract later.

A migration either adds only, so that the release before still works, or it contracts: it takes away or changes what an
older program uses. One that contracts names the oldest program that works after it, by a migration of that program:

    UPDATE oldest_program SET migration = '0030_name'

A program serves a newer schema while it has that migration. It changes nothing of such a schema, also no trigger.
"""

from __future__ import annotations

from collections.abc import Collection

from models.storage.dialect import Dialect, UnusableDatabase

TABLE = "oldest_program"


def check_schema(db: Dialect, known: Collection[str], applied: Collection[str]) -> bool:
    """Say if the schema is newer than the program that knows these migrations, so that it is left as it is.

    Raise UnusableDatabase if the program can't serve it.
    """
    unknown = sorted(set(applied) - set(known))
    if not unknown:
        return False
    rows = db.execute_sql(f"SELECT migration FROM {TABLE}").fetchall() if db.table_exists(TABLE) else []  # noqa: S608
    if not rows or rows[0][0] not in known or set(known) - set(applied):
        raise UnusableDatabase(
            f"The database is newer than this program (it has {', '.join(unknown)}): update Slotcast"
        )
    return True


def why_unfit(db: Dialect, known: Collection[str]) -> str:
    """Return why a running program can't serve the schema any more, as one line; "" if it can."""
    marks = ", ".join([db.param] * len(known))
    ((oldest, count),) = db.execute_sql(
        f"SELECT (SELECT MIN(migration) FROM {TABLE}), COUNT(*) FROM schema_migration WHERE name IN ({marks})",  # noqa: S608
        tuple(known),
    ).fetchall()
    if oldest not in known:
        return f"The database was changed for newer programs (it needs one with {oldest}): update Slotcast"
    if count < len(known):
        return "The database is older than this program, as after a restore: start the server again to migrate it"
    return ""
