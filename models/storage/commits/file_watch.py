"""Waits for a write to a file by inotify. Elsewhere than on Linux the caller polls."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import weakref

_MODIFIED = 0x2  # IN_MODIFY
_IGNORED = 0x8000  # IN_IGNORED: the file is gone, and the watch with it
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name
_READ_BYTES = 65_536
_libc = ctypes.CDLL(None)
_HAS_INOTIFY = hasattr(os, "eventfd") and hasattr(_libc, "inotify_init1")


class FileWatch:
    """Waits for writes to one file, which may come and go. One thread waits, and any thread may wake it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._events = -1
        self._is_watching = False
        self._waker = -1
        if _HAS_INOTIFY and path:
            self._waker = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            weakref.finalize(self, os.close, self._waker)

    def wait(self, seconds: float) -> bool:
        """Return True after a write since the last call, a wake, or so many seconds; False where it can't wait.

        The first call returns at once: it does not know of writes before it.
        """
        if self._waker < 0:
            return False
        if not self._is_watching:
            return self._begin()
        waiting = select.poll()
        for descriptor in (self._events, self._waker):
            waiting.register(descriptor, select.POLLIN)
        if any(descriptor == self._events for descriptor, _ in waiting.poll(seconds * 1_000)):
            self._read_events()
        return True

    @property
    def descriptor(self) -> int:
        """Return what becomes readable with a write, for a wait of the caller's own; -1 where there is none."""
        if not self._is_watching and self._waker >= 0:
            self._begin()
        return self._events

    @property
    def is_watching(self) -> bool:
        """Say if a write to the file makes the descriptor readable."""
        return self._is_watching

    def read_writes(self) -> bool:
        """Say if the file was written to since the last call. It waits for nothing."""
        if self._events < 0:
            return False
        try:
            self._read_events()
        except BlockingIOError:
            return False
        return True

    def _begin(self) -> bool:
        """Begin to watch; return False without the file, and where the system has no watch left."""
        if self._events < 0:
            self._events = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._events >= 0:
            self._is_watching = _libc.inotify_add_watch(self._events, os.fsencode(self._path), _MODIFIED) >= 0
        return self._is_watching

    def _read_events(self) -> None:
        data, place = os.read(self._events, _READ_BYTES), 0
        while place < len(data):
            _, mask, _, length = _EVENT.unpack_from(data, place)
            if mask & _IGNORED:
                self._is_watching = False
            place += _EVENT.size + length

    def wake(self) -> None:
        """End all waits, from now on."""
        if self._waker >= 0:
            os.eventfd_write(self._waker, 1)

    def close(self) -> None:
        """End the watch. The next call of `wait` begins another."""
        if self._events >= 0:
            os.close(self._events)
        self._events, self._is_watching = -1, False
