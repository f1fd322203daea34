"""Rows of the change log from one server to the others, as notifications of the database.

A server sends the rows after their commit, so a notification never delays a command. A row that is lost or too large
costs nothing but time: the watch reads the log once a second in any case, and at once where it is told of a change
without its row. Rows are signed by the secret, because a role of the database may notify without a right to write.
"""

from __future__ import annotations

import hmac
import logging
import threading
import time
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec import Raw
from peewee import DatabaseError, InterfaceError

from models.contract.changes import Logged
from models.contract.values.ids import new_nonce
from models.contract.values.tokens import Tokens
from models.storage.dialect import Dialect

BEAT_SECONDS = 2.0  # between two notifications of a server to itself and the others
DEAF_SECONDS = 5.0  # without a beat of its own: what others send does not arrive either
PEER_SECONDS = 10.0  # a server without a beat for so long has gone
MOST_QUEUED = 2_000  # rows; further ones are told by the name of their calendar
RETRY_SECONDS = 1.0
CLOSE_SECONDS = 2.0  # the longest wait for the last rows at the end

_BEAT, _NAMES, _ROWS = "b", "n", "r"
_SIGNATURE_BYTES = 16
_SIGNATURE_CHARACTERS = 22
_NODE_CHARACTERS = 12  # of a nonce

_log = logging.getLogger("slotcast.notifications")


class _Row(NamedTuple):
    calendar: str
    seq: int
    nonce: str
    follows: str
    type: str
    body: Raw
    bookings: tuple[str, ...]


_rows = msgspec.json.Decoder(list[_Row])
_encode = msgspec.json.Encoder().encode


class Heard(NamedTuple):
    """The rows that other servers sent, and whether the log may have more."""

    rows: list[Logged]
    must_look: bool


NOTHING_HEARD = Heard([], must_look=False)


class Notifications:
    """One process's notifications. `send` is for any thread, `wait` for the watch's thread.

    A process that does not listen sends every row. One that listens sends rows while it hears another server.
    """

    def __init__(self, db: Dialect, tokens: Tokens) -> None:
        self._db = db
        self._tokens = tokens
        self._node = new_nonce()
        self._peers: dict[str, float] = {}  # the time of each other server's last beat
        self._listens = False
        self._heard_at = time.monotonic()  # the last beat of this process
        self._queue: deque[Logged] = deque()
        self._skipped: set[str] = set()  # calendars with rows that found no place in the queue
        self._wanted = threading.Event()
        self._has_ended = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="slotcast-notifications", daemon=True)
        self._channel = ""
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
                self._skipped.add(row.calendar)
        self._wake()

    @property
    def has_peers(self) -> bool:
        """Say if another server was heard a moment ago."""
        newest = max(self._peers.values(), default=float("-inf"))
        return time.monotonic() - newest < PEER_SECONDS

    def _wake(self) -> None:
        self._wanted.set()
        with self._lock:  # writers may call at once
            if self._thread.ident is None and not self._has_ended:
                self._thread.start()

    def close(self) -> None:
        """Send what waits, and end the thread."""
        self._has_ended = True
        self._wanted.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._has_ended or self._queue:
            self._wanted.wait(BEAT_SECONDS if self._listens else None)
            self._wanted.clear()
            try:
                self._send_now()
            except (DatabaseError, InterfaceError) as error:
                _log.warning("Other servers can't be notified now: %s", error)
                if not self._has_ended:
                    self._wanted.wait(RETRY_SECONDS)
        self._close_connection()

    def _send_now(self) -> None:
        """Send what waits. A failure drops it, as the others find the changes in the log."""
        rows = [self._queue.popleft() for _ in range(len(self._queue))]
        skipped, self._skipped = self._skipped, set()
        payloads = list(self._payloads(rows, skipped))
        if not payloads:
            return
        if self._db.is_closed():
            self._db.connect()
        else:
            try:
                self._db.notify(self._channel_name(), payloads)
            except (DatabaseError, InterfaceError):  # the server has restarted since the last notification
                self._db.connect()
            else:
                self.sent += len(rows)
                return
        self._db.notify(self._channel_name(), payloads)
        self.sent += len(rows)

    def _payloads(self, rows: Iterable[Logged], skipped: Iterable[str]) -> Iterator[str]:
        """Yield the beat, then the rows in their order, then the calendars of rows that are too large."""
        names = set(skipped)
        if self._listens:
            yield self._sign(_BEAT, b"")
        most = self._db.most_notification_bytes - _SIGNATURE_CHARACTERS - _NODE_CHARACTERS - len(_ROWS) - len("[]")
        part: list[bytes] = []
        size = 0
        for row in rows:
            encoded = _encode(
                _Row(row.calendar, row.seq, row.nonce, row.follows, row.type, Raw(row.body), row.bookings)
            )
            if len(encoded) > most:
                names.add(row.calendar)
                continue
            if size + len(encoded) > most:
                yield self._sign(_ROWS, b"[%s]" % b",".join(part))
                part, size = [], 0
            part.append(encoded)
            size += len(encoded) + len(",")
        if part:
            yield self._sign(_ROWS, b"[%s]" % b",".join(part))
        if names:
            yield self._sign(_NAMES, b"")

    def _sign(self, kind: str, body: bytes) -> str:
        signed = f"{self._node}{kind}".encode() + body
        return self._signature(signed) + signed.decode()

    def _signature(self, signed: bytes) -> str:
        digest = blake2b(signed, key=self._tokens.notification_key, digest_size=_SIGNATURE_BYTES).digest()
        return urlsafe_b64encode(digest)[:_SIGNATURE_CHARACTERS].decode()

    def _channel_name(self) -> str:
        self._channel = self._channel or self._db.channel()
        return self._channel

    def _close_connection(self) -> None:
        if not self._db.is_closed():
            self._db.close()

    # Listening, on the watch's thread

    def listen(self, db: Dialect) -> None:
        """Listen on this thread's connection, and say so to the others. To be called again on a new connection."""
        db.listen(self._channel_name())
        self._listens = True
        self._wake()

    def wait(self, db: Dialect, seconds: float) -> Heard:
        """Return what others have sent, once something arrives or after so many seconds."""
        rows: list[Logged] = []
        must_look = False
        for payload in db.notified(seconds):
            heard = self._read(payload)
            rows += heard.rows
            must_look = must_look or heard.must_look
        self.received += len(rows)
        return Heard(rows, must_look)

    @property
    def is_deaf(self) -> bool:
        """Say if this process did not hear its own beat for too long, so that it must poll."""
        return not self._listens or time.monotonic() - self._heard_at > DEAF_SECONDS

    def _read(self, payload: str) -> Heard:
        """Read one notification. One that is not signed by a server only says that there is something to read."""
        given, signed = payload[:_SIGNATURE_CHARACTERS], payload[_SIGNATURE_CHARACTERS:].encode()
        if not hmac.compare_digest(given.encode(), self._signature(signed).encode()):
            return Heard([], must_look=True)
        node, kind = signed[:_NODE_CHARACTERS].decode(), signed[_NODE_CHARACTERS : _NODE_CHARACTERS + 1].decode()
        if kind == _BEAT:
            self._hear_beat(node)
        elif node != self._node:
            if kind == _NAMES:
                return Heard([], must_look=True)
            found = _rows.decode(signed[_NODE_CHARACTERS + 1 :])
            return Heard([Logged(*row[:5], bytes(row.body), row.bookings) for row in found], must_look=False)
        return NOTHING_HEARD

    def _hear_beat(self, node: str) -> None:
        now = time.monotonic()
        if node == self._node:
            self._heard_at = now
            self._peers = {name: at for name, at in self._peers.items() if now - at < PEER_SECONDS}
        else:
            if node not in self._peers:
                self._wanted.set()  # so that a new server hears this one at once
            self._peers[node] = now
