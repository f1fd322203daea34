"""The compression of JSON answers: what is compressed, for whom, and once for all who ask at once."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from realtime.http.compression import LEAST_BYTES, Compression, takes_gzip
from tests.support import eventually

_LONG = json.dumps({"slots": ["slot"] * 10_000}).encode()


_answered = 0


async def _answer(request: web.Request) -> web.Response:
    global _answered  # noqa: PLW0603 - the number of handled requests
    _answered += 1
    size = int(request.query["size"])
    body = _LONG if size > len(_LONG) else b'"%b"' % (b"x" * size)
    return web.Response(body=body, content_type="application/json", headers={"ETag": '"abc"'})


@pytest.fixture
async def client() -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """Serve answers of any size, and read them as they come."""
    app = web.Application(middlewares=[Compression().middleware()])
    app.router.add_route("*", "/", _answer)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


async def test_long_answers_are_compressed(client: TestClient[web.Request, web.Application]) -> None:
    """An answer of 1 KB or more comes in gzip, under an ETag of its own, to a client that takes it."""
    for size, is_packed in ((LEAST_BYTES, True), (LEAST_BYTES - 3, False), (10**6, True)):
        answer = await client.get("/", params={"size": str(size)}, headers={"Accept-Encoding": "br, gzip"})
        body = await answer.read()
        assert answer.headers["Vary"].startswith("Accept-Encoding")
        assert answer.headers.get("Content-Encoding") == ("gzip" if is_packed else None)
        assert answer.headers["ETag"] == ('"abc-gzip"' if is_packed else '"abc"')
        json.loads(gzip.decompress(body) if is_packed else body)
    assert len(body) < len(_LONG) / 20


@pytest.mark.parametrize(("method", "encoding"), [("GET", "identity"), ("GET", "gzip;q=0"), ("POST", "gzip")])
async def test_others_get_it_as_it_is(
    client: TestClient[web.Request, web.Application], method: str, encoding: str
) -> None:
    """A client that takes no gzip gets the bytes, and so does a command: its answer has tokens."""
    answer = await client.request(method, "/", params={"size": "1000000"}, headers={"Accept-Encoding": encoding})
    assert "Content-Encoding" not in answer.headers
    assert await answer.read() == _LONG


async def test_one_compression_serves_all_at_once(
    client: TestClient[web.Request, web.Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients that ask for the same content while it is compressed get the same bytes."""
    begun, compress, may_end = 0, gzip.compress, asyncio.Event()

    async def count(_call: object, body: bytes, *_: object, mtime: int) -> bytes:
        nonlocal begun
        begun += 1
        await may_end.wait()
        return compress(body, mtime=mtime)

    monkeypatch.setattr(asyncio, "to_thread", count)
    url, headers = "/?size=1000000", {"Accept-Encoding": "gzip"}
    before = _answered
    asking = [asyncio.ensure_future(client.get(url, headers=headers)) for _ in range(9)]
    await eventually(lambda: _answered == before + 9, what="the requests")
    may_end.set()
    bodies = {await (await answer).read() for answer in asking}
    assert (begun, {gzip.decompress(body) for body in bodies}) == (1, {_LONG})


@pytest.mark.parametrize(
    ("accepted", "is_taken"),
    [("gzip", True), ("GZIP;q=0.5, br", True), ("*", True), ("gzip;q=0", False), ("gzip;q=0.0", False), ("br", False),
     ("", False), ("notgzip", False)],
)  # fmt: skip
def test_the_header_is_read(accepted: str, is_taken: bool) -> None:
    """Accept-Encoding names gzip or all, without a weight of 0."""
    assert takes_gzip(make_mocked_request("GET", "/", headers={"Accept-Encoding": accepted})) is is_taken
