"""Refusals of HTTP are problems with a code and a request id, and the server goes on."""

import aiohttp
import pytest

from tests.realtime.http.conftest import FRIEND, status_and_code
from tests.support import Api, Server, new_key

LONG = 1_000_001
OTHER = "https://elsewhere.example"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404), ("GET", "/api", 404), ("GET", "/api/", 404), ("POST", "/api/nowhere", 404),
        ("GET", "/api/calendars/a/b/c", 404), ("GET", "/assets/../server.py", 404), ("GET", "/assets/%2e%2e/x", 404),
        ("GET", "/c/", 404), ("PUT", "/api/calendars", 405), ("POST", "/api/calendars/a", 405),
        ("DELETE", "/healthz", 405), ("TRACE", "/api/calendars", 405), ("PATCH", "/", 405),
        ("GET", "/api/slots/x/close", 405),
    ],
)  # fmt: skip
async def test_what_is_not_there(api: Api, method: str, path: str, status: int) -> None:
    """An unknown address or method is a problem too, with HTTP's own status."""
    answer = await api.ask(method, path)
    assert status_and_code(answer) == (status, "not_found" if status == 404 else "method_not_allowed")
    assert (status == 405) == ("Allow" in answer.headers)


@pytest.mark.parametrize("path", ["%00", "%ED%A0%80", "%FF", "..%2F..", "%0d%0aX-Evil:%201", "a" * 3_000, "*", "%"])
async def test_ids_that_are_none(api: Api, path: str) -> None:
    """Any text in the place of an id is at worst an unknown id."""
    for route in ("/api/calendars/{}", "/api/calendars/{}/slots", "/api/calendars/{}/changes", "/calendars/{}.ics"):
        answer = await api.ask("GET", route.format(path))
        assert answer.code in {"bad_request", "not_found"}, (route, answer)
        assert "X-Evil" not in answer.headers
    for route in ("/api/slots/{}/close", "/api/bookings/{}/cancel", "/api/slots/{}/holds"):
        answer = await api.ask("POST", route.format(path), {}, key=new_key())
        assert answer.code in {"bad_request", "not_found"}, (route, answer)
    assert (await api.ask("GET", f"/c/{path}")).status in {200, 304, 400, 404}


async def test_a_listed_page_can_read_every_refusal(served: Server, slot: str) -> None:
    """Whatever refuses, a browser shows the answer to a page of a listed origin, and to no other page."""
    refused = [
        ("GET", "/api/nowhere", None, {}, "not_found"),
        ("GET", "/api/calendars/none", None, {}, "unauthorized"),
        ("GET", "/calendars/none.ics", None, {}, "unauthorized"),
        ("GET", "/api/calendars", None, {"Authorization": "Bearer x"}, "unauthorized"),
        ("PUT", "/api/calendars", None, {}, "method_not_allowed"),
        ("POST", f"/api/slots/{slot}/holds", b"{", {}, "bad_request"),
        ("POST", f"/api/slots/{slot}/holds", b" " * LONG, {}, "payload_too_large"),
        ("POST", f"/api/slots/{slot}/holds", b"{}", {"Content-Encoding": "gzip"}, "unsupported_encoding"),
        ("DELETE", f"/api/slots/{slot}", None, {}, "unauthorized"),
        ("POST", f"/api/slots/{slot}/holds", b'{"seats": 2}', {}, "capacity_exceeded"),
        ("GET", "/api/calendars/none/events", None, {}, "unauthorized"),
    ]
    async with Api(served.url) as guest:
        for method, path, raw, headers, code in refused:
            answer = await guest.ask(
                method, path, raw=raw, key="" if method == "GET" else new_key(), headers={"Origin": FRIEND, **headers}
            )
            assert answer.code == code, (path, answer)
            assert answer.headers["Access-Control-Allow-Origin"] == FRIEND, path
            assert answer.headers["Vary"] == "Origin", path
            assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"], path
            answer = await guest.ask(method, path, raw=raw, key=new_key(), headers={"Origin": OTHER, **headers})
            assert "Access-Control-Allow-Origin" not in answer.headers, path


async def test_every_answer_has_a_request_id(served: Server, api: Api) -> None:
    """Answers have a request id, the client's if it is sane, and no more of the server than its name."""
    for path in ("/", "/api/calendars", "/healthz", "/readyz", "/metrics", "/nowhere"):
        answer = await api.ask("GET", path, headers={"X-Request-ID": "my-id.7"})
        assert answer.headers["X-Request-ID"] == "my-id.7", path
        assert answer.headers["Server"] == "Slotcast"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Strict-Transport-Security" not in answer.headers
        secure = await api.ask("GET", path, headers={"X-Forwarded-Proto": "https"})
        assert "max-age" in secure.headers["Strict-Transport-Security"], path
    page = await api.ask("GET", "/c/anything")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/socket.io/?EIO=4&transport=websocket", "/", "/api/calendars/demo/socket"])
async def test_a_handshake_has_the_headers_of_every_answer(served: Server, path: str) -> None:
    """A WebSocket's answer too keeps a browser on TLS."""
    for scheme in ("http", "https"):
        headers = {"X-Forwarded-Proto": scheme}
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{served.url}{path}", headers=headers) as socket:
            told = socket._response.headers
            assert (told["Server"], told["X-Content-Type-Options"]) == ("Slotcast", "nosniff")
            assert told["Referrer-Policy"] == "no-referrer"
            assert ("Strict-Transport-Security" in told) is (scheme == "https")


async def test_a_stream_has_the_headers_of_every_answer(served: Server, api: Api) -> None:
    """It writes its head by itself."""
    calendar = (await api.get("/api/calendars"))["calendars"][0]["id"]
    headers = {"X-Forwarded-Proto": "https", "Origin": FRIEND}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"{served.url}/api/calendars/{calendar}/events") as stream,
    ):
        assert stream.status == 200
        assert stream.headers["Server"] == "Slotcast"
        assert stream.headers["X-Content-Type-Options"] == "nosniff"
        assert stream.headers["Referrer-Policy"] == "no-referrer"
        assert "max-age" in stream.headers["Strict-Transport-Security"]
        assert stream.headers["Access-Control-Allow-Origin"] == FRIEND
