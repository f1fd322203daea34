"""A visitor's page: its calendar, its slots, and the entries that it keeps."""

from typing import Any

from playwright.async_api import Page, expect

from tests.support import Api
from tests.support.example import in_days

LATE_MS = 60_000
KEPT = """kind => Object.entries(localStorage)
    .filter(([key]) => key.startsWith("slotcast.mine ") && key.split(" ")[3] === kind)
    .map(([, text]) => JSON.parse(text))"""


async def make_calendar(api: Api, calendar: str, number: int = 3) -> list[str]:
    await api.post("/api/calendars", id=calendar, name="Room", zone="UTC")
    slots = [{"start": in_days(1 + place / 24), "end": in_days(1 + (place + 1) / 24)} for place in range(number)]
    return [slot["id"] for slot in (await api.post(f"/api/calendars/{calendar}/slots", slots=slots))["slots"]]


async def show_calendar(page: Page, url: str, calendar: str) -> None:
    await page.goto(f"{url}/c/{calendar}")
    await page.wait_for_selector('html[data-connection="live"]')
    await page.wait_for_selector("button.slot")


def cell_of(page: Page, slot: str) -> Any:
    return page.locator(f'button[data-slot="{slot}"]')


async def hold_slot(page: Page, slot: str) -> None:
    await cell_of(page, slot).click()
    await expect(page.locator("dialog[open]")).to_contain_text("Held for you")
    await page.keyboard.press("Escape")


async def book_slot(page: Page, slot: str) -> None:
    await cell_of(page, slot).click()
    await page.get_by_label("Name").fill("Ada")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog[open]")).to_contain_text("Booked")
    await page.keyboard.press("Escape")
