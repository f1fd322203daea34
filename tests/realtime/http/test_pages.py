"""The built web client: served where it is built, and explained where it is not."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realtime.http.pages import CONTENT_SECURITY_POLICY, ELEMENT, Pages, add_headers


def _serve(folder: Path) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    app.add_routes(Pages(folder).routes())
    app.on_response_prepare.append(add_headers)
    return TestClient(TestServer(app))


async def test_pages_and_assets_have_their_headers(tmp_path: Path) -> None:
    """A page has the policy and is asked for anew, an asset stays for a year, and any page may load the element."""
    (tmp_path / "assets").mkdir()
    for name in ("index.html", "calendar.html", "assets/app-1a2b.js", ELEMENT[1:], ".hidden"):
        (tmp_path / name).write_text(name)
    async with _serve(tmp_path) as client:
        page = await client.get("/c/anything")
        assert await page.text() == "calendar.html"
        assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert page.headers["Cache-Control"] == "no-cache"
        assert "immutable" in (await client.get("/assets/app-1a2b.js")).headers["Cache-Control"]
        assert (await client.get(ELEMENT)).headers["Access-Control-Allow-Origin"] == "*"
        assert (await client.get("/.hidden")).status == 404


@pytest.mark.parametrize("path", ["/", "/c/room", "/staff"])
async def test_a_page_that_is_not_built_says_how(tmp_path: Path, path: str) -> None:
    """The answer is 503 with the command."""
    async with _serve(tmp_path / "nowhere") as client:
        answer = await client.get(path)
        assert answer.status == 503
        assert "make run" in await answer.text()
