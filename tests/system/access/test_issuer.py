"""A server takes the tokens of a company's own issuer, beside its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from models.contract.values.time import SECOND, system_clock
from tests.support import STAFF, Api, Client, Server
from tests.system.conftest import QUIET, Place

KEY = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())
ISSUER, AUDIENCE = "https://login.example", "slots"


async def _jwks(_: web.Request) -> web.Response:
    written = jwt.get_algorithm_by_name("ES256").to_jwk(KEY.public_key(), as_dict=True)
    return web.json_response({"keys": [{**written, "kid": "one", "use": "sig"}]})


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Run an issuer, and a server that knows it."""
    app = web.Application()
    app.router.add_get("/jwks", _jwks)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = {
        "SLOTCAST_JWKS_URL": f"http://127.0.0.1:{runner.addresses[0][1]}/jwks",
        "SLOTCAST_JWT_ISSUER": ISSUER,
        "SLOTCAST_JWT_AUDIENCE": AUDIENCE,
    }
    server = Server(tmp_path, *QUIET, settings=settings)
    await asyncio.to_thread(server.start)  # the issuer answers from this loop
    with_server = Place(server, (await asyncio.to_thread(server.command, "token", "--scope", "staff")).strip())
    yield with_server
    await asyncio.to_thread(server.__exit__, None, None, None)
    await runner.cleanup()


def _token(key: Any = KEY, algorithm: str = "ES256", **claims: Any) -> str:
    given = {"sub": "ada", "scope": "openid staff", "calendars": ["room"], "iss": ISSUER, "aud": AUDIENCE}
    end = system_clock() // SECOND + 600
    return jwt.encode({**given, "exp": end, **claims}, key, algorithm=algorithm, headers={"kid": "one"})


async def test_the_tokens_of_an_issuer_have_their_rights_and_no_others(place: Place) -> None:
    """Its staff is staff in its calendars, over HTTP and Socket.IO; forged tokens and those for others are refused."""
    async with Api(place.url, place.staff) as own, Api(place.url, _token()) as ada, Api(place.url) as nobody:
        for calendar in ("room", "other"):
            await own.post("/api/calendars", id=calendar, name="Room", zone="UTC", visibility="private")
        assert (await ada.get("/api/calendars/room/history"))["entries"] == []
        assert (await ada.ask("GET", "/api/calendars/other/history")).code == "forbidden"
        another = _token(b"a key that is no key of this issuer", "HS256")
        for forged in (_token(STRANGER), _token(iss="https://other.example"), _token(aud="other"), another):
            headers = {"Authorization": f"Bearer {forged}"}
            assert (await nobody.ask("GET", "/api/calendars/room", headers=headers)).code == "unauthorized"
    async with Client(place.url, token=_token(), namespace=STAFF) as client:
        assert client.is_connected
