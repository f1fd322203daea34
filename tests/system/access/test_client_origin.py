"""Apps in a web view, clients of another namespace, requests with binary: each is accepted, or gets a reason."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import socketio

from tests.support import Server
from tests.system.conftest import QUIET

APPS = [
    "file://", "null", "capacitor://localhost", "ionic://localhost", "tauri://localhost", "http://localhost",
    "https://localhost", "https://tauri.localhost", "http://localhost:8100", "app://-", "chrome-extension://abcdef",
]  # fmt: skip
OPEN = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server that lists the origins of all these apps."""
    settings = {"SLOTCAST_ORIGINS": ", ".join(APPS)}
    with Server(tmp_path_factory.mktemp("server"), *QUIET, settings=settings) as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.mark.parametrize("origin", APPS)
async def test_an_app_that_is_listed(server: Server, http: aiohttp.ClientSession, origin: str) -> None:
    """It may connect over both transports and use the API; over Socket.IO with credentials."""
    headers = {"Origin": origin}
    async with http.get(server.url + OPEN, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    async with http.ws_connect(f"{server.url}/socket.io/?EIO=4&transport=websocket", headers=headers) as socket:
        assert (await socket.receive_str()).startswith("0{")
    async with http.get(f"{server.url}/api/calendars", headers=headers) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == origin


async def test_an_app_that_is_not_listed(server: Server, http: aiohttp.ClientSession) -> None:
    """The refusal names the setting that lists origins; the server's log names it once."""
    headers = {"Origin": "capacitor://elsewhere"}
    for path, status in ((OPEN, 400), (OPEN, 400), ("/api/calendars", 403)):
        async with http.get(server.url + path, headers=headers) as answer:
            assert answer.status == status
            message = (await answer.json())["message"]
            assert "'capacitor://elsewhere'" in message
            assert "SLOTCAST_ORIGINS" in message
            assert "Access-Control-Allow-Origin" not in answer.headers
    assert server.log.count("capacitor://elsewhere") == 1
    assert "list it in SLOTCAST_ORIGINS" in server.log


@pytest.mark.parametrize("namespace", ["/", "/nowhere"])
async def test_no_such_namespace(server: Server, namespace: str) -> None:
    """A client of `io(url)` without a namespace is refused at once, with the known namespaces."""
    client = socketio.AsyncClient(reconnection=False)
    refusals: list[dict[str, object]] = []
    client.on("connect_error", refusals.append, namespace=namespace)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(server.url, namespaces=[namespace], transports=["websocket"])
    await client.disconnect()
    (refusal,) = refusals
    assert "`/calendars`" in str(refusal["message"])
    assert refusal["data"] == {"code": "not_found", "message": refusal["message"], "retryable": False}


async def test_binary_is_answered(server: Server) -> None:
    """A request with an attachment is refused by its answer, and its connection goes on."""
    client = socketio.AsyncClient(reconnection=False)
    await client.connect(server.url, namespaces=["/calendars"], transports=["websocket"])
    try:
        answer = await client.call("slot.book", {"note": b"\x00"}, namespace="/calendars")
        assert answer["error"]["code"] == "bad_request"
        assert "binary" in answer["error"]["message"]
        assert (await client.call("calendar.subscribe", {"calendar": "none"}, namespace="/calendars"))["ok"] is False
    finally:
        await client.disconnect()
