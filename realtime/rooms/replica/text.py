"""The text of replicas for the wire: a window or a replay is encoded once for all clients that ask for it.

The bodies are JSON objects without the first brace.
"""

from __future__ import annotations

from models.contract.changes import Cursor
from models.contract.values.time import Clock
from realtime import protocol
from realtime.reads.byte_cache import ByteCache
from realtime.rooms.replica.replica import Cut, Replica

KEPT_BYTES = 8_000_000  # of encoded windows and replays of all calendars


class ReplicaText:
    """The text of all replicas of this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: ByteCache[bytes] = ByteCache(KEPT_BYTES)

    def snapshot(self, replica: Replica, begin: int, finish: int, bookings: bytes = b"") -> bytes:
        """Return the body of a snapshot: the slots of a window as they are now, and these encoded bookings."""
        now = self._clock()
        found = replica.cut(begin, finish, now)
        return self._head(replica, found) + protocol.write_snapshot_window(
            replica.info.zone, begin, found.finish, now, bookings
        )

    def resumption(self, replica: Replica, changes: bytes) -> bytes:
        """Return the body of a resumption with these encoded changes."""
        return protocol.write_replay(replica.info, changes, seq=replica.seq, cursor=replica.cursor, now=self._clock())

    def changes(self, replica: Replica, after: Cursor) -> bytes | None:
        """Return the changes after the cursor, encoded with commas between; None if the replica lacks them."""
        rows = replica.replay(after)
        if rows is None:
            return None
        key = (replica.info.id, replica.cursor, after)
        kept = self._kept.get(key)
        if kept is None:
            kept = b",".join([row.body for row in rows])
            self._kept.put(key, kept, len(kept))
        return kept

    def _head(self, replica: Replica, found: Cut) -> bytes:
        """Return the part of a snapshot that its clients share. It is kept for clients that come one after another."""
        cursor = replica.cursor
        key = (replica.info.id, cursor, found.mark)
        kept = self._kept.get(key) if found.is_repeated or not replica.is_packed else None
        if kept is None:
            kept = protocol.write_snapshot_head(replica.info, replica.joined(found), seq=replica.seq, cursor=cursor)
            if found.is_repeated or not replica.is_packed:  # else it takes less time than the cache
                self._kept.put(key, kept, len(kept))
        return kept
