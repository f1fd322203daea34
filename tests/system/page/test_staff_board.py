"""The board of many calendars, the settings of one, and the first steps of a new installation."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support import Api, Server
from tests.system.conftest import QUIET, Place
from tests.system.page.staff_page import book, choose, day, dialog, hour, make, open_staff, person, row
from tests.system.page.test_staff_accessible import axe_faults

PAGE_WIDTH = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LANES = "() => document.querySelectorAll('.lane').length"
SEEN = "() => [...document.querySelectorAll('.lane[aria-busy]')].length"


async def test_two_hundred_calendars_on_one_board(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Those in sight are live, the others wait; a filter stays in the address, and a lane leads to its day."""
    slots = {f"lane-{n:03}": await make(api, f"lane-{n:03}", [hour(1, 9)]) for n in range(200)}
    await page.goto(f"{place.url}/staff?view=board&day={day(1)}#token={place.staff}")
    await expect(page.locator('.lane[data-calendar="lane-000"] .lane-slot')).to_contain_text("Free")
    await page.wait_for_function(f"({LANES})() >= 200")
    assert await page.evaluate(SEEN) < 30
    await book(guest, slots["lane-000"][0], "Ada Live")
    await expect(page.locator('.lane[data-calendar="lane-000"]')).to_contain_text("Ada Live")
    await page.get_by_label("Filter").fill("lane-19")
    await expect(page.locator(".lane")).to_have_count(10)
    await page.reload()
    last = page.locator('.lane[data-calendar="lane-199"]')
    await expect(page.locator(".lane")).to_have_count(10)
    await last.scroll_into_view_if_needed()
    await expect(last.locator(".lane-slot")).to_contain_text("Free")
    await expect(page).to_have_url(re.compile("filter=lane-19"))
    await last.get_by_role("link").click()
    await expect(row(page, slots["lane-199"][0])).to_be_visible()
    await page.get_by_role("navigation", name="Views").get_by_role("link", name="Board").click()
    await page.get_by_label("Board: a day on").click()
    await last.scroll_into_view_if_needed()
    await expect(last.locator(".lane-none")).to_have_text("No times")


async def test_a_new_calendar_comes_onto_the_board(place: Place, api: Api, page: Page) -> None:
    """A board that comes back into sight has the calendars that colleagues made; numbers in names count as numbers."""
    for number in (10, 9):
        await make(api, f"ward-{number}", [hour(1, 9)], name=f"Ward {number}")
    await page.goto(f"{place.url}/staff?view=board&filter=ward#token={place.staff}")
    await expect(page.locator(".lane-title")).to_have_text(["Ward 9", "Ward 10"])
    await make(api, "ward-1", name="Ward 1 " + "of a long name " * 6)
    await page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.locator(".lane")).to_have_count(3)
    await page.keyboard.press("d")
    await expect(page.get_by_label("Calendar", exact=True).locator("option").first).to_be_attached()
    assert await page.evaluate(PAGE_WIDTH) == 0


async def test_an_account_sees_the_calendars_of_its_roles(place: Place, api: Api, page: Page) -> None:
    """A viewer of one calendar comes to it, and not to a public one that is not the viewer's."""
    for calendar in ("a-public", "b-own"):
        await make(api, calendar, [hour(1, 9)])
    token = place.token("--scope", "viewer", "--calendars", "b-own")
    for query in ("", "calendar=a-public", f"view=board&day={day(1)}"):
        await page.goto(f"{place.url}/staff?{query}#token={token}")
        own = page.locator(".agenda .row").or_(page.locator(".lane-slot"))
        await expect(own).to_have_count(1)
        await expect(page.locator("main")).not_to_contain_text("A-Public")


async def test_every_field_of_the_policy_is_set(place: Place, api: Api, page: Page) -> None:
    """Each field has its explanation; only what changed is sent, and Undo takes it back."""
    await make(api, "ruled", [hour(1, 9)])
    before = (await api.get("/api/calendars/ruled"))["info"]
    await open_staff(page, place, "calendar=ruled")
    await page.get_by_label("More settings").click()
    await choose(page, "Settings")
    sheet = dialog(page, "Settings")
    await expect(sheet.locator(".policy-text small")).to_have_count(len(before["policy"]))
    await sheet.get_by_label("Name").fill("Renamed")
    await sheet.get_by_label("Notice", exact=True).fill("2")
    await sheet.get_by_label("Notice: unit").select_option("hours")
    await sheet.get_by_label("Bookings of one person: No limit").uncheck()
    await sheet.get_by_label("Bookings of one person", exact=True).fill("3")
    await sheet.get_by_label("Confirmation").select_option("Staff confirm each booking")
    await sheet.get_by_label("Place").fill("Main street 1")
    await sheet.get_by_label("Phone number").select_option("Needed")
    await sheet.get_by_role("button", name="Add a question").click()
    await sheet.get_by_label("Question", exact=True).fill("Which pet?")
    await sheet.get_by_label("Choices").fill("Cat; Dog")
    await sheet.get_by_role("button", name="Save").click()
    await expect(page.get_by_label("Calendar", exact=True).locator("option:checked")).to_have_text("Renamed")
    after = (await api.get("/api/calendars/ruled"))["info"]
    wanted = {"min_notice": 7200, "max_bookings": 3, "confirmation": "staff", "place": "Main street 1"}
    wanted |= {"phone": "required"}
    wanted |= {"questions": [{"label": "Which pet?", "required": False, "choices": ["Cat", "Dog"]}]}
    assert after == before | {"name": "Renamed", "policy": before["policy"] | wanted}
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_label("Calendar", exact=True).locator("option:checked")).to_have_text("Ruled")
    assert (await api.get("/api/calendars/ruled"))["info"] == before


async def test_a_calendar_is_archived_and_comes_back(place: Place, api: Api, page: Page) -> None:
    """It asks first, keeps the bookings, and is brought back from the same menu."""
    await make(api, "shelved", [hour(1, 9)])
    await open_staff(page, place, "calendar=shelved")
    await page.get_by_label("More settings").click()
    await choose(page, "Archive")
    await dialog(page, "Archive this calendar?").get_by_role("button", name="Archive it").click()
    await expect(page.locator(".facts")).to_contain_text("Archived")
    await page.get_by_label("More settings").click()
    await choose(page, "Bring it back")
    await expect(page.locator(".facts")).to_contain_text("1 of 1 times free")
    assert (await api.get("/api/calendars/shelved"))["info"]["archived"] is False


async def test_a_new_installation_is_led(tmp_path: Path, page: Page) -> None:
    """Three steps lead from nothing to a page to send; the demo is one click, and goes by the archive."""
    with Server(tmp_path, *QUIET) as server:
        staff = server.command("token", "--scope", "staff").strip()
        await page.goto(f"{server.url}/staff#token={staff}")
        first = page.get_by_role("region", name="First steps")
        await expect(first.get_by_role("button")).to_have_count(2)
        await expect(
            page.locator(".tools, .tabs, .stage, .chooser, .of-calendar").locator("visible=true")
        ).to_have_count(0)
        await page.keyboard.press("n")
        faults = [await axe_faults(page)]
        await first.get_by_role("button", name="Look around in a demo").click()
        await expect(page.locator(".agenda .row").first).to_be_visible()
        await expect(first).to_be_hidden()
        await page.get_by_label("More settings").click()
        await choose(page, "Archive")
        await dialog(page).get_by_role("button", name="Archive it").click()
        await first.get_by_role("button", name="Make the first one").click()
        await dialog(page).get_by_label("Name").fill("Rosa's Shop")
        await expect(page.locator('#zones option[value="Europe/Vienna"]')).to_have_count(1)
        await dialog(page).get_by_label("Time zone").fill("UTC")
        await page.keyboard.press("Enter")
        await expect(first.get_by_role("button", name="Set the opening hours")).to_be_visible()
        faults.append(await axe_faults(page))
        await first.get_by_role("button", name="Set the opening hours").click()
        hours = page.get_by_role("dialog")
        await hours.get_by_role("button", name="Preview").click()
        await hours.get_by_role("button", name=re.compile("Save|Set")).last.click()
        await expect(first).to_contain_text("Send the link")
        await expect(first.get_by_role("button", name="Copy the link")).to_be_visible()
        await page.emulate_media(color_scheme="dark")
        faults.append(await axe_faults(page))
        assert faults == [[], [], []]
        await first.get_by_role("button", name="Done").click()
        await expect(first).to_be_hidden()
        await expect(page).to_have_url(re.compile("calendar=rosa-s-shop"))


@pytest.mark.parametrize("view", ["", "week", "find", "board"])
async def test_each_view_fits_a_phone(place: Place, api: Api, guest: Api, page: Page, view: str) -> None:
    """At 390 px nothing is wider than the screen, and what is tapped is high enough for a finger."""
    calendar = f"phone-{view or 'days'}"
    (slot,) = await make(api, calendar, [hour(1, 9)], name="Phone " * 8, policy={"confirmation": "staff"})
    await book(guest, slot, "Ada " + "Long" * 20)
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(f"{place.url}/staff?calendar={calendar}&view={view}&day={day(1)}#token={place.staff}")
    await expect(page.get_by_role("region", name="Requests")).to_contain_text("Long")
    shown = {"": ".agenda .row", "week": ".week-day", "find": ".found .row", "board": ".lane"}[view]
    await expect(page.locator(shown).first).to_be_visible()
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    small = """() => [...document.querySelectorAll(".tab, .found-link, .inbox-open, .row-actions .button")]
        .filter((one) => one.offsetParent && one.offsetHeight < 36).map((one) => one.textContent)"""
    assert await page.evaluate(small) == []
    low = """() => [...document.querySelectorAll(".agenda .button")].filter((one) => one.offsetHeight < 44).length"""
    assert await page.evaluate(low) == 0
    if view == "week":
        chosen = page.locator(f'.week-day[data-day="{day(1)}"]')
        box = await chosen.bounding_box()
        assert box
        assert 0 <= box["x"] <= 390 - box["width"]


async def test_a_day_is_printed(place: Place, api: Api, guest: Api, page: Page) -> None:
    """On paper the day has its times and people, and none of the page's buttons."""
    (slot,) = await make(api, "paper", [hour(1, 9)])
    booking = await book(guest, slot, "Ada Paper")
    await open_staff(page, place, f"calendar=paper&day={day(1)}")
    await page.emulate_media(media="print")
    await expect(person(page, booking)).to_be_visible()
    await expect(page.get_by_role("button", name="Book", exact=True)).to_be_hidden()
    await expect(page.get_by_role("navigation", name="Views")).to_be_hidden()


async def test_keys_lead_through_the_page(place: Place, api: Api, page: Page) -> None:
    """A key shows a view or a day, and a text field takes the same letters as text."""
    await make(api, "typed", [hour(1, 9)])
    await open_staff(page, place, "calendar=typed")
    await page.keyboard.press("w")
    await expect(page.locator(".week")).to_be_visible()
    await page.keyboard.press("d")
    await page.keyboard.press("t")
    await expect(page.locator("main")).to_have_attribute("data-day", day(0))
    await page.keyboard.press("n")
    await expect(page.locator("main")).to_have_attribute("data-day", day(1))
    await page.keyboard.press("/")
    search = page.get_by_label("Search", exact=True)
    await expect(search).to_be_focused()
    await page.keyboard.type("dw")
    await expect(search).to_have_value("dw")
