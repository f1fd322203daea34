"""The guard of the routes: origins, proxies, and the rate of a client."""

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request

from realtime.http.middleware import Proxies
from tests.realtime.http.conftest import FRIEND, status_and_code
from tests.support import Api, Client, Server, new_key
from tests.support.clients.raw import Raw

OTHER = "https://elsewhere.example"


async def test_same_origin_unless_told_otherwise(served: Server, api: Api, slot: str) -> None:
    """A page of an unlisted origin may not ask, a listed one may read the answer, and never with credentials."""
    path = f"/api/slots/{slot}/holds"
    answer = await api.ask("POST", path, {}, key=new_key(), headers={"Origin": OTHER})
    assert status_and_code(answer) == (403, "forbidden")
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


async def test_holds_are_counted_for_the_peer_behind_the_proxy(served: Server, api: Api) -> None:
    """Behind a trusted proxy clients are distinguished by X-Forwarded-For; IPv6 counts by /64."""
    await api.post("/api/calendars", id="counted", name="C", zone="UTC", policy={"max_holds": 1})
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    places = [(start + timedelta(hours=number)) for number in range(8)]
    slots = [{"start": at.isoformat(), "end": (at + timedelta(hours=1)).isoformat()} for at in places]
    opened = (await api.post("/api/calendars/counted/slots", slots=slots))["slots"]
    ids = iter([slot["id"] for slot in opened])
    async with Api(served.url) as guest:
        for peer, code in (
            ("192.0.2.1", "ok"), ("192.0.2.1", "limit_exceeded"), ("192.0.2.9, 192.0.2.2", "ok"),
            ("2001:db8::1", "ok"), ("2001:db8::2:3", "limit_exceeded"), ("2001:db8:0:1::1", "ok"),
            ("192.0.2.1:4711", "limit_exceeded"), ("[2001:db8::1]:4711", "limit_exceeded"),
        ):  # fmt: skip
            answer = await guest.ask(
                "POST", f"/api/slots/{next(ids)}/holds", {}, key=new_key(), headers={"X-Forwarded-For": peer}
            )
            assert answer.code == code, peer


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:4711", "192.0.2.1"), ("192.0.2.9, 192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"), ("[2001:db8::1]:4711", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"), ("[fe80::1%eth0]:4711", "fe80::1%eth0"),
        ("192.0.2.1, 10.0.0.7", "192.0.2.1"), ("192.0.2.1, ::ffff:10.0.0.7", "192.0.2.1"),
        ("192.0.2.1, [::ffff:10.0.0.7]:80", "192.0.2.1"), ("192.0.2.1,, 10.0.0.7", "10.0.0.7"),
        ("unknown", "10.0.0.1"), ("192.0.2.1:port", "10.0.0.1"), ("[192.0.2.1", "10.0.0.1"), ("", "10.0.0.1"),
        ("192.0.2.1, garbage", "10.0.0.1"),
    ],
)  # fmt: skip
async def test_the_address_that_proxies_name(forwarded: str, address: str) -> None:
    """With a port, in brackets, with a zone, in a list; what is no address is not believed."""
    proxies = Proxies([ip_network("10.0.0.0/8")])
    transport = Mock(get_extra_info=lambda name: ("10.0.0.1", 1) if name == "peername" else None)
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-For": forwarded}, transport=transport)
    assert proxies.address_of(request) == address


@pytest.mark.parametrize(
    ("said", "scheme"), [("https", "https"), ("HTTPS, http", "https"), ("http", "http"), ("x", "http")]
)
async def test_the_scheme_that_proxies_name(said: str, scheme: str) -> None:
    """The first of a list is the client's."""
    transport = Mock(get_extra_info=lambda name: ("10.0.0.1", 1) if name == "peername" else None)
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-Proto": said}, transport=transport)
    assert Proxies([ip_network("10.0.0.0/8")]).scheme_of(request) == scheme


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    ["/", "/api/calendars", "/api/calendars/demo/events", "/calendars/demo.ics", "/healthz", "/nowhere",
     "/socket.io/?EIO=4&transport=polling"],
)  # fmt: skip
async def test_a_compressed_body_is_refused_everywhere(served: Server, method: str, path: str) -> None:
    """Also where no body is read, and in the preflight of a browser."""
    async with Api(served.url) as api:
        answer = await api.ask(method, path, raw=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
        assert answer.status == 415


@pytest.mark.parametrize("path", ["/api/calendars/demo/events", "/api/events?calendars=demo", "/api/calendars"])
async def test_an_origin_in_bytes_is_no_fault(served: Server, path: str) -> None:
    """A header need not be UTF-8; a stream writes its head by itself."""
    raw = await Raw.connect(served.port)
    await raw.send(f"GET {path} HTTP/1.1\r\nHost: ".encode() + b"\xff\r\nOrigin: http://\xff\r\n\r\n")
    head = await asyncio.wait_for(raw.reader.readuntil(b"\r\n\r\n"), 10)
    raw.close()
    assert head.startswith(b"HTTP/1.1 200 ")


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
