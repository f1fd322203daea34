"""The keys of tokens, derived from the server's secret, or from two secrets while one replaces the other.

Each purpose has a key of its own by HKDF (RFC 5869), and the head of a token names it (`kid`). The key of links signs
guests' tokens only, whatever their claims say. A token without a known `kid` is one of another program, or of a release
before: it is signed with the secret itself.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Any, NamedTuple

import jwt

ALGORITHM = "HS256"
# The times are checked by the caller: PyJWT knows no clock but the machine's.
OPTIONS: Any = {"require": ["sub"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}
_SALT = b"slotcast"
_KID_BYTES = 6


class Purpose(StrEnum):
    STAFF = "staff"  # tokens of server.py, for staff and for guests
    LINK = "link"  # guests' tokens in links to a calendar


def derive(secret: bytes, label: str) -> bytes:
    """Return 32 bytes of HKDF-SHA256 for this label."""
    extracted = hmac.digest(_SALT, secret, "sha256")
    return hmac.digest(extracted, label.encode() + b"\x01", "sha256")


class Verified(NamedTuple):
    """The claims of a token, and if only a guest's rights may come of them."""

    claims: dict[str, Any]
    is_guest: bool = False


class TokenKeys:
    """Signs with the secret, and reads what the secret or the previous one has signed."""

    def __init__(self, secret: bytes, previous: bytes = b"") -> None:
        self.secrets = (secret, previous) if previous else (secret,)
        self._by_kid = {
            self._kid(one, purpose): (derive(one, f"{purpose} token"), purpose)
            for one in reversed(self.secrets)
            for purpose in Purpose
        }
        self._kids = {purpose: self._kid(secret, purpose) for purpose in Purpose}

    @staticmethod
    def _kid(secret: bytes, purpose: Purpose) -> str:
        return f"{purpose}-{derive(secret, f'{purpose} kid')[:_KID_BYTES].hex()}"

    def sign(self, claims: dict[str, Any], purpose: Purpose) -> str:
        kid = self._kids[purpose]
        return jwt.encode(claims, self._by_kid[kid][0], algorithm=ALGORITHM, headers={"kid": kid})

    def read(self, token: str, head: dict[str, Any]) -> Verified:
        """Return the claims of a token with this head; jwt.InvalidTokenError if neither secret has signed it."""
        kid = head.get("kid")
        found = self._by_kid.get(kid) if isinstance(kid, str) else None
        if found is not None:
            key, purpose = found
            return Verified(decode(token, key), is_guest=purpose is Purpose.LINK)
        return Verified(decode_by_any(token, self.secrets))


def decode(token: str, key: Any, algorithm: str = ALGORITHM) -> dict[str, Any]:
    """Return the claims of a token of this one algorithm."""
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=OPTIONS)
    return claims


def decode_by_any(token: str, keys: tuple[bytes, ...]) -> dict[str, Any]:
    """Return the claims of a token that one of the keys has signed."""
    for key in keys[:-1]:
        try:
            return decode(token, key)
        except jwt.InvalidSignatureError:
            continue
    return decode(token, keys[-1])


def keys_of(secret: bytes | TokenKeys) -> TokenKeys:
    return secret if isinstance(secret, TokenKeys) else TokenKeys(secret)
