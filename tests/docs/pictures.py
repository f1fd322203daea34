"""Makes the pictures of README and of the docs from a running server: `python -m tests.docs.pictures`.

The booking page is that of a new installation, with a few bookings and holds of other customers.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.docs.console_pictures import make_console_pictures
from tests.support import ROOT, Api, Server
from tests.support.browser import CHROMIUM_FLAGS, STILL, find_chromium

DOCS = ROOT / "docs"
MOST_BYTES = 150 * 1024
_WIDE: ViewportSize = {"width": 1280, "height": 800}
_NARROW: ViewportSize = {"width": 390, "height": 800}
_TAKEN = (1, 2, 5, 9)  # of the first day's times
_HELD = 7


async def _open(browser: Browser, server: Server, size: ViewportSize) -> Page:
    context = await browser.new_context(viewport=size, locale="en-GB", timezone_id="Europe/Vienna", **STILL)
    page = await context.new_page()
    await page.goto(f"{server.url}/c/demo")
    await expect(page.locator("button.slot[data-free]").first).to_be_visible()
    return page


async def make_pictures(server: Server, folder: Path) -> list[Path]:
    """Write the pictures of the board on a wide screen, of the form on a phone, and of the staff page."""
    page_path, phone_path = folder / "page.png", folder / "phone.png"
    async with Api(server.url) as guest:
        slots = [slot["id"] for slot in (await guest.get("/api/calendars/demo/slots"))["slots"] if slot["bookable"]]
        for place in _TAKEN:
            await guest.post(f"/api/slots/{slots[place]}/bookings", customer={"name": "Ada Example"})
        await guest.post(f"/api/slots/{slots[_HELD]}/holds")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        wide = await _open(browser, server, _WIDE)
        await wide.locator("button.slot[data-free]").nth(3).click()
        await wide.get_by_label("Close and keep the hold").click()
        await wide.screenshot(path=page_path)
        narrow = await _open(browser, server, _NARROW)
        await narrow.locator("button.slot[data-free]").nth(4).click()
        await expect(narrow.get_by_label("Your name")).to_be_focused()
        await narrow.screenshot(path=phone_path)
        staff = await make_console_pictures(server, browser, folder)
        await browser.close()
    return [page_path, phone_path, *staff]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        paths = asyncio.run(make_pictures(server, DOCS))
    for path in paths:
        size = path.stat().st_size
        sys.stdout.write(f"{path.relative_to(ROOT)}: {size:,} bytes\n")
        if size > MOST_BYTES:
            raise SystemExit(f"{path.name} has more than {MOST_BYTES:,} bytes.")


if __name__ == "__main__":
    main()
