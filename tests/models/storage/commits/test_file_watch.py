"""A watch of a file ends its wait at a write, and at a wake."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.storage.commits.commit_watch import CommitWatch
from models.storage.commits.file_watch import FileWatch
from tests.models.driver import Driver

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is of Linux")
LONG_SECONDS = 60.0
SOON_SECONDS = 20.0


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[FileWatch]:
    """Watch the file `log`, from before the first write of the test."""
    (tmp_path / "log").write_text("")
    watch = FileWatch(f"{tmp_path}/log")
    assert watch.wait(LONG_SECONDS)
    yield watch
    watch.close()


def ends(wait: Callable[[float], object], by: Callable[[], object]) -> bool:
    """Say if a long wait on another thread ends by this act."""
    waiting = threading.Thread(target=wait, args=(LONG_SECONDS,), daemon=True)
    waiting.start()
    by()
    waiting.join(SOON_SECONDS)
    return not waiting.is_alive()


def test_a_write_ends_the_wait(watch: FileWatch, tmp_path: Path) -> None:
    """Also a write from before the wait counts, and each write counts once."""
    assert ends(watch.wait, lambda: (tmp_path / "log").write_text("1"))
    (tmp_path / "log").write_text("2")
    assert watch.wait(LONG_SECONDS)
    began = time.monotonic()
    assert watch.wait(0.05)
    assert time.monotonic() - began >= 0.04


def test_a_wake_ends_the_wait(watch: FileWatch) -> None:
    assert ends(watch.wait, watch.wake)


def test_a_new_file_of_that_name_is_watched_too(watch: FileWatch, tmp_path: Path) -> None:
    """A database may delete its log and begin another one."""
    (tmp_path / "log").unlink()
    assert watch.wait(LONG_SECONDS)
    assert not watch.wait(LONG_SECONDS)
    (tmp_path / "log").write_text("")
    assert watch.wait(LONG_SECONDS)
    assert ends(watch.wait, lambda: (tmp_path / "log").write_text("1"))


def test_nothing_to_watch_is_told_at_once(tmp_path: Path) -> None:
    """Without the file, and without a path, the caller polls."""
    assert not FileWatch(f"{tmp_path}/none").wait(LONG_SECONDS)
    assert not FileWatch("").wait(LONG_SECONDS)


def test_a_closed_watch_keeps_no_descriptor(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        watch = FileWatch(f"{tmp_path}/log")
        watch.wait(LONG_SECONDS)
        watch.close()
        del watch
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.only("sqlite")
def test_a_quiet_database_is_not_polled(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch of commits waits for the next write of any connection."""
    monkeypatch.setattr(driver.service._db, "may_have_commits", lambda _: False)
    commits: CommitWatch = driver.service.watch()
    commits.wait(LONG_SECONDS)  # begins the watch
    assert ends(commits.wait, lambda: driver.create("other"))
    commits.close()
