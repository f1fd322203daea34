"""The credentials in force: revoked ones end their connections, and each use is noted."""

import hashlib
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

import jwt
import pytest

from models.contract.errors import Unauthorized
from models.contract.values.time import HOUR, system_clock, write_time
from models.service import AccessState, LiveSession
from realtime.access.auth import Auth
from realtime.access.credentials import Credentials, digest_of, id_of

ROLES = (("*", "staff"),)
_BASE64 = ascii_uppercase + ascii_lowercase + digits + "-_"


def _session(name: str, role: str = "staff") -> LiveSession:
    return LiveSession(name, "account", "Anna", (("room", role),), system_clock() + HOUR)


def _state(*sessions: LiveSession, revoked: tuple[str, ...] = ()) -> AccessState:
    return AccessState({digest_of(session.id): session for session in sessions}, frozenset(revoked))


async def test_a_revoked_token_ends_its_connections() -> None:
    """Once, and it opens none again; the others go on."""
    credentials, kept = Credentials(system_clock), []
    ends: list[str] = []
    for name in ("one", "two"):
        credential = credentials.of_token("text", {"sub": "x", "jti": name}, ROLES)
        credential.watch(lambda name=name: ends.append(name))  # type: ignore[misc]
        kept.append(credential)
    credentials.take(_state(revoked=("one",)))
    assert ends == ["one"]
    with pytest.raises(Unauthorized):
        credentials.of_token("text", {"sub": "x", "jti": "one"}, ROLES)
    credentials.take(_state(revoked=("one",)))
    assert ends == ["one"]
    assert not credentials.of_token("text", {"sub": "x", "jti": "two"}, ROLES).is_ended


async def test_a_session_ends_with_its_rights() -> None:
    """A session that is gone, or that has other roles, ends its connections; the next one has the new roles."""
    credentials = Credentials(system_clock)
    ends: list[str] = []
    credentials.take(_state(_session("one"), _session("two"), _session("three")))
    kept = [credentials.of_session(name) for name in ("one", "two", "three")]
    for found in kept:
        assert found is not None
        found[0].watch(lambda name=found[0].id: ends.append(name))  # type: ignore[misc]
    credentials.take(_state(_session("one"), kept[1][1]._replace(roles=(("room", "viewer"),)), kept[2][1]))  # type: ignore[index]
    assert "three" not in ends
    assert {"two"} <= set(ends)
    found = credentials.of_session("two")
    assert found is not None
    assert (found[0].is_ended, found[1].roles) == (False, (("room", "viewer"),))
    credentials.take(_state())
    assert credentials.of_session("two") is None
    assert "three" in ends


def test_a_ticket_of_a_session_has_its_rights_or_none() -> None:
    """It is refused once the session is gone, and once its account has another role. A token has no such rights."""
    credentials, session = Credentials(system_clock), _session("one")
    credentials.take(_state(session))
    rights = credentials.rights_of("one")
    assert credentials.of_id("one", rights).id == "one"
    for state in (_state(session._replace(roles=(("room", "viewer"),))), _state()):
        credentials.take(state)
        with pytest.raises(Unauthorized):
            credentials.of_id("one", rights)
    with pytest.raises(Unauthorized):
        credentials.of_id("one", credentials.rights_of("one"))
    assert credentials.of_id("of a token", None).id == "of a token"


async def test_uses_are_noted_once() -> None:
    """Those of tokens with a role, of links and of sessions; a guest's token of another program is not."""
    credentials = Credentials(system_clock)
    credentials.take(_state(_session("session")))
    claims: dict[str, Any] = {"sub": "x", "iat": 5, "exp": 10, "by": "anna"}
    for _ in range(2):
        credentials.of_token("a", {**claims, "jti": "token"}, ROLES)
        credentials.of_token("b", {**claims, "jti": "link", "link": True}, ())
        credentials.of_token("c", {**claims, "jti": "guest"}, ())
        credentials.of_session("session")
    uses = {use.id: use for use in credentials.taken_uses()}
    assert uses.keys() == {"token", "link", "session"}
    assert (uses["token"].is_token, uses["token"].made_at, uses["token"].ends_at) == (True, 5_000, 10_000)
    assert (uses["token"].made_by, uses["link"].is_token) == ("anna", False)
    assert credentials.taken_uses() == ()


@pytest.mark.parametrize("moment", [1_795_987_686_000, 253_402_300_800, 10**17, 1e300, -(10**18)])
async def test_a_far_moment_of_a_token_is_noted_as_one_that_can_be_written(moment: float) -> None:
    """An issuer that wrote `exp` in milliseconds kept every owner from the list of tokens."""
    credentials = Credentials(system_clock)
    credentials.of_token("a", {"sub": "x", "iat": moment, "exp": moment, "by": "a\0", "jti": "token"}, ROLES)
    (use,) = credentials.taken_uses()
    assert use.ends_at is not None
    assert use.made_by == ""
    assert write_time(use.ends_at) == write_time(use.made_at) in {"9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"}


def test_a_token_without_an_id_has_one() -> None:
    """Every token can be revoked, also one of another program."""
    assert id_of("a.b.c", {"jti": "own"}) == "own"
    assert id_of("a.b.c", {}) == id_of("a.b.c", {"jti": "x" * 65}) != id_of("a.d.c", {})
    assert id_of("a.b.c", {}) == id_of(
        "a.b.c", {"jti": "a\0"}
    )  # PostgreSQL takes no NUL, and the note of no use with it


async def test_a_revoked_token_comes_back_in_no_spelling() -> None:
    """Padding, and the spare bits of the last letter, spell the same signature in other ways."""
    credentials, secret = Credentials(system_clock), b"a secret of the tests, on no other machine"
    auth = Auth(secret, credentials=credentials)
    token = jwt.encode({"sub": "x", "scope": "staff", "calendars": "*"}, secret, algorithm="HS256")
    signed, _, signature = token.rpartition(".")
    spare = _BASE64[_BASE64.index(signature[-1]) ^ 1]
    auth.identify(token, "")
    (use,) = credentials.taken_uses()
    credentials.take(_state(revoked=(use.id,)))
    for text in (token, f"{token}=", f"{signed}.{signature[:-1]}{spare}"):
        with pytest.raises(Unauthorized):
            auth.identify(text, "")


async def test_a_token_that_a_release_before_revoked_stays_revoked() -> None:
    """Its id was a hash of the whole token."""
    credentials = Credentials(system_clock)
    credentials.take(_state(revoked=(hashlib.blake2b(b"a.b.c", digest_size=16).hexdigest(),)))
    with pytest.raises(Unauthorized):
        credentials.of_token("a.b.c", {"sub": "x"}, ROLES)
