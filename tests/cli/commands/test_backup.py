"""A backup is one commit of the served file, and a restore is another history to every client."""

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from models.storage import backup
from tests.cli.command import Run, check_one_line
from tests.support import Api, Client, Server, eventually
from tests.support.clients.viewer import Viewer
from tests.support.example import in_days

SECRET = "another-secret-of-32-characters-or-more"


def _names(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [name for (name,) in connection.execute("SELECT id FROM calendar ORDER BY id")]


def _ids(viewer: Viewer) -> set[str]:
    return {slot["id"] for slot in viewer.slots}


def test_a_backup_is_restored(run: Run, tmp_path: Path) -> None:
    """The file comes back as it was; what it replaces is kept."""
    assert run("calendar", "create", "first").code == 0
    copy = tmp_path / "copy.db"
    done = run("backup", str(copy))
    assert (done.code, done.errors) == (0, "")
    assert "slotcast.secret" in done.output
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.glob("copy*")] == ["copy.db"]
    assert run("calendar", "create", "second").code == 0
    check_one_line(run("backup", str(copy)), "exists", "--force")
    done = run("restore", str(copy), "--yes")
    assert done.code == 0
    assert _names(tmp_path / "slotcast.db") == ["first"]
    (kept,) = tmp_path.glob("slotcast-*.db")
    assert str(kept) in done.output
    assert _names(kept) == ["first", "second"]
    assert run("restore", str(kept), "--yes").code == 0
    assert run("backup", str(copy), "--force").code == 0
    assert _names(copy) == ["first", "second"]


def test_a_faulty_file_is_not_restored(run: Run, tmp_path: Path) -> None:
    """A missing, foreign, damaged or inconsistent file, one of another secret, and the database itself."""
    assert run("calendar", "create", "room").code == 0
    slot = run("slot", "open", "room", "2033-01-31T09:00:00Z", "2033-01-31T10:00:00Z").output.strip()
    copy = tmp_path / "copy.db"
    check_one_line(run("restore", str(copy), "-y"), "no file")
    copy.write_text("no database")
    check_one_line(run("restore", str(copy), "-y"), "no database of slotcast")
    check_one_line(run("restore", str(tmp_path / "slotcast.db"), "-y"), "itself")
    assert run("backup", str(copy), "--force").code == 0
    check_one_line(run("restore", str(copy), "-y", SLOTCAST_SECRET=SECRET), "secret")
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("DROP TRIGGER outside_slot_update")
        connection.execute("UPDATE slot SET blocked = 1")
        connection.commit()
    refused = run("restore", str(copy), "-y")
    assert refused.code == 1
    assert slot in refused.errors
    assert run("backup", str(copy), "--force").code == 0
    with copy.open("r+b") as file:
        file.seek(4_096)
        file.write(os.urandom(4_096 * 8))
    refused = run("restore", str(copy), "-y")
    assert refused.code in {1, 2}
    assert _names(tmp_path / "slotcast.db") == ["room"]
    assert run("check").code == 0


def test_a_database_of_another_program_is_not_restored(run: Run, tmp_path: Path) -> None:
    """Its tables have the names of ours, and not our columns."""
    assert run("calendar", "create", "room").code == 0
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        for table in ("schema_migration (name)", "calendar (id)", "slot (id)", "booking (id)", "change_log (seq)"):
            connection.execute(f"CREATE TABLE {table}")
        connection.execute("INSERT INTO schema_migration VALUES ('0001_book')")
        connection.commit()
    check_one_line(run("restore", str(other), "-y"), "no database of slotcast")
    assert not list(tmp_path.glob("slotcast-*.db"))
    assert run("check").code == 0


def test_a_file_that_does_not_open_is_taken_back(run: Run, tmp_path: Path) -> None:
    """Its list of migrations is not that of its tables, so its migration fails after the copy."""
    assert run("calendar", "create", "room").code == 0
    copy = tmp_path / "copy.db"
    assert run("backup", str(copy)).code == 0
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("DELETE FROM schema_migration WHERE name > '0002'")  # the next start migrates what it has
        connection.commit()
    assert run("calendar", "create", "second").code == 0
    refused = run("restore", str(copy), "-y")
    assert refused.code == 2
    assert "is as it was" in refused.errors
    assert _names(tmp_path / "slotcast.db") == ["room", "second"]
    assert run("check").code == 0


def test_a_file_of_another_page_size_is_restored(run: Run, tmp_path: Path) -> None:
    """As one that another tool has written anew; under a database with a WAL SQLite copies no other size."""
    assert run("calendar", "create", "room").code == 0
    copy, database = tmp_path / "copy.db", tmp_path / "slotcast.db"
    assert run("backup", str(copy)).code == 0
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("VACUUM")
    assert backup.page_bytes(copy) == 8_192
    assert run("calendar", "create", "second").code == 0
    with closing(sqlite3.connect(database)) as reader:  # a server's, which sees the restored rows without a restart
        assert reader.execute("SELECT COUNT(*) FROM calendar").fetchone() == (2,)
        done = run("restore", str(copy), "--yes")
        assert (done.code, done.errors) == (0, "")
        assert reader.execute("SELECT id FROM calendar").fetchall() == [("room",)]
    assert backup.page_bytes(database) == 4_096
    assert not list(tmp_path.glob("*.draft*"))
    assert run("check").code == 0


def test_a_full_disk_is_not_restored_to(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database stays. Half of a restore has left no room to take it back, and copies of nothing beside it."""
    assert run("calendar", "create", "room").code == 0
    copy = tmp_path / "copy.db"
    assert run("backup", str(copy)).code == 0
    assert run("calendar", "create", "second").code == 0
    used = shutil.disk_usage(tmp_path)._replace(free=copy.stat().st_size)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: used)
    check_one_line(run("restore", str(copy), "--yes"), "needs", "are free", "nothing was restored")
    assert _names(tmp_path / "slotcast.db") == ["room", "second"]
    assert not list(tmp_path.glob("slotcast-*.db"))


def test_foreign_triggers_are_not_restored(run: Run, tmp_path: Path) -> None:
    """A trigger of a file would run with every booking, as one that copies customers. Ours come back."""
    assert run("calendar", "create", "room").code == 0
    copy = tmp_path / "copy.db"
    assert run("backup", str(copy)).code == 0
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("CREATE TABLE taken (customer)")
        for event, name in (("booking", 'steal "them"'), ("calendar", "other")):
            trigger = name.replace('"', '""')
            connection.execute(
                f'CREATE TRIGGER "{trigger}" AFTER INSERT ON {event} BEGIN INSERT INTO taken VALUES (NEW.id); END'
            )
        connection.commit()
    done = run("restore", str(copy), "--yes")
    assert done.code == 0
    assert [line.rpartition(": ")[2] for line in done.errors.splitlines()] == [
        "the trigger 'other' is not Slotcast's, and was left out",
        "the trigger 'steal \"them\"' is not Slotcast's, and was left out",
    ]
    assert backup.foreign_triggers(tmp_path / "slotcast.db") == []
    assert run("calendar", "create", "second").code == 0
    with closing(sqlite3.connect(tmp_path / "slotcast.db")) as connection:
        assert connection.execute("SELECT * FROM taken").fetchall() == []
        ours = connection.execute("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'trigger'").fetchone()
    assert ours > (10,)
    assert run("check").code == 0


def test_a_backup_does_not_replace_its_database(run: Run, tmp_path: Path) -> None:
    """Also by a link to it. A running server would go on writing into the former file, which nobody sees any more."""
    assert run("calendar", "create", "room").code == 0
    database, link = tmp_path / "slotcast.db", tmp_path / "link.db"
    before = database.stat().st_ino
    link.hardlink_to(database)
    for file in (database, link):
        check_one_line(run("backup", str(file), "--force"), "itself")
    assert database.stat().st_ino == before


def test_a_backup_replaces_no_file_of_the_database(run: Run, tmp_path: Path) -> None:
    """Its WAL has commits that are nowhere else, and without its secret the database refuses a server."""
    assert run("calendar", "create", "room").code == 0
    with closing(sqlite3.connect(tmp_path / "slotcast.db")) as connection:
        connection.execute("SELECT * FROM calendar").fetchall()
        for name in ("slotcast.db-wal", "slotcast.db-shm", "slotcast.db-journal", "slotcast.secret"):
            before = file.stat().st_ino if (file := tmp_path / name).exists() else None
            check_one_line(run("backup", str(file), "--force"), "a file of it")
            assert (file.stat().st_ino if file.exists() else None) == before
    check_one_line(run("backup", str(tmp_path), "--force"), "is no file")
    check_one_line(run("backup", str(tmp_path / "slotcast.db" / "x")), "can't be copied")


def test_a_backup_needs_a_database_in_a_file(run: Run, tmp_path: Path) -> None:
    """A missing file, a folder, a full path that is not there, and PostgreSQL."""
    check_one_line(run("backup", "copy.db"), "there is no")
    assert run("calendar", "create", "room").code == 0
    check_one_line(run("backup", str(tmp_path / "nowhere" / "copy.db")), "can't be copied")
    check_one_line(run("backup", "copy.db", SLOTCAST_DATABASE="postgresql://nobody@localhost/none"), "pg_dump")
    check_one_line(run("restore", "copy.db", SLOTCAST_DATABASE="postgresql://nobody@localhost/none"), "pg_restore")


async def test_a_restore_under_a_running_server(server: Server, tmp_path: Path) -> None:
    """A watching client leaves the newer history for the restored one, and the restored one goes on."""
    copy = tmp_path / "copies.db"
    token = server.command("token", "--scope", "staff").strip()
    async with Api(server.url, token) as api, Client(server.url) as client:
        viewer = await client.watch("demo")
        server.command("backup", str(copy))
        before = viewer.have
        opened = await api.post("/api/calendars/demo/slots", slots=[{"start": in_days(1.5), "end": in_days(1.51)}])
        (slot,) = opened["slots"]
        await eventually(lambda: slot["id"] in _ids(viewer))
        server.command("restore", str(copy), "--yes")
        await eventually(lambda: slot["id"] not in _ids(viewer))
        assert viewer.have == before
        again = await api.post("/api/calendars/demo/slots", slots=[{"start": in_days(1.6), "end": in_days(1.61)}])
        await eventually(lambda: again["slots"][0]["id"] in _ids(viewer))
