"""The proxies of deploy/ place each calendar on one server: clients of all transports meet there."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.support import ROOT, Api, Node, Server, eventually
from tests.support.databases.postgres import Postgres
from tests.support.haproxy import NO_HAPROXY, HAProxy
from tests.support.haproxy import PROGRAM as HAPROXY
from tests.support.nginx import NO_NGINX, Nginx
from tests.support.nginx import PROGRAM as NGINX
from tests.support.node import bundle_library

CALENDARS = [f"room-{number}" for number in range(12)]
SELDOM_CHECKED = (("inter 1s fall 3", "inter 60s fall 3"),)  # a slow machine takes no server out
WAYS = ("websocket", "polling", "sse", "longpoll")


@pytest.fixture
def servers(tmp_path: Path, postgres: Postgres) -> Iterator[list[Server]]:
    url = postgres.new_url()
    settings = {"SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0", "SLOTCAST_PROXIES": "127.0.0.1"}
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(tmp_path, database=url, settings=settings)) for _ in range(2)]
        for calendar in CALENDARS:
            servers[0].command("calendar", "create", calendar)
        yield servers


@pytest.fixture(
    params=[
        pytest.param(HAProxy, marks=pytest.mark.skipif(HAPROXY is None, reason=NO_HAPROXY)),
        pytest.param(Nginx, marks=pytest.mark.skipif(NGINX is None, reason=NO_NGINX)),
    ]
)
def proxied(request: pytest.FixtureRequest, servers: list[Server]) -> Iterator[str]:
    ports = [server.port for server in servers]
    proxy = HAProxy(ports, SELDOM_CHECKED) if request.param is HAProxy else Nginx(ports)
    with proxy:
        yield proxy.url


async def test_a_calendar_is_on_one_server(
    servers: list[Server], proxied: str, tmp_path: Path, node: Callable[..., Node]
) -> None:
    """Watchers of one calendar come to the same server on every transport, and the calendars are on both servers."""
    kinds = [[f"library {way}", calendar] for calendar in CALENDARS for way in WAYS]
    async with Api(proxied) as api:
        await eventually(lambda: _answers(api), 15.0, "a server behind the proxy")
        crowd = node("crowd.mjs", proxied, str(bundle_library(tmp_path)), "100", json.dumps(kinds))

        async def all_watch() -> bool:
            crowd.send({"look": True})
            told = await asyncio.to_thread(crowd.read_until, lambda told: told["saw"] == "copies")
            return all(copy["have"] >= 0 for copy in told["copies"])

        await eventually(all_watch, 30.0, "a snapshot for each watcher")
        rooms = [await _rooms(server) for server in servers]
    assert sum(rooms) == len(CALENDARS), rooms
    assert all(rooms)


async def _answers(api: Api) -> bool:
    return (await api.ask("GET", "/livez")).status == 200


async def _rooms(server: Server) -> int:
    async with Api(server.url) as api:
        lines = (await api.ask("GET", "/metrics")).raw.decode().splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("slotcast_rooms "))


def test_envoy_hashes_by_the_calendar_too() -> None:
    """Its file is well-formed; no Envoy runs in the tests."""
    resources = yaml.safe_load((ROOT / "deploy" / "envoy.yaml").read_text())["static_resources"]
    (cluster,) = resources["clusters"]
    assert cluster["lb_policy"] == "RING_HASH"
    (chain,) = resources["listeners"][0]["filter_chains"]
    (host,) = chain["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
    first = host["routes"][0]
    assert first["match"] == {"prefix": "/socket.io/"}
    assert first["route"]["hash_policy"][0]["query_parameter"] == {"name": "calendar"}
    assert all(route["route"]["timeout"] == "0s" for route in host["routes"])
