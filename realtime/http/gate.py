"""Who is at the door of an HTTP request: its peer's address behind trusted proxies, its origin, its token, its body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from models.commands import Asker
from models.errors import BadRequest, Forbidden, Unauthorized
from realtime.auth import Auth, Identity, Tickets, holder_address
from realtime.engine.origin import Origins
from realtime.limits import Buckets

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Network = IPv4Network | IPv6Network
BODY_BYTES = 1_000_000
_FORWARDED = 32  # addresses in one header that are looked at


class Proxies:
    """Which peers are believed when they say for whom they ask."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def address_of(self, request: web.BaseRequest) -> str:
        """The first address, seen from here, that is no trusted proxy."""
        address = request.remote or ""
        if not self._networks or not self._is_trusted(address):
            return address
        hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", ()) for hop in line.split(",")]
        for hop in reversed(hops[-_FORWARDED:]):
            try:
                ip_address(hop)
            except ValueError:
                return address
            address = hop
            if not self._is_trusted(hop):
                return hop
        return address


class Gate:
    """What every route asks before it does anything."""

    def __init__(self, auth: Auth, proxies: Proxies, origins: Origins, buckets: Buckets) -> None:
        self._auth = auth
        self._tickets = Tickets()
        self._proxies = proxies
        self._origins = origins
        self._buckets = buckets

    def asker(self, request: web.Request) -> Asker:
        """Who asks; Unauthorized for a bad token, RateLimited for too many requests from one address."""
        self.count(request)
        return self._by_token(request).asker

    def count(self, request: web.Request) -> None:
        """RateLimited for too many requests from one address.

        Opening a stream is none, no more than a Socket.IO handshake: EventSource would never come back from a 429.
        """
        self._buckets.take(holder_address(self.address_of(request)))

    def follower(self, request: web.Request) -> Identity:
        """Who wants to follow a calendar: whose the ticket is, or else the token; and when that ends."""
        if "ticket" in request.query:
            return self._tickets.redeem(request.query["ticket"])
        return self._by_token(request)

    def _by_token(self, request: web.Request) -> Identity:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme and scheme.lower() != "bearer":
            raise Unauthorized("Authorization is `Bearer` and a token.")
        return self._auth.identify(token.strip() or None, self.address_of(request))

    def ticket(self, request: web.Request, calendars: frozenset[str]) -> tuple[str, float]:
        """A ticket in the place of the request's token, for calendars that the token names."""
        self.count(request)
        identity = self._by_token(request)
        if not all(identity.asker.is_named(calendar) for calendar in calendars):
            raise identity.asker.refusal()
        return self._tickets.issue(identity, calendars)

    def address_of(self, request: web.Request) -> str:
        """The peer, behind the proxies that are trusted."""
        return self._proxies.address_of(request)

    def origin_headers(self, request: web.Request) -> dict[str, str]:
        """What lets an allowed page of another origin read the answer."""
        return self._origins.headers(request)

    async def body(self, request: web.Request) -> dict[str, Any]:
        """The request's JSON object; no body at all is an empty one."""
        if (request.content_length or 0) > BODY_BYTES:  # said before it is sent: why wait for it
            raise web.HTTPRequestEntityTooLarge(BODY_BYTES, request.content_length or 0)
        raw = await request.read()
        if not raw:
            return {}
        # Also keeps another site's form from posting here: JSON needs a preflight.
        if request.content_type != "application/json":
            raise BadRequest("A body is JSON, with Content-Type: application/json.")
        try:
            fields = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest("The body is not JSON.") from error
        if not isinstance(fields, dict):
            raise BadRequest("The body is a JSON object.")
        return fields

    def middleware(self) -> Middleware:
        """Same-origin unless told otherwise, for `/api`; the engine asks for itself."""

        @web.middleware
        async def origin(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler)

        return origin

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return await handler(request)
        if not self._origins.is_allowed(request):
            raise Forbidden(self._origins.refuse(request), rule="origin")
        headers = self._origins.headers(request)
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
            headers["Access-Control-Max-Age"] = "600"
            return web.Response(status=204, headers=headers)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(headers)
            raise
        if not response.prepared:
            response.headers.update(headers)
            response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After, X-Request-ID"
        return response
