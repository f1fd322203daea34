"""The first times of a booking page need one round trip behind its script."""

import asyncio
import re
from urllib.parse import urlsplit

from playwright.async_api import Page, Route, WebSocketRoute, expect

from tests.support import Api, eventually
from tests.support.example import in_days
from tests.system.conftest import Place


async def test_the_first_slots_come_with_the_first_answer(place: Place, api: Api, page: Page) -> None:
    """The page asks once for the slots, at once, and draws them while its socket has not said a word."""
    await api.post("/api/calendars", id="first", name="First", zone="Europe/Vienna")
    slots = [{"start": in_days(1 + place / 24), "end": in_days(1 + (place + 0.5) / 24)} for place in range(3)]
    await api.post("/api/calendars/first/slots", slots=slots)
    asked: list[str] = []
    is_here = asyncio.Event()

    async def bring_late(route: Route) -> None:
        asked.append(urlsplit(route.request.url).path)
        await is_here.wait()
        await route.continue_()

    def stay_silent(_: WebSocketRoute) -> None:
        """Open no connection to the server."""

    await page.route(re.compile("/api/"), bring_late)
    await page.route_web_socket(re.compile("/socket.io/"), stay_silent)
    await page.goto(f"{place.url}/c/first")
    await eventually(lambda: len(asked) == 1)
    await expect(page.locator("button.slot")).to_have_count(0)
    is_here.set()
    await expect(page.locator("button.slot")).to_have_count(3)
    assert asked == ["/api/calendars/first/slots"]


async def test_the_socket_goes_on_from_the_first_slots(place: Place, api: Api, page: Page) -> None:
    """A change after the early snapshot arrives over the socket, with no second snapshot over HTTP."""
    await api.post("/api/calendars", id="later", name="Later", zone="Europe/Vienna")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    await page.goto(f"{place.url}/c/later")
    await page.wait_for_selector('html[data-connection="live"]')
    await api.post("/api/calendars/later/slots", slots=[{"start": in_days(1), "end": in_days(1.02)}])
    await expect(page.locator("button.slot")).to_have_count(1)
    assert asked.count("/api/calendars/later/slots") == 1
