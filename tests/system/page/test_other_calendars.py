"""The sheet of the staff page for private addresses and busy times."""

import re

from playwright.async_api import Page, expect

from tests.support import Api
from tests.system.conftest import Place


async def test_staff_make_and_revoke_addresses_and_import_busy_times(place: Place, api: Api, page: Page) -> None:
    """An address is shown once and reads until it is revoked; a source is listed with its state, and removed."""
    await api.post("/api/calendars", id="others", name="Others", zone="UTC", visibility="private")
    await page.goto(f"{place.url}/staff?calendar=others#token={place.staff}")
    await page.wait_for_selector("main[data-seq]")
    await page.get_by_role("button", name="Other calendars").click()
    sheet = page.get_by_role("dialog", name="Other calendars")
    await sheet.get_by_label("A calendar program sees").select_option("bookings")
    await sheet.get_by_role("button", name="Make an address").click()
    address = sheet.get_by_label("The address")
    await expect(address).to_have_value(re.compile(re.escape(place.url)))
    path = (await address.input_value()).removeprefix(place.url)
    assert (await api.ask("GET", path)).code == "ok"
    await sheet.get_by_role("button", name="Revoke").click()
    await page.get_by_role("button", name="Revoke it").click()
    await expect(sheet.get_by_role("list", name="Private addresses").get_by_role("listitem")).to_have_count(0)
    assert (await api.ask("GET", path)).code == "not_found"
    await sheet.get_by_label("Block the times").fill("ftp://example.org")
    await sheet.get_by_role("button", name="Add busy times").click()
    await expect(sheet.get_by_role("alert")).to_be_visible()
    await sheet.get_by_label("Block the times").fill("https://calendar.invalid/own.ics")
    await sheet.get_by_role("button", name="Add busy times").click()
    sources = sheet.get_by_role("list", name="Busy times")
    await expect(sources.get_by_text("calendar.invalid")).to_be_visible()
    await sheet.get_by_role("button", name="Remove calendar.invalid").click()
    await page.get_by_role("button", name="Remove them").click()
    await expect(sources.get_by_role("listitem")).to_have_count(0)
