"""Rows of the change log from one server to the others: by Redis where there is one, else by the database.

A server sends the rows after their commit, so a notification never delays a command. A row that is lost or too large
costs nothing but time: the watch reads the log once a second in any case, and at once where it is told of a change
without its row. Each server says in its beats if it hears the Redis. While one does not, rows go by the database too.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from peewee import DatabaseError, InterfaceError

from models.contract.changes import Logged
from models.contract.server_answers import ToldFigures
from models.contract.values.tokens import Tokens
from models.storage.commits.notice import Bus, BusDown, Look, Notices, Presence
from models.storage.dialect import Dialect

BEAT_SECONDS = 2.0  # between two notifications of a server to itself and the others
DEAF_SECONDS = 4.5  # without a beat of its own: what others send does not arrive either
PEER_SECONDS = 10.0  # a server without a beat for so long has gone
SILENT_SECONDS = 7.0  # or stands still: longer than this process needs to notice that nothing arrives at all
MOST_QUEUED = 2_000  # rows; the others look into the log for further ones
RETRY_SECONDS = 1.0
CLOSE_SECONDS = 2.0  # the longest wait for the last rows at the end

_NEVER = float("-inf")
_MOST_WAKES = 4_096

_log = logging.getLogger("slotcast.notifications")


class Heard(NamedTuple):
    """The rows that other servers sent, and whether the log may have more."""

    rows: list[Logged]
    must_look: bool


class Peer(NamedTuple):
    """Another server: the time of its last beat, whether it hears the Redis, its internal URL and its figures.

    A server of the release before tells no figures.
    """

    at: float
    hears_redis: bool
    url: str
    told: ToldFigures | None


class Notifications:
    """One process's notifications. `send` is for any thread, `wait` for the watch's thread.

    A process that does not listen sends every row. One that listens sends rows while it hears another server. The
    database is not used where `uses_database` is False. `url` is the internal one of this process.
    """

    def __init__(
        self, db: Dialect, tokens: Tokens, bus: Bus | None = None, *, uses_database: bool = True, url: str = ""
    ) -> None:
        self._db = db
        self._notices = Notices(tokens)
        self._bus = bus
        self.uses_database = uses_database
        self._url = url
        self._peers: dict[str, Peer] = {}
        self._listens = False
        self._heard_at = time.monotonic()  # the last beat of this process, by the database
        self._redis_heard_at = _NEVER
        self._on_heard: Callable[[list[Logged]], None] | None = None
        self._must_look = threading.Event()
        self._wakes: tuple[int, ...] = os.pipe()
        for descriptor in self._wakes:
            os.set_blocking(descriptor, False)
        self._queue: deque[Logged] = deque()
        self._has_skipped = False  # a row found no place in the queue
        self._wanted = threading.Event()
        self._must_beat = False
        self._beaten_at = _NEVER
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="slotcast-notifications", daemon=True)
        self._channel = ""
        self.told: ToldFigures | None = None  # the figures of this process, for its beats; set by any thread
        self.sent = 0
        self.received = 0

    # Sending

    def send(self, rows: Iterable[Logged]) -> None:
        """Send the rows of a commit soon. It waits for nothing."""
        if self._listens and not self.has_peers:
            return
        for row in rows:
            if len(self._queue) < MOST_QUEUED:
                self._queue.append(row)
            else:
                self._has_skipped = True
        self._wake()

    @property
    def has_peers(self) -> bool:
        """Say if another server was heard a moment ago."""
        return any(self.peers)

    @property
    def peer_urls(self) -> set[str]:
        """Return the internal URLs of the other servers, without those that stand still while this process hears."""
        oldest = time.monotonic() - SILENT_SECONDS
        hears = not self.is_redis_deaf or (self.uses_database and not self.is_deaf)
        return {peer.url for peer in self.peers if peer.url and (peer.at > oldest or not hears)}

    @property
    def node(self) -> str:
        """Return the name of this process among the servers: a new one at each start."""
        return self._notices.node

    @property
    def peers(self) -> list[Peer]:
        """Return the other servers that were heard a moment ago."""
        oldest = time.monotonic() - PEER_SECONDS
        return [peer for peer in self._peers.copy().values() if peer.at > oldest]

    def _wake(self, *, must_beat: bool = False) -> None:
        self._must_beat = self._must_beat or must_beat
        self._wanted.set()
        with self._lock:  # writers may call at once
            if self._thread.ident is None and not self._ended.is_set():
                self._thread.start()

    def close(self) -> None:
        """Send what waits, and end the threads."""
        self._ended.set()
        self._wanted.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS)
        if self._bus is not None:
            self._bus.close()
        wakes, self._wakes = self._wakes, ()
        for descriptor in wakes:
            os.close(descriptor)

    def _run(self) -> None:
        while not self._ended.is_set() or self._queue or self._has_skipped:
            due = self._beaten_at + BEAT_SECONDS - time.monotonic()
            self._wanted.wait(max(0.0, due) if self._listens else None)
            self._wanted.clear()
            try:
                self._send_now()
            except (DatabaseError, InterfaceError) as error:
                _log.warning("Other servers can't be notified now: %s", error)
                self._ended.wait(RETRY_SECONDS)
        self._db.drop()

    def _send_now(self) -> None:
        """Send what waits. A failure drops it, as the others find the changes in the log."""
        must_look, self._has_skipped = self._has_skipped, False
        rows = [self._queue.popleft() for _ in range(len(self._queue))]
        beats = self._due_beats()
        if not rows and not must_look and not beats:
            return
        is_carried = self._send_by_bus(beats, rows, must_look=must_look)
        if self.uses_database:
            payloads = beats
            if not is_carried:
                payloads = [*beats, *self._notices.of(rows, self._db.most_notification_bytes, must_look=must_look)]
            if payloads:
                self._send_by_database(payloads)
        self.sent += len(rows)

    def _due_beats(self) -> list[str]:
        now = time.monotonic()
        if not self._listens or not (self._must_beat or now - self._beaten_at >= BEAT_SECONDS):
            return []
        self._must_beat, self._beaten_at = False, now
        return [self._notices.beat(hears_redis=not self.is_redis_deaf, url=self._url, told=self.told)]

    def _send_by_bus(self, beats: list[str], rows: list[Logged], *, must_look: bool) -> bool:
        """Send by Redis; return True if that reaches every other server."""
        if self._bus is None:
            return False
        try:
            self._bus.publish([*beats, *self._notices.of(rows, self._bus.most_bytes, must_look=must_look)])
        except BusDown:
            self._lose_redis()  # the thread that listens says why
            return False
        return self._listens and not self.is_redis_deaf and all(peer.hears_redis for peer in self.peers)

    def _send_by_database(self, payloads: list[str]) -> None:
        was_open = not self._db.is_closed()
        try:
            self._db.notify(self._channel_of(self._db), payloads)
        except (DatabaseError, InterfaceError):
            self._db.drop()
            if not was_open:
                raise
            self._db.notify(self._channel_of(self._db), payloads)  # the server may have restarted in the meantime

    def _channel_of(self, db: Dialect) -> str:
        self._channel = self._channel or db.channel()
        return self._channel

    # Listening, on the watch's thread and on the bus's

    def listen(self, db: Dialect) -> None:
        """Listen on this thread's connection, and say so to the others. To be called again on a new connection."""
        if self.uses_database:
            db.listen(self._channel_of(db))
        self._listens = True
        if self._bus is not None:
            self._bus.listen(self._hear_redis, lambda: self.is_redis_deaf, self._turn_redis)
        self._wake(must_beat=True)

    def on_heard(self, take: Callable[[list[Logged]], None]) -> None:
        """Call `take` with the rows that come by Redis, on a thread of its own."""
        self._on_heard = take

    def wait(self, db: Dialect, seconds: float) -> Heard:
        """Return what others have sent by the database, once something arrives or after so many seconds."""
        if not self.uses_database:
            self._must_look.wait(seconds)
            return self._looked([])
        rows: list[Logged] = []
        for payload in db.notified(seconds, self._wakes[0]):
            rows += self._read(payload)
        with suppress(BlockingIOError):
            os.read(self._wakes[0], _MOST_WAKES)
        return self._looked(rows)

    def wake(self) -> None:
        """End the wait of the watch's thread, with the advice to look."""
        self._must_look.set()
        if self._wakes:
            with suppress(BlockingIOError):  # it has been woken often enough
                os.write(self._wakes[1], b"w")

    def _looked(self, rows: list[Logged]) -> Heard:
        must_look = self._must_look.is_set()
        self._must_look.clear()
        return Heard(rows, must_look)

    @property
    def is_deaf(self) -> bool:
        """Say if this process did not hear its own beat by the database for too long."""
        return not self._listens or (self.uses_database and time.monotonic() - self._heard_at > DEAF_SECONDS)

    @property
    def is_redis_deaf(self) -> bool:
        """Say if this process does not hear its own beat by Redis."""
        return time.monotonic() - self._redis_heard_at > DEAF_SECONDS

    @property
    def has_redis(self) -> bool:
        return self._bus is not None

    def _hear_redis(self, payload: str) -> None:
        rows = self._read(payload, by_redis=True)
        if rows and self._on_heard is not None:
            self._on_heard(rows)

    def _turn_redis(self, listens: bool) -> None:  # noqa: FBT001 - the state
        """Beat at once, so that the others know how to reach this server."""
        if listens:
            self._wake(must_beat=True)  # this process hears the Redis once it hears the beat
        else:
            self._lose_redis()

    def _lose_redis(self) -> None:
        if self._redis_heard_at != _NEVER:
            self._redis_heard_at = _NEVER
            self._wake(must_beat=True)

    def _read(self, payload: str, *, by_redis: bool = False) -> list[Logged]:
        found = self._notices.read(payload)
        if isinstance(found, Presence):
            self._hear_beat(found, by_redis=by_redis)
        elif isinstance(found, Look):
            if by_redis:
                self.wake()
            self._must_look.set()
        else:
            self.received += len(found)
            return found
        return []

    def _hear_beat(self, beat: Presence, *, by_redis: bool) -> None:
        now = time.monotonic()
        if beat.node != self._notices.node:
            is_new = beat.node not in self._peers
            self._peers[beat.node] = Peer(now, beat.hears_redis, beat.url, beat.told)
            if is_new:
                self._wake(must_beat=True)  # so that a new server hears this one at once
            return
        if by_redis:
            is_new = self._redis_heard_at == _NEVER
            self._redis_heard_at = now
            if is_new:
                self._wake(must_beat=True)  # the others may leave the database alone
        else:
            self._heard_at = now
        self._peers = {name: peer for name, peer in self._peers.copy().items() if now - peer.at < PEER_SECONDS}
