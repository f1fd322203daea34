"""Bearer tokens (JWT, HS256): reads them as principals, writes them, and ends identities in time.

A token has `sub`, and may have `scope` ("staff"), `calendars` (ids, or "*") and `exp`. It is never logged or kept.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import inf, isfinite
from typing import Any, NamedTuple

import jwt

from models.contract.errors import Unauthorized
from models.contract.principal import Principal
from models.contract.values.time import SECOND, Clock, system_clock

ALGORITHM = "HS256"
MOST_CHARACTERS = 8_192
TICKET_SECONDS = 30
LEEWAY_SECONDS = 30  # the clock of a token's issuer may differ by so much
# The times are checked here: PyJWT knows no clock but the machine's.
_OPTIONS: Any = {"require": ["sub"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}
_LONGEST_TIMER_SECONDS = 86_400.0
_NO_TICKET = "The ticket was used, or has ended."
_SUBJECT = re.compile(r"[^\0\ud800-\udfff]{1,255}")  # text that every database takes: no NUL, no half of a pair


UseTicket = Callable[[str, int], Awaitable[object]]


class Identity(NamedTuple):
    """A principal, and its end by `time.monotonic()`, which no change of the machine's clock moves; None for no end."""

    principal: Principal
    expires_at: float | None

    @property
    def seconds_left(self) -> float:
        """The seconds until the end; 0 or less after it."""
        return inf if self.expires_at is None else self.expires_at - time.monotonic()


class Auth:
    """Reads and writes tokens, signed with the settings' secret. Another program with the secret can issue them too."""

    def __init__(self, secret: bytes, clock: Clock = system_clock) -> None:
        self._key = secret
        self._clock = clock

    def identify(self, token: str | None, address: str) -> Identity:
        """Return the identity of a token and an address; Unauthorized if the token is malformed, forged or over."""
        holder = holder_address(address)
        if not token:
            return Identity(Principal(address=holder), None)
        claims = self._claims(token)
        scope = claims.get("scope", "")
        scopes = scope.split() if isinstance(scope, str) else []
        return Identity(
            Principal(
                subject=claims["sub"],
                address=holder,
                is_staff="staff" in scopes,
                calendars=_calendars(claims.get("calendars", [])),
            ),
            self._end_of(claims),
        )

    def _end_of(self, claims: dict[str, Any]) -> float | None:
        """Return the end: `exp`, or for a token that comes after it, the end of the leeway."""
        if "exp" not in claims:
            return None
        left = _moment(claims["exp"]) - self._clock() / SECOND
        return time.monotonic() + (left if left > 0 else left + LEEWAY_SECONDS)

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > MOST_CHARACTERS:
            raise Unauthorized
        try:
            claims: dict[str, Any] = jwt.decode(token, self._key, algorithms=[ALGORITHM], options=_OPTIONS)
            self._check_times(claims)
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
            raise Unauthorized from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise Unauthorized
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        """Check `exp`, `nbf` and `iat` (RFC 7519, 4.1) by the service's clock, with leeway for the issuer's."""
        now = self._clock() / SECOND
        if "exp" in claims and _moment(claims["exp"]) + LEEWAY_SECONDS <= now:
            raise Unauthorized
        if any(_moment(claims[name]) - LEEWAY_SECONDS > now for name in ("nbf", "iat") if name in claims):
            raise Unauthorized

    def write_token(self, subject: str, *, scope: str, calendars: list[str] | str, seconds: int | None) -> str:
        """Return a token for `identify`."""
        claims: dict[str, Any] = {"sub": subject, "calendars": calendars, "iat": self._clock() // SECOND}
        if scope:
            claims["scope"] = scope
        if seconds is not None:
            claims["exp"] = claims["iat"] + seconds
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def write_link(self, calendar: str, seconds: int) -> tuple[str, int]:
        """Return a guest's token for one calendar, and its end in seconds. Each link is a holder of its own."""
        subject = f"link-{secrets.token_urlsafe(12)}"
        ends_at = self._clock() // SECOND + seconds
        claims = {"sub": subject, "calendars": [calendar], "iat": ends_at - seconds, "exp": ends_at}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM), ends_at


def _moment(claim: Any) -> float:
    """Read seconds since the epoch; ValueError for anything else. Digits in a string are read too, as in PyJWT."""
    moment = float(claim)
    if not isfinite(moment):
        raise ValueError(claim)
    return moment


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
    """

    def __init__(self, secret: bytes, clock: Clock, use: UseTicket) -> None:
        self._key = hmac.digest(secret, b"ticket", "sha256")  # no ticket is a token, and no token is a ticket
        self._clock = clock
        self._use = use

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
        if identity.expires_at is not None:
            claims["until"] = now + int(identity.seconds_left * SECOND)
        return jwt.encode(claims, self._key, algorithm=ALGORITHM), ends_at

    async def redeem(self, ticket: str, address: str) -> Identity:
        """Return the ticket's identity; Unauthorized the second time, and after its end."""
        try:
            if len(ticket) > MOST_CHARACTERS:
                raise Unauthorized(_NO_TICKET)
            claims = jwt.decode(ticket, self._key, algorithms=[ALGORITHM], options=_OPTIONS)
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
        return Identity(principal, None if left is None else time.monotonic() + left)


class Expiry:
    """Calls `end` when an identity ends. An identity without an end has no timer."""

    __slots__ = ("_at", "_end", "_handle")

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._at: float | None = None
        self._handle: asyncio.Handle | None = None

    def set(self, expires_at: float | None) -> None:
        """Set the end, by `time.monotonic()`."""
        self.cancel()
        self._at = expires_at
        self._arm()

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        if self._at is None:
            return
        left = self._at - time.monotonic()
        loop = asyncio.get_running_loop()
        if left <= 0:
            self._handle = loop.call_soon(self._end)
        else:
            self._handle = loop.call_later(min(left, _LONGEST_TIMER_SECONDS), self._arm)
