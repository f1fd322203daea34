"""The booking page passes axe-core (WCAG 2.2 AA) in each state, and is used by keyboard and by ear."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support import Api
from tests.support.node import NODE_FOLDER
from tests.system.conftest import Place
from tests.system.page.staff_page import hour, make

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOUND = """async (tags) => {
    await Promise.all(document.getAnimations().filter((one) => one.effect.getComputedTiming().iterations !== Infinity)
        .map((one) => one.finished.catch(() => {})));
    const rules = { "label-content-name-mismatch": { enabled: true }, "target-size": { enabled: true } };
    const { violations } = await axe.run({ runOnly: { type: "tag", values: tags }, rules });
    return violations.map(({ id, nodes }) =>
        [id, ...nodes.slice(0, 3).map(({ html, any }) => [html.slice(0, 200), any[0]?.message])]);
}"""
SMALL = """() => [...document.querySelectorAll("button, a, input, select")].filter((one) => {
    const { width, height } = (one.closest("label") ?? one).getBoundingClientRect();
    return one.checkVisibility() && !one.matches(".skip, .day-link") && width > 0 && (width < 24 || height < 24);
}).map((one) => one.outerHTML.slice(0, 120))"""
COVERED = """() => {
    const { x, y, width, height } = document.activeElement.getBoundingClientRect();
    const places = [[width / 2, height / 2], [width / 2, 2], [width / 2, height - 2]];
    return places.map(([right, down]) => document.elementFromPoint(x + right, y + down))
        .find((there) => !document.activeElement.contains(there))?.className;
}"""
QUESTIONS = [{"label": "Which pet?", "required": True, "choices": ["Cat", "Dog"]}, {"label": "Why?"}]


async def _faults(page: Page) -> Any:
    return [await page.evaluate(FOUND, TAGS), await page.evaluate(SMALL)]


async def _open(page: Page, place: Place, calendar: str) -> None:
    await page.goto(f"{place.url}/c/{calendar}")
    await page.wait_for_selector('html[data-connection="live"]')
    await expect(page.locator("button.slot").first).to_be_visible()


def _cell(page: Page, slot: str) -> Any:
    return page.locator(f'button[data-slot="{slot}"]')


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(place: Place, api: Api, guest: Api, page: Page, scheme: Any) -> None:
    """On the board, in the month, in the form and its errors, in the receipt, in a dialog, and without a server."""
    calendar = f"axe-booking-{scheme}"
    opened = [hour(1, clock) | {"data": {"title": "Haircut"}} for clock in range(9, 13)] + [hour(2, 9)]
    slots = await make(
        api, calendar, opened, zone="Asia/Tokyo",
        policy={"place": "Main street 1", "phone": "required", "questions": QUESTIONS},
    )  # fmt: skip
    for taken in (slots[0], slots[4]):
        await api.post(f"/api/slots/{taken}/bookings", customer={"name": "Bob"})
    await guest.post(f"/api/slots/{slots[1]}/holds")
    await page.emulate_media(color_scheme=scheme)
    await _open(page, place, calendar)
    await page.evaluate((NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text())
    faults = {"board": await _faults(page)}
    await page.get_by_role("button", name="Month").click()
    await expect(page.locator(".month-day").first).to_be_visible()
    faults["month"] = await _faults(page)
    await page.keyboard.press("Escape")
    await _cell(page, slots[2]).click()
    dialog = page.locator("dialog[open]")
    await expect(dialog.get_by_label("Your name")).to_be_focused()
    faults["form"] = await _faults(page)
    await dialog.get_by_label("Your name").fill("Ada")
    await dialog.get_by_label("Phone").fill("1")
    await dialog.get_by_label("Which pet?").select_option("Cat")
    await dialog.get_by_role("button", name="Book this time").click()
    await expect(dialog.locator(".problem")).to_be_visible()
    faults["problem"] = await _faults(page)
    await dialog.get_by_label("Phone").fill("+43 1 234")
    await dialog.get_by_role("button", name="Book this time").click()
    await expect(dialog.locator(".receipt-title")).to_be_visible()
    faults["receipt"] = await _faults(page)
    await dialog.get_by_role("button", name="Done").click()
    faults["booked"] = await _faults(page)
    await page.locator(".mine-item").get_by_role("button", name="Cancel").click()
    await expect(page.locator("dialog.ask[open]")).to_be_visible()
    faults["ask"] = await _faults(page)
    await page.get_by_role("button", name="Keep it").click()
    await page.context.set_offline(offline=True)
    await expect(page.locator(".banner").first).to_be_visible()
    faults["offline"] = await _faults(page)
    assert {name: found for name, found in faults.items() if found != [[], []]} == {}


async def test_the_keys_of_the_board(place: Place, api: Api, page: Page) -> None:
    """The skip link leads to the times; Home, End, Page Up and Page Down lead through the days."""
    slots = await make(api, "keys", [hour(day, clock) for day in (1, 2, 3) for clock in (9, 10, 11)])
    await _open(page, place, "keys")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(_cell(page, slots[0])).to_be_focused()
    for key, at in (
        ("End", 2), ("Home", 0), ("ArrowRight", 1), ("PageDown", 3), ("PageDown", 6), ("End", 8), ("PageDown", 8),
        ("PageUp", 3), ("Control+End", 8), ("Control+Home", 0), ("PageUp", 0), ("ArrowDown", 3), ("ArrowLeft", 2),
    ):  # fmt: skip
        await page.keyboard.press(key)
        await expect(_cell(page, slots[at])).to_be_focused()


@pytest.mark.parametrize("width", [390, 1280])
async def test_the_focus_is_not_behind_the_days(place: Place, api: Api, page: Page, width: int) -> None:
    """The row of days stays at the top of the screen, and a slot that gets the focus is below it (WCAG 2.4.11)."""
    await make(api, f"rows-{width}", [hour(day, clock) for day in (1, 2, 3, 4, 5) for clock in range(6, 22)])
    await page.set_viewport_size({"width": width, "height": 500})
    await _open(page, place, f"rows-{width}")
    await page.locator("button.slot").first.focus()
    await page.keyboard.press("Control+End")
    for _ in range(12):
        await page.keyboard.press("ArrowUp")
        assert await page.evaluate(COVERED) is None


async def test_nothing_scrolls_sideways(place: Place, api: Api, page: Page) -> None:
    """At 320 px, which is 1280 px at 400 %, all of the page and of the form is there (WCAG 1.4.10)."""
    await make(api, "narrow", [hour(day, 9) for day in range(1, 15)], zone="America/Argentina/ComodRivadavia")
    await page.set_viewport_size({"width": 320, "height": 500})
    await page.goto(f"{place.url}/c/narrow?lang=en-XA")
    await page.locator("button.slot").first.click()
    await expect(page.locator("dialog[open] input[name=name]")).to_be_focused()
    for element in ("document.documentElement", "document.querySelector('dialog[open]')"):
        assert await page.evaluate(f"{element}.scrollWidth - {element}.clientWidth") == 0


async def test_a_time_in_focus_that_is_taken_is_said(place: Place, api: Api, guest: Api, page: Page) -> None:
    """A screen reader says it, also when the time is given back or is not offered any more."""
    slots = await make(api, "said", [hour(1, 9), hour(1, 10), hour(1, 11)])
    await _open(page, place, "said")
    said = page.locator(".unseen[role=status]")
    await _cell(page, slots[0]).focus()
    hold = (await guest.post(f"/api/slots/{slots[0]}/holds"))["hold"]
    await expect(said).to_have_text("9:00 AM to 10:00 AM was just taken.")
    await guest.post(f"/api/holds/{hold['id']}/release", token=hold["token"])
    await expect(said).to_have_text("9:00 AM to 10:00 AM is free again.")
    assert (await api.ask("DELETE", f"/api/slots/{slots[0]}")).code == "ok"
    await expect(said).to_have_text("9:00 AM to 10:00 AM is not offered any more.")
    await expect(_cell(page, slots[1])).to_be_focused()
    await expect(_cell(page, slots[1])).to_have_accessible_name("10:00 AM to 11:00 AM, free, 1 h")
