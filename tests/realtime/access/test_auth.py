"""Principals: the subject's name, tickets and timers."""

import asyncio
import json
import time
from math import inf
from typing import Any

import jwt
import pytest

from models.contract.errors import Unauthorized
from models.contract.principal import Principal, Role
from models.contract.values.time import HOUR, SECOND, system_clock
from realtime.access.auth import Auth, Expiry, Identity, Tickets, holder_address

SECRET = b"a secret of the tests, long enough for HS256"


@pytest.mark.parametrize(
    ("address", "holder"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("a unix socket", "a unix socket"),
    ],
)
def test_holders_by_address(address: str, holder: str) -> None:
    """One holder is one IPv4 address or one IPv6 /64."""
    assert holder_address(address) == holder


def test_a_token_makes_a_principal() -> None:
    """A token's subject, scope and calendars make the principal; without a token it is a guest."""
    auth = Auth(SECRET)
    guest = auth.identify(None, "192.0.2.1")
    assert (guest.principal.subject, guest.principal.role, guest.expires_at) == ("", Role.GUEST, None)
    token = auth.write_token("ada", scope="staff", calendars=["a"], seconds=60)
    principal, ends_at, *_ = auth.identify(token, "192.0.2.1")
    assert principal.is_staff_of("a")
    assert not principal.is_staff_of("b")
    assert ends_at is not None
    assert 58 < ends_at - time.monotonic() <= 60
    for scope, role in (("owner", Role.OWNER), ("viewer staff", Role.STAFF), ("staffing", Role.GUEST)):
        assert auth.identify(auth.write_token("ada", scope=scope, calendars="*", seconds=9), "").principal.role is role
    everywhere = auth.identify(auth.write_token("bob", scope="", calendars="*", seconds=None), "").principal
    assert everywhere.is_named("b")
    assert everywhere.role is Role.GUEST
    for bad in (token[:-1], token + "x", "x", "\ud800"):
        with pytest.raises(Unauthorized):
            auth.identify(bad, "")


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_clocks_may_differ(claim: str) -> None:
    """A token is taken from 30 s before its `nbf` and `iat` to 30 s after its `exp`, and not a second more."""
    auth = Auth(SECRET, lambda: 2_000_000_000_000)  # not this machine's time
    sign = -1 if claim == "exp" else 1
    for seconds, is_good in ((0, True), (1, True), (29, True), (31, False), (300, False), (-300, True)):
        claims: dict[str, Any] = {"sub": "ada", claim: 2_000_000_000 + sign * seconds}
        token = jwt.encode(claims, SECRET, algorithm="HS256")
        if is_good:
            left = auth.identify(token, "").seconds_left
            assert (0 < left <= 300) if claim == "exp" else left == inf
        else:
            with pytest.raises(Unauthorized):
                auth.identify(token, "")


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["soon", None, [], {}, 10**400, float("inf"), float("-inf"), float("nan"), ""])
def test_a_time_that_is_none_is_refused(claim: str, value: Any) -> None:
    """No claim of a token crashes the server."""
    body = json.dumps({"sub": "ada", claim: value}).encode()
    token = jwt.api_jws.encode(body, SECRET, algorithm="HS256")
    with pytest.raises(Unauthorized):
        Auth(SECRET).identify(token, "")


@pytest.mark.parametrize("value", [1_795_987_686_000, 10**17, 1e300])
def test_a_token_lasts_to_the_end_of_the_year_9999_at_most(value: float) -> None:
    """Some issuers write `exp` in milliseconds."""
    token = jwt.encode({"sub": "ada", "exp": value}, SECRET, algorithm="HS256")
    left = Auth(SECRET, lambda: 0).identify(token, "").seconds_left
    assert 253_402_300_798 < left <= 253_402_300_799


async def test_a_ticket_stands_for_its_principal() -> None:
    """It has no staff rights, names its calendars only, and ends no later than its token."""
    auth, tickets = Auth(SECRET), Tickets(SECRET, system_clock, _use)
    identity = auth.identify(auth.write_token("ada", scope="staff", calendars="*", seconds=60), "192.0.2.1")
    ticket, ends_at = tickets.issue(identity, frozenset({"a"}))
    assert 28 < ends_at / SECOND - time.time() <= 30
    redeemed = await tickets.redeem(ticket, "192.0.2.7")
    assert redeemed.principal == Principal(subject="ada", address="192.0.2.7", calendars=frozenset({"a"}))
    assert redeemed.seconds_left == pytest.approx(identity.seconds_left, abs=2)
    with pytest.raises(Unauthorized):
        auth.identify(ticket, "")


async def test_what_is_no_ticket_is_refused() -> None:
    """A token is no ticket, and a ticket of another secret or of the past is none either."""
    auth, tickets = Auth(SECRET), Tickets(SECRET, system_clock, _use)
    token = auth.write_token("ada", scope="", calendars=["a"], seconds=60)
    foreign, _ = Tickets(b"another", system_clock, _use).issue(auth.identify(token, ""), frozenset({"a"}))
    old, _ = Tickets(SECRET, lambda: system_clock() - 31 * SECOND, _use).issue(
        auth.identify(token, ""), frozenset({"a"})
    )
    for bad in (token, foreign, old, "", "made up", "a.b.c", "x" * 100_000, "\ud800"):
        with pytest.raises(Unauthorized):
            await tickets.redeem(bad, "")


async def _use(_ticket: str, _ends_at: int) -> None:
    """Stand in for the service; that a ticket is good once is tested where it is written down."""


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set forward past the end of a token, it ends the connection soon; set back, it does not lengthen the token."""
    monkeypatch.setattr("realtime.access.auth.LOOK_SECONDS", 0.02)
    set_by = 0
    auth = Auth(SECRET, lambda: system_clock() + set_by)
    ended = asyncio.Event()
    expiry = Expiry(ended.set)
    identity = auth.identify(auth.write_token("ada", scope="staff", calendars="*", seconds=3_000), "")
    expiry.set(identity)
    await asyncio.sleep(0.1)
    assert not ended.is_set()
    set_by = hours * HOUR
    if hours > 0:
        await asyncio.wait_for(ended.wait(), 20)
    else:
        assert identity.seconds_left <= 3_000
    assert identity.is_ended is (hours > 0)
    expiry.cancel()


async def test_an_end_that_moves() -> None:
    """A timer ends at its time, can be postponed or cancelled, and ends at once for a time in the past."""
    ended = asyncio.Event()
    expiry = Expiry(ended.set)
    expiry.set(Identity(Principal(), time.monotonic() + 60))
    expiry.set(Identity(Principal(), None))
    expiry.set(Identity(Principal(), time.monotonic() - 1))
    await asyncio.wait_for(ended.wait(), 20)
    ended.clear()
    ends_at = time.monotonic() + 0.05
    expiry.set(Identity(Principal(), ends_at))
    await asyncio.wait_for(ended.wait(), 20)
    assert time.monotonic() >= ends_at - 0.01
    ended.clear()
    expiry.set(Identity(Principal(), time.monotonic() + 60))
    expiry.cancel()
    assert not ended.is_set()
