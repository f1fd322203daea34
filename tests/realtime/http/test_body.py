"""Bodies and messages that are malformed, of another type, too large or too deep."""

import asyncio
import json
from typing import Any

import pytest

from tests.realtime.http.conftest import status_and_code
from tests.support import Api, Client, Server, new_key
from tests.support.clients.raw import Raw

LONG = 1_000_001


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
    assert status_and_code(answer) == (400, "bad_request")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_of_another_type(api: Api, slot: str, kind: str) -> None:
    """A body without a JSON content type is bad_request: another site's form can't post here."""
    headers = {"Content-Type": kind} if kind else {"Content-Type": "application/octet-stream"}
    answer = await api.ask("POST", f"/api/slots/{slot}/holds", raw=b"{}", headers=headers, key=new_key())
    assert status_and_code(answer) == (400, "bad_request")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = await api.ask("POST", f"/api/slots/{slot}/holds", raw=b"{}", headers=headers, key=new_key())
    assert status_and_code(answer) == (201, "ok")


async def test_a_body_that_is_too_large(served: Server, api: Api, slot: str) -> None:
    """Bodies go to 1 MB; beyond, they are refused, and the server goes on."""
    raw = json.dumps({"note": "n" * LONG}).encode()
    answer = await api.ask("POST", f"/api/slots/{slot}/holds", raw=raw, key=new_key())
    assert status_and_code(answer) == (413, "payload_too_large")
    customer = {"name": "Ada", "note": "n" * 900_000}
    answer = await api.ask("POST", f"/api/slots/{slot}/bookings", {"customer": customer}, key=new_key())
    assert status_and_code(answer) == (400, "bad_request")
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
