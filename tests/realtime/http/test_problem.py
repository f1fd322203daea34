"""Refusals of HTTP: malformed, foreign, oversized and unknown requests are problems, and the server goes on."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import Answer, Api, Client, Server, new_key
from tests.support.raw import Raw

LONG = 1_000_001
OTHER = "https://elsewhere.example"
FRIEND = "https://friend.example"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server that allows one other origin."""
    settings = {"SLOTCAST_ORIGINS": FRIEND, "SLOTCAST_PROXIES": "127.0.0.1"}
    with Server(tmp_path_factory.mktemp("http"), "--no-demo", "--rate", "0", settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def token(served: Server) -> str:
    """Make a staff token."""
    return served.command("token", "--scope", "staff").strip()


@pytest.fixture
async def api(served: Server, token: str) -> AsyncIterator[Api]:
    """Ask as staff."""
    async with Api(served.url, token) as api:
        yield api


@pytest.fixture
async def slot(api: Api) -> str:
    """Open a slot."""
    name = f"c-{new_key().lower().replace('_', '-')}"
    await api.post("/api/calendars", id=name, name="Room", zone="UTC")
    start = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    fields = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
    opened = await api.post(f"/api/calendars/{name}/slots", slots=[fields])
    return str(opened["slots"][0]["id"])


def _code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"[]", b'"x"', b"5", b"null", b"\xff\xfe", b'{"seats": NaN}', b'{"seats": 1}x', b'{"name": "\xff"}',
        b'{"name": "\\ud800"}', b"[" * 100_000, b'{"a":' * 100_000, b"\0", b"{'seats': 1}", b"\xef\xbb\xbf{}",
    ],
    ids=lambda raw: repr(raw[:20]),
)  # fmt: skip
async def test_a_body_that_is_no_object(api: Api, slot: str, raw: bytes) -> None:
    """A body other than one JSON object is bad_request."""
    answer = await api.ask("POST", f"/api/slots/{slot}/holds", raw=raw, key=new_key())
    assert _code(answer) == (400, "bad_request")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_of_another_type(api: Api, slot: str, kind: str) -> None:
    """A body without a JSON content type is bad_request: another site's form can't post here."""
    headers = {"Content-Type": kind} if kind else {"Content-Type": "application/octet-stream"}
    answer = await api.ask("POST", f"/api/slots/{slot}/holds", raw=b"{}", headers=headers, key=new_key())
    assert _code(answer) == (400, "bad_request")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = await api.ask("POST", f"/api/slots/{slot}/holds", raw=b"{}", headers=headers, key=new_key())
    assert _code(answer) == (201, "ok")


async def test_the_sender_of_a_huge_head_reads_the_answer(served: Server) -> None:
    """The server reads on behind the 400: no reset overtakes it."""
    raw = await Raw.connect(served.port)
    raw.writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000)
    await raw.reader.readuntil(b" 400 Bad Request\r\n")
    for _ in range(5):
        raw.writer.write(b"x" * 100_000)
        await raw.writer.drain()
    assert b"8190 bytes" in await raw.reader.read()
    raw.close()


async def test_a_body_that_is_too_large(served: Server, api: Api, slot: str) -> None:
    """Bodies go to 1 MB; beyond, they are refused, and the server goes on."""
    raw = json.dumps({"note": "n" * LONG}).encode()
    answer = await api.ask("POST", f"/api/slots/{slot}/holds", raw=raw, key=new_key())
    assert _code(answer) == (413, "payload_too_large")
    customer = {"name": "Ada", "note": "n" * 900_000}
    answer = await api.ask("POST", f"/api/slots/{slot}/bookings", {"customer": customer}, key=new_key())
    assert _code(answer) == (400, "bad_request")
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST /api/calendars HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n{")
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 10), "it is not waited for"
    writer.close()
    await writer.wait_closed()


async def test_a_message_that_is_too_large(served: Server, api: Api) -> None:
    """A socket that sends more than 1 MB at once is closed, without an effect on others."""
    async with Client(served.url) as giant, Client(served.url) as other:
        sent = giant.send("slot.hold", {"slot": "x" * LONG})
        while not giant.disconnects:
            await asyncio.wait([sent], timeout=0.02)
        answer = await other.ask("slot.hold", slot="x", key=new_key())
        assert answer["error"]["code"] == "not_found"
        assert other.disconnects == 0


async def test_a_message_that_is_too_deep(served: Server) -> None:
    """Hundreds of arrays in one another are no reason to fall over."""
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    async with Client(served.url) as client:
        answer = await client.ask("slot.hold", slot=deep, key=new_key())
        assert answer["error"]["code"] == "bad_request"
    async with Api(served.url) as api:
        assert (await api.ask("GET", "/healthz")).status == 200


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
    assert _code(answer) == (status, "not_found" if status == 404 else "method_not_allowed")
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


@pytest.mark.parametrize(
    "query",
    ["from=soon", "from=2027-01-01", "to=2001-01-01T00:00:00Z", "from=%00", "from=%ED%A0%80", "from=", "to=x" * 50,
     "from=2027-01-01T00:00:00%2B99:00", "from=9999-12-31T23:59:59Z", "from=9999-12-31T23:59:59-12:00",
     "from=0001-01-01T00:00:00%2B12:00", "from=0001-01-01T00:00:00Z&to=x"],
)  # fmt: skip
async def test_times_that_are_none(api: Api, slot: str, query: str) -> None:
    """An unreadable window is bad_request, on every route."""
    name = (await api.get("/api/calendars"))["calendars"][0]["id"]
    for route in ("slots", "bookings"):
        answer = await api.ask("GET", f"/api/calendars/{name}/{route}?{query}")
        assert _code(answer) == (400, "bad_request"), answer


@pytest.mark.parametrize("wait", ["-1", "61", "x", "nan", "inf", "1e9", ""])
async def test_waits_that_are_none(api: Api, slot: str, wait: str) -> None:
    """A long poll waits 0 to 60 seconds."""
    name = (await api.get("/api/calendars"))["calendars"][0]["id"]
    assert (await api.ask("GET", f"/api/calendars/{name}/changes?wait={wait}")).code == "bad_request"


async def test_headers_that_are_none(served: Server, api: Api, slot: str) -> None:
    """Odd headers are refused or passed over; none of them is worth an error of the server's."""
    path = f"/api/slots/{slot}"
    for version in ("x", '"x"', "-1", '"1", "2"', "9" * 17, "\udcff"):
        answer = await api.ask("POST", f"{path}/close", headers={"If-Match": version})
        assert answer.code == "bad_request", version
    assert (await api.ask("POST", f"{path}/close", headers={"If-Match": '"999999"'})).code == "version_conflict"
    for key in ("\udcff" * 30, "k" * 201):
        answer = await api.ask("POST", f"{path}/holds", headers={"Idempotency-Key": key})
        assert answer.code == "bad_request", key
    answer = await api.ask("POST", f"{path}/holds", {"key": new_key()}, key=new_key())
    assert answer.code == "bad_request", "the body says another key than the header"
    for name in ("X-Request-ID", "X-Forwarded-For", "Last-Event-ID", "If-None-Match", "Range", "Expect"):
        for value in ("\udcff", "x" * 2_000, "1, 2; 3", "100-continue" if name == "Expect" else "bytes=0-"):
            answer = await api.ask("GET", "/api/calendars", headers={name: value})
            assert answer.status in {200, 417}, (name, value)
            assert answer.headers.get("X-Request-ID", "") != value


async def test_what_is_no_http(served: Server) -> None:
    """A peer that does not speak HTTP is closed, without a traceback."""
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"\0" * 9_000,
                     b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n",
                     b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):  # fmt: skip
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(nonsense)
        writer.write_eof()
        head = await asyncio.wait_for(reader.read(100), 10)
        assert not head or b" 4" in head, head
        writer.close()
        await writer.wait_closed()
    assert "Traceback" not in served.log


async def test_same_origin_unless_told_otherwise(served: Server, api: Api, slot: str) -> None:
    """A page of an unlisted origin may not ask, a listed one may read the answer, and never with credentials."""
    path = f"/api/slots/{slot}/holds"
    answer = await api.ask("POST", path, {}, key=new_key(), headers={"Origin": OTHER})
    assert _code(answer) == (403, "forbidden")
    assert "Access-Control-Allow-Origin" not in answer.headers
    answer = await api.ask("POST", path, {}, key=new_key(), headers={"Origin": FRIEND})
    assert answer.code == "ok"
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "Access-Control-Allow-Credentials" not in answer.headers
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = await api.ask("OPTIONS", path, headers={"Origin": FRIEND, **asked})
    assert answer.status == 204
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert (await api.ask("OPTIONS", path, headers={"Origin": OTHER, **asked})).status == 403
    answer = await api.ask("GET", "/api/calendars", headers={"Origin": served.url})
    assert answer.code == "ok"
    for origin in ("null", "http://127.0.0.1:1", "x", "https://friend.example.evil"):
        assert (await api.ask("GET", "/api/calendars", headers={"Origin": origin})).code == "forbidden", origin
    for origin, status in ((OTHER, {400, 403}), (FRIEND, {200})):
        answer = await api.ask("GET", "/socket.io/?EIO=4&transport=polling", headers={"Origin": origin})
        assert answer.status in status, origin


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


async def test_an_etag(api: Api, slot: str) -> None:
    """A snapshot's ETag holds as long as its slots do."""
    name = [info["id"] for info in (await api.get("/api/calendars"))["calendars"]][-1]
    path = f"/api/calendars/{name}/slots"
    first = await api.ask("GET", path)
    mark = first.headers["ETag"]
    same = await api.ask("GET", path, headers={"If-None-Match": mark})
    assert (same.status, same.raw, same.headers["ETag"]) == (304, b"", mark)
    await api.ask("PATCH", f"/api/calendars/{name}", {"name": "Another"})
    assert (await api.ask("GET", path, headers={"If-None-Match": mark})).status == 200


async def test_every_answer_has_a_request_id(served: Server, api: Api) -> None:
    """Answers have a request id, the client's if it is sane, and no more of the server than its name."""
    for path in ("/", "/api/calendars", "/healthz", "/readyz", "/metrics", "/nowhere"):
        answer = await api.ask("GET", path, headers={"X-Request-ID": "my-id.7"})
        assert answer.headers["X-Request-ID"] == "my-id.7", path
        assert answer.headers["Server"] == "Slotcast"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    page = await api.ask("GET", "/c/anything")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


async def test_holds_are_counted_for_the_peer_behind_the_proxy(served: Server, api: Api) -> None:
    """Behind a trusted proxy clients are distinguished by X-Forwarded-For; IPv6 counts by /64."""
    await api.post("/api/calendars", id="counted", name="C", zone="UTC", policy={"max_holds": 1})
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    places = [(start + timedelta(hours=number)) for number in range(6)]
    slots = [{"start": at.isoformat(), "end": (at + timedelta(hours=1)).isoformat()} for at in places]
    opened = (await api.post("/api/calendars/counted/slots", slots=slots))["slots"]
    ids = iter([slot["id"] for slot in opened])
    async with Api(served.url) as guest:
        for peer, code in (
            ("192.0.2.1", "ok"), ("192.0.2.1", "limit_exceeded"), ("192.0.2.9, 192.0.2.2", "ok"),
            ("2001:db8::1", "ok"), ("2001:db8::2:3", "limit_exceeded"), ("2001:db8:0:1::1", "ok"),
        ):  # fmt: skip
            answer = await guest.ask(
                "POST", f"/api/slots/{next(ids)}/holds", {}, key=new_key(), headers={"X-Forwarded-For": peer}
            )
            assert answer.code == code, peer


async def test_too_many_requests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Beyond its rate a client gets a time to wait, over HTTP and Socket.IO alike.

    X-Forwarded-For is believed from listed proxies only.
    """
    with Server(tmp_path_factory.mktemp("rate"), "--no-demo", "--rate", "5") as server:
        async with Api(server.url) as api, Client(server.url) as client:
            peers = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(40)]
            answers = [await api.ask("GET", "/api/calendars", headers=headers) for headers in peers]
            refused = [answer for answer in answers if answer.status != 200]
            assert 5 < len(refused) < 35
            assert {(answer.status, answer.code) for answer in refused} == {(429, "rate_limited")}
            assert int(refused[0].headers["Retry-After"]) >= 1
            acks = await asyncio.gather(*(client.send("booking.get", {"booking": "x"}) for _ in range(40)))
            codes = [ack["error"]["code"] for ack in acks]
            assert set(codes) == {"not_found", "rate_limited"}
            (late, *_) = (ack["error"] for ack in acks if ack["error"]["code"] == "rate_limited")
            assert late["retryable"]
            assert 0 < late["details"]["retry_after"] <= 10
            assert (await api.ask("GET", "/healthz")).status == 200
