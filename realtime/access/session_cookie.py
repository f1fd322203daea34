"""The cookie of a session: HttpOnly, SameSite=Strict, and Secure behind TLS.

The cookie counts only for requests of the server's own pages: by `Origin` or `Sec-Fetch-Site`. A write must show one of
them, so no page of another site can act with the session of its visitor.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from models.contract.errors import Forbidden
from realtime.engine.origins import Origins

PLAIN_NAME = "slotcast"
SECURE_NAME = "__Host-slotcast"  # a browser takes it over TLS only, and for no other path or domain
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_CHARACTERS = 128


class SessionCookie:
    """Reads and writes the cookie."""

    def __init__(self, scheme_of: Callable[[web.BaseRequest], str] | None = None) -> None:
        self._own = Origins(None, scheme_of=scheme_of)

    def read(self, request: web.BaseRequest, *, is_secure: bool) -> str | None:
        """Return the secret of a request of the server's own pages; Forbidden for a write that does not prove it."""
        secret = self.peek(request, is_secure=is_secure)
        if secret is None:
            return None
        fetched = request.headers.get("Sec-Fetch-Site")
        is_proven = "Origin" in request.headers or fetched == "same-origin"
        if not self._own.is_allowed(request) or fetched not in {None, "same-origin", "none"}:
            return None
        if not is_proven and request.method not in _READING:
            raise Forbidden("A session writes from the server's own pages only: `Origin` is missing.", rule="origin")
        return secret

    @staticmethod
    def peek(request: web.BaseRequest, *, is_secure: bool) -> str | None:
        """Return the secret of the cookie, whoever has sent it."""
        secret = request.cookies.get(SECURE_NAME if is_secure else PLAIN_NAME)
        return secret if secret and len(secret) <= _MOST_CHARACTERS else None

    @staticmethod
    def write(response: web.Response, secret: str, seconds: int, *, is_secure: bool) -> None:
        """Set the cookie; with 0 seconds, take it away."""
        name = SECURE_NAME if is_secure else PLAIN_NAME
        response.set_cookie(name, secret, max_age=seconds, path="/", secure=is_secure, httponly=True, samesite="Strict")
