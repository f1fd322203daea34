"""The ways to a day and a time of the booking page: the month, the next free time, links, and sold-out days."""

import re
from typing import Any

from playwright.async_api import Page, expect

from tests.support import Api
from tests.system.conftest import Place
from tests.system.page.staff_page import book, day, hour, make


def _cell(page: Page, slot: str) -> Any:
    return page.locator(f'button[data-slot="{slot}"]')


async def _open(page: Page, place: Place, calendar: str, query: str = "") -> None:
    await page.goto(f"{place.url}/c/{calendar}{query}")
    await page.wait_for_selector('html[data-connection="live"]')


async def test_the_month_marks_the_free_days(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Each day has its number of free times, live; a day leads to its times, also beyond the first window."""
    slots = await make(api, "month", [hour(1, 9), hour(1, 10), hour(100, 9), hour(101, 9)])
    await _open(page, place, "month", f"?day={day(1)}")
    await page.get_by_role("button", name="Month").click()
    month = page.get_by_role("region", name="Month")
    near = month.locator(f'[data-day="{day(1)}"]')
    await expect(near).to_have_attribute("data-free", "2")
    await book(guest, slots[0], "Ada")
    await expect(near).to_have_attribute("data-free", "1")
    await expect(near).to_have_accessible_name(f"{await _title(page, day(1))}, 1 free")
    far = month.locator(f'[data-day="{day(100)}"]')
    for _ in range(_months_between(day(1), day(100))):
        await month.get_by_role("button", name="Next month").click()
    await expect(far).to_have_attribute("data-free", "1")
    await far.click()
    await expect(_cell(page, slots[2])).to_be_focused()
    assert page.url.endswith(f"/c/month?day={day(100)}")
    await expect(month).to_be_hidden()


def _months_between(early: str, late: str) -> int:
    years, months = [int(late[part]) - int(early[part]) for part in (slice(4), slice(5, 7))]
    return years * 12 + months


async def _title(page: Page, key: str) -> str:
    """The day as the page writes it."""
    text = """key => new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: "UTC", weekday: "long",
        day: "numeric", month: "long", ...(key.slice(0, 4) === new Date().toISOString().slice(0, 4) ? {}
        : { year: "numeric" }) }).format(Date.parse(`${key}T12:00:00Z`))"""
    return str(await page.evaluate(text, key))


async def test_the_month_by_keyboard(place: Place, api: Api, page: Page) -> None:
    """Arrows lead from day to day, Page Down to the next month, Escape back to the button."""
    await make(api, "month-keys", [hour(40, 9)])
    await _open(page, place, "month-keys")
    await page.get_by_role("button", name="Month").focus()
    await page.keyboard.press("Enter")
    focused = "() => document.activeElement.dataset.day"
    month = page.get_by_role("region", name="Month")
    await expect(month.locator("button:focus")).to_have_count(1)
    first = await page.evaluate(focused)
    await page.keyboard.press("PageDown")
    await expect(month.locator(f'button:focus:not([data-day="{first}"])')).to_have_attribute(
        "data-day", re.compile(r"-01$")
    )
    await page.keyboard.press("ArrowRight")
    await expect(month.locator("button:focus")).to_have_attribute("data-day", re.compile(r"-02$"))
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Month")).to_be_focused()


async def test_the_next_free_time(place: Place, api: Api, guest: Api, page: Page) -> None:
    """It is found on the board, far beyond it, or said not to exist."""
    slots = await make(api, "next-free", [hour(1, 9), hour(2, 9), hour(200, 9)])
    await book(guest, slots[0], "Ada")
    await _open(page, place, "next-free")
    find = page.get_by_role("button", name="Next free time")
    await find.click()
    await expect(_cell(page, slots[1])).to_be_focused()
    await book(guest, slots[1], "Bob")
    await expect(_cell(page, slots[1])).to_have_attribute("data-status", "booked")
    await find.click()
    await expect(_cell(page, slots[2])).to_be_focused()
    await book(guest, slots[2], "Eve")
    await expect(_cell(page, slots[2])).to_have_attribute("data-status", "booked")
    await find.click()
    await expect(page.locator(".toasts")).to_contain_text("Nothing is free in the coming year.")


async def test_a_link_leads_to_a_day_and_to_a_slot(place: Place, api: Api, page: Page) -> None:
    """Also beyond the first window; the heading of a day is its link, and a picked time is in the address."""
    slots = await make(api, "linked", [hour(day, clock) for day in (1, 2, 90) for clock in range(8, 18)])
    await _open(page, place, "linked", f"?day={day(90)}&slot={slots[25]}&utm=1")
    await expect(_cell(page, slots[25])).to_be_in_viewport()
    await _open(page, place, "linked", f"?day={day(2)}")
    await expect(_cell(page, slots[10])).to_be_in_viewport()
    heading = page.locator(f'.day[data-day="{day(1)}"] .day-link')
    await expect(heading).to_have_attribute("href", f"/c/linked?day={day(1)}")
    await heading.click()
    await expect(_cell(page, slots[0])).to_be_focused()
    await _cell(page, slots[3]).click()
    await expect(page.locator("dialog[open]")).to_be_visible()
    assert page.url.endswith(f"/c/linked?day={day(1)}&slot={slots[3]}")


async def test_a_link_to_no_day_shows_the_first_times(place: Place, api: Api, page: Page) -> None:
    """A day that no calendar has, or that is too far away, is no day to go to."""
    slots = await make(api, "no-day", [hour(1, 9)])
    for day_of_link in ("2027-13-45", "2027-02-31", "9999-12-31", "tomorrow", "%00"):
        await _open(page, place, "no-day", f"?day={day_of_link}&slot=%00")
        await expect(page.locator(f'button[data-slot="{slots[0]}"]')).to_be_visible()


async def test_a_sold_out_day_is_one_line(place: Place, api: Api, guest: Api, page: Page) -> None:
    """It shows its taken times on request, and by itself once one is given back."""
    slots = await make(api, "sold-out", [hour(1, 9), hour(1, 10), hour(2, 9)])
    for slot in slots[:2]:
        await book(guest, slot, "Ada")
    await _open(page, place, "sold-out")
    first = page.locator(f'.day[data-day="{day(1)}"]')
    await expect(first.locator(".day-sold-out")).to_contain_text("Nothing is free on this day.")
    await expect(_cell(page, slots[0])).to_be_hidden()
    await expect(_cell(page, slots[2])).to_be_visible()
    await first.get_by_role("button", name="Show its times").click()
    await expect(_cell(page, slots[0])).to_be_focused()
    await page.reload()
    await expect(_cell(page, slots[0])).to_be_hidden()
    await api.post("/api/calendars/sold-out/slots", slots=[hour(1, 12)])
    await expect(_cell(page, slots[0])).to_be_visible()
