"""Fetching an iCalendar file from a real HTTP server."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from realtime.busy import fetch as fetching
from realtime.busy.fetch import Fetched, Unreadable, fetch
from tests.support.port import free_port

BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


async def _file(request: web.Request) -> web.Response:
    if request.headers.get("If-None-Match") == '"1"' or "If-Modified-Since" in request.headers:
        return web.Response(status=304)
    return web.Response(body=BODY, headers={"ETag": '"1"', "Last-Modified": "Mon, 01 Mar 2027 00:00:00 GMT"})


async def _zipped(request: web.Request) -> web.Response:
    size = int(request.query.get("size", "0"))
    body = gzip.compress(BODY + b" " * size)
    return web.Response(body=body[: -4 if "cut" in request.query else None], headers={"Content-Encoding": "gzip"})


async def _members(request: web.Request) -> web.Response:
    """A file of several members of gzip, as bgzip writes it."""
    places = range(0, len(BODY), 7)
    body = b"".join(gzip.compress(BODY[place : place + 7]) for place in places)
    return web.Response(body=body + request.query.get("end", "").encode(), headers={"Content-Encoding": "gzip"})


async def _large(request: web.Request) -> web.Response:
    return web.Response(body=b" " * (fetching.MOST_BYTES + 1))


async def _away(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": request.query.get("to", "/file")})


async def _slow(request: web.Request) -> web.Response:
    await asyncio.sleep(0.3)
    return web.Response(status=302, headers={"Location": "/slow"})


async def _round(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/round"})


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Serve the files; return where."""
    app = web.Application()
    for path, handler in (
        ("/file", _file), ("/zipped", _zipped), ("/large", _large), ("/away", _away), ("/round", _round),
        ("/slow", _slow), ("/members", _members),
    ):  # fmt: skip
        app.router.add_get(path, handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def _fetch(url: str, etag: str = "", modified: str = "") -> Fetched:
    return await fetch(url, etag, modified, allows_private=True)


async def test_a_file_is_fetched_once_until_it_changes(url: str) -> None:
    """ETag and Last-Modified go back to their server; a redirect is followed and gzip undone."""
    first = await _fetch(f"{url}/file")
    assert first == (BODY, '"1"', "Mon, 01 Mar 2027 00:00:00 GMT")
    assert (await _fetch(f"{url}/file", *first[1:])).body is None
    assert (await _fetch(f"{url}/away")).body == BODY
    assert (await _fetch(f"{url}/zipped")).body == BODY
    for end in ("", "%00%00"):
        assert (await _fetch(f"{url}/members?end={end}")).body == BODY


async def test_a_header_that_no_database_takes_is_not_kept() -> None:
    """A byte outside UTF-8 in an ETag stopped the import for good; a part of a long one matches nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        long = b"x" * (fetching.LONGEST_VALIDATOR + 1)
        head = b'HTTP/1.1 200 OK\r\nConnection: close\r\nETag: "\xe9"\r\nLast-Modified: %b\r\n' % long
        writer.write(head + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await _fetch(f"http://127.0.0.1:{port}/") == (BODY, "", "")


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/none", "the status 404"),
        ("/large", "more than 5 MB"),
        ("/zipped?size=50000000", "more than 5 MB"),
        ("/zipped?cut=1", "gzip is broken"),
        ("/members?end=x", "gzip is broken"),
        ("/round", "redirects more than 5 times"),
        ("/away?to=file:///etc/passwd", "neither http nor https"),
        ("/away?to=http://127.0.0.1:1/", "can't be reached"),
        ("/away?to=webcal://127.0.0.1:1/", "can't be reached"),
    ],
)
async def test_what_can_not_be_fetched_says_why(url: str, path: str, fault: str) -> None:
    """One sentence each, without the address."""
    with pytest.raises(Unreadable, match=fault) as failed:
        await _fetch(url + path)
    assert "127.0.0.1" not in str(failed.value)


async def test_a_slow_server_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has so many seconds in all."""
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.000_1)
    with pytest.raises(Unreadable, match="did not answer"):
        await _fetch(f"{url}/file")


async def test_redirects_share_the_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that redirects slowly has no more time than one that answers slowly."""
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.5)
    with pytest.raises(Unreadable, match="did not answer"):
        await _fetch(f"{url}/slow")


async def test_a_private_address_is_not_fetched(url: str) -> None:
    """By number, by name, and behind a redirect."""
    port = url.rpartition(":")[2]
    for place in (url, f"http://localhost:{port}", f"http://[::ffff:127.0.0.1]:{port}", f"http://0x7f.1:{port}"):
        with pytest.raises(Unreadable, match="private"):
            await fetch(f"{place}/file", "", "", allows_private=False)


async def test_a_redirect_to_a_private_address_is_not_followed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each hop is checked, not only the first."""
    port = int(url.rpartition(":")[2])
    checked = iter([True, False])
    monkeypatch.setattr("realtime.busy.address.is_public", lambda _: next(checked))
    with pytest.raises(Unreadable, match="private"):
        await fetch(f"http://127.0.0.1:{port}/away", "", "", allows_private=False)
