"""A hold whose answer is late, in a real Chromium: it is the visitor's, or it is released."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support import Api, Proxy, Server, eventually
from tests.support.browser import STILL
from tests.system.stored_entries import KEPT, LATE_MS, cell_of, make_calendar, show_calendar

CALENDAR = "own"


@pytest.mark.parametrize("lost", ["answer", "request"])
@pytest.mark.parametrize("is_reloaded", [False, True])
async def test_a_hold_that_timed_out_is_the_visitors(
    tmp_path: Path, browser: Browser, lost: str, *, is_reloaded: bool
) -> None:
    """The answer or the request is dropped, the page gives up or goes: once the network is back it has the hold."""
    page = await (await browser.new_context(**STILL)).new_page()
    async with _behind_a_proxy(tmp_path) as (server, proxy, slot):
        await page.clock.install()
        await show_calendar(page, proxy.url, CALENDAR)
        await asyncio.to_thread(proxy.mute if lost == "answer" else proxy.refuse)
        await cell_of(page, slot).click()
        if lost == "answer":
            async with Api(server.url) as guest:

                async def is_held() -> bool:
                    return bool((await guest.get(f"/api/calendars/{CALENDAR}/slots"))["slots"][0]["held"])

                await eventually(is_held, what="the hold")
            await asyncio.to_thread(proxy.refuse)
        if is_reloaded:
            await page.goto("about:blank")
        else:
            await page.clock.fast_forward("01:00")
            await expect(page.locator(".mine-item")).to_contain_text("no answer yet")
        await asyncio.to_thread(proxy.restore)
        if is_reloaded:
            await show_calendar(page, proxy.url, CALENDAR)
        await expect(cell_of(page, slot)).to_have_attribute("data-mine", "hold", timeout=LATE_MS)
        async with Api(server.url) as guest:
            (seen,) = (await guest.get(f"/api/calendars/{CALENDAR}/slots"))["slots"]
        assert seen["held"] == 1, "it is held once"
        await page.context.close()


async def test_a_hold_that_is_no_longer_wanted_is_released(tmp_path: Path, page: Page) -> None:
    """The visitor gives up while the server does not answer: once the network is back no hold is left behind."""
    async with _behind_a_proxy(tmp_path) as (server, proxy, slot):
        await page.clock.install()
        await show_calendar(page, proxy.url, CALENDAR)
        await asyncio.to_thread(proxy.mute)
        await cell_of(page, slot).click()
        async with Api(server.url) as guest:

            async def held() -> int:
                return int((await guest.get(f"/api/calendars/{CALENDAR}/slots"))["slots"][0]["held"])

            await eventually(held, what="the hold")
            await asyncio.to_thread(proxy.refuse)
            await page.clock.fast_forward("01:00")
            await page.get_by_role("button", name="Never mind").click()
            await asyncio.to_thread(proxy.restore)
            await eventually(lambda: _is_free(held), 30, "the release")
        await page.wait_for_function(f"() => ({KEPT})('errand').length === 0", timeout=LATE_MS)
        await expect(cell_of(page, slot)).to_have_attribute("data-free", "")


async def _is_free(held: Callable[[], Awaitable[int]]) -> bool:
    return await held() == 0


@asynccontextmanager
async def _behind_a_proxy(folder: Path) -> AsyncIterator[tuple[Server, Proxy, str]]:
    """Run a server with a calendar of one slot, and a proxy before it."""
    with Server(folder, "--no-demo", "--rate", "0") as server, Proxy(server.port) as proxy:
        async with Api(server.url, server.command("token", "--scope", "staff").strip()) as api:
            (slot,) = await make_calendar(api, CALENDAR, 1)
        yield server, proxy, slot
