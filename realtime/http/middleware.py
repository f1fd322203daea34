"""The checks before a request is handled: the client's address behind trusted proxies, the origin, token and body."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from time import monotonic_ns
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from models.contract.errors import BadRequest, Forbidden, Overloaded, RateLimited, Unauthorized, UnsupportedEncoding
from models.contract.principal import Principal, Role
from realtime.access.auth import Auth, Identity, Tickets, holder_address
from realtime.access.rate_limit import Addresses, check
from realtime.access.relay_mark import RelayMark
from realtime.access.session_cookie import SessionCookie
from realtime.engine import UNREADABLE, AddressBudget, cost_of, is_encoded, is_handshake
from realtime.engine.engineio.polling import CUT_OFF_SECONDS
from realtime.engine.origins import Origins
from realtime.http.base_path import prefix_of
from realtime.http.problem import EVERY_ANSWER, problem
from realtime.reads.read_queue import Peer, reading_for
from realtime.requests.http_turn import HttpTurn

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Network = IPv4Network | IPv6Network
BODY_BYTES = 1_000_000
GUARDED = ("/api/", "/calendars/")  # the paths that only pages of allowed origins may use
READ_AGAIN_SECONDS = 0.5  # between two reads of the rights for unknown sessions
SOCKET = "/"  # the page's own path is a WebSocket's too
_ON_TLS = {"Strict-Transport-Security": "max-age=31536000"}
_LINES, _LINES_ON_TLS = (
    "".join(f"{name}: {text}\r\n" for name, text in headers.items()).encode()
    for headers in (EVERY_ANSWER, EVERY_ANSWER | _ON_TLS)
)
_FORWARDED = 32  # addresses read of one header
_HOP = re.compile(r"\[([0-9A-Fa-f:.]+(?:%[\w.~-]+)?)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+", re.ASCII)
_BY_PROXIES = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


class Proxies:
    """The trusted proxies: only their headers count (`X-Forwarded-For`, `-Proto`, `-Prefix`), or a relay's mark."""

    def __init__(self, networks: Sequence[Network], relay: RelayMark | None = None, prefix: str = "") -> None:
        self._networks = tuple(networks)
        self._relay = relay
        self._prefix = prefix

    def is_trusted(self, address: str) -> bool:
        if not self._networks:
            return False
        try:
            parsed = ip_address(address.partition("%")[0])
            parsed = getattr(parsed, "ipv4_mapped", None) or parsed  # as a proxy on both families writes IPv4
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def address_of(self, request: web.BaseRequest) -> str:
        """Return the nearest address that is not a trusted proxy."""
        if self._relay is not None and (relayed := self._relay.read(request)) is not None:
            return relayed
        address = request.remote or ""
        if not self.is_trusted(address):
            return address
        hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", ()) for hop in line.split(",")]
        for hop in reversed(hops[-_FORWARDED:]):
            hop = _HOP.sub(r"\1\2", hop)  # noqa: PLW2901 - some proxies add a port
            try:
                ip_address(hop)
            except ValueError:
                return address
            address = hop
            if not self.is_trusted(hop):
                return hop
        return address

    def is_direct(self, request: web.BaseRequest) -> bool:
        """Say if a program on this machine sent the request, without a proxy between."""
        try:
            is_here = ip_address(request.remote or "").is_loopback
        except ValueError:
            return False
        return is_here and not any(name in request.headers for name in _BY_PROXIES)

    def origin_of(self, request: web.Request) -> str:
        """Return the scheme, the host and the path of the server as the client sees them, without a last slash."""
        path = self._prefix or (prefix_of(request) if self.is_trusted(request.remote or "") else "")
        return f"{self.scheme_of(request)}://{request.host}{path}"

    def scheme_of(self, request: web.BaseRequest) -> str:
        """Return the scheme that the client uses."""
        said = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
        is_told = said in {"http", "https"} and self.is_trusted(request.remote or "")
        return said if is_told else request.scheme


class RequestGuard:
    """The guard of the routes: identifies, limits and charges requests."""

    def __init__(
        self,
        auth: Auth,
        tickets: Tickets,
        proxies: Proxies,
        origins: Origins,
        addresses: Addresses,
        *,
        read_rights: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._cookie = SessionCookie(proxies.scheme_of)
        self._read_rights = read_rights
        self._read_at = 0.0
        self._auth = auth
        self._tickets = tickets
        self._proxies = proxies
        self._origins = origins
        self.addresses = addresses

    def principal(self, request: web.Request) -> Principal:
        """Return the principal; Unauthorized for a bad token, RateLimited for too many requests of one address."""
        self.count(request)
        return self.identity(request).principal

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
        is_session = is_stream or request.path.startswith("/socket.io/") or is_handshake(request)
        over = budget.charge(cost, monotonic_ns()) if is_session else budget.take_http(cost)
        if not over:
            return None
        if is_stream and request.transport is not None:  # EventSource never reconnects after a 429
            request.transport.abort()
        response = problem(RateLimited(retry_after=max(CUT_OFF_SECONDS, over // 1_000_000_000)))
        response.force_close()
        return response

    def occupy(self, request: web.Request) -> AddressBudget | None:
        """Count a proxy's connection as its client's while a request is answered; Overloaded over the cap.

        A long poll takes one for a minute. The caller ends the count in the returned budget. None for a client without
        a proxy: its connection is counted itself.
        """
        address = self.address_of(request)
        if address == request.remote:
            return None
        budget = self.addresses.of(address)
        if 0 < budget.most_open <= budget.open_count:
            raise Overloaded("Too many connections are open.", retry_after=CUT_OFF_SECONDS)
        budget.add_socket()
        return budget

    def turn(self, request: web.Request) -> HttpTurn:
        """Return the request's place in the line of an overloaded server."""
        return HttpTurn(self.addresses.of(self.address_of(request)))

    def charge_bytes(self, request: web.Request, size: int) -> None:
        """Charge the address for a body without a Content-Length."""
        self.addresses.of(self.address_of(request)).charge(cost_of(size), monotonic_ns())

    def peer(self, name: tuple[str, int] | str | None) -> AddressBudget | None:
        """Return the budget of the connected peer; None for a trusted proxy, as it has many clients."""
        if not isinstance(name, tuple) or self._proxies.is_trusted(name[0]):
            return None
        return self.addresses.of(name[0])

    async def follower(self, request: web.Request, calendars: Sequence[str] = ()) -> Identity:
        """Return the identity of a client that subscribes to these calendars or the path's, by its ticket or token."""
        if "ticket" in request.query:
            identity = await self._tickets.redeem(request.query["ticket"], self.address_of(request))
            asked = calendars or ([request.match_info["id"]] if "id" in request.match_info else [])
            if not all(map(identity.principal.is_named, asked)):  # not even what is public
                raise Forbidden("The ticket is for other calendars.")
            return identity
        return self.identity(request)

    def identity(self, request: web.Request) -> Identity:
        """Return the identity of the token; without one that of the session's cookie, or a guest."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme and scheme.lower() != "bearer":
            raise Unauthorized("Authorization is `Bearer` and a token.")
        secret = "" if scheme else self.session_secret(request)
        identity = self._auth.identify_session(secret, self.address_of(request)) if secret else None
        return identity or self._auth.identify(token.strip() or None, self.address_of(request))

    def session_secret(self, request: web.BaseRequest) -> str | None:
        """Return the secret of the session's cookie, if it counts for this request."""
        if "Cookie" not in request.headers:
            return None
        return self._cookie.read(request, is_secure=self.is_secure(request))

    def has_session_cookie(self, request: web.BaseRequest) -> bool:
        """Say if the request has the cookie of a session, whatever it is worth."""
        return self._cookie.peek(request, is_secure=self.is_secure(request)) is not None

    def identify_session(self, request: web.Request, secret: str) -> Identity:
        """Return the identity of a session just opened."""
        return self._auth.identify_session(secret, self.address_of(request)) or self.nobody(request)

    def nobody(self, request: web.Request) -> Identity:
        """Return the identity of a guest."""
        return self._auth.identify(None, self.address_of(request))

    def is_secure(self, request: web.BaseRequest) -> bool:
        """Say if the client speaks TLS, with the server or with its proxy."""
        return self._proxies.scheme_of(request) == "https"

    def handshake_parts(self, request: web.Request) -> dict[str, str]:
        """Return what a Socket.IO connection keeps of its handshake: the secret of the session."""
        secret = self.session_secret(request)
        return {"Slotcast-Session": secret} if secret else {}

    async def settle_session(self, request: web.Request) -> None:
        """Read the rights again for a session that another server may just have opened."""
        if "Cookie" not in request.headers or "Authorization" in request.headers or self._read_rights is None:
            return
        secret = self._cookie.peek(request, is_secure=self.is_secure(request))
        if secret and not self._auth.knows_session(secret) and time.monotonic() - self._read_at > READ_AGAIN_SECONDS:
            self._read_at = time.monotonic()
            await self._read_rights()

    def ticket(self, request: web.Request, calendars: frozenset[str]) -> tuple[str, int]:
        """Issue a ticket in place of the request's token, for calendars that the token names."""
        self.count(request)
        identity = self.identity(request)
        if not all(identity.principal.is_named(calendar) for calendar in calendars):
            raise identity.principal.refusal()
        return self._tickets.issue(identity, calendars)

    def address_of(self, request: web.Request) -> str:
        """Return the client's address, behind trusted proxies."""
        return self._proxies.address_of(request)

    def check_operator(self, request: web.Request) -> None:
        """Refuse all but programs on this machine, and tokens of staff for all calendars."""
        if "Authorization" in request.headers:
            principal = self.principal(request)
            if principal.role < Role.STAFF or principal.calendars is not None:
                raise principal.refusal()
        elif not self._proxies.is_direct(request):
            self.count(request)
            raise Forbidden(
                "This is for the operator: use SLOTCAST_METRICS_LISTEN, or a staff token for all calendars."
            )

    def origin_of(self, request: web.Request) -> str:
        """Return the address of the server as the client sees it."""
        return self._proxies.origin_of(request)

    def headers(self, request: web.Request) -> dict[str, str]:
        """Return what keeps a browser on TLS, and lets an allowed page of another origin read the answer."""
        headers = _ON_TLS.copy() if self.is_secure(request) else {}
        if _is_guarded(request) and self._origins.is_allowed(request):
            headers |= self._origins.headers(request)
            headers["Access-Control-Expose-Headers"] = "ETag, Retry-After, X-Feed-Cut, X-Request-ID"
        return headers

    def handshake_lines(self, request: web.BaseRequest) -> bytes:
        """Return the headers of every answer for the head of a WebSocket."""
        return _LINES_ON_TLS if self.is_secure(request) else _LINES

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
            await self.settle_session(request)
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
        if not _is_guarded(request):
            _check_encoding(request)
            return await handler(request)
        if not self._origins.is_allowed(request):
            raise Forbidden(self._origins.refuse(request), rule="origin")
        _check_encoding(request)
        if request.method == "OPTIONS":
            headers = self._origins.headers(request)
            headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
            headers["Access-Control-Max-Age"] = "600"
            return web.Response(status=204, headers=headers)
        return await handler(request)

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers for browsers (on_response_prepare)."""
        for name, text in self.headers(request).items():
            response.headers.setdefault(name, text)  # a feed has a longer Vary of its own


def _check_encoding(request: web.Request) -> None:
    """Refuse a compressed body, whether the route reads bodies or not. Socket.IO refuses its own."""
    if request.body_exists and is_encoded(request) and not request.path.startswith("/socket.io/"):
        raise UnsupportedEncoding


def _is_guarded(request: web.Request) -> bool:
    """Say if the rule of origins holds here. Socket.IO checks its own handshakes."""
    is_plain = is_handshake(request) and not request.path.startswith("/socket.io/")
    return is_plain or request.path.startswith(GUARDED)
