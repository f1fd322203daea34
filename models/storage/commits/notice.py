"""One notification between servers: rows of the change log, the advice to look, or a beat.

Every notification is signed by the secret, because a role of the database, or a client of the Redis, may notify without
a right to write. Its text is JSON.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Raw, Struct

from models.contract.changes import Logged
from models.contract.server_answers import ToldFigures
from models.contract.values.ids import new_nonce
from models.contract.values.tokens import Tokens

_BEAT, _LOOK, _ROWS = "b", "n", "r"
_SIGNATURE_BYTES = 16
_SIGNATURE_CHARACTERS = 22
_NODE_CHARACTERS = 12  # of a nonce


class Presence(Struct, kw_only=True):
    """A server says that it is there, its internal URL and its figures. `node` is not part of the text."""

    node: str = ""
    hears_redis: bool = False
    url: str = ""
    told: ToldFigures | None = None


class Bus(Protocol):
    """A carrier of notifications besides the database. It promises nothing: the log heals a loss."""

    most_bytes: int

    def publish(self, payloads: Sequence[str]) -> None:
        """Send the messages, or raise BusDown."""

    def listen(self, take: Callable[[str], None], is_deaf: Callable[[], bool], turned: Callable[[bool], None]) -> None:
        """Call `take` with each message, on a thread of its own, until `close`. A second call changes nothing.

        `turned` is called with True once the thread listens, and with False when it no longer does. While it `is_deaf`,
        a connection is given up.
        """

    def close(self) -> None: ...


class BusDown(Exception):
    """The bus takes no message now."""


class Look(NamedTuple):
    """The log may have more than what was sent."""


class _Row(NamedTuple):
    calendar: str
    seq: int
    nonce: str
    follows: str
    type: str
    body: Raw
    bookings: tuple[str, ...]


_rows = msgspec.json.Decoder(list[_Row])
_presences = msgspec.json.Decoder(Presence)
_encode = msgspec.json.Encoder().encode


class Notices:
    """Writes the notifications of one server, and reads those of the others."""

    def __init__(self, tokens: Tokens) -> None:
        self.node = new_nonce()
        self._keys = tuple(one.notification_key for one in tokens.every)

    def beat(self, *, hears_redis: bool, url: str = "", told: ToldFigures | None = None) -> str:
        return self._sign(_BEAT, _encode({"hears_redis": hears_redis, "url": url, "told": told}))

    def of(self, rows: Iterable[Logged], most_bytes: int, *, must_look: bool) -> Iterator[str]:
        """Yield the rows in their order, then the advice to look for rows that are not among them."""
        most = most_bytes - _SIGNATURE_CHARACTERS - _NODE_CHARACTERS - len(_ROWS) - len("[]")
        part: list[bytes] = []
        size = 0
        for row in rows:
            encoded = _encode(
                _Row(row.calendar, row.seq, row.nonce, row.follows, row.type, Raw(row.body), row.bookings)
            )
            if len(encoded) > most:
                must_look = True
                continue
            if size + len(encoded) > most:
                yield self._sign(_ROWS, b"[%s]" % b",".join(part))
                part, size = [], 0
            part.append(encoded)
            size += len(encoded) + len(",")
        if part:
            yield self._sign(_ROWS, b"[%s]" % b",".join(part))
        if must_look:
            yield self._sign(_LOOK, b"")

    def read(self, payload: str) -> Presence | Look | list[Logged]:
        """Read one notification. One that no server has signed only says that there is something to read."""
        given, signed = payload[:_SIGNATURE_CHARACTERS], payload[_SIGNATURE_CHARACTERS:].encode()
        wanted = [_signature(key, signed) for key in self._keys]
        if not any(hmac.compare_digest(given.encode(), one.encode()) for one in wanted):
            return Look()
        node, kind = signed[:_NODE_CHARACTERS].decode(), signed[_NODE_CHARACTERS : _NODE_CHARACTERS + 1].decode()
        body = signed[_NODE_CHARACTERS + 1 :]
        if kind == _BEAT:
            presence = _presences.decode(body or b"{}")  # a server of the release before sends no body
            presence.node = node
            return presence
        if node == self.node:
            return []
        if kind == _LOOK:
            return Look()
        return [Logged(*row[:5], bytes(row.body), row.bookings) for row in _rows.decode(body)]

    def _sign(self, kind: str, body: bytes) -> str:
        signed = f"{self.node}{kind}".encode() + body
        return _signature(self._keys[0], signed) + signed.decode()


def _signature(key: bytes, signed: bytes) -> str:
    digest = blake2b(signed, key=key, digest_size=_SIGNATURE_BYTES).digest()
    return urlsafe_b64encode(digest)[:_SIGNATURE_CHARACTERS].decode()
