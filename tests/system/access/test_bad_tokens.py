"""Bad tokens of every kind open nothing, on every route and in both namespaces."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import socketio.exceptions

from tests.support import GUESTS, STAFF, Api, Client
from tests.support.example import World
from tests.support.route import ROUTES
from tests.system.both_transports import over_socket
from tests.system.conftest import Place
from tests.system.known_secret import ALL, SECRET, serve, sign


def _unsigned(**claims: Any) -> str:
    """A token of the algorithm "none", in each of the ways it is tried."""
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none", "typ": "JWT"}, {"sub": "someone", **claims})
    )
    return f"{head}.{body}."


def _with_other_body(token: str, **claims: Any) -> str:
    head, _, mark = token.split(".")
    body = base64.urlsafe_b64encode(json.dumps({"sub": "someone", **claims}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{mark}"


BAD_TOKENS = {
    "garbage": "garbage",
    "three dots": "a.b.c",
    "expired": sign(**ALL, exp=int(time.time()) - 60),
    "not valid yet": sign(**ALL, nbf=int(time.time()) + 3_600),
    "another key": sign("another secret, which is just as long as the first", **ALL),
    "empty key": sign(" " * 32, **ALL),
    "none": _unsigned(**ALL),
    "another algorithm": sign(SECRET * 2, algorithm="HS512", **ALL),
    "a body of its own": _with_other_body(sign(), **ALL),
    "no subject": jwt.encode(ALL, SECRET, algorithm="HS256"),
    "an empty subject": sign(**{**ALL, "sub": ""}),
    "half a pair for a subject": sign(**{**ALL, "sub": "\ud800"}),
    "a subject that ends early": sign(**{**ALL, "sub": "some\0one"}),
    "a long subject": sign(**{**ALL, "sub": "s" * 256}),
    "calendars of a wrong kind": sign(scope="staff", calendars={"a": 1}),
    "calendars of numbers": sign(scope="staff", calendars=[1]),
    "an end that is none": sign(**ALL, exp="soon"),
    "an end beyond all numbers": sign(**ALL, exp=10**400),
    "an endless end": sign(**ALL, exp=float("inf")),
    "long": sign("another secret, which is just as long as the first", **ALL, more="m" * 5_000),
    "half a pair": "\udcff.\udcff.\udcff",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server whose secret the tests know."""
    yield from serve(tmp_path_factory.mktemp("rights"))


async def _refusal(url: str, token: Any, namespace: str) -> Any:
    """Return the refusal of a client."""
    client = socketio.AsyncClient(reconnection=False)
    told: list[Any] = []
    client.on("connect_error", told.append, namespace=namespace)
    auth = None if token is None else {"token": token}
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(url, namespaces=[namespace], auth=auth, transports=["websocket"], wait_timeout=5)
    await client.disconnect()
    assert told[0]["message"]
    return told[0]["data"]


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_bad_token_opens_nothing(kind: str, place: Place, world: World) -> None:
    """A bad token of any kind is unauthorized: on every route, in both namespaces, and for a refresh."""
    token = BAD_TOKENS[kind]
    async with Api(place.url, "") as api:
        for name in ROUTES:
            method, path, subject = ROUTES[name]
            path = path.format(world.request(name)[subject] if subject else "")
            header = {"Authorization": f"Bearer {token}"}
            answer = await api.ask(method, path, headers=header)
            assert (answer.code, answer.status) == ("unauthorized", 401), (name, answer)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    if kind == "half a pair":
        token = "\ud800"  # as JSON can say it
    for namespace in (GUESTS, STAFF):
        told = await _refusal(place.url, token, namespace)
        assert told["code"] == "unauthorized", told
        assert told["retryable"] is False
    async with Client(place.url) as client:
        fields = {"token": token}
        said = await over_socket(client, "auth.refresh", fields)
        assert said == ("bad_request" if kind in {"long", "half a pair"} else "unauthorized")
        assert await over_socket(client, "calendar.subscribe", {"calendar": world.calendar}) == "ok"


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "bearer  ", "Token x", "Bearer a b"])
async def test_authorization_of_another_kind(header: str, place: Place) -> None:
    """A header other than a Bearer token is unauthorized, not a guest."""
    async with Api(place.url) as api:
        answer = await api.ask("GET", "/api/calendars", headers={"Authorization": header})
        assert answer.code == ("ok" if header.strip().lower() == "bearer" else "unauthorized")


@pytest.mark.parametrize("token", [None, 5, {"a": 1}, ["x"], ""])
async def test_a_connect_payload_of_another_kind(token: Any, place: Place) -> None:
    """`/staff` refuses any token without staff scope in the CONNECT payload."""
    assert (await _refusal(place.url, token, STAFF))["code"] == "unauthorized"


async def test_staff_is_for_staff(place: Place) -> None:
    """A guest's token does not open `/staff`; it is forbidden, and the client asks for another one."""
    told = await _refusal(place.url, sign(calendars="*"), STAFF)
    assert told["code"] == "forbidden"
