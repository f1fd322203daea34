"""Notices commits of other connections than the writer's own, on the writer's thread.

The writer sends the rows of its own commits by itself. So only what others have written must be looked for.
"""

from __future__ import annotations

import time
from typing import Any

from peewee import DatabaseError, InterfaceError

from models.storage.commits.file_watch import FileWatch
from models.storage.dialect import Dialect

SETTLED_SECONDS = 2.0  # a commit is seen up to so long after its last write to the file
IDLE_SECONDS = 1.0  # between two looks while the file is not written to


class ForeignCommits:
    """A watch without a thread. The caller waits until `due_in`, or until `descriptor` is readable, and then looks.

    A file that is written to is looked at once in an interval of polls, since most of the writes are the writer's.
    """

    def __init__(self, db: Dialect) -> None:
        self._db = db
        self._file = FileWatch(db.written_file)
        self._version: Any = None
        self._written_at = time.monotonic()
        self._look_at = 0.0

    @property
    def descriptor(self) -> int:
        """Return what becomes readable when the file is written to; -1 where the system has nothing of the kind."""
        return self._file.descriptor

    def due_in(self) -> float:
        """Return the seconds until the next look."""
        return max(0.0, self._look_at - time.monotonic())

    def look(self) -> bool:
        """Say if others have committed since the last look, where a look is due."""
        now = time.monotonic()
        if self._file.read_writes() or not self._file.is_watching:
            self._written_at = now
            self._look_at = min(self._look_at, now + self._db.poll_seconds)
        if now < self._look_at:
            return False
        is_quiet = self._file.descriptor >= 0 and now - self._written_at > SETTLED_SECONDS
        self._look_at = now + (IDLE_SECONDS if is_quiet else self._db.poll_seconds)
        try:
            version = self._db.foreign_version()
        except (DatabaseError, InterfaceError):
            return False  # the next look compares again
        before, self._version = self._version, version
        return before is not None and before != version

    def close(self) -> None:
        self._file.close()
