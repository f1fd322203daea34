"""Tokens of holds and bookings, pseudonyms of callers, and the fingerprint of the secret."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

_TOKEN_BYTES = _PSEUDONYM_BYTES = 16
_FINGERPRINT_BYTES = 16
_BLOCK = 64  # bytes that SHA-256 takes at a time


class Tokens:
    """Makes the token of a hold or booking from its id: HMAC-SHA256, 128 bits.

    No token is stored, so none can be stolen from the database. A repeated request is answered with the same token.
    While one secret replaces another, the tokens of both are good; `every` has those of this secret first.
    """

    def __init__(self, secret: bytes, previous: bytes = b"") -> None:
        # HMAC (RFC 2104) with its two halves begun once takes half the time of `hmac`.
        key = (secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
        self._pseudonym_key = hmac.digest(secret, b"pseudonym", "sha256")
        self.notification_key = hmac.digest(secret, b"notification", "sha256")
        # Stands in the database. It tells if two secrets are the same, and nothing else.
        self.fingerprint = hmac.digest(secret, b"fingerprint", "sha256")[:_FINGERPRINT_BYTES].hex()
        self.every: tuple[Tokens, ...] = (self, Tokens(previous)) if previous else (self,)

    def token(self, kind: str, subject: str) -> str:
        """Return the token of the hold or booking with the id `subject`; `kind` is "hold" or "booking"."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(f"{kind}\0{subject}".encode())
        outer.update(inner.digest())
        return urlsafe_b64encode(outer.digest()[:_TOKEN_BYTES])[:-2].decode()

    def is_token(self, given: str, kind: str, subject: str) -> bool:
        """Compare the given token in constant time with that of each secret."""
        written = given.encode(errors="replace")
        return any(hmac.compare_digest(written, one.token(kind, subject).encode()) for one in self.every)

    def pseudonym(self, kind: str, *parts: str) -> str:
        """Return a stable pseudonym for a caller, key or address, none of which the database may reveal."""
        text = "".join([f"{len(part)}:{part}" for part in (kind, *parts)])
        return hashlib.blake2b(text.encode(), key=self._pseudonym_key, digest_size=_PSEUDONYM_BYTES).hexdigest()
