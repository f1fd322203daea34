"""The bell: says that a calendar may have moved, never that it has. A lost or needless ring costs nothing but a look.

Own commits come through the door, with their rows. Other processes' are heard by a thread that polls the database's
version and then reads what the rooms do not have yet; and a slow beat looks anyway, in case all else failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from models.contract.errors import Overloaded
from models.service import CommitWatch

BEAT_SECONDS = 1.0

Found = TypeVar("Found")

_log = logging.getLogger("slotcast.bell")


class ChangeListener(Generic[Found]):
    """After any connection's commit: `look`, on this thread, and `take` what that found, on the loop.

    This process's own commits are heard too: looking on this thread, it finds that the rooms have them already, and
    the loop is left alone. Its thread owns the watch.
    """

    def __init__(self, watch: CommitWatch, look: Callable[[], Found | None], take: Callable[[Found], None]) -> None:
        self._watch = watch
        self._look = look
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slotcast-bell", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        since_beat, pause = 0.0, self._watch.poll_seconds
        while not self._stop.wait(pause):
            since_beat += pause
            try:
                if self._watch.has_moved() or since_beat >= BEAT_SECONDS:
                    since_beat = 0.0
                    self._tell(self._look())
            except Exception as error:
                _log.warning("The change log can't be read now: %s", error, exc_info=not isinstance(error, Overloaded))
                self._watch.close()
                since_beat = BEAT_SECONDS  # what moved meanwhile is looked for after the wait
                self._stop.wait(BEAT_SECONDS)
        self._watch.close()

    def _tell(self, found: Found | None) -> None:
        if found is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed
                self._loop.call_soon_threadsafe(self._take, found)
