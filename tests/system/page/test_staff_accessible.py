"""The views and sheets of the staff page pass the rules of axe-core, in both colour schemes."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support import Api
from tests.support.node import NODE_FOLDER
from tests.system.conftest import Place
from tests.system.page.staff_page import book, choose, day, dialog, hour, make, open_staff, row

STILL = """() => Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => {})))"""
FOUND = """async () => (await axe.run()).violations
    .map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ html, any }) => [html.slice(0, 160), any[0]?.message])])"""


def _axe() -> str:
    return (NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text()


async def axe_faults(page: Page) -> Any:
    """Return what axe-core finds on the page as it is now."""
    await page.evaluate(_axe())
    return await _faults(page)


async def _faults(page: Page) -> Any:
    await page.evaluate(STILL)
    return await page.evaluate(FOUND)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(place: Place, api: Api, guest: Api, page: Page, scheme: Any) -> None:
    """Neither in a view nor in a sheet."""
    calendar = f"axe-{scheme}"
    slots = await make(api, calendar, [hour(1, clock) for clock in range(9, 13)], policy={"confirmation": "staff"})
    confirmed = await book(guest, slots[0], "Ada Axe")
    await api.post(f"/api/bookings/{confirmed}/confirm")
    await book(guest, slots[1], "Bob Axe")
    await api.post(f"/api/slots/{slots[2]}/close")
    await page.emulate_media(color_scheme=scheme)
    faults = {}
    shown = {"": ".agenda .row", "week": ".block", "find": ".found .row", "board": ".lane-slot"}
    for view in ("board", "week", "find", ""):
        await page.goto(f"{place.url}/staff?calendar={calendar}&view={view}&day={day(1)}#token={place.staff}")
        await expect(page.locator(shown[view]).first).to_be_visible()
        await expect(page.get_by_role("region", name="Requests")).to_be_visible()
        await page.evaluate(_axe())
        faults[view] = await _faults(page)
    await row(page, slots[2]).get_by_role("button", name="Book", exact=True).click()
    await expect(dialog(page).get_by_label("Rules in the way")).to_be_visible()
    faults["book"] = await _faults(page)
    await dialog(page).get_by_role("button", name="Close").click()
    await page.get_by_label("More settings").click()
    await choose(page, "Settings")
    faults["settings"] = await _faults(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Opening hours").click()
    await expect(dialog(page, "Opening hours")).to_be_visible()
    faults["hours"] = await _faults(page)
    await page.keyboard.press("Escape")
    await page.locator(".account").click()
    await choose(page, "Accounts")
    await expect(dialog(page, "Accounts")).to_be_visible()
    faults["accounts"] = await _faults(page)
    assert {name: found for name, found in faults.items() if found} == {}


async def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until such an element has the focus."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no way to {selector} by Tab")


async def test_a_day_is_worked_by_keyboard_alone(place: Place, api: Api, page: Page) -> None:
    """Tab, arrows, letters and Enter book in the agenda, move the booking in the week grid, and take it back."""
    first, second = await make(api, "by-keys", [hour(1, 9), hour(1, 10)])
    await open_staff(page, place, f"calendar=by-keys&day={day(1)}")
    await expect(row(page, first)).to_be_visible()
    await _tab_to(page, f'.agenda [data-slot="{first}"] .button')
    await page.keyboard.press("Enter")
    await expect(dialog(page).get_by_label("Name")).to_be_visible()
    await _tab_to(page, "dialog input[name=name]")
    await page.keyboard.type("Ada Keys")
    await page.keyboard.press("Enter")
    await expect(row(page, first)).to_contain_text("Ada Keys")
    await expect(page.locator("dialog")).to_have_count(0)
    await page.keyboard.press("w")
    chip = page.locator(".chip", has_text="Ada Keys")
    await expect(chip).to_be_visible()
    await _tab_to(page, ".block-slot")
    await page.keyboard.press("ArrowDown")
    await expect(chip).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Correct")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Move")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog(page).locator(f'[data-target="{second}"]')).to_be_visible()
    await _tab_to(page, f'[data-target="{second}"]')
    await page.keyboard.press("Enter")
    await expect(page.locator(f'.block[data-slot="{second}"]')).to_contain_text("Ada Keys")
    await page.keyboard.press("z")
    await expect(page.locator(f'.block[data-slot="{first}"]')).to_contain_text("Ada Keys")
