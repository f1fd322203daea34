"""A network that drops everything and closes nothing: the page shows in time that it is not live."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.async_api import Page, Route

from tests.support import Proxy, Server
from tests.support.example import in_days

CALENDAR = "dead"
TRANSPORTS = ("websocket", "polling", "sse", "longpoll")
IDLE_SECONDS = 8.0
ACTING_SECONDS = 4.0
MARGIN_SECONDS = 3.0  # the delay of four pages on a busy machine; with it, acting is still quicker than idling
_LIVE = """by => { const data = document.documentElement.dataset;
    return data.connection === "live" && data.transport === by; }"""
_NOT_LIVE = "() => document.documentElement.dataset.connection !== 'live'"
_LATE_MS = 45_000


@dataclass
class Visit:
    """A page that is live by this transport, and the network between it and the server."""

    transport: str
    page: Page
    proxy: Proxy

    async def blackhole(self) -> float:
        """Let the network die, and return the time."""
        await asyncio.to_thread(self.proxy.blackhole)
        return time.monotonic()

    async def is_not_live_within(self, seconds: float, since: float) -> None:
        await self.page.wait_for_function(_NOT_LIVE, timeout=_LATE_MS)
        assert time.monotonic() - since < seconds + MARGIN_SECONDS, self.transport


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with one slot."""
    with Server(tmp_path_factory.mktemp("server"), "--no-demo", "--rate", "0") as server:
        server.command("calendar", "create", CALENDAR)
        server.command("slot", "open", CALENDAR, in_days(1), in_days(1.02))
        yield server


@pytest.fixture
async def visits(server: Server, open_page: Callable[[], Awaitable[Page]]) -> AsyncIterator[list[Visit]]:
    """Open a page by each transport, behind a network of its own: the tests wait for all of them at once."""
    with ExitStack() as networks:
        visits = [Visit(by, await open_page(), networks.enter_context(Proxy(server.port))) for by in TRANSPORTS]
        await asyncio.gather(*(_open(visit.page, visit.proxy, visit.transport) for visit in visits))
        yield visits


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


async def test_nobody_asks_for_anything(visits: list[Visit]) -> None:
    """The page is not live within 8 s, on each transport, and live again by itself when the network is back."""

    async def dies_and_comes_back(visit: Visit) -> None:
        await visit.is_not_live_within(IDLE_SECONDS, await visit.blackhole())
        await asyncio.to_thread(visit.proxy.cut)
        await asyncio.to_thread(visit.proxy.restore)
        await visit.page.wait_for_selector('html[data-connection="live"]', timeout=_LATE_MS)

    await asyncio.gather(*map(dies_and_comes_back, visits))


async def test_the_visitor_acts(visits: list[Visit]) -> None:
    """The page is not live within 4 s after a click, on each transport."""

    async def acts(visit: Visit) -> None:
        await visit.blackhole()
        await visit.page.locator("button.slot").first.click()
        await visit.is_not_live_within(ACTING_SECONDS, time.monotonic())

    await asyncio.gather(*map(acts, visits))


async def test_a_quiet_network_is_not_taken_for_a_dead_one(visits: list[Visit]) -> None:
    """A quiet calendar stays live for longer than the limit of silence, on each transport."""
    states = "() => { window.states = []; new MutationObserver(() => window.states.push(document.documentElement"
    observe = f"{states}.dataset.connection)).observe(document.documentElement, {{attributes: true}}); }}"
    await asyncio.gather(*(visit.page.evaluate(observe) for visit in visits))
    await asyncio.sleep(1.5 * IDLE_SECONDS)
    for visit in visits:
        other = await visit.page.evaluate("() => window.states.filter(state => state !== 'live')")
        assert other == [], visit.transport
