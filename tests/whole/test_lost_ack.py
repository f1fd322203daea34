"""A booking whose ack never arrived: the visitor has it all the same, once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.support import Api, Proxy, Server, eventually

CALENDAR = "acks"
_KEPT = f"() => JSON.parse(localStorage.getItem('slotcast.mine.{CALENDAR}') ?? '{{}}').bookings ?? []"


async def test_the_page_books_once_though_the_ack_was_lost(tmp_path: Path, page: Page) -> None:
    """The network drops the answer to a booking: the page asks again with its key, and is given the same booking."""
    with Server(tmp_path, "--no-demo") as server, Proxy(server.port) as proxy:
        server.command("calendar", "create", CALENDAR)
        token = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as staff, Api(server.url) as guest:
            start = datetime.now(UTC) + timedelta(days=1)
            slots = [{"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat(), "capacity": 3}]
            await staff.ask("POST", f"/api/calendars/{CALENDAR}/slots", {"slots": slots}, key="open")
            await page.goto(f"{proxy.url}/c/{CALENDAR}")
            await page.locator("[data-slot]").first.click()
            await page.get_by_label("Name").fill("Ada")
            proxy.mute()
            await page.locator("dialog [type=submit]").click()

            async def bookings() -> list[dict[str, Any]]:
                answer = await staff.ask("GET", f"/api/calendars/{CALENDAR}/bookings")
                found: list[dict[str, Any]] = answer.body["bookings"]
                return found

            made = (await eventually(bookings, 15, "the booking"))[0]
            assert await page.evaluate(_KEPT) == [], "the page does not know yet"
            await asyncio.to_thread(proxy.cut)
            await asyncio.to_thread(proxy.restore)
            await page.wait_for_function(f"() => ({_KEPT})().length === 1", timeout=45_000)
            kept = (await page.evaluate(_KEPT))[0]
            assert kept["id"] == made["id"]
            assert len(await bookings()) == 1
            own = await guest.ask("GET", f"/api/bookings/{kept['id']}", headers={"Booking-Token": kept["token"]})
            assert own.body["booking"]["customer"] == {"name": "Ada"}, json.dumps(own.body)
