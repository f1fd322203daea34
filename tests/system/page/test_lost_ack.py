"""A booking with a lost ack: the visitor has it all the same, once."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.support import Api, Proxy, Server, eventually

CALENDAR = "acks"
_KEPT = f"""() => Object.entries(localStorage)
    .filter(([key]) => key.startsWith('slotcast.mine ') && key.includes(' {CALENDAR} booking '))
    .map(([, text]) => JSON.parse(text))"""


@dataclass
class Visit:
    """A calendar with one slot, a page with it, and the network between them."""

    proxy: Proxy
    page: Page
    staff: Api
    guest: Api

    async def bookings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.staff.get(f"/api/calendars/{CALENDAR}/bookings"))["bookings"]
        return found

    async def submit(self) -> None:
        await self.page.locator("dialog [type=submit]").click()

    async def lose_the_ack(self) -> dict[str, Any]:
        """Book while the network loses the answer."""
        await self.page.locator("[data-slot]").first.click()
        await self.page.get_by_label("Name").fill("Ada")
        self.proxy.mute()
        await self.submit()
        made: dict[str, Any] = (await eventually(self.bookings, what="the booking"))[0]
        assert await self.page.evaluate(_KEPT) == [], "the page does not know yet"
        return made

    async def has_it(self, made: dict[str, Any]) -> None:
        """The visitor has that booking, with its token, and it is the only one."""
        await self.page.wait_for_function(f"() => ({_KEPT})().length === 1", timeout=45_000)
        kept = (await self.page.evaluate(_KEPT))[0]
        assert kept["id"] == made["id"]
        assert len(await self.bookings()) == 1
        own = await self.guest.ask("GET", f"/api/bookings/{kept['id']}", headers={"Booking-Token": kept["token"]})
        assert own.body["booking"]["customer"] == {"name": "Ada"}, json.dumps(own.body)


@pytest.fixture
async def visit(tmp_path: Path, page: Page) -> AsyncIterator[Visit]:
    """Open the page behind a network that still works."""
    with Server(tmp_path, "--no-demo") as server, Proxy(server.port) as proxy:
        server.command("calendar", "create", CALENDAR)
        token = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as staff, Api(server.url) as guest:
            start = datetime.now(UTC) + timedelta(days=1)
            slots = [{"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat(), "capacity": 3}]
            await staff.ask("POST", f"/api/calendars/{CALENDAR}/slots", {"slots": slots}, key="open")
            await page.clock.install()
            await page.goto(f"{proxy.url}/c/{CALENDAR}")
            yield Visit(proxy, page, staff, guest)


async def test_the_page_books_once_though_the_ack_was_lost(visit: Visit) -> None:
    """The network drops the answer to a booking: the page asks again with its key, and is given the same booking."""
    made = await visit.lose_the_ack()
    await asyncio.to_thread(visit.proxy.cut)
    await asyncio.to_thread(visit.proxy.restore)
    await visit.has_it(made)


async def test_the_page_asks_again_after_a_long_outage(visit: Visit) -> None:
    """The page has given up; once the network is back it repeats the request, and gets the existing booking."""
    made = await visit.lose_the_ack()
    await asyncio.to_thread(visit.proxy.refuse)
    await visit.page.clock.fast_forward("01:00")
    await expect(visit.page.get_by_role("alert").first).not_to_be_empty()
    await asyncio.to_thread(visit.proxy.restore)
    await visit.has_it(made)
    await expect(visit.page.locator("dialog[open]")).to_contain_text("Booked")


async def test_a_page_that_was_loaded_anew_asks_again(visit: Visit) -> None:
    """The page was closed before the answer: loaded again it repeats its request under the same key."""
    made = await visit.lose_the_ack()
    place = visit.page.url
    await visit.page.goto("about:blank")  # before the network is back, or it might ask again by itself
    await asyncio.to_thread(visit.proxy.cut)
    await asyncio.to_thread(visit.proxy.restore)
    await visit.page.goto(place)
    await visit.has_it(made)


@pytest.mark.parametrize("is_done", [True, False])
async def test_an_old_request_is_not_done_late(visit: Visit, *, is_done: bool) -> None:
    """After ten minutes offline the page finds out whether it has booked, and repeats nothing."""
    page = visit.page
    await page.locator("[data-slot]").first.click()
    await page.get_by_label("Name").fill("Ada")
    await asyncio.to_thread(visit.proxy.mute if is_done else visit.proxy.refuse)
    await visit.submit()
    if is_done:
        await eventually(visit.bookings, what="the booking")
    await page.goto("about:blank")
    await asyncio.to_thread(visit.proxy.cut)
    await asyncio.to_thread(visit.proxy.restore)
    await page.goto(f"{visit.proxy.url}/")
    hold = await page.evaluate(
        """() => {
            for (const [key, text] of Object.entries(localStorage).filter(([key]) => key.includes(" errand "))) {
                const errand = JSON.parse(text);
                localStorage.setItem(key, JSON.stringify({...errand, at: errand.at - 1_200_000}));
                return errand.hold;
            }
        }"""
    )
    if not is_done:
        await visit.guest.ask("POST", f"/api/holds/{hold['id']}/release", {"token": hold["token"]}, key=f"{uuid4()}")
    await page.goto(f"{visit.proxy.url}/c/{CALENDAR}")
    await page.wait_for_function(
        "() => !Object.keys(localStorage).some((key) => key.includes(' errand '))", timeout=45_000
    )
    bookings = await visit.bookings()
    assert len(bookings) == len(await page.evaluate(_KEPT)) == int(is_done)
