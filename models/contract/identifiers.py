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
_VARIANT = "89ab"
_TOKEN_BYTES = _PSEUDONYM_BYTES = 16
_FINGERPRINT_BYTES = 16
_BLOCK = 64  # bytes that SHA-256 takes at a time


_spare: list[bytes] = []
os.register_at_fork(after_in_child=_spare.clear)


def _random() -> bytes:
    """Ten bytes that nobody can guess: drawn by the thousand, since each draw lets go of the interpreter."""
    try:
        return _spare.pop()
    except IndexError:
        drawn = os.urandom(10 * 1_000)
        _spare.extend([drawn[place : place + 10] for place in range(0, len(drawn), 10)])
        return os.urandom(10)


def new_id(now: int) -> str:
    """A UUIDv7 (RFC 9562, 5.7) of the time `now`, in milliseconds."""
    time, random = f"{now:012x}", _random()
    text = random.hex()
    return f"{time[:8]}-{time[8:]}-7{text[:3]}-{_VARIANT[random[2] & 3]}{text[5:8]}-{text[8:]}"


def new_nonce() -> str:
    """Says which history a `seq` belongs to: two databases that went separate ways differ in it."""
    return _random()[:_NONCE_BYTES].hex()


class Tokens:
    """What proves that a hold or a booking is the asker's: HMAC-SHA256 of its id, 128 bits, made anew each time.

    Nothing is stored, so nothing can be stolen at rest, and a repeated request can be answered with it again.
    """

    def __init__(self, secret: bytes) -> None:
        # HMAC (RFC 2104) with its two halves begun once: half the time of `hmac`.
        key = (secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
        self._pseudonym_key = hmac.digest(secret, b"pseudonym", "sha256")
        # Says of two secrets that they are the same, and nothing else: it stands in the database.
        self.fingerprint = hmac.digest(secret, b"fingerprint", "sha256")[:_FINGERPRINT_BYTES].hex()

    def token(self, kind: str, subject: str) -> str:
        """The token of the hold or booking `subject`; `kind` is "hold" or "booking"."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(f"{kind}\0{subject}".encode())
        outer.update(inner.digest())
        return urlsafe_b64encode(outer.digest()[:_TOKEN_BYTES])[:-2].decode()

    def is_token(self, given: str, kind: str, subject: str) -> bool:
        """Compared in constant time."""
        return hmac.compare_digest(given.encode(errors="replace"), self.token(kind, subject).encode())

    def pseudonym(self, kind: str, *parts: str) -> str:
        """A stable stand-in for who or what must not be read from the database: callers, keys, addresses."""
        text = "".join([f"{len(part)}:{part}" for part in (kind, *parts)])
        return hashlib.blake2b(text.encode(), key=self._pseudonym_key, digest_size=_PSEUDONYM_BYTES).hexdigest()
