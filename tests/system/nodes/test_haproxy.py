"""deploy/haproxy.cfg in a real HAProxy: two servers as one, and no client stays with a dead one."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, aclosing, suppress
from pathlib import Path

import aiohttp
import pytest
import socketio
import yaml  # type: ignore[import-untyped]

from realtime.access.auth import Auth
from tests.support import ROOT, Api, Server, eventually, free_port, new_key
from tests.support.clients.transport import TRANSPORTS, Subscriber
from tests.support.databases.postgres import Postgres
from tests.support.example import in_days

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
SECRET = "a secret that both of the servers know"
STAFF = Auth(SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=3_600)
CALENDAR = "shared"
RETRY_SECONDS = 0.1


@pytest.fixture
def servers(tmp_path: Path, postgres: Postgres) -> Iterator[list[Server]]:
    url = postgres.new_url()
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0", "SLOTCAST_PROXIES": "127.0.0.1"}
    with ExitStack() as stack:
        yield [stack.enter_context(Server(tmp_path, database=url, settings=settings)) for _ in range(2)]


@pytest.fixture
def proxied(servers: list[Server], tmp_path: Path) -> Iterator[str]:
    """Run HAProxy before the two servers; a third one is never there."""
    if HAPROXY is None:
        pytest.skip("no HAProxy on this machine (Debian: haproxy)")
    port = free_port()
    places = [f"127.0.0.1:{number}" for number in (servers[0].port, servers[1].port, free_port())]
    environment = dict(zip(("SLOTCAST_ONE", "SLOTCAST_TWO", "SLOTCAST_THREE"), places, strict=True))
    environment["SLOTCAST_BIND"] = f"127.0.0.1:{port}"
    command = [HAPROXY, "-f", str(ROOT / "deploy" / "haproxy.cfg")]
    with (
        (tmp_path / "haproxy.log").open("w+") as log,
        subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as haproxy,
    ):
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            haproxy.kill()
            log.seek(0)
            print(log.read())


async def follow(way: str, url: str, seen: Subscriber) -> None:
    """Subscribe again from the cursor, for ever."""
    while True:
        with suppress(aiohttp.ClientError, socketio.exceptions.SocketIOError, OSError, TimeoutError):
            async with (
                aiohttp.ClientSession() as http,
                aclosing(TRANSPORTS[way](http, url, CALENDAR, seen.cursor)) as messages,
            ):
                async for message in messages:
                    seen.take(message)
        await asyncio.sleep(RETRY_SECONDS)


async def test_a_server_that_dies_costs_no_client_a_change(servers: list[Server], proxied: str) -> None:
    """Every transport goes through the proxy, and resumes on the other server with every change once and in order."""
    async with Api(proxied, STAFF) as api, asyncio.TaskGroup() as tasks:

        async def is_up() -> bool:
            try:
                return (await api.ask("GET", "/livez")).status == 200
            except aiohttp.ClientError:
                return False

        async def have_all(seq: int) -> None:
            await eventually(lambda: all(one.have == seq for one in seen.values()), 30.0, f"change {seq}")

        async def open_slot(day: int) -> None:
            """Open a slot, and try again with the same key where the proxy has no answer."""
            slot, key = {"start": in_days(day), "end": in_days(day + 0.01)}, new_key()

            async def is_open() -> bool:
                try:
                    answer = await api.ask("POST", f"/api/calendars/{CALENDAR}/slots", {"slots": [slot]}, key=key)
                except aiohttp.ClientError:
                    return False
                return answer.code == "ok"

            await eventually(is_open, 15.0, "an answer by the proxy")

        seen = {way: Subscriber() for way in TRANSPORTS}
        await eventually(is_up, 15.0, "a server behind the proxy")
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        following = [tasks.create_task(follow(way, proxied, one)) for way, one in seen.items()]
        await open_slot(1)
        await have_all(1)
        for day, victim in enumerate(servers, start=2):
            victim.kill9()
            await open_slot(day)
            await have_all(day)
            victim.start()
        for task in following:
            task.cancel()


def test_the_files_of_containers_are_well_formed() -> None:
    """They name the image's port, and the probes are routes of the server."""
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    assert {"postgres", "one", "two", "three", "haproxy"} == compose["services"].keys()
    every = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text()))
    assert [one["kind"] for one in every] == ["Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"]
    (container,) = every[0]["spec"]["template"]["spec"]["containers"]
    probes = {name: container[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")}
    assert probes == {"livenessProbe": "/livez", "readinessProbe": "/readyz"}
    assert "EXPOSE 8080" in (ROOT / "deploy" / "Dockerfile").read_text()
