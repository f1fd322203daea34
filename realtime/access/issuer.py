"""Tokens of a company's own issuer: its public keys (a JWK Set, RFC 7517), fetched and kept.

The keys are fetched at the start, every few minutes, and when a token names an unknown one, but not twice in 30 s.
While the issuer is down the last good keys stay. The type of a key decides on the algorithm, never the token.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt

from realtime.background_task import end_tasks

FETCH_SECONDS = 300.0
MISS_SECONDS = 30.0
TIMEOUT_SECONDS = 10.0
MOST_BYTES = 256_000
MOST_KEYS = 100
_LEAST_RSA_BITS = 2_048
_OK = 200

# The one algorithm of a key, by its type and curve.
_ALGORITHMS = {("RSA", ""): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
ALGORITHMS = frozenset(_ALGORITHMS.values())

_log = logging.getLogger("slotcast.issuer")


class UnusableKeys(Exception):
    """The issuer's answer is no set of keys; the message says why."""


def check_jwks_url(url: str) -> None:
    """Raise ValueError unless the URL is https, or http of this machine."""
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("it must look like https://login.example.org/.well-known/jwks.json")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("it needs https: whoever changes the keys on their way can sign any token")
    if not _has_cryptography():
        raise ValueError("it needs the package cryptography: pip install -r requirements.txt")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has_cryptography() -> bool:
    return find_spec("cryptography") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSettings:
    """The address of the keys, and the `iss` and `aud` that every token must have."""

    jwks_url: str
    issuer: str
    audience: str


class Issuer:
    """The keys of one issuer, for the loop's thread. `read` never waits."""

    def __init__(self, settings: IssuerSettings, *, miss_seconds: float = MISS_SECONDS) -> None:
        self._settings = settings
        self._miss_seconds = miss_seconds
        self._keys: dict[str, tuple[Any, str]] = {}  # key and algorithm by `kid`
        self._asked_at = time.monotonic()
        self._missed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fetch the keys, and go on fetching them. An issuer that is down now does not stop the server."""
        await self._fetch()
        self._task = asyncio.create_task(self._keep(), name="issuer")

    async def close(self) -> None:
        await end_tasks([self._task])

    def read(self, token: str, head: dict[str, Any]) -> dict[str, Any]:
        """Return the claims of a token with this head; jwt.InvalidTokenError unless it is this issuer's."""
        kid = head.get("kid")
        found = self._keys.get(kid) if isinstance(kid, str) else None
        if found is None:
            self._missed.set()
            raise jwt.InvalidKeyError("The issuer has no key of this kid.")
        key, algorithm = found
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            options={
                "require": ["sub", "exp", "iss", "aud"],
                "verify_exp": False,  # the caller checks the times
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        return claims

    async def _keep(self) -> None:
        while True:
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    await self._missed.wait()
                await asyncio.sleep(max(0.0, self._asked_at + self._miss_seconds - time.monotonic()))
            except TimeoutError:
                pass
            self._missed.clear()
            await self._fetch()

    async def _fetch(self) -> None:
        """Replace the keys; keep them if that fails."""
        self._asked_at = time.monotonic()
        try:
            self._keys = await _fetch_keys(self._settings.jwks_url)
        except UnusableKeys as error:
            _log.warning("SLOTCAST_JWKS_URL was not read, %d keys stay: %s", len(self._keys), error)
        except Exception:
            _log.exception("SLOTCAST_JWKS_URL was not read, %d keys stay", len(self._keys))


async def count_keys(url: str) -> int:
    """Return the number of keys there; UnusableKeys says why there is none."""
    return len(await _fetch_keys(url))


async def _fetch_keys(url: str) -> dict[str, tuple[Any, str]]:
    try:
        return _read_keys(await _get(url))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnusableKeys(str(error) or "no answer") from error


async def _get(url: str) -> bytes:
    """Fetch the body, bounded in time and bytes, without a redirect."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as answer,
    ):
        if answer.status != _OK:
            raise UnusableKeys(f"it answers with the status {answer.status}")
        body = bytearray()
        async for part in answer.content.iter_any():
            body += part
            if len(body) > MOST_BYTES:
                raise UnusableKeys(f"its answer has more than {MOST_BYTES} bytes")
        return bytes(body)


def _read_keys(body: bytes) -> dict[str, tuple[Any, str]]:
    """Return the keys for signatures by their `kid`. A key of another kind is passed over."""
    try:
        given = json.loads(body)["keys"]
        listed = [one for one in given if isinstance(one, dict)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnusableKeys("its answer is no JWK Set") from error
    keys: dict[str, tuple[Any, str]] = {}
    for jwk in listed[:MOST_KEYS]:
        algorithm = _algorithm_of(jwk)
        if algorithm is None:
            continue
        try:
            key = jwt.PyJWK.from_dict(jwk, algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if getattr(key, "key_size", _LEAST_RSA_BITS) < _LEAST_RSA_BITS and algorithm == "RS256":
            continue
        keys[jwk["kid"]] = key, algorithm
    if not keys:
        raise UnusableKeys("its answer has no key for RS256, ES256 or EdDSA with a kid")
    return keys


def _algorithm_of(jwk: dict[str, Any]) -> str | None:
    """Return the algorithm of a public key for signatures; None for any other key."""
    kind, curve = str(jwk.get("kty")), str(jwk.get("crv"))
    algorithm = _ALGORITHMS.get((kind, "" if kind == "RSA" else curve))
    is_signing = jwk.get("use", "sig") == "sig" and isinstance(jwk.get("kid"), str) and "d" not in jwk
    return algorithm if is_signing and jwk.get("alg", algorithm) == algorithm else None
