"""The zones of the booking page: the server's offsets, and one zone where two show the same times."""

from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.support import Api
from tests.support.browser import STILL
from tests.system.conftest import Place
from tests.system.page.staff_page import at, make

# A browser whose zone data is older than Tokyo.
LACKS_TOKYO = """
const Format = Intl.DateTimeFormat;
Intl.DateTimeFormat = function (language, options) {
    if (options?.timeZone === "Asia/Tokyo") throw new RangeError("Invalid time zone specified: Asia/Tokyo");
    return new Format(language, options);
};
Object.assign(Intl.DateTimeFormat, { prototype: Format.prototype, supportedLocalesOf: Format.supportedLocalesOf });
"""


async def _open(page: Page, place: Place, calendar: str) -> Any:
    await page.goto(f"{place.url}/c/{calendar}")
    await page.wait_for_selector('html[data-connection="live"]')
    return page.locator("button.slot .slot-time")


async def test_times_come_from_the_servers_zone_data(place: Place, api: Api, page: Page) -> None:
    """A browser that lacks the calendar's zone shows its local times by the server's offsets."""
    await make(api, "lacking", [{"start": at(2, "12:00"), "end": at(2, "12:30")}], zone="Asia/Tokyo")
    await page.add_init_script(LACKS_TOKYO)
    time = await _open(page, place, "lacking")
    await page.locator('button[data-zone="calendar"]').click()
    await expect(time).to_have_text("9:00 PM")
    await expect(page.locator('button[data-zone="calendar"]')).to_contain_text("Tokyo GMT+9")


async def test_the_same_clock_is_offered_once(place: Place, api: Api, browser: Browser) -> None:
    """A visitor in Berlin has the clock of Vienna, and no choice; one in Dublin has the choice."""
    await make(api, "clocks", [{"start": at(2, "12:00"), "end": at(2, "12:30")}], zone="Europe/Vienna")
    for zone, is_choice in (("Europe/Berlin", False), ("Europe/Dublin", True)):
        context = await browser.new_context(timezone_id=zone, **STILL)
        page = await context.new_page()
        await _open(page, place, "clocks")
        await expect(page.locator(".zone .segments")).to_be_visible(visible=is_choice)
        await expect(page.locator(".zone-single")).to_be_visible(visible=not is_choice)
        await context.close()
