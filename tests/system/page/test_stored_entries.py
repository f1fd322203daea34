"""The visitor's entries, in a real Chromium: none is lost or misreported, whatever answers or fails."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Page, Route, expect

from tests.support import Api, Server, eventually, free_port
from tests.support.example import in_days
from tests.system.conftest import Place
from tests.system.stored_entries import KEPT, LATE_MS, book_slot, cell_of, hold_slot, make_calendar, show_calendar

CALENDAR = "own"
_HTML = {"status": 200, "content_type": "text/html", "body": "<h1>Sign in</h1>"}
_WALLS: dict[str, dict[str, Any]] = {
    "a page with 200": _HTML,
    "a page with 404": _HTML | {"status": 404},
    "a page with 511": _HTML | {"status": 511},
    "nothing with 204": {"status": 204},
    "another service's JSON": {"status": 200, "content_type": "application/json", "body": '{"ok": true}'},
    "another service's 404": {"status": 404, "content_type": "application/json", "body": '{"code": "not_found"}'},
}


async def test_a_wall_cancels_nothing(place: Place, api: Api, open_page: Callable[[], Awaitable[Page]]) -> None:
    """An answer of a login wall or another service neither cancels nor removes the booking on the page."""
    pages = [await open_page() for _ in _WALLS]
    await asyncio.gather(*(_cancel_at_a_wall(place, api, page, wall) for page, wall in zip(pages, _WALLS, strict=True)))


async def _cancel_at_a_wall(place: Place, api: Api, page: Page, wall: str) -> None:
    calendar = re.sub(r"\W+", "-", wall.lower())
    (slot, *_) = await make_calendar(api, calendar)
    # Commands go over HTTP where no Socket.IO gets through; event streams stay.
    await page.add_init_script("delete window.WebSocket")
    await page.route("**/socket.io/**", lambda route: route.abort())
    await show_calendar(page, place.url, calendar)
    await book_slot(page, slot)
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
    (kept,) = await page.evaluate(KEPT, "booking")
    assert kept["status"] == "confirmed", wall
    await page.unroute("**/cancel")
    await expect(page.locator(".toasts")).to_contain_text("cancelled", timeout=LATE_MS)
    (booking,) = (await api.get(f"/api/calendars/{calendar}/bookings"))["bookings"]
    assert booking["status"] == "cancelled", wall


async def test_two_tabs_lose_nothing(place: Place, api: Api, page: Page) -> None:
    """Two tabs that hold at the same moment keep both tokens, every time, and each shows both."""
    slots = await make_calendar(api, "tabs", 10)
    other = await page.context.new_page()
    for tab in (page, other):
        await show_calendar(tab, place.url, "tabs")
    for one, another in zip(slots[::2], slots[1::2], strict=True):
        click = "id => document.querySelector(`button[data-slot='${id}']`).click()"
        await asyncio.gather(page.evaluate(click, one), other.evaluate(click, another))
        for tab in (page, other):
            for slot in (one, another):
                await expect(cell_of(tab, slot)).to_have_attribute("data-mine", "hold")
            await tab.keyboard.press("Escape")
    held = {hold["slot"] for hold in await page.evaluate(KEPT, "hold")}
    assert held == set(slots)


async def test_two_elements_of_a_calendar_keep_each_others(place: Place, api: Api, page: Page) -> None:
    """Two elements of one calendar on one page: a booking in one is in the other, and stays over a reload."""
    slots = await make_calendar(api, "twice")

    async def host(route: Route) -> None:
        element = '<slotcast-calendar calendar="twice"></slotcast-calendar>'
        body = f'<!doctype html><script src="/slotcast-calendar.js"></script>{element}{element}'
        await route.fulfill(content_type="text/html", body=body)

    await page.route("**/host", host)
    for again in (False, True):
        await page.goto(f"{place.url}/host")
        await expect(page.locator('slotcast-calendar[data-connection="live"]')).to_have_count(2)
        await _book_in_each(page, slots[:2], again=again)
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
                slots.append((await make_calendar(api, CALENDAR))[0])
        element = '<slotcast-calendar url="{}" calendar="{}"></slotcast-calendar>'
        body = f'<script src="{servers[0].url}/slotcast-calendar.js"></script>'
        body += "".join(element.format(server.url, CALENDAR) for server in servers)
        async with _site(port, body) as site:
            for again in (False, True, True):
                await page.goto(site)
                await expect(page.locator('slotcast-calendar[data-connection="live"]')).to_have_count(2)
                await _book_in_each(page, slots, again=again)
        kept = {booking["slot"] for booking in await page.evaluate(KEPT, "booking")}
        assert kept == set(slots)


async def _book_in_each(page: Page, slots: list[str], *, again: bool) -> None:
    """Each element's own slot; `again` it is the visitor's already."""
    for element, slot in zip(await page.locator("slotcast-calendar").all(), slots, strict=True):
        cell = element.locator(f'button[data-slot="{slot}"]')
        if again:
            await expect(cell).to_have_attribute("data-mine", "booking")
            continue
        await cell.click()
        await element.get_by_label("Name").fill("Ada")
        await page.keyboard.press("Enter")
        await expect(element.locator("dialog[open]")).to_contain_text("Booked")
        await page.keyboard.press("Escape")


async def test_entries_of_an_earlier_version_are_shown(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Entries stored under the calendar's id alone are shown, if they are this server's."""
    slots = await make_calendar(api, "earlier")
    hold = (await guest.post(f"/api/slots/{slots[0]}/holds"))["hold"]
    booking = (await guest.post(f"/api/slots/{slots[1]}/bookings", customer={"name": "Ada"}))["booking"]
    times = {"start": in_days(1), "end": in_days(1.04)}
    foreign = booking | {"id": "01970000-0000-7000-8000-000000000000", "slot": "01970000-0000-7000-8000-000000000001"}
    old = {"holds": [hold | times], "bookings": [booking | times, foreign | times]}
    await page.add_init_script(
        "if (!localStorage.getItem('seeded')) { localStorage.setItem('seeded', '1');"
        f"localStorage.setItem('slotcast.mine.earlier', {json.dumps(json.dumps(old))}); }}"
    )
    await show_calendar(page, place.url, "earlier")
    await expect(cell_of(page, slots[0])).to_have_attribute("data-mine", "hold")
    await expect(cell_of(page, slots[1])).to_have_attribute("data-mine", "booking")
    left = "() => JSON.parse(localStorage.getItem('slotcast.mine.earlier')).bookings.map(({id}) => id)"
    await page.wait_for_function(f"id => ({left})().join() === id", arg=foreign["id"])
    await page.reload()
    await expect(cell_of(page, slots[1])).to_have_attribute("data-mine", "booking")


async def test_a_booking_that_the_server_does_not_know_stays(place: Place, api: Api, page: Page) -> None:
    """A not_found removes nothing from the list: it says that the server does not know it."""
    slots = await make_calendar(api, "unknown")
    await show_calendar(page, place.url, "unknown")
    await book_slot(page, slots[0])
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
    assert len(await page.evaluate(KEPT, "booking")) == 1


async def test_a_clock_that_is_set_moves_nothing(place: Place, api: Api, page: Page) -> None:
    """The device's clock is set an hour on and then back while a slot is held: the countdown and the token stay."""
    slots = await make_calendar(api, "clock")
    await show_calendar(page, place.url, "clock")
    await hold_slot(page, slots[0])
    for hours in (1, -1):
        await page.evaluate(
            """hours => { const real = window.realNow ??= Date.now.bind(Date);
            Date.now = () => real() + hours * 3_600_000; }""",
            hours,
        )
        # The page draws itself twice a second.
        line = page.locator(".mine-line")
        before = await line.inner_text()
        await expect(line).not_to_have_text(before)
        await expect(line).to_have_text(re.compile(r"Held for you [45]:\d\d"))
        assert len(await page.evaluate(KEPT, "hold")) == 1
