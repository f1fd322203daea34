"""Tokens of a company's own issuer, with real keys from a real server of this machine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.warnings import InsecureKeyLengthWarning

from models.contract.errors import Unauthorized
from models.contract.principal import Role
from models.contract.values.time import SECOND, system_clock
from realtime.access.auth import Auth
from realtime.access.issuer import MOST_BYTES, Issuer, IssuerSettings, check_jwks_url
from tests.support.eventually import eventually

SECRET = b"a secret of the tests, long enough for HS256"
PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
STRANGER = ed25519.Ed25519PrivateKey.generate()
WEAK = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)  # noqa: S505 - it is to be refused


def _jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    kind = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256"}
    name = next((name for cls, name in kind.items() if isinstance(key, cls)), "EdDSA")
    written = jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True)
    return {**written, "kid": kid, **more}


@dataclass
class Place:
    """A server of keys: its answer, and how often it was asked."""

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=lambda: [_jwk(key, kid) for kid, key in PRIVATE.items()])
    answer: web.Response | None = None
    asked: int = 0
    stolen: int = 0

    async def jwks(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.answer is not None:
            return web.Response(status=self.answer.status, body=self.answer.body, headers=self.answer.headers)
        return web.json_response({"keys": self.keys})

    async def other(self, _: web.Request) -> web.Response:
        self.stolen += 1
        return web.json_response({"keys": [_jwk(STRANGER, "stranger")]})


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    found = Place()
    app = web.Application()
    app.add_routes([web.get("/jwks", found.jwks), web.get("/other", found.other)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def issuer(place: Place) -> AsyncIterator[Issuer]:
    settings = IssuerSettings(jwks_url=f"{place.url}/jwks", issuer="https://login.example", audience="slots")
    found = Issuer(settings, miss_seconds=0.05)
    await found.start()
    yield found
    await found.close()


def _sign(
    algorithm: str, key: Any = None, *, kid: str | None = None, head: dict[str, Any] | None = None, **claims: Any
) -> str:
    now = system_clock() // SECOND
    given = {
        "sub": "ada",
        "scope": "openid staff",
        "calendars": ["room"],
        "iss": "https://login.example",
        "aud": "slots",
        "exp": now + 60,
        **claims,
    }
    kept = {name: value for name, value in given.items() if value is not None}
    headers = {"kid": kid or algorithm, **(head or {})}
    return jwt.encode(kept, key or PRIVATE[algorithm], algorithm=algorithm, headers=headers)


def _refuses(auth: Auth, token: str) -> bool:
    try:
        auth.identify(token, "")
    except Unauthorized:
        return True
    return False


@pytest.mark.parametrize("algorithm", list(PRIVATE))
async def test_a_token_of_the_issuer_makes_a_principal(issuer: Issuer, algorithm: str) -> None:
    """RS256, ES256 and EdDSA; `scope` and `calendars` count as in the server's own tokens, which stay good beside."""
    auth = Auth(SECRET, issuer=issuer)
    found = auth.identify(_sign(algorithm, aud=["other", "slots"]), "")
    assert (found.principal.subject, found.principal.role_in("room")) == ("ada", Role.STAFF)
    assert found.principal.role_in("other") is Role.GUEST
    assert 50 < found.seconds_left <= 60
    own = auth.write_token("bob", scope="owner", calendars="*", seconds=60)
    assert auth.identify(own, "").principal.role is Role.OWNER


async def test_the_public_key_is_no_secret_for_hs256(issuer: Issuer) -> None:
    """HS256 with the bytes of a public key, in each form, is refused."""
    auth = Auth(SECRET, issuer=issuer)
    for kid, key in PRIVATE.items():
        public = key.public_key()
        forms = [
            public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
            json.dumps(_jwk(key, kid)).encode(),
        ]
        for form in forms:
            algorithm = jwt.get_algorithm_by_name("HS256")
            text, _, _ = _sign(kid).rpartition(".")
            head = jwt.utils.base64url_encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode())
            signed = head + b"." + text.partition(".")[2].encode()
            signature = jwt.utils.base64url_encode(algorithm.sign(signed, form))  # PyJWT itself refuses to sign with it
            assert _refuses(auth, (signed + b"." + signature).decode())


async def test_the_key_decides_on_the_algorithm(issuer: Issuer) -> None:
    """`none`, and an algorithm of another key type or size than the key's, are refused."""
    auth = Auth(SECRET, issuer=issuer)
    for kid in PRIVATE:
        assert _refuses(auth, jwt.encode({"sub": "ada"}, "", algorithm="none", headers={"kid": kid}))
        for algorithm, key in PRIVATE.items():
            assert _refuses(auth, _sign(algorithm, key, kid=kid)) == (algorithm != kid)
    for algorithm in ("RS384", "PS256"):
        assert _refuses(auth, _sign(algorithm, PRIVATE["RS256"], kid="RS256"))


async def test_a_token_brings_no_key_of_its_own(place: Place, issuer: Issuer) -> None:
    """`jwk`, `jku` and `x5u` in the head are passed over, and nothing is fetched from there."""
    auth = Auth(SECRET, issuer=issuer)
    for head in ({"jwk": _jwk(STRANGER, "EdDSA")}, {"jku": f"{place.url}/other"}, {"x5u": f"{place.url}/other"}):
        for kid in ("EdDSA", "stranger"):
            assert _refuses(auth, _sign("EdDSA", STRANGER, kid=kid, head=head))
    assert place.stolen == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"exp": system_clock() // SECOND - 40},
        {"nbf": system_clock() // SECOND + 3_600},
        {"iat": system_clock() // SECOND + 3_600},
        {"calendars": "room"},
    ],
)
async def test_a_token_for_others_or_of_another_time_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    """`iss`, `aud`, `exp` and `sub` are required; the clocks may differ by 30 s."""
    auth = Auth(SECRET, issuer=issuer)
    assert _refuses(auth, _sign("EdDSA", **claims))
    assert not _refuses(auth, _sign("EdDSA", exp=system_clock() // SECOND - 20))


async def test_an_unknown_kid_costs_the_issuer_little(place: Place, issuer: Issuer) -> None:
    """A thousand tokens of unknown keys cost one fetch; a new key of the issuer is good after it."""
    auth = Auth(SECRET, issuer=issuer)
    new = ed25519.Ed25519PrivateKey.generate()
    place.keys.append(_jwk(new, "new"))
    for number in range(1_000):
        assert _refuses(auth, _sign("EdDSA", STRANGER, kid=f"unknown-{number}"))
    assert place.asked == 1
    await eventually(lambda: not _refuses(auth, _sign("EdDSA", new, kid="new")))
    assert place.asked <= 3


async def test_the_issuer_is_not_asked_twice_within_30_s(place: Place) -> None:
    """After the fetch at the start, an unknown key waits for its turn."""
    settings = IssuerSettings(jwks_url=f"{place.url}/jwks", issuer="https://login.example", audience="slots")
    found = Issuer(settings)
    await found.start()
    assert _refuses(Auth(SECRET, issuer=found), _sign("EdDSA", STRANGER, kid="unknown"))
    async with aiohttp.ClientSession() as session:
        for _ in range(20):  # round trips to the same server: a fetch would have begun
            await (await session.get(f"{place.url}/other")).read()
    assert place.asked == 1
    await found.close()


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500),
        web.Response(status=302, headers={"Location": "/other"}),
        web.Response(body=b" " * (MOST_BYTES + 1)),
        web.Response(body=b"<html>"),
        web.Response(body=b"[" * 50_000),
        web.Response(body=b'{"keys": []}'),
        web.Response(body=b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "EdDSA"}]}'),
        web.Response(body=b'{"keys": [{"kty": ["OKP"], "crv": {}, "kid": "EdDSA"}]}'),
    ],
    ids=["error", "redirect", "large", "html", "nested", "empty", "secret key", "odd types"],
)
async def test_the_last_good_keys_stay_while_the_issuer_is_down(
    place: Place, issuer: Issuer, answer: web.Response
) -> None:
    """A bad answer of any kind changes no key, and no redirect is followed."""
    auth = Auth(SECRET, issuer=issuer)
    place.answer = answer
    asked = place.asked
    assert _refuses(auth, _sign("EdDSA", STRANGER, kid="unknown"))
    await eventually(lambda: place.asked > asked)
    await eventually(lambda: _refuses(auth, _sign("EdDSA", STRANGER, kid="stranger")))
    assert not _refuses(auth, _sign("EdDSA"))
    assert place.stolen == 0


async def test_weak_private_and_foreign_keys_are_passed_over(place: Place) -> None:
    """RSA below 2048 bits, a private key, a key for encryption or for another algorithm signs nothing."""
    place.keys = [
        _jwk(WEAK, "weak"),
        _jwk(PRIVATE["EdDSA"], "private", d="AAAA"),
        _jwk(PRIVATE["EdDSA"], "encrypts", use="enc"),
        _jwk(PRIVATE["RS256"], "other", alg="RS512"),
        _jwk(PRIVATE["EdDSA"], "good", alg="EdDSA", use="sig"),
    ]
    settings = IssuerSettings(jwks_url=f"{place.url}/jwks", issuer="https://login.example", audience="slots")
    found = Issuer(settings)
    await found.start()
    auth = Auth(SECRET, issuer=found)
    for kid in ("private", "encrypts"):
        assert _refuses(auth, _sign("EdDSA", kid=kid))
    with pytest.warns(InsecureKeyLengthWarning):
        weak = _sign("RS256", WEAK, kid="weak")
    assert _refuses(auth, weak)
    assert _refuses(auth, _sign("RS256", kid="other"))
    assert not _refuses(auth, _sign("EdDSA", kid="good"))
    await found.close()


async def test_a_server_starts_while_its_issuer_is_down(place: Place) -> None:
    """The keys come once the issuer answers; until then its tokens are refused."""
    place.answer = web.Response(status=503)
    settings = IssuerSettings(jwks_url=f"{place.url}/jwks", issuer="https://login.example", audience="slots")
    found = Issuer(settings, miss_seconds=0.05)
    await found.start()
    auth = Auth(SECRET, issuer=found)
    assert _refuses(auth, _sign("ES256"))
    place.answer = None
    await eventually(lambda: not _refuses(auth, _sign("ES256")))
    await found.close()


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://login.example/jwks", True),
        ("http://127.0.0.1:8000/jwks", True),
        ("http://[::1]/jwks", True),
        ("http://localhost/jwks", True),
        ("http://login.example/jwks", False),
        ("http://127.0.0.1.example/jwks", False),
        ("https://user:password@login.example/jwks", False),
        ("file:///etc/passwd", False),
        ("jwks", False),
    ],
)
def test_keys_come_by_https_or_from_this_machine(url: str, *, is_good: bool) -> None:
    """Whoever changes the keys on their way could sign any token."""
    if is_good:
        check_jwks_url(url)
    else:
        with pytest.raises(ValueError, match="it "):
            check_jwks_url(url)
