"""The heartbeats of workers: each writes the time beside the others' into one file, and the supervisor reads it.

A process that stands still does not end by itself, and its clients wait. The time is the system's monotonic clock,
which all processes share. It is written by the event loop, so a loop that stands is noticed as well.
"""

from __future__ import annotations

import asyncio
import os
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path

BEAT_SECONDS = 1.0
FROZEN_SECONDS = 10.0  # without a beat, before a process is replaced
_LATE_SECONDS = 2.0  # a supervisor that stood still itself, as with the whole machine, judges nobody by that time
_TIME = struct.Struct("d")


class Heartbeats:
    """The file of the beats in the workers' folder. A process has the place of its number; the first number is -1."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "beats", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._looked_at = self._judges_from = time.monotonic()

    def beat(self, number: int) -> None:
        """Write that this process goes on."""
        os.pwrite(self._file, _TIME.pack(time.monotonic()), _place(number))

    def forget(self, number: int) -> None:
        """Await the first beat of a new process, however long it takes to start."""
        os.pwrite(self._file, _TIME.pack(0.0), _place(number))

    def look(self) -> None:
        """Begin a look at all processes."""
        now = time.monotonic()
        if now - self._looked_at > _LATE_SECONDS:
            self._judges_from = now
        self._looked_at = now

    def has_begun(self, number: int) -> bool:
        """Say if the process has beaten since its start."""
        return self._beaten_at(number) > 0

    def is_frozen(self, number: int) -> bool:
        """Say if the process has stopped to beat."""
        beaten_at = self._beaten_at(number)
        return beaten_at > 0 and self._looked_at - max(beaten_at, self._judges_from) > FROZEN_SECONDS

    def _beaten_at(self, number: int) -> float:
        written = os.pread(self._file, _TIME.size, _place(number))
        return float(_TIME.unpack(written)[0]) if len(written) == _TIME.size else 0.0

    def close(self) -> None:
        os.close(self._file)


def _place(number: int) -> int:
    return (number + 1) * _TIME.size


async def beat_on_loop(folder: Path, number: int) -> None:
    """Beat for as long as the event loop goes on."""
    beats = Heartbeats(folder)
    try:
        while True:
            beats.beat(number)
            await asyncio.sleep(BEAT_SECONDS)
    finally:
        beats.close()


def beat_on_thread(folder: Path, number: int) -> None:
    """Beat for as long as the process goes on: for one without an event loop, where a long statement is no fault."""
    beats = Heartbeats(folder)

    def run() -> None:
        with suppress(OSError):
            while True:
                beats.beat(number)
                time.sleep(BEAT_SECONDS)

    threading.Thread(target=run, name="slotcast-heartbeat", daemon=True).start()
