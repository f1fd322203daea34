"""The checks before a request is handled: the client's address behind trusted proxies, the origin, token and body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from time import monotonic_ns
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from models.contract.errors import BadRequest, Forbidden, RateLimited, Unauthorized, UnsupportedEncoding
from models.contract.principal import Principal
from realtime.access.auth import Auth, Identity, Tickets, holder_address
from realtime.access.rate_limit import Addresses, check
from realtime.engine import UNREADABLE, AddressBudget, cost_of, is_encoded
from realtime.engine.engineio.polling import CUT_OFF_SECONDS
from realtime.engine.origins import Origins
from realtime.http.problem import problem
from realtime.reads.read_queue import Peer, reading_for

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Network = IPv4Network | IPv6Network
BODY_BYTES = 1_000_000
GUARDED = ("/api/", "/calendars/")  # the paths that only pages of allowed origins may use
_FORWARDED = 32  # addresses read of one header


class Proxies:
    """The trusted proxies: only their `X-Forwarded-For` is believed."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def is_trusted(self, address: str) -> bool:
        if not self._networks:
            return False
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def address_of(self, request: web.BaseRequest) -> str:
        """Return the nearest address that is not a trusted proxy."""
        address = request.remote or ""
        if not self.is_trusted(address):
            return address
        hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", ()) for hop in line.split(",")]
        for hop in reversed(hops[-_FORWARDED:]):
            try:
                ip_address(hop)
            except ValueError:
                return address
            address = hop
            if not self.is_trusted(hop):
                return hop
        return address


class RequestGuard:
    """The guard of the routes: identifies, limits and charges requests."""

    def __init__(self, auth: Auth, tickets: Tickets, proxies: Proxies, origins: Origins, addresses: Addresses) -> None:
        self._auth = auth
        self._tickets = tickets
        self._proxies = proxies
        self._origins = origins
        self.addresses = addresses

    def principal(self, request: web.Request) -> Principal:
        """Return the principal; Unauthorized for a bad token, RateLimited for too many requests of one address."""
        self.count(request)
        return self._by_token(request).principal

    def count(self, request: web.Request) -> None:
        """Count a request; RateLimited for too many from one address.

        Neither a new stream nor a Socket.IO handshake counts: EventSource never reconnects after a 429.
        """
        check(self.addresses.of(self.address_of(request)).request_http())

    def charge(self, request: web.Request) -> web.StreamResponse | None:
        """Charge the address for a request of any kind; return the last answer to an address over its budget.

        Handshakes and polls of Socket.IO, and new streams, are charged to the address alone.
        """
        budget, cost = self.addresses.of(self.address_of(request)), cost_of(request.content_length or 0)
        is_stream = request.path.endswith("/events")
        is_session = is_stream or request.path.startswith("/socket.io/") or request.path.endswith("/socket")
        over = budget.charge(cost, monotonic_ns()) if is_session else budget.take_http(cost)
        if not over:
            return None
        if is_stream and request.transport is not None:  # EventSource never reconnects after a 429
            request.transport.abort()
        response = problem(RateLimited(retry_after=max(CUT_OFF_SECONDS, over // 1_000_000_000)))
        response.force_close()
        return response

    def charge_bytes(self, request: web.Request, size: int) -> None:
        """Charge the address for a body without a Content-Length."""
        self.addresses.of(self.address_of(request)).charge(cost_of(size), monotonic_ns())

    def peer(self, name: tuple[str, int] | str | None) -> AddressBudget | None:
        """Return the budget of the connected peer; None for a trusted proxy, as it has many clients."""
        if not isinstance(name, tuple) or self._proxies.is_trusted(name[0]):
            return None
        return self.addresses.of(name[0])

    async def follower(self, request: web.Request) -> Identity:
        """Return the identity of a subscribing client, by its ticket or its token."""
        if "ticket" in request.query:
            identity = await self._tickets.redeem(request.query["ticket"], self.address_of(request))
            if not identity.principal.is_named(request.match_info.get("id", "")):  # not even what is public
                raise Forbidden("The ticket is for other calendars.")
            return identity
        return self._by_token(request)

    def _by_token(self, request: web.Request) -> Identity:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme and scheme.lower() != "bearer":
            raise Unauthorized("Authorization is `Bearer` and a token.")
        return self._auth.identify(token.strip() or None, self.address_of(request))

    def ticket(self, request: web.Request, calendars: frozenset[str]) -> tuple[str, int]:
        """Issue a ticket in place of the request's token, for calendars that the token names."""
        self.count(request)
        identity = self._by_token(request)
        if not all(identity.principal.is_named(calendar) for calendar in calendars):
            raise identity.principal.refusal()
        return self._tickets.issue(identity, calendars)

    def address_of(self, request: web.Request) -> str:
        """Return the client's address, behind trusted proxies."""
        return self._proxies.address_of(request)

    def origin_headers(self, request: web.Request) -> dict[str, str]:
        """Return the CORS headers for an allowed page of another origin."""
        return self._origins.headers(request)

    async def body(self, request: web.Request) -> dict[str, Any]:
        """Return the request's JSON object; an empty one for no body."""
        if is_encoded(request):
            raise UnsupportedEncoding
        if (request.content_length or 0) > BODY_BYTES:  # refused before it is sent
            raise web.HTTPRequestEntityTooLarge(BODY_BYTES, request.content_length or 0)
        try:
            raw = await request.read()
        except UNREADABLE as error:
            raise BadRequest("The body is not what its head says.") from error
        if not raw:
            return {}
        # JSON needs a preflight, so no form of another site can post here.
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
        """Check the origin of requests to `/api`: own or allowed by the setting. The engine checks its own requests."""

        @web.middleware
        async def origin(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler)

        return origin

    def reads(self) -> Middleware:
        """Put the reads of a request into its client's queue, and end them when the client hangs up."""

        @web.middleware
        async def read(request: web.Request, handler: Handler) -> web.StreamResponse:
            transport = request.transport
            if transport is None or request.path.startswith("/socket.io/"):
                return await handler(request)
            with reading_for(Peer(holder_address(self.address_of(request)), transport.is_closing)):
                return await handler(request)

        return read

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(GUARDED):
            return await handler(request)
        if not self._origins.is_allowed(request):
            raise Forbidden(self._origins.refuse(request), rule="origin")
        if request.method == "OPTIONS":
            headers = self._origins.headers(request)
            headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
            headers["Access-Control-Max-Age"] = "600"
            return web.Response(status=204, headers=headers)
        return await handler(request)

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let an allowed page of another origin read the answer, also a refusal (aiohttp's on_response_prepare)."""
        if not request.path.startswith(GUARDED) or not self._origins.is_allowed(request):
            return
        for name, text in self._origins.headers(request).items():
            response.headers.setdefault(name, text)  # a feed has a longer Vary of its own
        response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After, X-Feed-Cut, X-Request-ID"
