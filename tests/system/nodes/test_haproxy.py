"""deploy/haproxy.cfg in a real HAProxy: two servers as one, and no client stays with a dead one."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
import yaml  # type: ignore[import-untyped]

from realtime.access.auth import Auth
from tests.support import ROOT, Api, Server, eventually, new_key
from tests.support.clients.following import all_have, following, open_slot
from tests.support.databases.postgres import Postgres
from tests.support.haproxy import NO_HAPROXY, PROGRAM, HAProxy

SECRET = "a secret that both of the servers know"
STAFF = Auth(SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=3_600)
CALENDAR = "shared"


@pytest.fixture
def servers(tmp_path: Path, postgres: Postgres) -> Iterator[list[Server]]:
    url = postgres.new_url()
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0", "SLOTCAST_PROXIES": "127.0.0.1"}
    with ExitStack() as stack:
        yield [stack.enter_context(Server(tmp_path, database=url, settings=settings)) for _ in range(2)]


@pytest.fixture
def haproxy(servers: list[Server]) -> Iterator[HAProxy]:
    """Run HAProxy before the two servers; a third one is never there."""
    if PROGRAM is None:
        pytest.skip(NO_HAPROXY)
    with HAProxy([server.port for server in servers]) as haproxy:
        yield haproxy


async def test_a_server_that_dies_costs_no_client_a_change(servers: list[Server], haproxy: HAProxy) -> None:
    """Every transport goes through the proxy, and resumes on the other server with every change once and in order."""
    async with Api(haproxy.url, STAFF) as api:

        async def is_up() -> bool:
            try:
                return (await api.ask("GET", "/livez")).status == 200
            except aiohttp.ClientError:
                return False

        await eventually(is_up, what="a server behind the proxy")
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        async with following(haproxy.url, calendar=CALENDAR) as subscribers:
            await open_slot(api, CALENDAR, 1)
            await all_have(subscribers, 1)
            for day, victim in enumerate(servers, start=2):
                victim.kill9()
                await open_slot(api, CALENDAR, day)
                await all_have(subscribers, day)
                victim.start()
    assert all(one.applied == [1, 2, 3] for one in subscribers.values())


async def test_a_database_that_stands_disconnects_no_viewer(
    servers: list[Server], postgres: Postgres, haproxy: HAProxy
) -> None:
    """All servers are unready, and still serve from memory; with the database every change comes."""
    async with Api(haproxy.url, STAFF) as api, aiohttp.ClientSession(haproxy.url) as http:
        await eventually(lambda: haproxy.states()[:2] == [True, True], what="the servers behind the proxy")
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        async with following(haproxy.url, calendar=CALENDAR) as subscribers:
            await open_slot(api, CALENDAR, 1)
            await all_have(subscribers, 1)
            sockets = [await http.ws_connect(f"/api/calendars/{CALENDAR}/socket") for _ in range(4)]
            postgres.stop("immediate")
            try:
                await eventually(lambda: not any(haproxy.states()), 20.0, "unready servers")
                async with http.get(f"/api/calendars/{CALENDAR}/events") as events:
                    assert events.status == 200
                    assert b"event: snapshot" in await events.content.readuntil(b"data:")
                assert (await api.ask("POST", "/api/slots/none/holds", {}, key=new_key())).code == "overloaded"
            finally:
                postgres.start()
            await open_slot(api, CALENDAR, 2)
            await all_have(subscribers, 2)
            for socket in sockets:
                assert [(await socket.receive_json())["seq"] for _ in range(2)] == [1, 2]
                await socket.close()
            await eventually(lambda: haproxy.states()[:2] == [True, True], 20.0, "ready servers")
    assert all(one.applied == [1, 2] for one in subscribers.values())


def test_the_files_of_containers_are_well_formed() -> None:
    """They name the image's port, and the probes are routes of the server."""
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    assert {"postgres", "redis", "one", "two", "three", "haproxy"} == compose["services"].keys()
    every = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text()))
    assert [one["kind"] for one in every] == ["Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"]
    (container,) = every[0]["spec"]["template"]["spec"]["containers"]
    probes = {name: container[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")}
    assert probes == {"livenessProbe": "/livez", "readinessProbe": "/readyz"}
    assert "EXPOSE 8080" in (ROOT / "deploy" / "Dockerfile").read_text()
