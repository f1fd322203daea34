"""The mark of a request that one server passes on to another: the client's address, signed by the secret."""

from __future__ import annotations

import hmac

from aiohttp import web

from models.contract.values.time import SECOND, Clock
from realtime.access.token_keys import TokenKeys, keys_of

HEADER = "X-Slotcast-Relay"
VALID_SECONDS = 60
_SIGNATURE_CHARACTERS = 32


class RelayMark:
    """Writes and reads the mark. It is good for one method and path, and for a minute."""

    def __init__(self, secret: bytes | TokenKeys, clock: Clock) -> None:
        self._keys = tuple(hmac.digest(one, b"relay", "sha256") for one in keys_of(secret).secrets)
        self._clock = clock

    def write(self, request: web.BaseRequest, address: str) -> str:
        """Return the header's value."""
        signed = f"{self._clock() // SECOND} {address}"
        return f"{self._signature(self._keys[0], request, signed)} {signed}"

    def read(self, request: web.BaseRequest) -> str | None:
        """Return the client's address of a request that another server has passed on; None for any other."""
        value = request.headers.get(HEADER)
        if value is None:
            return None
        given, _, signed = value.partition(" ")
        wanted = (self._signature(key, request, signed).encode() for key in self._keys)
        if not any(hmac.compare_digest(given.encode(errors="replace"), one) for one in wanted):
            return None
        at, _, address = signed.partition(" ")
        return address if abs(self._clock() // SECOND - int(at)) <= VALID_SECONDS else None

    @staticmethod
    def _signature(key: bytes, request: web.BaseRequest, signed: str) -> str:
        text = f"{request.method} {request.raw_path} {signed}"
        return hmac.digest(key, text.encode(errors="replace"), "sha256").hex()[:_SIGNATURE_CHARACTERS]
