"""Notices commits of other connections to the database.

A thread waits for changes and for notes of outside writers: by polls, or by notifications where the database has them.
Other servers notify with their rows. The thread reads the rows that the rooms lack from the log. Once a second it looks
closely: a restored copy of the database, or a lost change, is found then. Commits of this process reach the rooms with
their rows, through the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from models.contract.changes import Logged
from models.contract.errors import Overloaded
from models.service import CommitWatch, News

INTERVAL_SECONDS = 1.0

Found = TypeVar("Found")

_log = logging.getLogger("slotcast.listener")


class ChangeListener(Generic[Found]):
    """After each commit, calls `read` with the news on its own thread, and `take` with the result on the loop.

    Rows that another server has sent go to `take_rows`, on the loop. A commit of this process may be noticed too: then
    `read` finds nothing new, and the loop is not called. `check` is called like `read`, once a second.
    """

    def __init__(
        self,
        watch: CommitWatch,
        read: Callable[[News], Found | None],
        check: Callable[[News], Found | None],
        take: Callable[[Found], None],
        take_rows: Callable[[list[Logged]], None],
    ) -> None:
        self._watch = watch
        self._read = read
        self._check = check
        self._take = take
        self._take_rows = take_rows
        self._loop = asyncio.get_running_loop()
        self._read_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slotcast-listener", daemon=True)
        watch.on_heard(lambda rows: self._call(take_rows, rows))

    @property
    def age(self) -> float:
        """Return the time in seconds since the log was last read; a listener without faults reads it once a second."""
        return time.monotonic() - self._read_at

    def start(self) -> None:
        self._read_at = time.monotonic()
        self._thread.start()

    def look(self) -> None:
        """Look at the log soon. Any thread may call it."""
        self._watch.wake()

    async def close(self) -> None:
        self._stop.set()
        self._watch.wake()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        checked_at = time.monotonic()
        while not self._stop.is_set():
            try:
                heard = self._watch.wait(max(0.0, checked_at + INTERVAL_SECONDS - time.monotonic()))
                if self._stop.is_set():
                    break
                if heard.rows:
                    self._call(self._take_rows, heard.rows)
                if time.monotonic() - checked_at >= INTERVAL_SECONDS:
                    checked_at = time.monotonic()
                    self._send(self._check(self._watch.look_closely()))
                    self._read_at = time.monotonic()
                elif heard.must_look and (news := self._watch.look()):
                    self._send(self._read(news))
            except Exception as error:
                _log.warning("The change log can't be read now: %s", error, exc_info=not isinstance(error, Overloaded))
                self._watch.close()
                self._watch.forget()  # what the last look found was not read
                self._stop.wait(INTERVAL_SECONDS)
        self._watch.close()

    def _send(self, found: Found | None) -> None:
        if found is not None:
            self._call(self._take, found)

    def _call(self, take: Callable[[Any], None], found: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(take, found)
