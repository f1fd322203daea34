"""The staff page shows every booking, whenever it is: by day, from the address, live, and by keyboard."""

import asyncio
import re
import sqlite3
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support import Api, Server, eventually
from tests.support.example import in_days
from tests.system.conftest import QUIET, Place
from tests.system.page.staff_page import book, day, open_staff

PHONE = {"width": 390, "height": 844}
WIDER_THAN_SCREEN = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SLOTS = "() => [...document.querySelectorAll('[data-slot]')].map((row) => row.dataset.slot)"
SMALL = """() => [...document.querySelectorAll(".jump :is(button, input)")]
    .filter((one) => one.offsetHeight < 40).map((one) => one.ariaLabel)"""


async def _make(api: Api, calendar: str, *days: float) -> list[str]:
    """A calendar with a slot so many days from now, each; those of whole days lie well within them."""
    await api.post("/api/calendars", id=calendar, name=calendar, zone="UTC")
    places = [
        {"start": in_days(day), "end": in_days(day + 1 / 48)}
        if day < 1
        else {"start": f"{in_days(day)[:10]}T{hour:02}:00:00Z", "end": f"{in_days(day)[:10]}T{hour:02}:30:00Z"}
        for hour, day in enumerate(days, 8)
    ]
    opened = await api.post(f"/api/calendars/{calendar}/slots", slots=places)
    return [slot["id"] for slot in opened["slots"]]


def _person(page: Page, booking: str) -> Any:
    return page.locator(f'[data-booking="{booking}"]')


async def test_a_booking_far_ahead_is_on_its_date(place: Place, api: Api, guest: Api, page: Page) -> None:
    """A booking in a hundred days is on its day, also after a reload, and new ones of that day show by themselves."""
    soon, far, beside, later = await _make(api, "far", 1, 100, 100, 101)
    booking = await book(guest, far, "Ada Far")
    await open_staff(page, place, "calendar=far")
    await expect(page.locator(f'[data-slot="{soon}"]')).to_be_visible()
    await expect(_person(page, booking)).to_have_count(0)
    day = in_days(100)[:10]
    await page.get_by_label("Go to date").fill(day)
    await expect(_person(page, booking)).to_contain_text("Ada Far")
    await expect(page).to_have_url(re.compile(f"day={day}"))
    await page.reload()
    await expect(_person(page, booking)).to_contain_text("Ada Far")
    await expect(page.get_by_label("Go to date")).to_have_value(day)
    for slot in (soon, later):
        await expect(page.locator(f'[data-slot="{slot}"]')).to_have_count(0)
    other = await book(guest, beside, "Bob Beside")
    await expect(_person(page, other)).to_contain_text("Bob Beside")
    await book(guest, later, "Eve Elsewhere")
    await page.get_by_label("More for this booking").last.click()
    await page.get_by_role("menuitem", name="Cancel booking").click()
    await page.locator("dialog[open]").get_by_role("button", name="Cancel the booking").click()
    await expect(_person(page, other)).to_have_count(0)
    await expect(page.locator("main")).not_to_contain_text("Eve Elsewhere")


async def test_every_booking_is_found_by_keyboard(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Tab and Enter go from one booking to the next, over years, and back; the end is announced."""
    slots = await _make(api, "steps", 0.5, 70, 71, 900)
    bookings = [await book(guest, slot, f"Guest {place_}") for place_, slot in enumerate(slots) if place_ != 2]
    await open_staff(page, place, "calendar=steps")
    await page.get_by_label("Later booking").focus()
    for number, days in ((1, 70), (2, 900)):
        await page.keyboard.press("Enter")
        await expect(_person(page, bookings[number])).to_be_visible()
        await expect(page).to_have_url(re.compile(f"day={in_days(days)[:10]}"))
    await page.keyboard.press("Enter")
    await expect(page.locator(".toasts")).to_contain_text("There is no later booking")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(_person(page, bookings[1])).to_be_visible()
    for label, days in (("Next day", 71), ("Next day", 72), ("Previous day", 71), ("Today", 0)):
        await page.get_by_label(label, exact=True).press("Enter")
        await expect(page.locator("main")).to_have_attribute("data-day", in_days(days)[:10])
    await page.get_by_label("All coming days").press("Space")
    await expect(_person(page, bookings[0])).to_be_visible()
    await expect(page).not_to_have_url(re.compile("day="))


async def test_a_past_booking_stays_and_a_no_show_is_undone(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Before the start nobody "did not come"; after it the booking stays over a reload, and a no-show is taken back."""
    begins = in_days(5 / 86_400)
    slot, later = await _make(api, "begun", 5 / 86_400, 0.9)
    booking, early = await book(guest, slot, "Ada Late"), await book(guest, later, "Bob Early")
    await open_staff(page, place, "calendar=begun")
    person = _person(page, booking)
    await expect(_person(page, early)).to_be_visible()
    await expect(_person(page, early).get_by_role("button", name="Did not come")).to_have_count(0)
    await eventually(lambda: in_days(0) > begins, what="the start")
    await page.reload()
    await person.get_by_role("button", name="Did not come").click()
    await expect(person.locator(".tag")).to_have_text("Did not come")
    await page.reload()
    await expect(person.locator(".tag")).to_have_text("Did not come")
    await person.get_by_role("button", name="Undo").click()
    await expect(person.locator(".tag")).to_have_text("Confirmed")
    found = (await api.get(f"/api/calendars/begun/bookings?from={in_days(-1)}"))["bookings"]
    assert [one["status"] for one in found] == ["confirmed", "confirmed"]
    await expect(person.get_by_role("button", name="Did not come")).to_be_visible()


async def test_a_cancelled_booking_is_reinstated_over_the_capacity(
    place: Place, api: Api, guest: Api, page: Page
) -> None:
    """Staff are asked where its seats are gone, and the booking keeps what they passed over."""
    (slot,) = await _make(api, "again", 1)
    booking = await book(guest, slot, "Ada Again")
    await api.post(f"/api/bookings/{booking}/cancel")
    await book(guest, slot, "Bob Instead")
    await open_staff(page, place, f"calendar=again&day={in_days(1)[:10]}")
    await page.get_by_label("Also cancelled").press("Space")
    person = _person(page, booking)
    await person.get_by_role("button", name="Reinstate").click()
    await page.get_by_role("button", name="Reinstate it").click()
    await expect(person.locator(".tag")).to_have_text("Confirmed")
    bookings = (await api.get(f"/api/calendars/again/bookings?from={in_days(0)}"))["bookings"]
    assert {one["id"]: one.get("overridden") for one in bookings}[booking] == ["capacity"]


async def test_last_weeks_bookings_are_there(tmp_path: Any, page: Page) -> None:
    """Past bookings are found by date, by steps, and as the last booking before today."""
    with Server(tmp_path, *QUIET) as server:
        place = Place(server, server.command("token", "--scope", "staff").strip())
        async with Api(place.url, place.staff) as api:
            slot, other = await _make(api, "before", 3, 40)
            booking, older = await book(api, slot, "Ada Before"), await book(api, other, "Bob Before")
        await asyncio.to_thread(server.stop)
        if not server.database.startswith("sqlite:"):
            pytest.skip("the clock is turned back in the file of SQLite")
        with sqlite3.connect(server.database.removeprefix("sqlite:///")) as file:
            for days, name in ((8, slot), (140, other)):
                shift = days * 86_400_000
                file.execute("UPDATE slot SET start = start - ?, end = end - ? WHERE id = ?", (shift, shift, name))
        file.close()
        await asyncio.to_thread(server.start)
        await open_staff(page, place, f"calendar=before&day={in_days(-4)[:10]}")
        await expect(page.locator(".blank")).to_contain_text("No times on this day")
        await page.get_by_label("Previous day").click()
        await _person(page, booking).get_by_role("button", name="Did not come").click()
        await expect(_person(page, booking).locator(".tag")).to_have_text("Did not come")
        await page.get_by_label("Earlier booking").click()
        await expect(_person(page, older)).to_contain_text("Bob Before")
        await page.get_by_label("Earlier booking").click()
        await expect(page.locator(".toasts")).to_contain_text("There is no earlier booking")


async def test_more_than_one_answer_holds(place: Place, api: Api, page: Page) -> None:
    """With more than 2,000 slots in a window, the page names the end of its list, and goes on from there."""
    await _make(api, "crowd", 1)
    for transaction in range(11):
        at = 20 + transaction / 1_000
        places = [{"start": in_days(at), "end": in_days(at + 0.001)} for _ in range(199)]
        places.append({"start": in_days(at + 0.0005), "end": in_days(at + 0.001)})
        await api.post("/api/calendars/crowd/slots", slots=places, duplicates=True)
    seen: set[str] = set()
    await open_staff(page, place, "calendar=crowd")
    for _ in range(3):
        await page.wait_for_selector("main[data-seq]")
        seen |= set(await page.evaluate(SLOTS))
        if len(seen) == 2_201:
            break
        await expect(page.locator(".horizon")).to_contain_text("This shows until")
        await page.get_by_role("button", name="Go on from there").click()
    assert len(seen) == 2_201
    await page.goto(f"{place.url}/staff?calendar=crowd&view=week&day={day(20)}")
    rest, grid = page.locator(".horizon"), page.locator(".week")
    await expect(rest).to_contain_text("This shows until")
    above, below = await rest.bounding_box(), await grid.bounding_box()
    assert above
    assert below
    assert above["y"] < below["y"]


async def test_the_days_on_a_phone(place: Place, api: Api, guest: Api, page: Page) -> None:
    """At 390 px nothing is wider than the screen, and every way to another day is as high as a finger."""
    (slot,) = await _make(api, "slim", 90)
    booking = await book(guest, slot, "Ada " + "Long" * 20)
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await open_staff(page, place, f"calendar=slim&day={in_days(90)[:10]}")
    await expect(_person(page, booking)).to_be_visible()
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0
    assert await page.evaluate(SMALL) == []


@pytest.mark.parametrize("day", ["2027-02-30", "0002-01-01", "x", "9999-12-31", "2027-01-01&at=nonsense"])
async def test_an_address_that_was_damaged(place: Place, api: Api, page: Page, day: str) -> None:
    """An invalid day is ignored, and the page works."""
    calendar = f"damaged-{len(day)}-{day[0]}"
    (slot,) = await _make(api, calendar, 1)
    await open_staff(page, place, f"calendar={calendar}&day={day}")
    await page.get_by_label("All coming days").click()
    await expect(page.locator(f'[data-slot="{slot}"]')).to_be_visible()
