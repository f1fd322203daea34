"""The audit of a database from the command line."""

import sqlite3
from pathlib import Path

from tests.cli.command import Run


def test_check_names_faults_and_repairs_them(run: Run, tmp_path: Path) -> None:
    """A line for each thing, and exit code 1, until it is repaired."""
    assert run("calendar", "create", "room").code == 0
    slot = run("slot", "open", "room", "2033-01-31T09:00:00Z", "2033-01-31T10:00:00Z").output.strip()
    assert run("check") == (0, "Nothing is wrong.\n", "")
    with sqlite3.connect(tmp_path / "slotcast.db") as connection:
        connection.execute("DROP TRIGGER outside_slot_update")
        connection.execute("UPDATE slot SET blocked = 1")
    found = run("check")
    assert found.code == 1
    assert found.output.splitlines() == [f"room: {slot}: it is not blocked by as many neighbours as have a seat taken"]
    assert run("check", "--repair").output.splitlines()[-2:] == ["1 found, 0 left", "Nothing is wrong."]
    assert run("check").code == 0
