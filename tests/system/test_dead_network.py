"""A network that drops everything and closes nothing: the page shows in time that it is not live."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from tests.support import Api, Proxy, Server
from tests.support.example import in_days

CALENDAR = "dead"
TRANSPORTS = ("websocket", "polling", "sse", "longpoll")
IDLE_SECONDS = 8.0
ACTING_SECONDS = 4.0
MARGIN_SECONDS = 0.5  # the delay of a browser on a busy machine
_LIVE = """by => { const data = document.documentElement.dataset;
    return data.connection === "live" && data.transport === by; }"""
_NOT_LIVE = "() => document.documentElement.dataset.connection !== 'live'"
_LATE_MS = 45_000


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    """Stand between the page and a server with one slot."""
    with Server(tmp_path, "--no-demo", "--rate", "0") as server, Proxy(server.port) as proxy:
        server.command("calendar", "create", CALENDAR)
        token = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as api:
            slots = [{"start": in_days(1), "end": in_days(1.02)}]
            await api.post(f"/api/calendars/{CALENDAR}/slots", slots=slots)
        yield proxy


async def _open(page: Page, proxy: Proxy, transport: str) -> None:
    """The page, live by this transport."""

    async def forbid(route: Route) -> None:
        await route.abort()

    if transport != "websocket":
        proxy.block_websocket()
    if transport in {"sse", "longpoll"}:
        await page.route("**/socket.io/**", forbid)
    if transport == "longpoll":
        await page.route("**/events?*", forbid)
    await page.goto(f"{proxy.url}/c/{CALENDAR}")
    await page.wait_for_function(_LIVE, arg=transport, timeout=_LATE_MS)
    await page.wait_for_selector("button.slot")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_nobody_asks_for_anything(proxy: Proxy, page: Page, transport: str) -> None:
    """The page is not live within 8 s, on each transport, and live again by itself when the network is back."""
    await _open(page, proxy, transport)
    await asyncio.to_thread(proxy.blackhole)
    died_at = time.monotonic()
    await page.wait_for_function(_NOT_LIVE, timeout=_LATE_MS)
    assert time.monotonic() - died_at < IDLE_SECONDS + MARGIN_SECONDS
    await asyncio.to_thread(proxy.cut)
    await asyncio.to_thread(proxy.restore)
    await page.wait_for_selector('html[data-connection="live"]', timeout=_LATE_MS)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_visitor_acts(proxy: Proxy, page: Page, transport: str) -> None:
    """The page is not live within 4 s after a click, on each transport."""
    await _open(page, proxy, transport)
    await asyncio.to_thread(proxy.blackhole)
    await page.locator("button.slot").first.click()
    clicked_at = time.monotonic()
    await page.wait_for_function(_NOT_LIVE, timeout=_LATE_MS)
    assert time.monotonic() - clicked_at < ACTING_SECONDS + MARGIN_SECONDS


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_quiet_network_is_not_taken_for_a_dead_one(proxy: Proxy, page: Page, transport: str) -> None:
    """A quiet calendar stays live for longer than the limit of silence, with few requests."""
    await _open(page, proxy, transport)
    states = "() => { window.states = []; new MutationObserver(() => window.states.push(document.documentElement"
    await page.evaluate(f"{states}.dataset.connection)).observe(document.documentElement, {{attributes: true}}); }}")
    until = time.monotonic() + 2 * IDLE_SECONDS
    await page.wait_for_function("until => Date.now() >= until", arg=(time.time() + until - time.monotonic()) * 1_000)
    assert await page.evaluate("() => window.states.filter(state => state !== 'live')") == []
