"""Principals: the subject's name, tickets and timers."""

import asyncio
import json
import time
from math import inf
from typing import Any

import jwt
import pytest

from models.contract.errors import Unauthorized
from realtime.access.auth import Auth, Expiry, Tickets, holder_address

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
    assert (guest.principal.subject, guest.principal.is_staff, guest.expires_at) == ("", False, None)
    token = auth.write_token("ada", scope="staff", calendars=["a"], seconds=60)
    principal, ends_at = auth.identify(token, "192.0.2.1")
    assert principal.is_staff_of("a")
    assert not principal.is_staff_of("b")
    assert ends_at is not None
    assert 58 < ends_at - time.monotonic() <= 60
    everywhere = auth.identify(auth.write_token("bob", scope="", calendars="*", seconds=None), "").principal
    assert everywhere.is_named("b")
    assert not everywhere.is_staff
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


def test_a_ticket_is_good_once() -> None:
    """A ticket stands for its principal without staff rights, once, and only within its time."""
    auth, tickets = Auth(SECRET), Tickets()
    identity = auth.identify(auth.write_token("ada", scope="staff", calendars="*", seconds=60), "")
    ticket = tickets.issue(identity, frozenset({"a"}))
    redeemed = tickets.redeem(ticket)
    assert redeemed.principal.is_named("a")
    assert not redeemed.principal.is_named("b")
    assert not redeemed.principal.is_staff
    assert redeemed.expires_at == identity.expires_at
    for again in (ticket, "", "made up"):
        with pytest.raises(Unauthorized):
            tickets.redeem(again)


async def test_an_end_that_moves() -> None:
    """A timer ends at its time, can be postponed or cancelled, and ends at once for a time in the past."""
    ended = asyncio.Event()
    expiry = Expiry(ended.set)
    expiry.set(time.monotonic() + 60)
    expiry.set(None)
    expiry.set(time.monotonic() - 1)
    await asyncio.wait_for(ended.wait(), 2)
    ended.clear()
    ends_at = time.monotonic() + 0.05
    expiry.set(ends_at)
    await asyncio.wait_for(ended.wait(), 2)
    assert time.monotonic() >= ends_at - 0.01
    ended.clear()
    expiry.set(time.monotonic() + 60)
    expiry.cancel()
    assert not ended.is_set()
