"""deploy/nginx.conf in a real nginx: it compresses answers, and passes each change on at once."""

import asyncio
import gzip
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from tests.support import Api, Client, Server, eventually
from tests.support.example import in_days
from tests.support.nginx import NO_NGINX, PROGRAM, Nginx
from tests.system.conftest import QUIET

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=NO_NGINX)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server that trusts the proxy."""
    with Server(tmp_path_factory.mktemp("server"), *QUIET, settings={"SLOTCAST_PROXIES": "127.0.0.1"}) as server:
        yield server


@pytest.fixture(scope="module")
def nginx(server: Server) -> Iterator[Nginx]:
    """Run nginx with the file of deploy/ before the server."""
    with Nginx([server.port]) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def proxied(nginx: Nginx) -> str:
    """Return the URL without TLS."""
    return nginx.url


@pytest.fixture
async def http(proxied: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Ask nginx, and leave the answers as they come."""
    async with aiohttp.ClientSession(proxied, auto_decompress=False, headers={"Accept-Encoding": "gzip"}) as http:

        async def is_up() -> bool:
            try:
                return (await http.get("/readyz")).status == 200
            except aiohttp.ClientError:
                return False

        await eventually(is_up, what="nginx")
        yield http


@pytest.fixture
async def calendar(server: Server, http: aiohttp.ClientSession) -> AsyncIterator[Api]:
    """Make a calendar with a month of slots; yield staff who ask the server itself."""
    async with Api(server.url, server.command("token", "--scope", "staff").strip()) as api:
        answer = await api.ask("POST", "/api/calendars", {"id": "shop", "name": "Shop", "zone": "UTC"})
        if answer.code == "ok":
            places = [{"start": in_days(1 + hour / 24), "end": in_days(1.02 + hour / 24)} for hour in range(200)]
            await api.post("/api/calendars/shop/slots", slots=places)
        yield api


@pytest.mark.usefixtures("calendar")
@pytest.mark.parametrize(
    "path", ["/api/calendars/shop/slots", "/calendars/shop.ics", "/slotcast-calendar.js", "/c/shop"]
)
async def test_answers_are_compressed(http: aiohttp.ClientSession, server: Server, path: str) -> None:
    """A long answer comes in gzip to a client that takes it, and otherwise as it is."""
    async with http.get(path) as packed, http.get(path, headers={"Accept-Encoding": "identity"}) as plain:
        body, whole = await packed.read(), await plain.read()
        assert packed.headers.get("Content-Encoding") == "gzip" or len(whole) < 1_500
        assert "Content-Encoding" not in plain.headers
        assert "Accept-Encoding" in packed.headers["Vary"]
    if len(whole) >= 1_500:
        assert len(gzip.decompress(body)) >= len(whole) - 1_000  # the time of a snapshot differs
        assert len(body) < len(whole) / 2
        print(f"{path}: {len(whole)} bytes become {len(body)}")


@pytest.mark.usefixtures("calendar")
@pytest.mark.parametrize("path", ["/api/calendars/shop/slots", "/calendars/shop.ics", "/slotcast-calendar.js"])
async def test_a_compressed_answer_is_not_sent_again(http: aiohttp.ClientSession, path: str) -> None:
    """The validator of a compressed answer is taken for the validator of the answer."""
    async with http.get(path) as first:
        validators = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
        asked = {theirs: first.headers[ours] for ours, theirs in validators.items() if ours in first.headers}
    async with http.get(path, headers=asked) as again:
        assert (again.status, await again.read()) == (304, b"")


@pytest.mark.usefixtures("calendar")
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_tls_speaks_http_2(nginx: Nginx) -> None:
    """With TLS a browser speaks HTTP/2: its streams share one connection."""
    told = ("--silent", "--insecure", "--http2", "--output", "/dev/null", "--write-out", "%{http_version} %{http_code}")
    curl = await asyncio.create_subprocess_exec("curl", *told, f"{nginx.tls_url}/c/shop", stdout=subprocess.PIPE)
    assert (await curl.communicate())[0] == b"2 200"


async def test_without_tls_a_browser_is_sent_to_it(nginx: Nginx) -> None:
    """With its path and query; a request that writes keeps its method."""
    async with (
        aiohttp.ClientSession(nginx.plain_url, headers={"Host": "slots.example"}) as http,
        http.post("/api/calendars?x=1", allow_redirects=False) as answer,
    ):
        assert answer.status == 308
        assert answer.headers["Location"] == "https://slots.example/api/calendars?x=1"


async def test_one_address_has_a_bounded_number_of_connections(server: Server, calendar: Api) -> None:
    """Streams count as long as they are open, and leaving makes room."""
    path = "/api/calendars/shop/events"
    with Nginx([server.port], most=2) as nginx:
        async with aiohttp.ClientSession(nginx.url) as http:
            first, second = await http.get(path), await http.get(path)
            assert (first.status, second.status) == (200, 200)
            async with http.get(path) as third:
                assert third.status == 429
            first.close()

            async def is_let_in() -> bool:
                async with http.get(path) as again:
                    return again.status == 200

            await eventually(is_let_in, what="room")
            second.close()


async def _until(stream: aiohttp.StreamReader, text: bytes) -> bytes:
    read = b""
    while text not in read:
        piece = await stream.readany()
        assert piece, read
        read += piece
    return read


async def test_changes_pass_at_once(http: aiohttp.ClientSession, proxied: str, calendar: Api) -> None:
    """An event stream is not compressed, and nginx holds back neither its events nor those of a WebSocket."""
    slots: list[Any] = (await calendar.get("/api/calendars/shop/slots"))["slots"]
    async with http.get("/api/calendars/shop/events") as events, Client(proxied) as client:
        assert "Content-Encoding" not in events.headers
        await _until(events.content, b"event: snapshot")
        await client.watch("shop")
        await calendar.post(f"/api/slots/{slots[3]['id']}/holds")
        await asyncio.wait_for(_until(events.content, b'"slot.held"'), 20)
        await eventually(lambda: [change["type"] for change in client.changes] == ["slot.held"])


async def test_polling_passes(proxied: str, calendar: Api) -> None:
    """Socket.IO over long polling works through nginx too."""
    slots: list[Any] = (await calendar.get("/api/calendars/shop/slots"))["slots"]
    async with Client(proxied, transports=("polling",)) as client:
        await client.watch("shop")
        await calendar.post(f"/api/slots/{slots[9]['id']}/holds")
        await eventually(lambda: [change["type"] for change in client.changes] == ["slot.held"])
