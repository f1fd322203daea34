"""The examples of docs/database.md do the described steps on the database of a running server."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.storage.tables import Booking, Calendar, Hold, Slot
from tests.models.database_audit import audit, query
from tests.support import ROOT, Server, wait_until
from tests.support.databases.outsider import write

TEXT = (ROOT / "docs" / "database.md").read_text()
SQL = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
PEEWEE, SQLALCHEMY = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
WINDOW = "from=2033-01-01T00:00:00Z&to=2034-01-01T00:00:00Z"


@pytest.fixture
def server(each_database: str, tmp_path: Path) -> Iterator[Server]:
    """Run a server on each kind of database."""
    with Server(tmp_path, "--no-demo", database=each_database) as server:
        yield server
        audit(server.database)


def slots(server: Server, calendar: str) -> list[dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{server.url}/api/calendars/{calendar}/slots?{WINDOW}", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)["slots"]
            return found
    except urllib.error.HTTPError:
        return []


def remaining(server: Server, calendar: str) -> list[tuple[int, str]]:
    return [(slot["remaining"], slot["status"]) for slot in slots(server, calendar) if slot["version"]]


def run(source: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sql_has_the_described_effect(server: Server, tmp_path: Path) -> None:
    """Each example is taken step by step, and each step is a change."""
    open_, close, service = SQL
    write(server.database, open_)
    wait_until(lambda: remaining(server, "studio") == [(1, "open"), (2, "open")], what="the slots")
    write(server.database, close)
    wait_until(lambda: remaining(server, "studio") == [(2, "open")], what="the deletion")
    write(server.database, service)
    wait_until(lambda: remaining(server, "studio") == [(1, "open")], what="the booking")
    source = SQLALCHEMY.replace("sqlite:///slotcast.db", server.database.replace("postgresql:", "postgresql+psycopg:"))
    assert run(source, tmp_path) == "10\n"
    wait_until(lambda: remaining(server, "studio") == [(4, "open"), (5, "open")], what="the capacity")


@pytest.mark.parametrize("each_database", ["sqlite"], indirect=True)
def test_the_models_have_the_described_effect(server: Server, tmp_path: Path) -> None:
    """A script beside the database, with the program's models."""
    run(PEEWEE, tmp_path)
    wait_until(lambda: remaining(server, "gallery") == [(4, "open")], what="the slot")


@pytest.mark.parametrize("table", [Calendar, Slot, Hold, Booking])
def test_every_column_and_its_default_is_described(table: Any, tmp_path: Path) -> None:
    """The tables of the document are those of the database, and the models have its defaults."""
    database = f"sqlite:///{tmp_path / 'slotcast.db'}"
    with Server(tmp_path, "--no-demo", database=database):
        pass
    name = table._meta.table_name
    section = re.search(rf"\| `{name}` \| \| default.*?\n\n", TEXT, re.DOTALL)
    assert section is not None
    rows = [line for line in section[0].splitlines()[2:] if line.startswith("|")]
    told = {column: bold for row in rows for bold, column in re.findall(r"(\*\*)?`(\w+)`", row.split("|")[1])}
    columns = query(database, f"SELECT name, dflt_value IS NULL AND \"notnull\" FROM pragma_table_info('{name}')")
    assert {column: bool(bold) for column, bold in told.items()} == {column: bool(bare) for column, bare in columns}
    required = {field.name for field in table._meta.sorted_fields if field.default is None and not field.null}
    assert required == {column for column, bold in told.items() if bold}
