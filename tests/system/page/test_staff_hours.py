"""The handles of the opening hours in the week grid: dragged and moved by keys, and saved after a preview only."""

import asyncio
import re
from datetime import timedelta
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.support import Api
from tests.system.conftest import Place
from tests.system.page.staff_page import TALL, book, dialog, hours_of, make, open_staff, set_hours
from tests.system.page.test_staff_accessible import axe_faults
from tests.system.page.test_staff_week import MONDAY, WEEK, block, on

TUESDAY = MONDAY + timedelta(days=1)
DATES = {"from": str(MONDAY), "until": str(TUESDAY)}
GIVEN = [("mon", "09:00", "12:00"), ("tue", "09:00", "12:00")]
LATER = [("mon", "09:00", "14:00"), ("tue", "09:00", "12:00")]


async def _make(api: Api, calendar: str) -> list[str]:
    """Make a calendar that opens from 9 to 12 on a Monday and on a Tuesday; return the ids of its slots."""
    await make(api, calendar)
    await set_hours(api, calendar, [{"days": ["mon", "tue"], "start": "09:00", "end": "12:00"}], **DATES)
    found = (await api.get(f"/api/calendars/{calendar}/slots?from={MONDAY}T00:00:00Z"))["slots"]
    return [slot["id"] for slot in found]


def handle(page: Page, name: str) -> Any:
    return page.get_by_role("slider", name=name)


async def drag_edge(page: Page, name: str, hours: float) -> None:
    """Drag a handle by so many hours, without the drop."""
    await expect(handle(page, name)).to_be_visible()
    box, day = await handle(page, name).bounding_box(), await page.locator(".week-day").first.bounding_box()
    assert box
    assert day
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y + hours * day["height"] / 24, steps=5)


async def test_an_edge_is_dragged(place: Place, api: Api, page: Page) -> None:
    """The preview names what opens; "Leave them" and Escape change nothing, Save opens it, and Undo takes it back."""
    await _make(api, "edges")
    await page.set_viewport_size(TALL)
    await open_staff(page, place, f"calendar=edges&{WEEK}")
    await expect(page.locator(".block")).to_have_count(6)
    closes = handle(page, "Monday closes")
    await drag_edge(page, "Monday closes", 2)
    await expect(closes).to_have_attribute("aria-valuetext", "14:00")
    await page.keyboard.press("Escape")
    await page.mouse.up()
    await expect(closes).to_have_attribute("aria-valuetext", "12:00")
    for answer in ("Leave them", "Save the hours"):
        assert await hours_of(api, "edges") == GIVEN
        await drag_edge(page, "Monday closes", 2)
        await page.mouse.up()
        await expect(dialog(page, "Close every Monday at 14:00?")).to_contain_text("This opens 2 times.")
        await dialog(page).get_by_role("button", name=answer).click()
        await expect(page.locator("dialog")).to_have_count(0)
        if answer == "Leave them":
            await expect(closes).to_have_attribute("aria-valuetext", "12:00")
    await expect(page.locator(".block")).to_have_count(8)
    assert await hours_of(api, "edges") == LATER
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".block")).to_have_count(6)
    await expect(closes).to_have_attribute("aria-valuetext", "12:00")
    assert await hours_of(api, "edges") == GIVEN


async def test_the_end_past_midnight_is_on_the_next_day(place: Place, api: Api, page: Page) -> None:
    """The question says so, and hours by a rule are edited in the form."""
    await make(api, "nights", [])
    rule = {"rrule": "FREQ=MONTHLY;BYDAY=1SA", "start": "10:00", "end": "12:00"}
    night = {"days": ["mon"], "start": "22:00", "end": "02:00"}
    await set_hours(api, "nights", [night, rule], **{"from": DATES["from"]})
    await open_staff(page, place, f"calendar=nights&{WEEK}")
    closes = page.locator(f'.week-day[data-day="{TUESDAY}"]').get_by_role("slider", name="Monday closes")
    await closes.focus()
    await page.keyboard.press("PageUp")
    await page.keyboard.press("Enter")
    question = dialog(page, "Close every Monday at 01:00 on the next day?")
    await expect(question).to_contain_text(re.compile(r"This removes \d+ times?\."))
    await question.get_by_role("button", name="Save the hours").click()
    await expect(closes).to_have_attribute("aria-valuetext", "01:00")
    await page.get_by_role("button", name="Edit the opening hours").click()
    form = dialog(page, "Opening hours")
    await form.get_by_label("Rule", exact=True).fill("FREQ=MONTHLY;BYDAY=2SA")
    await form.get_by_role("button", name="Preview").click()
    await form.get_by_role("button", name="Save").click()
    await expect(page.locator("dialog")).to_have_count(0)
    windows = (await api.get("/api/calendars/nights/schedule"))["schedule"]["windows"]
    assert windows == [{**night, "end": "01:00"}, {**rule, "rrule": "FREQ=MONTHLY;BYDAY=2SA"}]


async def test_nothing_moves_the_grid_under_the_pointer(place: Place, api: Api, guest: Api, page: Page) -> None:
    """The grid waits for what the session shows above it, and a request that comes in a drag shows after the drag."""
    await make(api, "calm", [on(0, 9), on(0, 11)], policy={"confirmation": "staff"})
    asked, answer = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await answer.wait()
        await route.continue_()

    await page.route("**/api/session", late)
    await page.goto(f"{place.url}/staff?calendar=calm&{WEEK}#token={place.staff}")
    await asked.wait()
    await page.wait_for_selector('html[data-connection="live"]')
    await expect(page.locator("main[data-seq]")).to_have_count(0)
    answer.set()
    await page.wait_for_selector("main[data-seq]")
    column = page.locator(".week-day").nth(1)
    box = await column.bounding_box()
    scroll = await page.locator(".week-scroll").bounding_box()
    assert box
    assert scroll
    await page.mouse.move(box["x"] + 20, scroll["y"] + 60)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 20, scroll["y"] + 160, steps=4)
    await expect(page.locator(".range")).to_be_visible()
    (slot, *_) = [one["id"] for one in (await api.get(f"/api/calendars/calm/slots?from={MONDAY}T00:00:00Z"))["slots"]]
    await book(guest, slot, "Ada Waits")
    await expect(page).to_have_title(re.compile(r"^\(1\)"))
    assert await page.locator(".week-scroll").bounding_box() == scroll
    await page.keyboard.press("Escape")
    await page.mouse.up()
    await expect(page.get_by_role("region", name="Requests")).to_be_visible()


async def test_an_edge_is_moved_by_keys(place: Place, api: Api, guest: Api, page: Page) -> None:
    """The arrow keys go to an edge and move it, and Enter asks; a booking out of the hours is named, and stays."""
    slots = await _make(api, "edge-keys")
    await book(guest, slots[2], "Ada Stays")
    await open_staff(page, place, f"calendar=edge-keys&{WEEK}")
    await expect(handle(page, "Monday opens")).to_have_attribute("tabindex", "0")
    await handle(page, "Monday opens").focus()
    await page.keyboard.press("ArrowRight")
    closes = handle(page, "Monday closes")
    await expect(closes).to_be_focused()
    await page.keyboard.press("PageUp")
    await expect(closes).to_have_attribute("aria-valuetext", "11:00")
    await page.keyboard.press("ArrowDown")
    await expect(closes).to_have_attribute("aria-valuetext", "11:15")
    await page.keyboard.press("Escape")
    await expect(closes).to_have_attribute("aria-valuetext", "12:00")
    assert await axe_faults(page) == []
    await page.keyboard.press("PageUp")
    await page.keyboard.press("Enter")
    question = dialog(page, "Close every Monday at 11:00?")
    await expect(question).to_contain_text("One time does not fit, but somebody has booked")
    await expect(question.get_by_role("listitem")).to_contain_text("11:00 AM")
    await question.get_by_role("button", name="Save the hours").focus()
    await page.keyboard.press("Enter")
    await expect(block(page, slots[2])).to_have_attribute("data-status", "closed")
    await expect(block(page, slots[2])).to_contain_text("Ada Stays")
    await expect(closes).to_have_attribute("aria-valuetext", "11:00")
    await expect(closes).to_be_focused()


async def test_a_viewer_has_no_handles(place: Place, api: Api, page: Page) -> None:
    """A viewer sees the times of the hours, and no edge to move."""
    await _make(api, "edge-viewer")
    await open_staff(page, Place(place.server, place.token("--scope", "viewer")), f"calendar=edge-viewer&{WEEK}")
    await expect(page.locator(".block")).to_have_count(6)
    await expect(page.locator("main[data-reads]")).to_be_visible()
    await expect(page.get_by_role("slider")).to_have_count(0)
