"""The built web client: served where it is built, and explained where it is not."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realtime.http.pages import CONTENT_SECURITY_POLICY, ELEMENT, Pages, add_headers


async def _open_socket(_request: web.Request) -> web.Response:
    return web.Response(text="a socket")


def _serve(folder: Path, **options: Any) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    app.add_routes(Pages(folder, _open_socket).routes())
    app.on_response_prepare.append(add_headers)
    return TestClient(TestServer(app), **options)


async def test_pages_and_assets_have_their_headers(tmp_path: Path) -> None:
    """A page has the policy and is asked for anew, an asset stays for a year, and any page may load the element."""
    (tmp_path / "assets").mkdir()
    packed = f"{ELEMENT[1:]}.gz"
    pages, element = ("index.html", "calendar.html"), (ELEMENT[1:], "slotcast-calendar-1a2b.js", packed)
    for name in (*pages, "assets/app-1a2b.js", *element, ".hidden"):
        (tmp_path / name).write_text(name)
    async with _serve(tmp_path) as client:
        page = await client.get("/c/anything")
        assert await page.text() == "calendar.html"
        assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert page.headers["Cache-Control"] == "no-cache"
        assert "immutable" in (await client.get("/assets/app-1a2b.js")).headers["Cache-Control"]
        assert "Cache-Control" not in (await client.get("/assets/app-3c4d.js")).headers
        for path, lifetime in ((ELEMENT, "max-age=600"), ("/slotcast-calendar-1a2b.js", "immutable")):
            script = await client.get(path)
            assert script.headers["Access-Control-Allow-Origin"] == "*"
            assert lifetime in script.headers["Cache-Control"]
        assert (await client.get("/.hidden")).status == (await client.get(f"/{packed}")).status == 404


async def test_a_compressed_sibling_is_sent(tmp_path: Path) -> None:
    """A client gets the brotli or gzip sibling of a page, an asset and the element, if it takes one."""
    (tmp_path / "assets").mkdir()
    for name in ("calendar.html", "assets/app-1a2b.js", ELEMENT[1:]):
        (tmp_path / name).write_text(name)
        for encoding in ("br", "gz"):
            (tmp_path / f"{name}.{encoding}").write_text(encoding)
    async with _serve(tmp_path, auto_decompress=False) as client:
        for path in ("/c/room", "/assets/app-1a2b.js", ELEMENT):
            for accepted, body in (("br, gzip", b"br"), ("gzip", b"gz")):
                answer = await client.get(path, headers={"Accept-Encoding": accepted})
                assert (await answer.read(), answer.headers["Vary"]) == (body, "Accept-Encoding")
            plain = await client.get(path, headers={"Accept-Encoding": "identity"})
            assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize("path", ["/", "/c/room", "/staff"])
async def test_a_page_that_is_not_built_says_how(tmp_path: Path, path: str) -> None:
    """The answer is 503 with the command."""
    async with _serve(tmp_path / "nowhere") as client:
        answer = await client.get(path)
        assert answer.status == 503
        assert "make run" in await answer.text()


async def test_a_handshake_is_no_page(tmp_path: Path) -> None:
    """A WebSocket's handshake at `/` goes to the sockets; one at another page gets the page."""
    (tmp_path / "calendar.html").write_text("calendar")
    async with _serve(tmp_path) as client:
        assert await (await client.get("/", headers={"Upgrade": "WebSocket"})).text() == "a socket"
        assert await (await client.get("/c/room", headers={"Upgrade": "WebSocket"})).text() == "calendar"
