"""The bell: says that a calendar may have moved, never that it has. A lost or needless ring costs nothing but a look.

Own commits ring from the door. Other processes' are heard by a thread that polls the database's version; and a slow
beat rings for everything, in case all else failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable

from models.service import Watch

POLL_SECONDS = 0.01
BEAT_SECONDS = 1.0

_log = logging.getLogger("slotcast.bell")


class ForeignBell:
    """Rings `ring(None)` on the loop when another connection has committed. Its thread owns the watch."""

    def __init__(self, watch: Watch, ring: Callable[[set[str] | None], None]) -> None:
        self._watch = watch
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slotcast-bell", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        since_beat = 0.0
        while not self._stop.wait(POLL_SECONDS):
            since_beat += POLL_SECONDS
            try:
                has_moved = self._watch.has_moved()
            except Exception:
                _log.exception("The database's version could not be read")
                self._watch.close()
                has_moved = True
                self._stop.wait(BEAT_SECONDS)
            if has_moved or since_beat >= BEAT_SECONDS:
                since_beat = 0.0
                with contextlib.suppress(RuntimeError):  # the loop has closed
                    self._loop.call_soon_threadsafe(self._ring, None)
        self._watch.close()
