"""Bearer tokens and tickets (JWT): reads them as principals, writes them, and ends identities in time.

The server's own tokens are HS256 by the keys of `token_keys`; those of a company's issuer are by its keys (`issuer`). A
token has `sub`, and may have `scope` ("owner", "staff" or "viewer"), `calendars` (ids, or "*") and `exp`. It is never
logged or kept.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import inf
from typing import Any, NamedTuple

import jwt

from models.contract.errors import Unauthorized
from models.contract.principal import Principal, Role
from models.contract.values.text import is_storable
from models.contract.values.time import SECOND, Clock, system_clock
from realtime.access.credentials import ROLES, Credential, Credentials, read_moment
from realtime.access.issuer import ALGORITHMS, Issuer
from realtime.access.token_keys import ALGORITHM, Purpose, TokenKeys, Verified, decode_by_any, keys_of

MOST_CHARACTERS = 8_192
TICKET_SECONDS = 30
LEEWAY_SECONDS = 30  # the clock of a token's issuer may differ by so much
LOOK_SECONDS = 30.0  # between two looks at a clock that may have been set
_NO_TICKET = "The ticket was used, or has ended."
LONGEST_SUBJECT = 255

UseTicket = Callable[[str, int], Awaitable[object]]


class Identity(NamedTuple):
    """A principal, and its end by `time.monotonic()`; None for no end.

    A clock that is set back moves no end. One that is set forward past `clock_end` brings it.
    """

    principal: Principal
    expires_at: float | None
    credential: Credential | None = None  # of the token or the session; it may end before
    account: str = ""  # the id of the session's account
    clock_end: float = inf  # in milliseconds by the clock
    clock: Clock = system_clock

    @property
    def is_ended(self) -> bool:
        """Say if it is over or was revoked."""
        return self.seconds_left <= 0 or (self.credential is not None and self.credential.is_ended)

    @property
    def seconds_left(self) -> float:
        """The seconds until the end; 0 or less after it."""
        if self.expires_at is None:
            return inf
        return min(self.expires_at - time.monotonic(), (self.clock_end - self.clock()) / SECOND)

    def lasting(self, seconds: float, clock: Clock) -> Identity:
        """Return the identity with an end in so many seconds."""
        ends_at = clock() + seconds * SECOND
        return self._replace(expires_at=time.monotonic() + seconds, clock_end=ends_at, clock=clock)


class Auth:
    """Reads and writes tokens. Another program with the secret can issue them too, and so can the `issuer`.

    No token is good for longer than `longest_seconds` from its `iat`, if there is such a bound.
    """

    def __init__(
        self,
        secret: bytes | TokenKeys,
        clock: Clock = system_clock,
        credentials: Credentials | None = None,
        *,
        issuer: Issuer | None = None,
        longest_seconds: int = 0,
    ) -> None:
        self._keys = keys_of(secret)
        self._clock = clock
        self._credentials = credentials or Credentials(clock)
        self._issuer = issuer
        self._longest_seconds = longest_seconds

    def identify(self, token: str | None, address: str) -> Identity:
        """Return the identity of a token and an address; Unauthorized if the token is malformed, forged or over."""
        holder = holder_address(address)
        if not token:
            return Identity(Principal(address=holder), None)
        claims, is_guest = self._claims(token)
        scope = "" if is_guest else claims.get("scope", "")
        scopes = scope.split() if isinstance(scope, str) else []
        role = max((ROLES.get(name, Role.GUEST) for name in scopes), default=Role.GUEST)
        calendars = _calendars(claims.get("calendars", []))
        given = tuple((name, role.name.lower()) for name in sorted(calendars or ["*"])) if role else ()
        credential = self._credentials.of_token(token, claims, given)
        principal = Principal(subject=claims["sub"], address=holder, role=role, calendars=calendars)
        left = self._seconds_left(claims)
        identity = Identity(principal, None, credential)
        return identity if left is None else identity.lasting(left, self._clock)

    def knows_session(self, secret: str) -> bool:
        """Say if this server knows the session of a cookie."""
        return self._credentials.knows(secret)

    def identify_session(self, secret: str, address: str) -> Identity | None:
        """Return the identity of a session's cookie; None where the session has ended."""
        found = self._credentials.of_session(secret)
        if found is None:
            return None
        credential, session = found
        roles = {name: ROLES[role] for name, role in session.roles}
        in_all = roles.pop("*", None)
        principal = Principal(
            subject=session.name,
            address=holder_address(address),
            role=in_all or Role.GUEST,
            calendars=None if in_all else frozenset(roles),
            roles=tuple(sorted(roles.items())),
        )
        left = (session.ends_at - self._clock()) / SECOND
        return Identity(principal, None, credential, session.account).lasting(left, self._clock)

    def _seconds_left(self, claims: dict[str, Any]) -> float | None:
        """Return the seconds until `exp`, or for a token that comes after it, until the end of the leeway."""
        ends_at = self._last_moment(claims)
        if ends_at is None:
            return None
        left = ends_at - self._clock() / SECOND
        return left if left > 0 else left + LEEWAY_SECONDS

    def _last_moment(self, claims: dict[str, Any]) -> float | None:
        """Return the token's end in seconds, by its `exp` and the bound on its life; None without either."""
        ends = [read_moment(claims["exp"])] if "exp" in claims else []
        if self._longest_seconds:
            ends.append(read_moment(claims["iat"]) + self._longest_seconds)
        return min(ends, default=None)

    def _verify(self, token: str) -> Verified:
        """Check the signature, by the key that the head names. The key's type decides on the algorithm."""
        head = jwt.get_unverified_header(token)
        if self._issuer is not None and head.get("alg") in ALGORITHMS:
            return Verified(self._issuer.read(token, head))
        return self._keys.read(token, head)

    def _claims(self, token: str) -> Verified:
        if len(token) > MOST_CHARACTERS:
            raise Unauthorized
        try:
            verified = self._verify(token)
            claims = verified.claims
            self._check_times(claims)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise Unauthorized from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT or not is_storable(subject):
            raise Unauthorized
        return verified

    def _check_times(self, claims: dict[str, Any]) -> None:
        """Check `exp`, `nbf` and `iat` (RFC 7519, 4.1) by the service's clock, with leeway for the issuer's."""
        now = self._clock() / SECOND
        if self._longest_seconds and "iat" not in claims:
            raise Unauthorized("The token has no `iat`, and tokens have a longest life here (SLOTCAST_TOKEN_DAYS).")
        ends_at = self._last_moment(claims)
        if ends_at is not None and ends_at + LEEWAY_SECONDS <= now:
            raise Unauthorized
        if any(read_moment(claims[name]) - LEEWAY_SECONDS > now for name in ("nbf", "iat") if name in claims):
            raise Unauthorized

    def write_token(
        self, subject: str, *, scope: str, calendars: list[str] | str, seconds: int | None, made_by: str = ""
    ) -> str:
        """Return a token for `identify`, with an id under which it is listed and revoked."""
        claims: dict[str, Any] = {"sub": subject, "calendars": calendars, "iat": self._clock() // SECOND}
        claims["jti"] = secrets.token_urlsafe(12)
        if scope:
            claims["scope"] = scope
        if made_by:
            claims["by"] = made_by
        if seconds is not None:
            claims["exp"] = claims["iat"] + seconds
        return self._keys.sign(claims, Purpose.STAFF)

    def write_link(self, calendar: str, seconds: int) -> tuple[str, str, int]:
        """Return a guest's token for one calendar, its `sub` and its end in seconds.

        Each link is a holder of its own. Its `sub` is also the id under which it is listed and revoked.
        """
        subject = f"link-{secrets.token_urlsafe(12)}"
        seconds = min(seconds, self._longest_seconds or seconds)
        ends_at = self._clock() // SECOND + seconds
        claims = {"sub": subject, "jti": subject, "link": True, "calendars": [calendar]}
        claims |= {"iat": ends_at - seconds, "exp": ends_at}
        return self._keys.sign(claims, Purpose.LINK), subject, ends_at


def _calendars(claim: Any) -> frozenset[str] | None:
    if claim == "*":
        return None
    if isinstance(claim, list) and all(isinstance(name, str) for name in claim):
        return None if "*" in claim else frozenset(claim)
    raise Unauthorized('The token\'s `calendars` is neither a list of ids nor "*".')


@lru_cache(maxsize=4_096)
def holder_address(address: str) -> str:
    """Return the holder of a client without a token: its address, for IPv6 its /64, as one customer has all of it."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))


class Tickets:
    """Tickets for clients that cannot send a header: valid once, for the calendars they name, for 30 s.

    A ticket is signed and not stored, so that any server with the secret takes it. `use` writes down that it was used.
    One of a session is valid while the session has the rights that it had then. `read_rights` brings the rights of a
    session that another server has just opened or changed.
    """

    def __init__(
        self,
        secret: bytes | TokenKeys,
        clock: Clock,
        use: UseTicket,
        credentials: Credentials | None = None,
        *,
        read_rights: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._credentials = credentials or Credentials(clock)
        # No ticket is a token, and no token is a ticket.
        self._ticket_keys = tuple(hmac.digest(one, b"ticket", "sha256") for one in keys_of(secret).secrets)
        self._clock = clock
        self._use = use
        self._read_rights = read_rights

    def issue(self, identity: Identity, calendars: frozenset[str]) -> tuple[str, int]:
        """Return a ticket for these calendars, and its end in milliseconds. The caller checks the calendars."""
        now = self._clock()
        ends_at = now + TICKET_SECONDS * SECOND
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "sub": identity.principal.subject,
            "calendars": sorted(calendars),
            "end": ends_at,
        }
        if identity.credential is not None:
            claims["of"] = identity.credential.id
        if identity.account and identity.credential is not None:
            claims["rights"] = self._credentials.rights_of(identity.credential.id)
        if identity.expires_at is not None:
            claims["until"] = now + int(identity.seconds_left * SECOND)
        return jwt.encode(claims, self._ticket_keys[0], algorithm=ALGORITHM), ends_at

    async def redeem(self, ticket: str, address: str) -> Identity:
        """Return the ticket's identity; Unauthorized the second time, and after its end."""
        try:
            if len(ticket) > MOST_CHARACTERS:
                raise Unauthorized(_NO_TICKET)
            claims = decode_by_any(ticket, self._ticket_keys)
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Unauthorized(_NO_TICKET) from error
        now = self._clock()
        if claims["end"] <= now:
            raise Unauthorized(_NO_TICKET)
        await self._use(claims["jti"], claims["end"])
        principal = Principal(
            subject=claims["sub"], address=holder_address(address), calendars=frozenset(claims["calendars"])
        )
        left = (claims["until"] - now) / SECOND if "until" in claims else None
        rights = claims.get("rights")
        if rights and self._read_rights and not self._credentials.has_rights(claims["of"], rights):
            await self._read_rights()
        credential = self._credentials.of_id(claims["of"], rights) if "of" in claims else None
        identity = Identity(principal, None, credential)
        return identity if left is None else identity.lasting(left, self._clock)


class Expiry:
    """Calls `end` when an identity ends or is revoked. An identity without an end has no timer."""

    __slots__ = ("_end", "_handle", "_identity")

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._handle: asyncio.Handle | None = None
        self._identity: Identity | None = None

    def set(self, identity: Identity) -> None:
        """Set the identity whose end is awaited."""
        self.cancel()
        self._identity = identity
        if identity.credential is not None:
            identity.credential.watch(self._end)
        self._arm(identity)

    def cancel(self) -> None:
        if self._identity is not None and self._identity.credential is not None:
            self._identity.credential.unwatch(self._end)
        self._identity = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, identity: Identity) -> None:
        loop = asyncio.get_running_loop()
        if identity.is_ended:  # perhaps it was revoked while the connection opened
            self._handle = loop.call_soon(self._end)
        elif identity.expires_at is not None:
            self._handle = loop.call_later(min(identity.seconds_left, LOOK_SECONDS), self._arm, identity)
