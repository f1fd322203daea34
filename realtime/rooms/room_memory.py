"""The memory of all rooms: lets them shrink, and finds those without a subscriber for a while."""

from __future__ import annotations

import time
from collections.abc import Mapping

from realtime.rooms.room import Room

IDLE_SECONDS = 60.0  # a room without subscribers is kept for so long, or until it is visited after that
LEAST_VISITS = 1_000  # rooms at once; some 4 ms of the loop
VISIT_ROUNDS = 6  # the calls that visit every room of many


class RoomMemory:
    """Counts the bytes of the rooms, of each one when it was last visited."""

    def __init__(self, rooms: Mapping[str, Room], max_bytes: int) -> None:
        self._rooms = rooms
        self._unvisited: list[str] = []  # calendars of the present round
        self.max_bytes = max_bytes
        self.counted_bytes = 0

    def count(self, room: Room) -> None:
        """Take the present size of a room into the sum."""
        size = room.replica.size_bytes
        self.counted_bytes += size - room.counted_bytes
        room.counted_bytes = size

    def discount(self, room: Room) -> None:
        """Take a forgotten room out of the sum."""
        self.counted_bytes -= room.counted_bytes
        room.counted_bytes = 0

    def idle_rooms(self) -> list[Room]:
        """Visit rooms, and return those to forget.

        A call visits a part of many rooms, or the loop would stop for all of them. Beyond `max_bytes` it visits every
        room, and those without a subscriber for longest go at once.
        """
        now = time.monotonic()
        visited = self._next_visits(every=self.counted_bytes > self.max_bytes)
        idle = sorted([room for room in visited if self._visit(room, now)], key=lambda room: room.idle_since or now)
        excess = self.counted_bytes - self.max_bytes
        found = []
        for room in idle:
            if excess > 0 or now - (room.idle_since or now) > IDLE_SECONDS:
                excess -= room.counted_bytes
                found.append(room)
        return found

    def _next_visits(self, *, every: bool) -> list[Room]:
        """Return the rooms to visit now: all of a few, or a part of many in turn."""
        if every or len(self._rooms) <= LEAST_VISITS:
            return list(self._rooms.values())
        self._unvisited = self._unvisited or list(self._rooms)
        count = max(LEAST_VISITS, len(self._rooms) // VISIT_ROUNDS)
        names, self._unvisited = self._unvisited[:count], self._unvisited[count:]
        return [room for name in names if (room := self._rooms.get(name)) is not None]

    def _visit(self, room: Room, now: float) -> bool:
        """Let the room's memory shrink, and return whether nobody uses it."""
        room.replica.shrink()
        self.count(room)
        if not room.is_empty:
            room.idle_since = None
        elif not room.lock.locked():
            room.idle_since = room.idle_since if room.idle_since is not None else now
            return True
        return False
