"""README's element on a page of another origin: it works, or names the missing setting on the page."""

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import FrameLocator, Page, expect

from tests.support import ROOT, Api, Server, free_port, new_key
from tests.support.example import in_days
from tests.system.conftest import QUIET

_SNIPPET = re.compile(r"```html\n(<script src=.*?)```", re.DOTALL)
_HEAR = """<script>
  window.heard = [];
  for (const name of ["hold", "booked", "cancelled", "error", "state"])
    addEventListener(`slotcast:${name}`, ({ type, detail }) => heard.push([type, detail]));
</script>"""
_MOST_BYTES = 60_000  # of the script, in gzip
_PLACE = "https://slots.example.org"


def _page_of(server: Server, head: str = "", script: str = "") -> str:
    """Return README's snippet, with the address of the test's server."""
    found = _SNIPPET.search((ROOT / "README.md").read_text())
    assert found is not None
    snippet = found[1].replace(_PLACE, server.url)
    assert snippet.count(server.url) == 1
    if script:
        snippet = snippet.replace("<script ", f"<script {script} ")
    return f"<!doctype html><meta charset=utf-8>{head}<title>Shop</title><h1>Shop</h1>{snippet}"


class _Shop:
    """Another site: one page, at another port and so of another origin."""

    def __init__(self) -> None:
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.page = ""
        self.headers: dict[str, str] = {}

    async def show(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.page, content_type="text/html", headers=self.headers)


@pytest.fixture
async def shop() -> AsyncIterator[_Shop]:
    site = _Shop()
    app = web.Application()
    app.router.add_get("/", site.show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", site.port).start()
    yield site
    await runner.cleanup()


def _serve(folder: Path, *origins: str, port: int | None = None) -> Server:
    settings = {"SLOTCAST_ORIGINS": ",".join(origins)}
    return Server(folder, *QUIET, settings=settings, port=port)


def _fill(server: Server) -> None:
    server.command("calendar", "create", "demo")
    server.command("slot", "open", "demo", in_days(1), in_days(1.02))


async def _books(page: Page | FrameLocator) -> None:
    """The element is live, and something can be booked in it."""
    element = page.locator("slotcast-calendar")
    await expect(element).to_have_attribute("data-connection", "live", timeout=30_000)
    await element.locator("button.slot[data-free]").click()
    await element.get_by_label("Your name").fill("Ada Elsewhere")
    await element.get_by_role("button", name="Book this time").click()
    await expect(element.locator(".done-title")).to_have_text("Booked")


@pytest.mark.parametrize("script", ["", "async", "defer", 'type="module"', "crossorigin"])
async def test_it_works_where_the_origin_is_listed(tmp_path: Path, shop: _Shop, page: Page, script: str) -> None:
    """The script may be loaded in any way, also in a page with a strict embedder policy (COEP)."""
    with _serve(tmp_path, shop.origin) as server:
        _fill(server)
        shop.page = _page_of(server, script=script)
        shop.headers = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"}
        await page.goto(shop.origin)
        await _books(page)
        link = page.locator("slotcast-calendar").get_by_label("Your link to this booking")
        await expect(link).to_have_value(re.compile("^" + re.escape(f"{server.url}/c/demo#booking=")))


async def test_a_refusal_is_told_as_such_where_only_http_gets_through(tmp_path: Path, shop: _Shop, page: Page) -> None:
    """On a page of a listed origin a refusal over plain HTTP is no failure of the network."""
    with _serve(tmp_path, shop.origin) as server:
        _fill(server)
        server.command("slot", "open", "demo", in_days(2), in_days(2.02))
        async with Api(server.url, server.command("token", "--scope", "staff").strip()) as api:
            await api.ask("PATCH", "/api/calendars/demo", {"policy": {"max_holds": 1}}, key=new_key())
        await page.route("**/socket.io/**", lambda route: route.abort())
        await page.route_web_socket(re.compile("/socket.io/"), lambda socket: socket.close())
        shop.page = _page_of(server, script='type="module"')
        await page.goto(shop.origin)
        element = page.locator("slotcast-calendar")
        await expect(element).to_have_attribute("data-connection", "live", timeout=30_000)
        await element.locator("button.slot[data-free]").first.click()
        await expect(element.locator("dialog[open]")).to_contain_text("Held for you")
        await page.keyboard.press("Escape")
        await element.locator("button.slot[data-free]").click()
        await expect(element.locator(".toast")).to_contain_text("Let one go first")


async def test_it_says_which_setting_is_missing(tmp_path: Path, shop: _Shop, page: Page) -> None:
    """An unlisted page shows its origin and the setting; once the setting is made it goes live by itself."""
    with _serve(tmp_path) as server:
        _fill(server)
        shop.page = _page_of(server)
        await page.goto(shop.origin)
        blank = page.locator("slotcast-calendar .blank")
        await expect(blank).to_contain_text("SLOTCAST_ORIGINS", timeout=20_000)
        await expect(blank).to_contain_text(shop.origin)
        for hidden in ("p.banner", ".pill", ".mine"):
            await expect(page.locator(f"slotcast-calendar {hidden}")).to_be_hidden()
        await asyncio.to_thread(server.stop)
        port = server.port
    with _serve(tmp_path, shop.origin, port=port):
        await _books(page)
        await expect(blank).to_be_hidden()


async def test_a_server_that_is_away_is_not_one_that_refuses(
    tmp_path: Path, shop: _Shop, open_page: Callable[[], Awaitable[Page]]
) -> None:
    """A server that can't be reached, or that is no Slotcast, is reported as such, and no setting is named."""
    pages = []
    with _serve(tmp_path, shop.origin) as server:
        for url in (f"http://127.0.0.1:{free_port()}", shop.origin):
            shop.page = _page_of(server).replace("<slotcast-calendar", f'<slotcast-calendar url="{url}"')
            pages.append(await open_page())
            await pages[-1].goto(shop.origin)
        for page in pages:
            banner = page.locator("slotcast-calendar p.banner")
            await expect(banner).to_contain_text("The server cannot be reached", timeout=20_000)
            await expect(page.locator("slotcast-calendar .blank")).to_be_hidden()
            await expect(page.locator("slotcast-calendar")).not_to_contain_text("SLOTCAST_ORIGINS")


async def test_a_page_that_is_a_file(tmp_path: Path, page: Page) -> None:
    """A page without an origin of its own gets a message with advice."""
    with _serve(tmp_path) as server:
        _fill(server)
        file = tmp_path / "shop.html"
        file.write_text(_page_of(server))
        await page.goto(file.as_uri())
        blank = page.locator("slotcast-calendar .blank")
        await expect(blank).to_contain_text("opened as a file", timeout=20_000)
        await expect(blank).to_contain_text("SLOTCAST_ORIGINS")


async def test_a_page_in_a_sandbox(tmp_path: Path, shop: _Shop, page: Page) -> None:
    """A frame without an origin and without storage books, where `null` is listed."""
    with _serve(tmp_path, "null") as server:
        _fill(server)
        inner = html.escape(_page_of(server))
        shop.page = f'<!doctype html><title>Shop</title><iframe sandbox="allow-scripts allow-forms" srcdoc="{inner}">'
        await page.goto(shop.origin)
        await _books(page.frame_locator("iframe"))


async def test_a_private_calendar_is_refused_as_such(tmp_path: Path, shop: _Shop, page: Page) -> None:
    """On a listed origin the calendar refuses; no setting is named."""
    with _serve(tmp_path, shop.origin) as server:
        server.command("calendar", "create", "demo", "--private")
        shop.page = _page_of(server)
        await page.goto(shop.origin)
        blank: Any = page.locator("slotcast-calendar .blank")
        await expect(blank).to_contain_text("This calendar is private", timeout=20_000)
        await expect(blank).not_to_contain_text("SLOTCAST_ORIGINS")


async def test_an_element_without_a_calendar(tmp_path: Path, shop: _Shop, page: Page) -> None:
    """It names the missing attribute, and opens the calendar once a script sets it."""
    with _serve(tmp_path, shop.origin) as server:
        _fill(server)
        shop.page = _page_of(server).replace(' calendar="demo"', "")
        await page.goto(shop.origin)
        element = page.locator("slotcast-calendar")
        await expect(element.locator(".blank")).to_contain_text('calendar="demo"')
        await element.evaluate("(element) => element.setAttribute('calendar', 'demo')")
        await _books(page)


async def test_the_page_hears_and_fills_in(tmp_path: Path, shop: _Shop, page: Page) -> None:
    """Attributes choose zone, day, language, theme and customer; events tell the page what happens, without tokens."""
    with _serve(tmp_path, shop.origin) as server:
        _fill(server)
        later = in_days(9)
        server.command("slot", "open", "demo", later, in_days(9.02))
        wishes = f'lang="de" zone="Asia/Tokyo" theme="dark" day="{later[:10]}"'
        customer = 'customer-name="Ada" customer-email="ada@a.example"'
        shop.page = _page_of(server).replace('calendar="demo"', f'calendar="demo" {wishes} {customer}') + _HEAR
        await page.goto(shop.origin)
        element = page.locator("slotcast-calendar")
        await expect(element).to_have_attribute("data-connection", "live", timeout=30_000)
        await expect(element).to_have_css("background-color", "rgb(17, 21, 19)")
        await expect(element.locator("[part=slot][data-free]").last).to_be_in_viewport()
        await expect(element).to_contain_text("Nur freie Zeiten")
        await element.locator("[part=slot][data-free]").last.click()
        await expect(element.locator("input[name=name]")).to_have_value("Ada")
        await expect(element.locator("input[name=email]")).to_have_value("ada@a.example")
        await element.locator("[part=form] [type=submit]").click()
        await expect(element.locator(".done-title")).to_be_visible()
        await page.wait_for_function("heard.some(([name]) => name === 'slotcast:booked')")
        heard = await page.evaluate("heard")
        names = [name for name, _ in heard]
        assert [name for name in names if name != "slotcast:state"] == ["slotcast:hold", "slotcast:booked"]
        assert {"state": "live", "calendar": "demo"}.items() <= next(
            detail for name, detail in heard if name == "slotcast:state" and detail["state"] == "live"
        ).items()
        assert heard[-1][1]["booking"]["status"] == "confirmed"
        assert '"token"' not in json.dumps(heard)


async def test_elements_share_a_connection_and_pop_up(tmp_path: Path, shop: _Shop, page: Page) -> None:
    """Two elements open one WebSocket; one in a popup books once its button opens it."""
    with _serve(tmp_path, shop.origin) as server:
        _fill(server)
        server.command("calendar", "create", "other")
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        popup = '<slotcast-calendar calendar="demo" mode="popup">Visit us</slotcast-calendar>'
        shop.page = _page_of(server).replace('calendar="demo"', 'calendar="other"') + popup
        await page.goto(shop.origin)
        other, element = page.locator("slotcast-calendar").first, page.locator("slotcast-calendar").last
        for one in (other, element):
            await expect(one).to_have_attribute("data-connection", "live", timeout=30_000)
        await expect(element.locator("[part=popup]")).to_be_hidden()
        await page.get_by_role("button", name="Visit us").click()
        await element.locator("button.slot[data-free]").click()
        await element.get_by_label("Your name").fill("Ada Popup")
        await element.get_by_role("button", name="Book this time").click()
        await expect(element.locator(".done-title")).to_have_text("Booked")
        assert len(sockets) == 1


async def test_a_page_may_pin_the_script(tmp_path: Path, shop: _Shop, page: Page) -> None:
    """The script under the name of its content is small, loads with its hash, and keeps its server."""
    with _serve(tmp_path, shop.origin) as server:
        _fill(server)
        async with Api(server.url) as api:
            named = await api.get("/slotcast-calendar.json")
            script = await api.ask("GET", f"/{named['script']}", headers={"Accept-Encoding": "gzip"})
            assert int(script.headers["Content-Length"]) < _MOST_BYTES
        pinned = _page_of(server, script=f'integrity="{named["integrity"]}" crossorigin')
        shop.page = pinned.replace("slotcast-calendar.js", named["script"])
        await page.goto(shop.origin)
        await _books(page)
