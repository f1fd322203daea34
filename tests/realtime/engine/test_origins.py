"""Origins: only pages of allowed origins connect."""

import json

import pytest
from websockets.exceptions import InvalidStatus

from realtime.engine import SocketServer
from realtime.engine.origins import Allowed, Origins
from tests.realtime.engine.conftest import Endpoint, Serve

OPEN = {"EIO": "4", "transport": "polling"}


@pytest.mark.parametrize(
    ("allowed", "origin", "is_allowed"),
    [
        (None, "http://{host}", True),
        (None, "https://{host}", True),  # a proxy may have ended TLS
        (None, "ws://{host}", True),  # the Swift client
        (None, "wss://{host}", True),
        (None, "HTTP://{host}", True),
        (None, "http://evil.example", False),
        (None, "http://127.0.0.1", False),  # another port is another origin
        (None, "http://{host}.evil.example", False),
        (None, "null", False),
        (None, "http://[", False),
        ([], "http://evil.example", False),
        ([], "http://{host}", True),
        (["https://shop.example"], "https://shop.example", True),
        (["https://shop.example"], "https://shop.example:443", True),
        (["https://shop.example"], "wss://shop.example", True),
        (["https://shop.example"], "http://shop.example", False),
        (["https://shop.example"], "http://{host}", True),
        ("https://shop.example", "https://shop.example", True),
        ("*", "http://evil.example", True),
        (["file://"], "file://", True),  # ESP32, Cordova, Electron
        (["null"], "null", True),  # a sandboxed frame
        (["https://shop.example"], "null", False),
        (["https://shop.example"], "file://", False),
        (["capacitor://localhost"], "capacitor://localhost", True),
        (["capacitor://localhost"], "ionic://localhost", False),
        (["capacitor://localhost"], "http://localhost", False),
        (["ionic://localhost"], "ionic://localhost", True),
        (["tauri://localhost"], "tauri://localhost", True),
        (["https://tauri.localhost"], "https://tauri.localhost", True),
        (["http://localhost:8100"], "http://localhost:8100", True),
        (["http://localhost"], "http://localhost:8100", False),
        (["app://-"], "app://-", True),
        (["http://[2001:DB8:0::1]:3000"], "http://[2001:db8::1]:3000", True),
        (["http://[2001:db8::1]"], "http://[2001:db8::2]", False),
        (["chrome-extension://abcdefghijklmnop"], "chrome-extension://abcdefghijklmnop", True),
        (["chrome-extension://abcdefghijklmnop"], "chrome-extension://ponmlkjihgfedcba", False),
        (lambda origin: origin.endswith(".example"), "http://shop.example", True),
        (lambda _origin, environ: environ["HTTP_HOST"].startswith("127."), "http://shop.test", True),
        (lambda origin: origin.endswith(".example"), "http://shop.test", False),
    ],
)
async def test_origins(serve: Serve, allowed: Allowed, origin: str, is_allowed: bool) -> None:
    """The page's origin decides, over HTTP and over WebSocket alike."""
    endpoint = await serve(SocketServer(cors_allowed_origins=allowed))
    headers = {"Origin": origin.format(host=endpoint.http_url.removeprefix("http://"))}
    status, _ = await endpoint.request_with(headers, "GET", **OPEN)
    assert status == (200 if is_allowed else 400)
    if is_allowed:
        await endpoint.dial_with(headers, EIO="4", transport="websocket")
    else:
        with pytest.raises(InvalidStatus, match="400"):
            await endpoint.dial_with(headers, EIO="4", transport="websocket")


async def test_a_page_without_tls_is_not_that_of_a_server_with_tls(serve: Serve) -> None:
    """Its scheme is a part of an origin, where the server knows that its clients use TLS; a listed one may connect."""
    origins = Origins(["http://plain.example"], scheme_of=lambda _request: "https")
    endpoint = await serve(SocketServer(cors_allowed_origins=origins))
    host = endpoint.http_url.removeprefix("http://")
    for origin, status in (
        (f"https://{host}", 200), (f"wss://{host}", 200), (f"http://{host}", 400), (f"ws://{host}", 400),
        (f"HTTP://{host}", 400), ("http://plain.example", 200),
    ):  # fmt: skip
        assert (await endpoint.request_with({"Origin": origin}, "GET", **OPEN))[0] == status, origin


@pytest.fixture
async def shop(serve: Serve) -> Endpoint:
    return await serve(SocketServer(cors_allowed_origins=["https://shop.example"]))


async def test_a_listed_origin_is_named(shop: Endpoint) -> None:
    """A listed origin is answered by its name, and may use credentials."""
    response = await shop.response("GET", {"Origin": "https://shop.example"}, **OPEN)
    assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers["Vary"] == "Origin"


async def test_a_preflight_is_answered(shop: Endpoint) -> None:
    """A browser's preflight from a listed origin gets the allowed headers; a stranger gets none."""
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Headers": "content-type"}
    response = await shop.response("OPTIONS", headers, **OPEN)
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Headers"] == "content-type"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    stranger = await shop.response("OPTIONS", {"Origin": "https://evil.example"}, **OPEN)
    assert stranger.status == 400
    assert "Access-Control-Allow-Origin" not in stranger.headers


async def test_a_refused_origin_gets_a_reason(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """It gets a sentence with its origin and the setting; the log gets one line for each origin, and never a flood."""
    endpoint = await serve(SocketServer())
    for _ in range(3):
        status, text = await endpoint.request_with({"Origin": "capacitor://localhost"}, "GET", **OPEN)
    sentence = (
        "The origin 'capacitor://localhost' may not connect: the server does not list it in cors_allowed_origins."
    )
    assert (status, json.loads(text)) == (400, {"code": 4, "message": sentence})
    assert [record.getMessage() for record in caplog.records if record.name.endswith("origins")] == [
        "The origin 'capacitor://localhost' was refused. To let it connect, list it in cors_allowed_origins."
    ]
    for number in range(300):
        await endpoint.request_with({"Origin": f"http://{number}.example" + "x" * 1_000}, "GET", **OPEN)
    lines = [record.getMessage() for record in caplog.records if record.name.endswith("origins")]
    assert len(lines) == 21  # the last line announces that further ones are left out
    assert max(map(len, lines)) < 400


async def test_open_to_all_means_no_credentials(serve: Serve) -> None:
    """With `*` no page is named and none may act with its visitor's cookies."""
    endpoint = await serve(SocketServer(cors_allowed_origins="*"))
    response = await endpoint.response("GET", {"Origin": "https://evil.example"}, **OPEN)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(("site", "status"), [("same-origin", 200), ("same-site", 400), ("cross-site", 400)])
async def test_a_browser_knows_its_own_page(serve: Serve, site: str, status: int) -> None:
    """Behind a proxy that hides the page's host, the browser's own word on the page's site counts."""
    endpoint = await serve(SocketServer())
    headers = {"Origin": "https://slots.example", "Sec-Fetch-Site": site}
    assert (await endpoint.request_with(headers, "GET", **OPEN))[0] == status
