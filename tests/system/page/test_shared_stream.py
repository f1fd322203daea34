"""Tabs of one browser behind a proxy without WebSocket share one connection: of the page, and of the element."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support import Api, Server, eventually, free_port
from tests.support.browser import STILL
from tests.support.example import in_days
from tests.support.nginx import NO_NGINX, PROGRAM, Nginx
from tests.system.both_transports import number_of
from tests.system.conftest import QUIET

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=NO_NGINX)
_TABS = 8
_LATE_MS = 45_000
_POLLING_SECONDS = 75.0  # the session of a tab that has gone in mid-poll ends by the server's pings, after 45 s
_CONF = """server {{
    listen 127.0.0.1:PORT;
    location / {{ proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1; proxy_set_header Host $http_host; }}
    {more}
}}"""
_MORE = {"sse": "location /socket.io/ { return 404; }", "polling": ""}  # without the head `Upgrade` a WebSocket fails
# A page of another origin.
_SHOP_CONF = """server {{ listen 127.0.0.1:{shop}; location / {{
    default_type text/html;
    return 200 '<!doctype html><title>Shop</title><script src="http://127.0.0.1:PORT/slotcast-calendar.js"></script>
        <slotcast-calendar calendar="one"></slotcast-calendar><slotcast-calendar calendar="two"></slotcast-calendar>';
}} }}"""


@pytest.fixture
def shop() -> int:
    """Return the port of another site."""
    return free_port()


@pytest.fixture
def server(tmp_path: Path, shop: int) -> Iterator[Server]:
    settings = {"SLOTCAST_PROXIES": "127.0.0.1", "SLOTCAST_ORIGINS": f"http://127.0.0.1:{shop}"}
    with Server(tmp_path, *QUIET, settings=settings) as server:
        server.command("calendar", "create", "one")
        server.command("calendar", "create", "two")
        yield server


async def _open_slot(api: Api, calendar: str, day: float) -> str:
    """Open a slot and return its id."""
    slots = [{"start": in_days(day), "end": in_days(day + 0.02)}]
    answer = await api.ask("POST", f"/api/calendars/{calendar}/slots", {"slots": slots}, key=f"{calendar}-{day}")
    assert answer.status == 201, answer
    made: dict[str, Any] = answer.body
    return str(made["slots"][0]["id"])


async def _show(pages: list[Page], slot: str) -> None:
    await asyncio.gather(
        *(expect(page.locator(f'[data-slot="{slot}"]')).to_be_attached(timeout=_LATE_MS) for page in pages)
    )


@pytest.mark.parametrize("transport", ["polling", "sse"])
async def test_eight_tabs_share_one_connection(server: Server, browser: Browser, transport: str) -> None:
    """Each tab shows each change of its calendar, also after the tab with the connection has closed."""
    token = server.command("token", "--scope", "staff").strip()
    with Nginx(conf=_CONF.format(port=server.port, more=_MORE[transport])) as nginx:
        context = await browser.new_context(**STILL)
        async with Api(server.url, token) as api:
            pages = [await context.new_page() for _ in range(_TABS)]
            calendars = ["two" if number % 4 == 3 else "one" for number in range(_TABS)]
            await asyncio.gather(
                *(page.goto(f"{nginx.url}/c/{calendar}") for page, calendar in zip(pages, calendars, strict=True))
            )
            for page in pages:
                await expect(page.locator("html")).to_have_attribute("data-transport", transport, timeout=_LATE_MS)
            for day in (1, 2):
                for calendar in ("one", "two"):
                    slot = await _open_slot(api, calendar, day)
                    await _show([page for page, its in zip(pages, calendars, strict=True) if its == calendar], slot)
                assert await eventually(lambda: _is_alone(api, transport), _POLLING_SECONDS)
                await pages.pop(0).close()
                calendars.pop(0)
            slot = await _open_slot(api, "two", 3)
            await _show([page for page, its in zip(pages, calendars, strict=True) if its == "two"], slot)
        await context.close()


async def test_tabs_with_elements_share_one_stream(server: Server, shop: int, browser: Browser) -> None:
    """Elements of two calendars in each of three tabs of another site follow one stream, also after its tab closed."""
    token = server.command("token", "--scope", "staff").strip()
    with Nginx(conf=_CONF.format(port=server.port, more=_MORE["sse"]) + _SHOP_CONF.format(shop=shop)):
        context = await browser.new_context(**STILL)
        async with Api(server.url, token) as api:
            pages = [await context.new_page() for _ in range(3)]
            for page in pages:
                await page.goto(f"http://127.0.0.1:{shop}/")
            for page in pages:
                for element in await page.locator("slotcast-calendar").all():
                    await expect(element).to_have_attribute("data-transport", "sse", timeout=_LATE_MS)
            for day in (4, 5):
                slots = [await _open_slot(api, calendar, day) for calendar in ("one", "two")]
                for slot in slots:
                    await _show(pages, slot)
                assert await eventually(lambda: _is_alone(api, "sse"))
                await pages.pop(0).close()
        await context.close()


async def _is_alone(api: Api, transport: str) -> bool:
    return await number_of(api, f'slotcast_connections{{transport="{transport}"}}') == 1
