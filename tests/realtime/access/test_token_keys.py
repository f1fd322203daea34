"""The keys of tokens: one a purpose, two secrets while one replaces the other, and tokens of the release before."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import jwt
import pytest

from models.contract.errors import Unauthorized
from models.contract.principal import Role
from models.contract.values.time import SECOND, system_clock
from realtime.access.auth import Auth, Tickets
from realtime.access.token_keys import TokenKeys, derive

OLD = b"the old secret of the tests, long enough"
NEW = b"the new secret of the tests, long enough"
THIRD = b"an older secret of the tests, long enough"


async def _use(_ticket: str, _ends_at: int) -> None:
    """Use a ticket up."""


def _token(auth: Auth, scope: str = "staff") -> str:
    return auth.write_token("ada", scope=scope, calendars="*", seconds=60)


def _sign(key: bytes, algorithm: str = "HS256", *, kid: str | None = None, **claims: Any) -> str:
    headers = {} if kid is None else {"kid": kid}
    given = {"sub": "mallory", "scope": "owner", "calendars": "*", **claims}
    return jwt.encode(given, key, algorithm=algorithm, headers=headers)


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_a_derived_key_is_hkdf_of_its_label() -> None:
    """The keys are those of RFC 5869 with SHA-256, so another program can derive them too."""
    extracted = hmac.digest(b"slotcast", OLD, "sha256")
    assert derive(OLD, "staff token") == hmac.digest(extracted, b"staff token\x01", "sha256")
    assert len({derive(secret, label) for secret in (OLD, NEW) for label in ("staff token", "link token")}) == 4


def test_a_token_of_the_release_before_stays_valid() -> None:
    """It is signed with the secret itself and names no key."""
    found = Auth(OLD).identify(_sign(OLD), "").principal
    assert (found.subject, found.role) == ("mallory", Role.OWNER)


def test_the_key_of_links_signs_no_staff() -> None:
    """Whoever has the key of links gets a guest's rights of it, whatever the claims say."""
    auth = Auth(OLD)
    link, _, _ = auth.write_link("room", 60)
    forged = _sign(derive(OLD, "link token"), kid=_kid(link))
    assert auth.identify(forged, "").principal.role is Role.GUEST
    with pytest.raises(Unauthorized):
        auth.identify(_sign(derive(OLD, "link token"), kid=_kid(_token(auth))), "")
    with pytest.raises(Unauthorized):
        auth.identify(_sign(derive(OLD, "link token")), "")


@pytest.mark.parametrize("kid", ["", "staff-000000000000", "../../dev/null", "' OR 1=1 --", "x" * 4_000])
def test_a_kid_of_nothing_finds_no_key(kid: str) -> None:
    """An unknown `kid` is that of another program with the secret; it opens no other key."""
    for key in (NEW, b"", derive(OLD, "staff token")):
        with pytest.raises(Unauthorized):
            Auth(OLD).identify(_sign(key or b"\0" * 32, kid=kid), "")
    assert Auth(OLD).identify(_sign(OLD, kid=kid), "").principal.subject == "mallory"


@pytest.mark.parametrize("head", [{"alg": "none"}, {"alg": "None"}, {"alg": "HS512"}, {"alg": "RS256"}, {}, {"kid": 1}])
def test_another_algorithm_than_that_of_the_key_is_refused(head: dict[str, Any]) -> None:
    """`none` and every other algorithm fail, also with a good `kid`."""
    auth = Auth(OLD)
    good = _token(auth)
    for kid in ({}, {"kid": _kid(good)}):
        parts = [{"typ": "JWT", **kid, **head}, {"sub": "mallory", "scope": "owner", "calendars": "*"}]
        text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        for signature in ("", good.rpartition(".")[2]):
            with pytest.raises(Unauthorized):
                auth.identify(f"{text}.{signature}", "")


async def test_both_secrets_are_good_while_one_replaces_the_other() -> None:
    """Tokens, links and tickets of either server are good at both, in each step; those of a third secret never are."""
    begun, done = TokenKeys(OLD, NEW), TokenKeys(NEW, OLD)
    for writer, reader in ((begun, done), (done, begun), (begun, begun), (TokenKeys(OLD), done)):
        auth = Auth(reader)
        assert auth.identify(_token(Auth(writer)), "").principal.role is Role.STAFF
        link, _, _ = Auth(writer).write_link("room", 60)
        assert auth.identify(link, "").principal.is_named("room")
        holder = Auth(writer).identify(_token(Auth(writer)), "")
        ticket, _ = Tickets(writer, system_clock, _use).issue(holder, frozenset({"room"}))
        assert (await Tickets(reader, system_clock, _use).redeem(ticket, "")).principal.subject == "ada"
    for stranger in (Auth(THIRD), Auth(TokenKeys(THIRD, OLD))):
        with pytest.raises(Unauthorized):
            Auth(done).identify(_token(stranger), "")
    with pytest.raises(Unauthorized):
        Auth(NEW).identify(_token(Auth(OLD)), "")


def test_a_longest_life_ends_every_token() -> None:
    """A token ends so long after its `iat`, whatever its `exp`; one without `iat` is refused."""
    now = system_clock() // SECOND
    auth = Auth(OLD, longest_seconds=3_600)
    assert 3_590 < auth.identify(_sign(OLD, iat=now, exp=now + 86_400), "").seconds_left <= 3_600
    assert auth.identify(_sign(OLD, iat=now, exp=now + 60), "").seconds_left <= 60
    refused: tuple[dict[str, Any], ...] = ({}, {"exp": now + 60}, {"iat": now - 3_640, "exp": now + 86_400})
    for claims in refused:
        with pytest.raises(Unauthorized):
            auth.identify(_sign(OLD, **claims), "")
