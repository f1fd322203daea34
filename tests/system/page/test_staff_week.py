"""The week grid: open and move by dragging, close a day, two staff at once, and thousands of slots."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.support import Api, Server
from tests.support.browser import STILL
from tests.system.conftest import QUIET, Place
from tests.system.page.staff_page import TALL, book, bookings, choose, dialog, make, open_staff

MONDAY = datetime.now(UTC).date() + timedelta(days=14 - datetime.now(UTC).weekday())
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? []
    : [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => one.className).slice(0, 20)"""
# A finger that is lifted in motion lets the grid scroll on for a while.
SCROLLED_BACK = """(top) => { const one = document.querySelector(".week-scroll");
    window.still = one.scrollTop === top ? (window.still ?? 0) + 1 : 0;
    one.scrollTop = top;
    return window.still > 10; }"""
WEEK = f"view=week&day={MONDAY}"


def on(weekday: int, clock: int, minutes: int = 60) -> dict[str, Any]:
    begin = datetime(MONDAY.year, MONDAY.month, MONDAY.day, clock, tzinfo=UTC) + timedelta(days=weekday)
    end = begin + timedelta(minutes=minutes)
    return {"start": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}"}


def block(page: Page, slot: str) -> Any:
    return page.locator(f'.block[data-slot="{slot}"]')


async def drag(page: Page, source: Any, target: Any) -> None:
    """Drag one element onto another with the mouse."""
    for one in (source, target):
        await expect(one).to_be_visible()
    begin, end = await source.bounding_box(), await target.bounding_box()
    await page.mouse.move(begin["x"] + 5, begin["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(begin["x"] + 20, begin["y"] + 20, steps=3)
    await page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=5)
    await page.mouse.up()


async def test_a_booking_is_dragged_before_a_colleague(
    place: Place, api: Api, guest: Api, page: Page, browser: Browser
) -> None:
    """It moves on both pages; where a rule is in the way, the question leaves it or moves it; Undo takes it back."""
    slot, free, closed = await make(api, "dragged", [on(1, 9), on(2, 11), on(3, 10)])
    await api.post(f"/api/slots/{closed}/close")
    booking = await book(guest, slot, "Ada Dragged")
    await open_staff(page, place, f"calendar=dragged&{WEEK}")
    other = await (await browser.new_context()).new_page()
    await open_staff(other, place, f"calendar=dragged&{WEEK}")
    chip = page.locator(f'.chip[data-booking="{booking}"]')
    await drag(page, chip, block(page, free))
    for one in (page, other):
        await expect(block(one, free)).to_contain_text("Ada Dragged")
        await expect(block(one, slot)).to_contain_text("Free")
    for answer, held, empty in (("Leave it", free, closed), ("Move it", closed, free)):
        await drag(page, chip, block(page, closed))
        await dialog(page, "Move it all the same?").get_by_role("button", name=answer).click()
        await expect(block(page, held)).to_contain_text("Ada Dragged")
        await expect(block(other, held)).to_contain_text("Ada Dragged")
        await expect(block(page, empty)).not_to_contain_text("Ada Dragged")
    assert (await bookings(api, "dragged"))["Ada Dragged"]["overridden"] == ["closed"]
    await page.get_by_role("button", name="Undo").last.click()
    await expect(block(other, free)).to_contain_text("Ada Dragged")


async def _finger(page: Page) -> Any:
    """Return what puts a finger on the page, moves it and lifts it."""
    session = await page.context.new_cdp_session(page)

    async def touch(kind: str, x: float = 0, y: float = 0) -> None:
        points = [] if kind == "End" else [{"x": x, "y": y}]
        await session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    return touch


async def test_a_finger_scrolls_and_drags_after_a_long_press(
    place: Place, api: Api, guest: Api, browser: Browser
) -> None:
    """A finger that moves at once scrolls and moves no booking. One that rests first drags it, and draws a range."""
    slot, free = await make(api, "fingers", [on(0, 9), on(0, 12)])
    booking = await book(guest, slot, "Ada Finger")
    page = await (await browser.new_context(has_touch=True, viewport=TALL, **STILL)).new_page()
    await open_staff(page, place, f"calendar=fingers&{WEEK}")
    touch, scroll = await _finger(page), page.locator(".week-scroll")
    chip, target = page.locator(f'.chip[data-booking="{booking}"]'), block(page, free)
    await expect(target).to_be_visible()
    top = await scroll.evaluate("(one) => one.scrollTop")
    box = await chip.bounding_box()
    assert box
    x, y = box["x"] + 10, box["y"] + 5
    await touch("Start", x, y)
    for step in range(1, 8):
        await touch("Move", x, y - 10 * step)
    await touch("End")
    await page.wait_for_function("(top) => document.querySelector('.week-scroll').scrollTop > top + 20", arg=top)
    await expect(block(page, slot)).to_contain_text("Ada Finger")
    await page.wait_for_function(SCROLLED_BACK, arg=top)
    begin, end = await chip.bounding_box(), await target.bounding_box()
    assert begin
    await touch("Start", begin["x"] + 10, begin["y"] + 5)
    await expect(page.locator(".ghost")).to_have_text("Ada Finger")
    for part in (0.3, 0.6, 1):
        await touch("Move", begin["x"] + 10, begin["y"] + 5 + part * (end["y"] + 10 - begin["y"]))
    await expect(block(page, free)).to_have_class(re.compile("target"))
    await touch("End")
    await expect(block(page, free)).to_contain_text("Ada Finger")
    column = await page.locator(f'.week-day[data-day="{MONDAY + timedelta(days=1)}"]').bounding_box()
    assert column
    await touch("Start", column["x"] + 20, end["y"])
    await expect(page.locator(".range")).to_have_text("12:00 – 12:15")
    await touch("End")
    await expect(dialog(page, "12:00 – 12:15")).to_be_visible()


async def test_a_viewer_drags_nothing(place: Place, api: Api, guest: Api, page: Page) -> None:
    """A viewer's mouse begins no drag, and the menus of the grid change nothing."""
    slot, free = await make(api, "viewed", [on(1, 9), on(2, 9)])
    await book(guest, slot, "Ada Viewed")
    await open_staff(page, Place(place.server, place.token("--scope", "viewer")), f"calendar=viewed&{WEEK}")
    await expect(page.locator("main[data-reads]")).to_be_visible()
    begin, end = await page.locator(".chip").bounding_box(), await block(page, free).bounding_box()
    assert begin
    await page.mouse.move(begin["x"] + 5, begin["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(end["x"] + 5, end["y"] + 5, steps=4)
    await expect(page.locator(".ghost, .target, [data-dragging]")).to_have_count(0)
    await page.mouse.up()
    await expect(block(page, slot)).to_contain_text("Ada Viewed")
    await expect(page.locator(".chip")).to_have_css("cursor", "pointer")
    for opens, items in (
        (page.locator(".chip"), ["Copy link", "History of the booking"]),
        (block(page, free).locator(".block-slot"), ["Can it be booked?", "History"]),
        (page.get_by_label("More for Tue"), ["Show the day"]),
    ):
        await opens.click()
        await expect(page.get_by_role("menuitem")).to_have_text(items)
        await page.keyboard.press("Escape")


async def test_escape_ends_a_drag(place: Place, api: Api, guest: Api, page: Page) -> None:
    """The booking stays, and nothing is sent."""
    slot, free = await make(api, "escaped", [on(1, 9), on(2, 9)])
    await book(guest, slot, "Ada Stays")
    await open_staff(page, place, f"calendar=escaped&{WEEK}")
    begin, end = await page.locator(".chip").bounding_box(), await block(page, free).bounding_box()
    assert begin
    await page.mouse.move(begin["x"] + 5, begin["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(end["x"] + 5, end["y"] + 5, steps=4)
    await expect(page.locator(".block.target")).to_have_count(1)
    await page.keyboard.press("Escape")
    await page.mouse.up()
    await expect(page.locator(".ghost")).to_have_count(0)
    await expect(block(page, slot)).to_contain_text("Ada Stays")


async def test_a_server_is_killed_in_the_middle_of_a_drag(tmp_path: Path, page: Page) -> None:
    """The booking stays under the mouse, and the drop reaches the server that comes back, once."""
    with Server(tmp_path, *QUIET) as server:
        place = Place(server, server.command("token", "--scope", "staff").strip())
        async with Api(place.url, place.staff) as api:
            slot, free = await make(api, "killed", [on(1, 9), on(2, 9)])
            booking = await book(api, slot, "Ada Killed")
        await open_staff(page, place, f"calendar=killed&{WEEK}")
        begin, end = await page.locator(".chip").bounding_box(), await block(page, free).bounding_box()
        assert begin
        await page.mouse.move(begin["x"] + 5, begin["y"] + 5)
        await page.mouse.down()
        await page.mouse.move(end["x"] + 5, end["y"] + 5, steps=4)
        await asyncio.to_thread(server.kill9)
        await expect(page.locator("html")).not_to_have_attribute("data-connection", "live")
        await page.mouse.up()
        await asyncio.to_thread(server.start)
        await expect(block(page, free)).to_contain_text("Ada Killed")
        async with Api(place.url, place.staff) as api:
            (moved,) = (await bookings(api, "killed")).values()
            entries = (await api.get(f"/api/calendars/killed/history?booking={booking}"))["entries"]
        assert moved["slot"] == free
        assert [one["command"] for one in entries].count("booking.reschedule") == 1


async def test_times_are_opened_by_dragging(place: Place, api: Api, page: Page) -> None:
    """A range of a day becomes times of equal length, and Undo removes them."""
    await make(api, "drawn", [on(0, 9, 30)])
    await open_staff(page, place, f"calendar=drawn&{WEEK}")
    column = await page.locator(f'.week-day[data-day="{MONDAY + timedelta(days=1)}"]').bounding_box()
    scroll = await page.locator(".week-scroll").bounding_box()
    assert column
    assert scroll
    x = column["x"] + column["width"] / 2
    hours = [column["y"] + column["height"] * clock / 24 for clock in (10, 12)]
    await page.mouse.move(x, hours[0] + 2)
    await page.mouse.down()
    await page.mouse.move(x, hours[1] + 2, steps=6)
    await expect(page.locator(".range")).to_have_text("10:00 – 12:00")
    await page.mouse.up()
    await expect(dialog(page, "10:00 – 12:00").get_by_role("status").or_(dialog(page))).to_contain_text("4 times")
    await page.keyboard.press("Enter")
    await expect(page.locator(".block")).to_have_count(5)
    found = (await api.get(f"/api/calendars/drawn/slots?from={MONDAY}T00:00:00Z"))["slots"]
    assert [slot["start"][11:16] for slot in found] == ["09:00", "10:00", "10:30", "11:00", "11:30"]
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".block")).to_have_count(1)


async def test_a_day_is_closed_with_bookings_standing(place: Place, api: Api, guest: Api, page: Page) -> None:
    """The question names who has booked; the bookings stand, and Undo opens the day again."""
    slots = await make(api, "day-off", [on(4, clock) for clock in range(9, 14)])
    await book(guest, slots[1], "Ada Stands")
    await open_staff(page, place, f"calendar=day-off&{WEEK}")
    await page.get_by_label("More for Fri").click()
    await choose(page, "Close the day")
    await expect(dialog(page)).to_contain_text("5 times are closed. 1 booking stands: 10:00 AM Ada Stands.")
    await dialog(page).get_by_role("button", name="Close the day").click()
    await expect(page.locator('.block[data-status="closed"]')).to_have_count(5)
    assert (await bookings(api, "day-off"))["Ada Stands"]["status"] == "confirmed"
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator('.block[data-status="closed"]')).to_have_count(0)


async def test_the_grid_works_by_keyboard(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Arrow keys go from time to time, to its bookings and to the next day; Enter opens the menu."""
    first, second, _ = await make(api, "keys", [on(0, 9), on(0, 10), on(2, 10)])
    booking = await book(guest, second, "Ada Keys")
    await open_staff(page, place, f"calendar=keys&{WEEK}")
    await block(page, first).locator(".block-slot").focus()
    for key in ("ArrowDown", "ArrowDown"):
        await page.keyboard.press(key)
    await expect(page.locator(f'.chip[data-booking="{booking}"]')).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem").first).to_be_focused()
    await choose(page, "Move")
    await page.keyboard.press("Escape")
    await page.locator(f'.chip[data-booking="{booking}"]').focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await choose(page, "Book")
    await dialog(page).get_by_label("Name").fill("Bob Keys")
    await page.keyboard.press("Enter")
    await expect(page.locator(".chip")).to_have_count(2)
