"""The staff page in other languages: by the address, the choice in the account menu and the browser."""

import re
from datetime import date

from playwright.async_api import Browser, Locator, Page, expect

from tests.support import Api
from tests.support.browser import STILL
from tests.system.conftest import Place
from tests.system.page.catalog_text import TEXTS, WIDER_THAN_SCREEN, outside
from tests.system.page.staff_page import book, day, hour, make, open_staff, person, row, set_hours

# Ids and subjects, keys of the form, and what a file or a browser calls by its own name.
DATA = r"Europe/|\bstaff\b|pseudo-staff|Ada Hidden|CSV|JSON|https://…/calendar\.ics|ada@example\.com"
# Names of the engine, versions, codes and reasons are data.
SERVER_DATA = r"Python|python-socketio|aiohttp|peewee|Socket\.IO"


class Seen:
    """The texts of the page in a pseudo-locale, gathered step by step."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.texts: list[str] = []

    async def look(self, at: str) -> None:
        await expect(self.page.locator(at).first).to_be_visible()
        self.texts.extend(await self.page.evaluate(TEXTS))

    async def choose(self, anchor: Locator, at: int, shown: str = "") -> None:
        """Look at the menu of a button, and take its item at this place."""
        await anchor.click()
        await self.look("[role=menuitem]")
        await self.page.get_by_role("menuitem").nth(at).click()
        if shown:
            await self.look(shown)

    async def close(self) -> None:
        """Close the menu, and all sheets."""
        await self.page.keyboard.press("Escape")
        await self.page.locator("dialog[open]").evaluate_all("(all) => all.reverse().forEach((one) => one.close())")
        await expect(self.page.locator("dialog[open], [role=menuitem]")).to_have_count(0)


async def _make(api: Api, guest: Api) -> tuple[list[str], str]:
    """Return the slots, and the confirmed booking."""
    policy = {"confirmation": "staff", "questions": [{"label": "⟦?⟧", "required": False, "choices": []}]}
    shop = {"name": "Pseudo Shop", "zone": "Europe/Vienna", "policy": policy}
    slots = await make(api, "pseudo-staff", [hour(1, clock) for clock in range(8, 14)], **shop)
    taken = [await book(guest, slot, "Ada Xa", seats=1) for slot in slots[:3]]
    await api.post(f"/api/bookings/{taken[0]}/confirm")
    await api.post(f"/api/bookings/{taken[1]}/reject")
    await api.post(f"/api/slots/{slots[3]}/close")
    return slots, taken[0]


async def test_no_text_of_the_days_stands_in_code(place: Place, api: Api, guest: Api, page: Page) -> None:
    """In the pseudo-locale every text of the views and of the sheets about times and bookings is a catalog's."""
    slots, booking = await _make(api, guest)
    seen = Seen(page)
    query = f"calendar=pseudo-staff&day={day(1)}&lang=en-XA"
    await open_staff(page, place, query)
    await seen.look(".agenda .row")
    more = row(page, slots[4]).get_by_role("button").nth(1)
    for at, shown in ((1, "dialog .form"), (2, "dialog .check"), (3, "dialog li")):
        await seen.choose(more, at, shown)
        await seen.close()
    await row(page, slots[3]).get_by_role("button").first.click()
    await seen.look("dialog .rules")
    await page.locator("dialog input[name=name]").fill("Ada Xa")
    await page.locator("dialog button[type=submit]").click()
    await seen.look("dialog.ask")
    await seen.close()
    confirmed = person(page, booking)
    for at, shown in ((0, "dialog .form"), (1, "dialog .times button"), (3, "dialog li"), (4, "dialog.ask")):
        await seen.choose(confirmed.get_by_role("button").last, at, shown)
        await seen.close()
    await seen.choose(more, 0, ".toast-undo")
    for view, shown in (("week", ".chip"), ("find", ".found .row"), ("board", ".lane-slot")):
        await page.keyboard.press("/" if view == "find" else view[0])
        await seen.look(shown)
        await page.locator("h1").evaluate("() => document.activeElement.blur()")
    await page.keyboard.press("w")
    await seen.choose(page.locator(".week-day-head .button").nth(date.fromisoformat(day(1)).weekday()), 1, "dialog.ask")
    assert len(seen.texts) > 500
    assert outside(seen.texts, DATA) == set()


async def test_no_text_of_the_setting_up_stands_in_code(place: Place, api: Api, page: Page) -> None:
    """In the pseudo-locale every text of the settings, the hours, links, accounts and of the server is a catalog's."""
    await make(api, "pseudo-empty", name="Pseudo Shop", zone="Europe/Vienna")
    await set_hours(api, "pseudo-empty", [{"days": ["mon"], "start": "09:00", "end": "12:00"}], **{"from": day(0)})
    account = {"name": "Ada Xa", "password": "eight or more", "roles": {"*": "viewer"}}
    await api.ask("POST", "/api/accounts", account)
    seen = Seen(page)
    await open_staff(page, place, "calendar=pseudo-empty&lang=en-XA")
    await seen.look(".opening")
    more = page.locator(".choose > .button").last
    for at, shown in (
        (0, ".policy-row"),
        (1, "dialog .form"),
        (2, "dialog .form"),
        (3, "dialog .sheet-title"),
        (4, "dialog.ask"),
    ):
        await seen.choose(more, at, shown)
        await seen.close()
    for at in (1, 2):
        await page.locator(".choose > .button").nth(at - 1).click()
        await seen.look("dialog .form")
        await seen.close()
    for at in (0, 1):
        await seen.choose(page.locator(".account"), at, "dialog .access-row")
        await page.locator("dialog .actions .primary").click()
        await seen.look("dialog input[name=calendar]")
        await seen.close()
    await seen.choose(page.locator(".account"), 0, "dialog .access-row")
    await seen.choose(page.locator("dialog .access-row button"), 1, "dialog input[name=password]")
    await seen.close()
    await page.locator(".account").click()
    await seen.look("[role=menuitem]")
    assert len(seen.texts) > 300
    assert outside(seen.texts, DATA + r"|pseudo-empty|Europe/Vienna") == set()
    await page.goto(f"{place.url}/staff/server?lang=en-XA#token={place.staff}")
    await expect(page.locator(".tile").first).to_be_visible()
    await expect(page.locator(".facts")).to_contain_text("python-socketio")
    heads = await page.locator("h1, h2, .tile-name, .facts, .page-link").all_inner_texts()
    assert outside(heads, SERVER_DATA) == set()


async def test_from_right_to_left(place: Place, api: Api, page: Page) -> None:
    """In the pseudo-locale of Arabic every view runs from right to left, and fits a phone."""
    await make(api, "staff-mirrored", [hour(1, clock) for clock in range(8, 14)])
    await page.set_viewport_size({"width": 390, "height": 844})
    await open_staff(page, place, f"calendar=staff-mirrored&day={day(1)}&lang=ar-XB")
    await expect(page.locator("html")).to_have_attribute("dir", "rtl")
    shown = {"b": ".lane-slot", "w": ".block", "d": ".agenda .row"}
    for key, one in shown.items():
        await page.keyboard.press(key)
        await expect(page.locator(one).first).to_be_visible()
        assert await page.evaluate(WIDER_THAN_SCREEN) <= 0, key
    await page.keyboard.press("w")
    first, second = [await page.locator(".week-day-head").nth(number).bounding_box() for number in (0, 1)]
    assert first is not None
    assert second is not None
    assert first["x"] > second["x"]


async def test_a_language_is_chosen_in_the_menu(place: Place, api: Api, browser: Browser) -> None:
    """The choice stays in the browser; the address wins over it, and the browser's language counts without it."""
    await make(api, "chosen", [hour(1, 9)])
    page = await (await browser.new_context(locale="de-AT", **STILL)).new_page()
    await open_staff(page, place, f"calendar=chosen&day={day(1)}")
    await expect(page.locator("html")).to_have_attribute("lang", "de-AT")
    await expect(page.locator(".tab").first).to_have_text("Tage")
    await expect(page.locator(".row-time")).to_have_text(re.compile("09:00 – 10:00"))
    await page.locator(".account").click()
    await page.get_by_role("menuitem", name="Sprache").click()
    await page.get_by_role("menuitem", name="Français").click()
    await expect(page.locator(".tab").first).to_have_text("Jours")
    await page.goto(f"{page.url.split('?')[0]}?calendar=chosen&lang=es")
    await expect(page.locator(".tab").first).to_have_text("Días")
    await page.goto(f"{page.url.split('?')[0]}?calendar=chosen")
    await expect(page.locator(".tab").first).to_have_text("Jours")
    await page.locator(".account").click()
    await page.get_by_role("menuitem", name="Langue").click()
    await page.get_by_role("menuitem", name="Comme le navigateur").click()
    await expect(page.locator(".tab").first).to_have_text("Tage")
    await page.context.close()
