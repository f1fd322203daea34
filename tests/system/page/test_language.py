"""The customer's pages in other languages: by the browser, the address and the element's attribute."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support import Api
from tests.support.browser import STILL
from tests.system.conftest import Place
from tests.system.page.catalog_text import TEXTS, WIDER_THAN_SCREEN, outside
from tests.system.page.staff_page import hour, make


async def _make(api: Api, calendar: str, **info: Any) -> list[str]:
    slots = [hour(1, clock) for clock in range(8, 17)]
    return await make(api, calendar, slots, **{"name": "Pseudo Shop", "zone": "Europe/Vienna"} | info)


async def test_a_german_books(place: Place, api: Api, browser: Browser) -> None:
    """A browser in German gets German texts, dates and clocks, from the board to the receipt."""
    await _make(api, "deutsch", name="Friseur")
    context = await browser.new_context(locale="de-AT", viewport={"width": 390, "height": 844}, **STILL)
    page = await context.new_page()
    await page.goto(f"{place.url}/c/deutsch")
    await expect(page.locator("html")).to_have_attribute("lang", "de-AT")
    await expect(page.locator(".day-near").first).to_have_text("Morgen")
    await expect(page.locator(".slot-time").first).to_have_text(re.compile(r"^\d\d:\d\d$"))
    await page.locator("button.slot[data-free]").first.click()
    dialog = page.locator("dialog[open]")
    await expect(dialog).to_contain_text("Für Sie vorgemerkt")
    await dialog.get_by_label("Ihr Name").fill("Grete Deutsch")
    await dialog.get_by_role("button", name="Diese Zeit buchen").click()
    await expect(dialog.locator(".done-title")).to_have_text("Gebucht")
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0
    await dialog.get_by_role("button", name="Fertig").click()
    await page.locator(".mine-item").get_by_role("button", name="Stornieren").click()
    await page.get_by_role("button", name="Buchung stornieren").click()
    await expect(page.locator(".toasts")).to_contain_text("Ihre Buchung ist storniert.")
    await context.close()


async def test_the_address_chooses_the_language(place: Place, api: Api, page: Page) -> None:
    """`?lang=` wins over the browser on both pages, and an unknown language is left out."""
    await _make(api, "asked-language")
    await page.goto(f"{place.url}/c/asked-language?lang=fr")
    await expect(page.locator(".mine-title")).to_have_text("Vos horaires")
    await expect(page.locator(".day-near").first).to_have_text("Demain")
    await page.locator("button.slot[data-free]").first.click()
    form = page.locator("dialog[open]")
    await form.locator("[type=submit]").click()
    await expect(form.locator(".problem")).to_have_text("Veuillez indiquer votre nom.")  # not the browser's own text
    await form.locator("[name=name]").fill("Ada")
    await form.locator("[name=email]").fill("ada")
    await form.locator("[type=submit]").click()
    await expect(form.locator("[name=email]:focus[aria-invalid=true]")).to_have_accessible_description(
        "Ce n’est pas une adresse e-mail. Veuillez la vérifier."
    )
    await expect(form.locator("[name=name]")).to_have_accessible_description("")
    await page.goto(f"{place.url}/?lang=es")
    await expect(page.locator("h1")).to_have_text("Calendarios")
    await expect(page.locator("html")).to_have_attribute("lang", "es")
    await page.goto(f"{place.url}/c/asked-language?lang=tlh")
    await expect(page.locator(".mine-title")).to_have_text("Your times")


async def test_no_text_stands_in_code(place: Place, api: Api, page: Page) -> None:
    """In the pseudo-locale every text of the list, the board, the form, the receipt and the dialogs is a catalog's."""
    await _make(api, "pseudo", policy={"confirmation": "staff"})
    seen: list[str] = []

    async def look(at: str) -> None:
        await expect(page.locator(at).first).to_be_visible()
        seen.extend(await page.evaluate(TEXTS))

    await page.goto(f"{place.url}/c/pseudo?lang=en-XA")
    await page.wait_for_selector('html[data-connection="live"]')
    await look("button.slot[data-free]")
    await page.locator("button.slot[data-free]").first.click()
    await look("dialog[open] form")
    await page.locator("dialog[open] input[name=name]").fill("Ada Xa")
    await page.locator("dialog[open] button[type=submit]").click()
    await look(".done-title")
    await page.locator(".done > button").click()
    await look(".mine-item")
    await page.locator(".mine-item button").nth(1).click()
    await look("dialog.ask")
    await page.locator("dialog.ask button").first.click()
    await look(".toast")
    await page.context.set_offline(offline=True)
    await look(".banner")
    assert len(seen) > 100
    assert outside(seen) == set()


async def test_from_right_to_left(place: Place, api: Api, page: Page) -> None:
    """In the pseudo-locale of Arabic the page runs from right to left, and fits a phone."""
    await _make(api, "mirrored")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(f"{place.url}/c/mirrored?lang=ar-XB")
    await expect(page.locator("html")).to_have_attribute("dir", "rtl")
    slots = page.locator("button.slot")
    await expect(slots).to_have_count(9)
    first, second = [await slots.nth(number).bounding_box() for number in (0, 1)]
    assert first is not None
    assert second is not None
    assert first["x"] > second["x"]
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0
    await slots.first.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(slots.nth(1)).to_be_focused()


@pytest.mark.parametrize("language", ["de", "ar-XB"])
async def test_the_element_has_a_language(place: Place, api: Api, page: Page, language: str) -> None:
    """Its attribute chooses the language, and a change of it draws the element anew."""
    calendar = f"element-{language.lower()}"
    await _make(api, calendar)
    await page.goto(f"{place.url}/?lang=en")
    add = """([calendar, lang]) => {
        const element = document.createElement("slotcast-calendar");
        element.setAttribute("calendar", calendar);
        element.setAttribute("lang", lang);
        document.body.append(element);
        const script = document.createElement("script");
        script.src = "/slotcast-calendar.js";
        document.body.append(script);
    }"""
    await page.evaluate(add, [calendar, language])
    element = page.locator("slotcast-calendar")
    await expect(element.locator(".booking")).to_have_attribute("dir", "ltr" if language == "de" else "rtl")
    title = element.locator(".mine-title")
    await expect(title).not_to_have_text("Your times")
    await element.evaluate("element => element.setAttribute('lang', 'en')")
    await expect(title).to_have_text("Your times")


async def test_the_element_loads_its_language_from_its_server(place: Place, api: Api, page: Page) -> None:
    """Also on a page of another origin."""
    await _make(api, "elsewhere")
    element = '<slotcast-calendar calendar="elsewhere" lang="de"></slotcast-calendar>'
    await page.set_content(f'{element}<script src="{place.url}/slotcast-calendar.js"></script>')
    await expect(page.locator("slotcast-calendar .blank")).to_contain_text("nimmt diese Seite nicht an")
