"""The fingerprint of the server's secret in the database: every server of a database must have the same secret."""

from __future__ import annotations

from models.storage.dialect import Dialect, UnusableDatabase

NOT_THIS_ONE = (
    "SLOTCAST_SECRET is not the secret of this database: set the one that its other servers have,"
    " or stop them all and make this one its secret with `server.py secret replace`"
)


def check_secret(db: Dialect, fingerprint: str, previous: str = "", *, may_replace: bool = True) -> None:
    """Raise UnusableDatabase for another secret than the database's. The first start stores the secret's fingerprint.

    With two secrets the same key would be two requests, one at each server, and be done twice. A server that knows the
    database's secret as its previous one finds the records of both, so it may replace it.
    """
    stored = _read(db)
    if stored is None:
        with db.changing_schema():  # of two servers that start at once with different secrets, one is refused
            stored = _read(db)
            if stored is None:
                _insert(db, fingerprint)
                return
    if stored not in {fingerprint, previous or fingerprint}:
        raise UnusableDatabase(NOT_THIS_ONE)
    if stored != fingerprint and may_replace:
        replace_secret(db, fingerprint)


def has_other_secret(db: Dialect, *fingerprints: str) -> bool:
    """Say if the secret was replaced by another one than these."""
    stored = _read(db)
    return stored is not None and stored not in fingerprints


def replace_secret(db: Dialect, fingerprint: str) -> None:
    """Make this the database's secret. Tokens and pseudonyms of another secret become void."""
    with db.changing_schema():
        db.execute_sql("DELETE FROM secret")
        _insert(db, fingerprint)


def has_secret(db: Dialect) -> bool:
    """Say if the schema is new enough to have a secret."""
    return db.table_exists("secret")


def _read(db: Dialect) -> str | None:
    rows = db.execute_sql("SELECT fingerprint FROM secret").fetchall()
    return str(rows[0][0]) if rows else None


def _insert(db: Dialect, fingerprint: str) -> None:
    db.execute_sql(f"INSERT INTO secret (fingerprint) VALUES ({db.param})", (fingerprint,))  # noqa: S608 - the dialect's parameter mark
