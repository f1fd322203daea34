"""A copy of a SQLite file is one commit, and a failed copy leaves the target as it was."""

import resource
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from models.storage import backup
from models.storage.dialect import UnusableDatabase

ROWS = 2_000


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """Return a file of some megabytes, in which a thread changes all rows in one transaction after another."""
    file, is_over = tmp_path / "source.db", threading.Event()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE row (number INTEGER, filler BLOB)")
        connection.executemany("INSERT INTO row VALUES (0, zeroblob(8000))", [()] * ROWS)
        connection.commit()

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=30)) as connection:
            while not is_over.is_set():
                connection.execute("UPDATE row SET number = number + 1")
                connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    yield file
    is_over.set()
    writer.join()


def test_a_copy_is_one_commit(source: Path, tmp_path: Path) -> None:
    """All rows have one number, in several steps of the copy; the steps are told."""
    target, told = tmp_path / "target.db", list[tuple[int, int]]()
    backup.copy(source, target, lambda done, pages: told.append((done, pages)))
    with closing(sqlite3.connect(target)) as connection:
        ((count, kinds),) = connection.execute("SELECT COUNT(*), COUNT(DISTINCT number) FROM row")
    assert (count, kinds) == (ROWS, 1)
    assert len(told) > 1
    assert told[-1][0] == told[-1][1]
    assert backup.damage(target) == []
    assert not backup.is_ours(target)


def test_a_failed_copy_leaves_the_target(tmp_path: Path) -> None:
    """No source, no folder, and a source that is no database."""
    target = tmp_path / "target.db"
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("CREATE TABLE kept (id)")
    (tmp_path / "text").write_text("no database, but longer than the head of one " * 10)
    for source, copied in (("none", target), ("text", target)):
        with pytest.raises(UnusableDatabase):
            backup.copy(tmp_path / source, copied)
    with pytest.raises(UnusableDatabase):
        backup.copy(target, tmp_path / "none" / "target.db")
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("kept",)]
    assert backup.damage(tmp_path / "text") == ["file is not a database"]


def test_a_copy_that_fails_leaves_no_new_file(tmp_path: Path) -> None:
    """As on a full disk: a limit of the process refuses the write."""
    source, target = tmp_path / "source.db", tmp_path / "target.db"
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("CREATE TABLE row (filler BLOB)")
        connection.execute("INSERT INTO row VALUES (zeroblob(1000000))")
        connection.commit()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(UnusableDatabase, match="can't be copied"):
            backup.copy(source, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert not target.exists()
