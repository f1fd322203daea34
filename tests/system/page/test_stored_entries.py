"""The visitor's entries, in a real Chromium: none is lost or misreported, whatever answers or fails."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page, Route, expect

from tests.support import Api, Proxy, Server, eventually, free_port
from tests.support.example import in_days
from tests.system.conftest import Place

CALENDAR = "own"
_LATE_MS = 60_000
_KEPT = """kind => Object.entries(localStorage)
    .filter(([key]) => key.startsWith("slotcast.mine ") && key.split(" ")[3] === kind)
    .map(([, text]) => JSON.parse(text))"""
_HTML = {"status": 200, "content_type": "text/html", "body": "<h1>Sign in</h1>"}
_WALLS: dict[str, dict[str, Any]] = {
    "a page with 200": _HTML,
    "a page with 404": _HTML | {"status": 404},
    "a page with 511": _HTML | {"status": 511},
    "nothing with 204": {"status": 204},
    "another service's JSON": {"status": 200, "content_type": "application/json", "body": '{"ok": true}'},
    "another service's 404": {"status": 404, "content_type": "application/json", "body": '{"code": "not_found"}'},
}


async def _make(api: Api, calendar: str, number: int = 3) -> list[str]:
    await api.post("/api/calendars", id=calendar, name="Room", zone="UTC")
    slots = [{"start": in_days(1 + place / 24), "end": in_days(1 + (place + 1) / 24)} for place in range(number)]
    return [slot["id"] for slot in (await api.post(f"/api/calendars/{calendar}/slots", slots=slots))["slots"]]


async def _open(page: Page, url: str, calendar: str) -> None:
    await page.goto(f"{url}/c/{calendar}")
    await page.wait_for_selector('html[data-connection="live"]')
    await page.wait_for_selector("button.slot")


def _cell(page: Page, slot: str) -> Any:
    return page.locator(f'button[data-slot="{slot}"]')


async def _hold(page: Page, slot: str) -> None:
    await _cell(page, slot).click()
    await expect(page.locator("dialog[open]")).to_contain_text("Held for you")
    await page.keyboard.press("Escape")


async def _book(page: Page, slot: str) -> None:
    await _cell(page, slot).click()
    await page.get_by_label("Name").fill("Ada")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog[open]")).to_contain_text("Booked")
    await page.keyboard.press("Escape")


async def test_a_wall_cancels_nothing(place: Place, api: Api, open_page: Callable[[], Awaitable[Page]]) -> None:
    """An answer of a login wall or another service neither cancels nor removes the booking on the page."""
    pages = [await open_page() for _ in _WALLS]
    await asyncio.gather(*(_cancel_at_a_wall(place, api, page, wall) for page, wall in zip(pages, _WALLS, strict=True)))


async def _cancel_at_a_wall(place: Place, api: Api, page: Page, wall: str) -> None:
    calendar = re.sub(r"\W+", "-", wall.lower())
    (slot, *_) = await _make(api, calendar)
    # Commands go over HTTP where no Socket.IO gets through; event streams stay.
    await page.add_init_script("delete window.WebSocket")
    await page.route("**/socket.io/**", lambda route: route.abort())
    await _open(page, place.url, calendar)
    await _book(page, slot)
    cancelled: list[str] = []

    async def answer(route: Route) -> None:
        cancelled.append(route.request.headers["idempotency-key"])
        await route.fulfill(**_WALLS[wall])

    await page.route("**/cancel", answer)
    await page.locator(".mine-item").get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Cancel the booking").click()
    await eventually(lambda: len(cancelled) > 1, 30, f"another try behind {wall}")
    assert len(set(cancelled)) == 1, f"it is asked again under the same key, behind {wall}"
    await expect(page.locator(".toasts")).not_to_contain_text("cancelled")
    (kept,) = await page.evaluate(_KEPT, "booking")
    assert kept["status"] == "confirmed", wall
    await page.unroute("**/cancel")
    await expect(page.locator(".toasts")).to_contain_text("cancelled", timeout=_LATE_MS)
    (booking,) = (await api.get(f"/api/calendars/{calendar}/bookings"))["bookings"]
    assert booking["status"] == "cancelled", wall


async def test_two_tabs_lose_nothing(place: Place, api: Api, page: Page) -> None:
    """Two tabs that hold at the same moment keep both tokens, every time, and each shows both."""
    slots = await _make(api, "tabs", 10)
    other = await page.context.new_page()
    for tab in (page, other):
        await _open(tab, place.url, "tabs")
    for one, another in zip(slots[::2], slots[1::2], strict=True):
        click = "id => document.querySelector(`button[data-slot='${id}']`).click()"
        await asyncio.gather(page.evaluate(click, one), other.evaluate(click, another))
        for tab in (page, other):
            for slot in (one, another):
                await expect(_cell(tab, slot)).to_have_attribute("data-mine", "hold")
            await tab.keyboard.press("Escape")
    held = {hold["slot"] for hold in await page.evaluate(_KEPT, "hold")}
    assert held == set(slots)


async def test_two_elements_of_a_calendar_keep_each_others(place: Place, api: Api, page: Page) -> None:
    """Two elements of one calendar on one page: a booking in one is in the other, and stays over a reload."""
    slots = await _make(api, "twice")

    async def host(route: Route) -> None:
        element = '<slotcast-calendar calendar="twice"></slotcast-calendar>'
        body = f'<!doctype html><script src="/slotcast-calendar.js"></script>{element}{element}'
        await route.fulfill(content_type="text/html", body=body)

    await page.route("**/host", host)
    for _ in range(2):
        await page.goto(f"{place.url}/host")
        await expect(page.locator('slotcast-calendar[data-connection="live"]')).to_have_count(2)
        await _book_in_each(page, slots[:2])
        for element in await page.locator("slotcast-calendar").all():
            for slot in slots[:2]:
                await expect(element.locator(f'button[data-slot="{slot}"]')).to_have_attribute("data-mine", "booking")
    assert len((await api.get("/api/calendars/twice/bookings"))["bookings"]) == 2


@asynccontextmanager
async def _site(port: int, body: str) -> AsyncIterator[str]:
    """Serve one page of another origin; its address."""

    async def show(_request: web.Request) -> web.Response:
        return web.Response(text=f"<!doctype html>{body}", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


async def test_two_servers_keep_apart(tmp_path: Path, page: Page) -> None:
    """Two servers have a calendar of the same name: neither page deletes the other's bookings."""
    port = free_port()
    origins = {"SLOTCAST_ORIGINS": f"http://127.0.0.1:{port}"}
    with ExitStack() as stack:
        servers, slots = [], []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            server = stack.enter_context(Server(tmp_path / name, "--no-demo", settings=origins))
            servers.append(server)
            async with Api(server.url, server.command("token", "--scope", "staff").strip()) as api:
                slots.append((await _make(api, CALENDAR))[0])
        element = '<slotcast-calendar url="{}" calendar="{}"></slotcast-calendar>'
        body = f'<script src="{servers[0].url}/slotcast-calendar.js"></script>'
        body += "".join(element.format(server.url, CALENDAR) for server in servers)
        async with _site(port, body) as site:
            for _ in range(3):
                await page.goto(site)
                await expect(page.locator('slotcast-calendar[data-connection="live"]')).to_have_count(2)
                await _book_in_each(page, slots)
        kept = {booking["slot"] for booking in await page.evaluate(_KEPT, "booking")}
        assert kept == set(slots)


async def _book_in_each(page: Page, slots: list[str]) -> None:
    """Each element's own slot, unless it is the visitor's already."""
    for element, slot in zip(await page.locator("slotcast-calendar").all(), slots, strict=True):
        cell = element.locator(f'button[data-slot="{slot}"]')
        await expect(cell).to_be_visible()
        if await cell.get_attribute("data-mine") == "booking":
            continue
        await cell.click()
        await element.get_by_label("Name").fill("Ada")
        await page.keyboard.press("Enter")
        await expect(element.locator("dialog[open]")).to_contain_text("Booked")
        await page.keyboard.press("Escape")


async def test_entries_of_an_earlier_version_are_shown(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Entries stored under the calendar's id alone are shown, if they are this server's."""
    slots = await _make(api, "earlier")
    hold = (await guest.post(f"/api/slots/{slots[0]}/holds"))["hold"]
    booking = (await guest.post(f"/api/slots/{slots[1]}/bookings", customer={"name": "Ada"}))["booking"]
    times = {"start": in_days(1), "end": in_days(1.04)}
    foreign = booking | {"id": "01970000-0000-7000-8000-000000000000", "slot": "01970000-0000-7000-8000-000000000001"}
    old = {"holds": [hold | times], "bookings": [booking | times, foreign | times]}
    await page.add_init_script(
        "if (!localStorage.getItem('seeded')) { localStorage.setItem('seeded', '1');"
        f"localStorage.setItem('slotcast.mine.earlier', {json.dumps(json.dumps(old))}); }}"
    )
    await _open(page, place.url, "earlier")
    await expect(_cell(page, slots[0])).to_have_attribute("data-mine", "hold")
    await expect(_cell(page, slots[1])).to_have_attribute("data-mine", "booking")
    left = "() => JSON.parse(localStorage.getItem('slotcast.mine.earlier')).bookings.map(({id}) => id)"
    await page.wait_for_function(f"id => ({left})().join() === id", arg=foreign["id"])
    await page.reload()
    await expect(_cell(page, slots[1])).to_have_attribute("data-mine", "booking")


async def test_a_booking_that_the_server_does_not_know_stays(place: Place, api: Api, page: Page) -> None:
    """A not_found removes nothing from the list: it says that the server does not know it."""
    slots = await _make(api, "unknown")
    await _open(page, place.url, "unknown")
    await _book(page, slots[0])
    await page.evaluate(
        """() => {
            const id = "01970000-0000-7000-8000-000000000000";
            const [key, text] = Object.entries(localStorage).find(([key]) => key.includes(" booking "));
            localStorage.removeItem(key);
            localStorage.setItem(key.replace(/[^ ]+$/, id), JSON.stringify({...JSON.parse(text), id}));
        }"""
    )
    await page.reload()
    await expect(page.locator(".mine-item")).to_contain_text("does not know it")
    assert len(await page.evaluate(_KEPT, "booking")) == 1


async def test_a_clock_that_is_set_moves_nothing(place: Place, api: Api, page: Page) -> None:
    """The device's clock is set an hour on and then back while a slot is held: the countdown and the token stay."""
    slots = await _make(api, "clock")
    await _open(page, place.url, "clock")
    await _hold(page, slots[0])
    for hours in (1, -1):
        await page.evaluate(
            """hours => { const real = window.realNow ??= Date.now.bind(Date);
            Date.now = () => real() + hours * 3_600_000; }""",
            hours,
        )
        # The page draws itself twice a second.
        line = page.locator(".mine-line")
        before = await line.inner_text()
        await expect(line).not_to_have_text(before, timeout=3_000)
        await expect(line).to_have_text(re.compile(r"Held for you [45]:\d\d"))
        assert len(await page.evaluate(_KEPT, "hold")) == 1


@pytest.mark.parametrize("lost", ["answer", "request"])
@pytest.mark.parametrize("is_reloaded", [False, True])
async def test_a_hold_that_timed_out_is_the_visitors(
    tmp_path: Path, page: Page, lost: str, *, is_reloaded: bool
) -> None:
    """The answer or the request is dropped, the page gives up or goes: once the network is back it has the hold."""
    async with _behind_a_proxy(tmp_path) as (server, proxy, slot):
        await page.clock.install()
        await _open(page, proxy.url, CALENDAR)
        await asyncio.to_thread(proxy.mute if lost == "answer" else proxy.refuse)
        await _cell(page, slot).click()
        if lost == "answer":
            async with Api(server.url) as guest:

                async def is_held() -> bool:
                    return bool((await guest.get(f"/api/calendars/{CALENDAR}/slots"))["slots"][0]["held"])

                await eventually(is_held, 15, "the hold")
            await asyncio.to_thread(proxy.refuse)
        if is_reloaded:
            await page.goto("about:blank")
        else:
            await page.clock.fast_forward("01:00")
            await expect(page.locator(".mine-item")).to_contain_text("no answer yet")
        await asyncio.to_thread(proxy.restore)
        if is_reloaded:
            await _open(page, proxy.url, CALENDAR)
        await expect(_cell(page, slot)).to_have_attribute("data-mine", "hold", timeout=_LATE_MS)
        async with Api(server.url) as guest:
            (seen,) = (await guest.get(f"/api/calendars/{CALENDAR}/slots"))["slots"]
        assert seen["held"] == 1, "it is held once"


async def test_a_hold_that_is_no_longer_wanted_is_released(tmp_path: Path, page: Page) -> None:
    """The visitor gives up while the server does not answer: once the network is back no hold is left behind."""
    async with _behind_a_proxy(tmp_path) as (server, proxy, slot):
        await page.clock.install()
        await _open(page, proxy.url, CALENDAR)
        await asyncio.to_thread(proxy.mute)
        await _cell(page, slot).click()
        async with Api(server.url) as guest:

            async def held() -> int:
                return int((await guest.get(f"/api/calendars/{CALENDAR}/slots"))["slots"][0]["held"])

            await eventually(held, 15, "the hold")
            await asyncio.to_thread(proxy.refuse)
            await page.clock.fast_forward("01:00")
            await page.get_by_role("button", name="Never mind").click()
            await asyncio.to_thread(proxy.restore)
            await eventually(lambda: _is_free(held), 30, "the release")
        await page.wait_for_function(f"() => ({_KEPT})('errand').length === 0", timeout=_LATE_MS)
        await expect(_cell(page, slot)).to_have_attribute("data-free", "")


async def _is_free(held: Callable[[], Awaitable[int]]) -> bool:
    return await held() == 0


@asynccontextmanager
async def _behind_a_proxy(folder: Path) -> AsyncIterator[tuple[Server, Proxy, str]]:
    """Run a server with a calendar of one slot, and a proxy before it."""
    with Server(folder, "--no-demo", "--rate", "0") as server, Proxy(server.port) as proxy:
        async with Api(server.url, server.command("token", "--scope", "staff").strip()) as api:
            (slot,) = await _make(api, CALENDAR, 1)
        yield server, proxy, slot
