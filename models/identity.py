"""Ids and the secrets that go with them: UUIDv7, cursors' nonces, and tokens that are never stored."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from base64 import urlsafe_b64encode

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)

_NONCE_BYTES = 6
_TOKEN_BYTES = 16


def new_id(now: int) -> str:
    """A UUIDv7 (RFC 9562, 5.7) of the time `now`, in milliseconds."""
    value = (now << 80) | (0x7 << 76) | int.from_bytes(os.urandom(10)) & ~(0xF << 76) & ((1 << 80) - 1)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_nonce() -> str:
    """Says which history a `seq` belongs to: two databases that went separate ways differ in it."""
    return urlsafe_b64encode(os.urandom(_NONCE_BYTES)).decode()


class Tokens:
    """What proves that a hold or a booking is the asker's: HMAC-SHA256 of its id, 128 bits, made anew each time.

    Nothing is stored, so nothing can be stolen at rest, and a repeated request can be answered with it again.
    """

    def __init__(self, secret: bytes) -> None:
        self._mac = hmac.new(secret, digestmod=hashlib.sha256)

    def _digest(self, kind: str, subject: str) -> bytes:
        mac = self._mac.copy()
        mac.update(f"{kind}\0{subject}".encode())
        return mac.digest()

    def token(self, kind: str, subject: str) -> str:
        """The token of the hold or booking `subject`; `kind` is "hold" or "booking"."""
        return urlsafe_b64encode(self._digest(kind, subject)[:_TOKEN_BYTES]).rstrip(b"=").decode()

    def is_token(self, given: str, kind: str, subject: str) -> bool:
        """Compared in constant time."""
        return hmac.compare_digest(given.encode(errors="replace"), self.token(kind, subject).encode())

    def pseudonym(self, kind: str, *parts: str) -> str:
        """A stable stand-in for who or what must not be read from the database: callers, keys, addresses."""
        return self._digest(kind, "".join([f"{len(part)}:{part}" for part in parts])).hex()[:32]
