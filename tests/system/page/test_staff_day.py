"""A day in the life of a business: two staff and a customer watch one calendar live, over a crash of the server."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from playwright.async_api import Page, expect

from tests.support import Api, eventually
from tests.support.example import in_days
from tests.system.conftest import Place
from tests.system.page.staff_page import (
    TALL,
    book,
    bookings,
    choose,
    dialog,
    hours_of,
    make,
    open_staff,
    person,
    row,
    set_hours,
)
from tests.system.page.test_staff_hours import drag_edge
from tests.system.page.test_staff_week import MONDAY, WEEK, block, drag

OpenPage = Callable[[], Awaitable[Page]]
SOON = 5 / 86_400
NOTICE = 7_200
WINDOWS = [
    {"days": ["mon"], "start": "09:00", "end": "12:00"},
    {"days": ["tue"], "start": "09:00", "end": "11:00"},
]


def _free(customer: Page, slot: str) -> Any:
    """Return the slot on the customer's page, if it is offered."""
    return customer.locator(f'button[data-slot="{slot}"][data-free]')


async def _scheduled(api: Api) -> list[str]:
    found = (await api.get(f"/api/calendars/life/slots?from={MONDAY}T00:00:00Z"))["slots"]
    return [slot["id"] for slot in found]


async def _take_calls(api: Api, desk: Page, office: Page, customer: Page, times: list[str]) -> None:
    """Book for a caller and, over the notice, for a walk-in."""
    late, walk_in, monday = times
    await expect(_free(customer, monday)).to_have_count(1)
    await row(desk, monday).get_by_role("button", name="Book", exact=True).click()
    await dialog(desk).get_by_label("Name").fill("Cora Caller")
    await desk.keyboard.press("Enter")
    await expect(block(office, monday)).to_contain_text("Cora Caller")
    await expect(_free(customer, monday)).to_have_count(0)
    await row(desk, walk_in).get_by_role("button", name="Book", exact=True).click()
    await dialog(desk).get_by_label("Name").fill("Walt Walk-in")
    await desk.keyboard.press("Enter")
    await dialog(desk, "Book it all the same?").get_by_role("button", name="Book it").click()
    await expect(row(desk, walk_in)).to_contain_text("Walt Walk-in")
    assert (await bookings(api, "life"))["Walt Walk-in"]["overridden"] == ["min_notice"]
    await expect(row(desk, late)).to_contain_text("Lea Late")


async def _mark_a_no_show(desk: Page, late: str) -> None:
    """Mark a no-show, and take it back."""
    await desk.reload()
    await person(desk, late).get_by_role("button", name="Did not come").click()
    await expect(person(desk, late).locator(".tag")).to_have_text("Did not come")
    await person(desk, late).get_by_role("button", name="Undo").click()
    await expect(person(desk, late).locator(".tag")).to_have_text("Confirmed")


async def _close_a_day(desk: Page, office: Page, customer: Page, tuesday: list[str]) -> None:
    """Close the Tuesday, with a booking that stands."""
    await expect(_free(customer, tuesday[1])).to_have_count(1)
    await office.get_by_label("More for Tue").click()
    await choose(office, "Close the day")
    await expect(dialog(office)).to_contain_text("1 booking stands: 9:00 AM Tom Tuesday.")
    await dialog(office).get_by_role("button", name="Close the day").click()
    for slot in tuesday:
        await expect(row(desk, slot).locator(".row-status")).to_contain_text("Closed")
    await expect(row(desk, tuesday[0])).to_contain_text("Tom Tuesday")
    await expect(_free(customer, tuesday[1])).to_have_count(0)


async def _change_hours(api: Api, desk: Page, office: Page, customer: Page) -> str:
    """Let the Monday close an hour later, after the preview; return the new slot."""
    await drag_edge(office, "Monday closes", 1)
    await office.mouse.up()
    await expect(dialog(office, "Close every Monday at 13:00?")).to_contain_text("This opens 1 time.")
    await dialog(office).get_by_role("button", name="Save the hours").click()
    await expect(office.locator(".toasts")).to_contain_text("Saved: opened 1 time.")
    assert ("mon", "09:00", "13:00") in await hours_of(api, "life")
    new = (await _scheduled(api))[3]
    await expect(row(desk, new)).to_be_visible()
    await expect(_free(customer, new)).to_have_count(1)
    return new


async def _crash_in_a_drag(place: Place, pages: tuple[Page, Page, Page], begin: str, end: str) -> None:
    """Kill the server while the booking is in the air: nothing moves until the drop, and then it moves once."""
    desk, office, customer = pages
    source, target = (
        await office.locator(".chip", has_text="Cora").bounding_box(),
        await block(office, end).bounding_box(),
    )
    assert source
    await office.mouse.move(source["x"] + 5, source["y"] + 5)
    await office.mouse.down()
    await office.mouse.move(target["x"] + 20, target["y"] + 10, steps=5)
    await expect(office.locator(".block.target")).to_have_count(1)
    await asyncio.to_thread(place.server.kill9)
    for page in pages:
        await expect(page.locator("html")).not_to_have_attribute("data-connection", "live")
    await asyncio.to_thread(place.server.start)
    for page in pages:
        await expect(page.locator("html")).to_have_attribute("data-connection", "live")
    async with Api(place.url, place.staff) as api:
        assert (await bookings(api, "life"))["Cora Caller"]["slot"] == begin
    await expect(row(desk, begin)).to_contain_text("Cora Caller")
    await expect(_free(customer, begin)).to_have_count(0)
    await expect(_free(customer, end)).to_have_count(1)
    await office.mouse.up()
    await expect(row(desk, end)).to_contain_text("Cora Caller")
    await expect(block(office, begin)).to_contain_text("Free")
    await expect(_free(customer, begin)).to_have_count(1)
    await expect(_free(customer, end)).to_have_count(0)


async def test_a_day_in_the_life(place: Place, api: Api, guest: Api, open_page: OpenPage) -> None:
    """Each step of one staff member shows at once to the other and to a customer, and a crash moves nothing by half."""
    begins = in_days(SOON)
    late, walk_in = await make(
        api,
        "life",
        [{"start": begins, "end": in_days(SOON + 1 / 96)}, {"start": in_days(1 / 48), "end": in_days(1 / 24)}],
        policy={"min_notice": NOTICE},
    )
    tuesday_date = MONDAY + timedelta(days=1)
    await set_hours(api, "life", WINDOWS, **{"from": str(MONDAY), "until": str(tuesday_date)})
    monday, taken, _, *tuesday = await _scheduled(api)
    lea = await book(api, late, "Lea Late", override=True)
    await book(guest, taken, "Tina Taken")
    await book(guest, tuesday[0], "Tom Tuesday")
    desk, office, customer = [await open_page() for _ in range(3)]
    await open_staff(desk, place, "calendar=life")
    await office.set_viewport_size(TALL)
    await open_staff(office, place, f"calendar=life&{WEEK}")
    await customer.goto(f"{place.url}/c/life")
    await _take_calls(api, desk, office, customer, [late, walk_in, monday])
    await drag(office, office.locator(".chip", has_text="Cora"), block(office, taken))
    refusal = dialog(office, "Move it all the same?")
    await expect(refusal).to_contain_text("The time is full.")
    await refusal.get_by_role("button", name="Leave it").click()
    assert (await bookings(api, "life"))["Cora Caller"]["slot"] == monday
    await eventually(lambda: in_days(0) > begins, what="the start")
    await _mark_a_no_show(desk, lea)
    await _close_a_day(desk, office, customer, tuesday)
    new = await _change_hours(api, desk, office, customer)
    await _crash_in_a_drag(place, (desk, office, customer), monday, new)
    async with Api(place.url, place.staff) as after:
        cora = (await bookings(after, "life"))["Cora Caller"]
        entries = (await after.get(f"/api/calendars/life/history?booking={cora['id']}"))["entries"]
    assert cora["slot"] == new
    assert [one["command"] for one in entries].count("booking.reschedule") == 1
