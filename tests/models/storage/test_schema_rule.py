"""Servers of two releases run on one database, and one that can't is told so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playhouse.migrations import Runner

from models.contract.commands.slots import UpdateSlot
from models.service import SlotService, UnusableDatabase
from models.storage import database as module
from models.storage.database import MIGRATIONS, open_database
from models.storage.dialect import Dialect
from tests.models.driver import EVER, STAFF, Driver, FakeClock

EXPAND = """
def up(migrator, db):
    db.execute_sql("ALTER TABLE slot ADD COLUMN colour TEXT")
    db.execute_sql("CREATE TABLE colour (name TEXT NOT NULL PRIMARY KEY)")
"""
CONTRACT = """
def up(migrator, db):
    db.execute_sql("UPDATE oldest_program SET migration = '9001_expand'")
    db.execute_sql("DROP TABLE used_ticket")
"""


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes the next services those of a release with these further migrations."""

    def change(**migrations: str) -> None:
        folder = tmp_path / f"migrations-{len(migrations)}"
        if not folder.exists():
            shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
            for name, text in migrations.items():
                (folder / f"{name.removeprefix('m')}.py").write_text(text)
        monkeypatch.setattr(module, "MIGRATIONS", folder)

    return change


@pytest.fixture
def opened(database: str, clock: FakeClock) -> Iterator[Callable[[], SlotService]]:
    services: list[SlotService] = []

    def open_one() -> SlotService:
        service = SlotService(database, b"a secret of the tests", clock=clock)
        services.append(service)
        service.open()
        return service

    yield open_one
    for service in services:
        if hasattr(service, "_writer"):
            service.close()


def test_two_releases_run_together_while_the_schema_expands(
    release: Callable[..., None], opened: Callable[[], SlotService], clock: FakeClock
) -> None:
    """The older server goes on and may start again; it leaves the newer schema as it is."""
    old = opened()
    Driver(old, clock).create()
    release(m9001_expand=EXPAND)
    new = opened()
    release()
    again = opened()
    slots = [Driver(service, clock).open()[0] for service in (old, new, again)]
    for service in (old, new, again):
        assert service.why_unfit() == ""
        for slot in slots:
            service.run(UpdateSlot(principal=STAFF, slot=slot, data=b'{"n":1}'))
    assert {slot.id for slot in old.snapshot("room", -EVER, EVER).slots} == set(slots)
    assert "9001_expand" in _applied(new)


def test_an_older_server_ends_when_the_schema_contracts(
    release: Callable[..., None], opened: Callable[[], SlotService]
) -> None:
    """It is told why, and does not start again. The release before the contraction runs on."""
    old = opened()
    release(m9001_expand=EXPAND)
    before = opened()
    release(m9001_expand=EXPAND, m9002_contract=CONTRACT)
    new = opened()
    assert new.why_unfit() == ""
    release(m9001_expand=EXPAND)
    assert before.why_unfit() == ""
    assert opened().why_unfit() == ""
    release()
    assert "needs one with 9001_expand" in old.why_unfit()
    with pytest.raises(UnusableDatabase, match="9001_expand, 9002_contract"):
        opened()


def test_a_server_notices_an_older_schema_under_it(
    release: Callable[..., None], opened: Callable[[], SlotService]
) -> None:
    """As when a backup of the release before is restored while it runs. The next start migrates it."""
    release(m9001_expand=EXPAND)
    new = opened()
    new._db.execute_sql("DELETE FROM schema_migration WHERE name = '9001_expand'")
    new._db.execute_sql("DROP TABLE colour")
    new._db.execute_sql("ALTER TABLE slot DROP COLUMN colour")
    assert "older than this program" in new.why_unfit()
    assert opened().why_unfit() == ""


@pytest.mark.only("postgres")
@pytest.mark.parametrize("is_contracting", [False, True])
def test_a_migration_that_does_not_only_add_says_so(
    is_contracting: bool, database: str, release: Callable[..., None]
) -> None:
    """Each migration since the rule is compared with the schema before; the two of this file show the comparison."""
    more = {"m9001_expand": EXPAND} | ({"m9002_contract": CONTRACT} if is_contracting else {})
    release(**more)
    db = open_database(database)
    db.connect()
    names = module.migrations()
    runner = Runner(db, str(module.MIGRATIONS))
    first = names.index("0021_oldest_program")
    with db.changing_schema():
        runner.up(names[first])
        contracting = []
        before, oldest = _shape(db), _oldest(db)
        for name in names[first + 1 :]:
            runner.up(name)
            after = _shape(db)
            if taken := _taken(before, after):
                contracting.append(name)
                assert _oldest(db) != oldest, f"{name} takes away {taken}, and names no oldest program"
            before, oldest = after, _oldest(db)
    assert ("9002_contract" in contracting) is is_contracting
    assert "9001_expand" not in contracting
    db.drop()


def _applied(service: SlotService) -> list[str]:
    return [row[0] for row in service._db.execute_sql("SELECT name FROM schema_migration").fetchall()]


def _oldest(db: Dialect) -> Any:
    return db.execute_sql("SELECT migration FROM oldest_program").fetchall()


def _shape(db: Dialect) -> dict[str, Any]:
    """Return what an older program depends on: columns, and what every row must fulfil."""
    columns = db.execute_sql(
        "SELECT table_name || '.' || column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema()"
    ).fetchall()
    rules = db.execute_sql(
        "SELECT conrelid::regclass::text || ' ' || pg_get_constraintdef(oid), conrelid::regclass::text"
        " FROM pg_constraint WHERE connamespace = current_schema()::regnamespace"
        " UNION ALL SELECT indexdef, tablename FROM pg_indexes WHERE schemaname = current_schema()"
        " AND indexdef LIKE 'CREATE UNIQUE%%'"
        " UNION ALL SELECT table_name || '.' || column_name || ' must be given', table_name"
        " FROM information_schema.columns WHERE table_schema = current_schema() AND is_nullable = 'NO'"
        " AND column_default IS NULL AND is_identity = 'NO'",
    ).fetchall()
    return {"columns": dict(columns), "rules": dict(rules)}


def _taken(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the columns that have gone or changed, and the rules that are new on old tables."""
    gone = [name for name, kind in before["columns"].items() if after["columns"].get(name) != kind]
    tables = {name.partition(".")[0] for name in before["columns"]}
    rules = [rule for rule, table in after["rules"].items() if rule not in before["rules"] and table in tables]
    # PostgreSQL 18 lists NOT NULL as a rule. On a new column it binds nobody that has a default: see "must be given".
    new_columns = {name.replace(".", " NOT NULL ") for name in after["columns"].keys() - before["columns"].keys()}
    return gone + [rule for rule in rules if rule not in new_columns]
