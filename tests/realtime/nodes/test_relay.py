"""Sessions of Socket.IO work behind a load balancer that sends each request to another server."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp
import pytest

from cli.setting_values import check_peer_url
from realtime.nodes.relay import worker_of
from tests.support import Api, Client, Node, Server, eventually, free_port
from tests.support.databases.postgres import Postgres
from tests.support.example import in_days
from tests.support.haproxy import NO_HAPROXY, PROGRAM, WITHOUT_STICKINESS, HAProxy

CALENDAR = "shared"
CLIENTS = 4
POLLING = "EIO=4&transport=polling"


@pytest.fixture
def servers(tmp_path: Path, postgres: Postgres) -> Iterator[list[Server]]:
    database = postgres.new_url()
    with ExitStack() as stack:
        servers = []
        for _ in range(2):
            port = free_port()
            settings = {
                "SLOTCAST_PEER_URL": f"http://127.0.0.1:{port}",
                "SLOTCAST_PROXIES": "127.0.0.1",
                "SLOTCAST_DEMO": "0",
                "SLOTCAST_RATE": "0",
            }
            servers.append(stack.enter_context(Server(tmp_path, database=database, settings=settings, port=port)))
        yield servers


@pytest.fixture
def proxied(servers: list[Server]) -> Iterator[str]:
    """Run deploy/haproxy.cfg with a server for each request in turn."""
    if PROGRAM is None:
        pytest.skip(NO_HAPROXY)
    with HAProxy([server.port for server in servers], WITHOUT_STICKINESS) as haproxy:
        yield haproxy.url


async def ready(url: str, servers: list[Server]) -> None:
    """Wait until the proxy has a server, and each server knows the other."""

    async def is_relayed() -> bool:
        async with aiohttp.ClientSession() as session:
            for here, there in (servers, servers[::-1]):
                sid = await opened(session, here.url)
                async with session.post(f"{there.url}/socket.io/?{POLLING}&sid={sid}", data="40/calendars,") as answer:
                    if answer.status != 200:
                        return False
            with suppress(aiohttp.ClientConnectorError):  # the proxy listens later than its servers
                async with session.get(f"{url}/livez") as answer:
                    return answer.status == 200
        return False

    await eventually(is_relayed, what="servers that know each other")


async def opened(session: aiohttp.ClientSession, url: str) -> str:
    """Open a polling session, and return its id."""
    async with session.get(f"{url}/socket.io/?{POLLING}") as answer:
        sid: str = json.loads((await answer.text())[1:])["sid"]
        return sid


async def relayed(servers: list[Server]) -> float:
    """Return the number of requests that the servers have passed on."""
    count = 0.0
    for server in servers:
        async with Api(server.url) as api:
            text = (await api.ask("GET", "/metrics")).raw.decode()
        count += sum(float(line.split()[1]) for line in text.splitlines() if line.startswith("slotcast_relayed"))
    return count


@pytest.mark.parametrize("transports", [("polling",), ("polling", "websocket")], ids=" then ".join)
async def test_clients_need_no_server_of_their_own(
    transports: tuple[str, ...], servers: list[Server], proxied: str, node: Callable[..., Node]
) -> None:
    """The official clients subscribe, also by polling and an upgrade, and stay connected."""
    await ready(proxied, servers)
    before = await relayed(servers)
    token = servers[0].command("token", "--scope", "staff").strip()
    async with Api(proxied, token) as api:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        official = node("watcher.mjs", proxied, CALENDAR, json.dumps({"transports": transports}))
        await asyncio.to_thread(official.read_until, lambda told: told["saw"] == "subscribed")
        clients = [Client(proxied, transports=transports) for _ in range(CLIENTS)]
        async with asyncio.timeout(60):
            for client in clients:
                await client.connect()
                assert (await client.watch(CALENDAR)).is_at(0)
            await api.post(f"/api/calendars/{CALENDAR}/slots", slots=[{"start": in_days(1), "end": in_days(1.1)}])
            await eventually(lambda: all(len(client.changes) == 1 for client in clients), 20.0, "the change")
            for client in clients:
                assert client.disconnects == 0
                await client.close()
    assert await relayed(servers) >= before + CLIENTS


async def test_an_answer_is_compressed_for_a_client_that_reads_it(servers: list[Server]) -> None:
    """The headers of a relayed request are the client's, and the relay adds none."""
    await ready(servers[0].url, servers)
    token = servers[0].command("token", "--scope", "staff").strip()
    async with Api(servers[0].url, token) as api:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        slots = [{"start": in_days(1 + place / 10), "end": in_days(1.1 + place / 10)} for place in range(20)]
        await api.post(f"/api/calendars/{CALENDAR}/slots", slots=slots)
    for accepted in ({}, {"Accept-Encoding": "gzip"}):
        async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session:
            url = f"{servers[0].url}/socket.io/?{POLLING}&sid={await opened(session, servers[1].url)}"
            for packet in ("40/calendars,", f'42/calendars,1["calendar.subscribe",{{"calendar":"{CALENDAR}"}}]'):
                async with session.post(url, data=packet) as answer:
                    assert answer.status == 200
            async with session.get(url, headers=accepted) as answer:
                body = await answer.read()
            while CALENDAR.encode() not in body and "Content-Encoding" not in answer.headers:
                async with session.get(url, headers=accepted) as answer:
                    body = await answer.read()
            assert answer.headers.get("Content-Encoding") == accepted.get("Accept-Encoding")


async def test_a_session_of_a_dead_or_unknown_server_is_unknown(servers: list[Server]) -> None:
    """The client is told at once, as after a restart, and opens another session."""
    await ready(servers[0].url, servers)
    async with aiohttp.ClientSession() as session:
        sid = await opened(session, servers[1].url)
        servers[1].kill9()
        for name in (sid, "0" * 12 + "~x", "~", "~~", "x~0.y"):
            async with asyncio.timeout(20), session.get(f"{servers[0].url}/socket.io/?{POLLING}&sid={name}") as answer:
                assert (answer.status, await answer.text()) == (400, "The session is unknown.")
    assert f"SLOTCAST_PEER_URL={servers[1].url} does not answer" in servers[0].log


async def test_a_poll_does_not_wait_for_a_frozen_server(servers: list[Server]) -> None:
    """It is over some seconds later, so that its client opens another session."""
    await ready(servers[0].url, servers)
    async with aiohttp.ClientSession() as session:
        url = f"{servers[0].url}/socket.io/?{POLLING}&sid={await opened(session, servers[1].url)}"
        async with session.post(url, data="40/calendars,"), session.get(url):
            os.kill(servers[1].pid, signal.SIGSTOP)
            try:
                async with asyncio.timeout(20), session.get(url) as answer:
                    assert (answer.status, await answer.text()) == (400, "The session is unknown.")
            finally:
                os.kill(servers[1].pid, signal.SIGCONT)


async def test_a_client_that_leaves_its_poll_ends_its_session(servers: list[Server]) -> None:
    """As on one server: the poll on the other server ends with it."""
    await ready(servers[0].url, servers)
    async with aiohttp.ClientSession() as session:
        sid = await opened(session, servers[1].url)

        async def has_ended() -> bool:
            """Leave the poll soon, unless the session is unknown by now."""
            try:
                async with (
                    asyncio.timeout(0.3),
                    session.get(f"{servers[0].url}/socket.io/?{POLLING}&sid={sid}") as answer,
                ):
                    return answer.status == 400
            except TimeoutError:
                return False

        await eventually(has_ended, what="the end of the session")


@pytest.mark.parametrize(
    ("rest", "worker"),
    [("0.abc", "0"), ("12.abc", "12"), ("123.abc", ""), ("x.abc", ""), ("\u00b2.abc", ""), ("abc", "")],
)
def test_each_worker_has_connections_of_its_own(rest: str, worker: str) -> None:
    """A session's id names its worker; an id that somebody made up opens no connections of its own."""
    assert worker_of(rest) == worker


@pytest.mark.parametrize(
    "url", ["10.0.0.1:8080", "ftp://there", "http://", "http://there/", "http://u:p@there", "http://there:99999"]
)
def test_a_bad_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"it must look like|[Pp]ort"):
        check_peer_url(url)


@pytest.mark.parametrize("url", ["", "http://10.0.0.1:8080", "https://node-1.internal", "http://[::1]:8080"])
def test_a_good_url_is_taken(url: str) -> None:
    check_peer_url(url)
