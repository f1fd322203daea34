"""No booking vanishes: requests come first, a search finds every booking, and each has a link."""

import asyncio
import csv
import io
import json
import re
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.support import Api, eventually
from tests.system.conftest import Place
from tests.system.page.staff_page import book, bookings, choose, day, dialog, hour, make, open_staff, person

STAFF = {"confirmation": "staff"}
SPOKEN = """() => { window.spoken = []; window.Notification = class { static permission = "granted";
    static requestPermission = async () => "granted"; constructor(title, { body }) { window.spoken.push(body); } };
    window.AudioContext = class { constructor() { window.spoken.push("tone"); } }; }"""


async def test_requests_come_first_and_are_counted(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Requests of every calendar are listed by start, in the title too, and answered where they stand."""
    near, far = await make(api, "asked-here", [hour(2, 9), hour(200, 9)], name="Here", policy=STAFF)
    (other,) = await make(api, "asked-there", [hour(1, 9)], name="There", policy=STAFF)
    names = {"Ada Near": near, "Bob Far": far, "Eve There": other}
    for name, slot in names.items():
        await book(guest, slot, name)
    await open_staff(page, place, "calendar=asked-here")
    inbox = page.get_by_role("region", name="Requests")
    await expect(inbox.get_by_role("listitem")).to_have_text([re.compile(one) for one in ("Eve.*There", "Ada", "Bob")])
    await expect(page).to_have_title(re.compile(r"^\(3\) Here"))
    await inbox.get_by_label("Confirm Eve There").click()
    await expect(page).to_have_title(re.compile(r"^\(2\)"))
    assert (await bookings(api, "asked-there"))["Eve There"]["status"] == "confirmed"
    await inbox.get_by_label("Reject Ada Near").click()
    await expect(page).to_have_title(re.compile(r"^\(1\)"))
    await page.get_by_role("button", name="Undo").click()
    await eventually(lambda: _status(api, "asked-here", "Ada Near", "confirmed"))
    await inbox.get_by_role("button", name="Bob Far").first.click()
    await expect(person(page, (await bookings(api, "asked-here"))["Bob Far"]["id"])).to_be_focused()
    await inbox.get_by_label("Confirm Bob Far").click()
    await expect(inbox).to_be_hidden()
    await expect(page).to_have_title(re.compile(r"^Here · Staff"))


async def test_a_request_has_the_time_of_its_calendar(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Also when the list of the calendars arrives after the requests."""
    (slot,) = await make(api, "asked-late", [hour(1, 9)], name="Late", zone="Asia/Tokyo", policy=STAFF)
    booking = await book(guest, slot, "Ada Late")
    read, answer = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        read.set()
        await answer.wait()
        await route.continue_()

    await page.route("**/api/calendars?**", late)
    await page.goto(f"{place.url}/staff?calendar=asked-late#token={place.staff}")
    await read.wait()
    await expect(page).to_have_title(re.compile(r"^\(\d+\)"))
    answer.set()
    await expect(page.locator(f'[data-request="{booking}"]')).to_contain_text("6:00 PM")


async def _status(api: Api, calendar: str, name: str, status: str) -> bool:
    return bool((await bookings(api, calendar))[name]["status"] == status)


async def test_a_request_is_heard(place: Place, api: Api, guest: Api, page: Page) -> None:
    """A new request has a sound and a notification if staff chose it, without the customer's name."""
    (slot, other) = await make(api, "heard", [hour(1, 9), hour(1, 10)], policy=STAFF)
    await book(guest, slot, "Ada Silent")
    await page.add_init_script(f"({SPOKEN})()")
    await open_staff(page, place, "calendar=heard")
    assert await page.evaluate("() => window.spoken") == []
    for kind in ("A sound for each request", "A notification for each request"):
        await page.get_by_label("Alerts").click()
        await choose(page, kind)
    await page.evaluate("() => { window.spoken.length = 0; }")
    await book(guest, other, "Bob Loud")
    await page.wait_for_function("() => window.spoken.length >= 2")
    assert "Bob" not in str(await page.evaluate("() => window.spoken"))


async def test_every_booking_is_found_by_search(place: Place, api: Api, guest: Api, page: Page) -> None:
    """By name, mail, phone and note, by status and day, here and everywhere; the address keeps the search."""
    slots = await make(api, "sought", [hour(1, 9), hour(1, 10), hour(300, 9)])
    (elsewhere,) = await make(api, "sought-too", [hour(5, 9)], name="Elsewhere")
    ada = {"name": "Ada Sought", "email": "ada@sought.example", "phone": "+43 660 555", "note": "by the window"}
    await guest.post(f"/api/slots/{slots[0]}/bookings", customer=ada)
    gone = await book(guest, slots[1], "Bob Sought")
    await api.post(f"/api/bookings/{gone}/cancel")
    far = await book(guest, slots[2], "Eve Sought")
    await book(guest, elsewhere, "Max Sought")
    await open_staff(page, place, "calendar=sought&view=find")
    found, search = page.locator(".found .row"), page.get_by_label("Search", exact=True)
    await expect(found).to_have_count(3)
    await expect(found.filter(has_text="Bob")).to_contain_text("Cancelled")
    await api.post(f"/api/bookings/{gone}/reinstate")
    await expect(found.filter(has_text="Bob")).to_contain_text("Confirmed")
    await api.post(f"/api/bookings/{gone}/cancel")
    for text in ("ada sought", "ADA@SOUGHT", "660555", "window"):
        await search.fill(text)
        await expect(found).to_have_count(1)
        await expect(found).to_contain_text("Ada Sought")
    await search.fill("sought")
    await page.get_by_label("Search everywhere").check()
    await expect(found).to_have_count(4)
    await expect(found.first).to_contain_text("Elsewhere")
    await page.get_by_label("Search everywhere").uncheck()
    await page.get_by_label("Status").select_option("Cancelled")
    await expect(found).to_have_count(1)
    await page.get_by_label("Status").select_option("Any")
    await page.get_by_label("From", exact=True).last.fill(day(299))
    await expect(found).to_have_count(1)
    await expect(found).to_contain_text("Eve Sought")
    await expect(page).to_have_url(re.compile(f"from={day(299)}"))
    await page.reload()
    await expect(found).to_have_count(1)
    await found.get_by_role("link").click()
    await expect(person(page, far)).to_be_focused()
    await expect(page).to_have_url(re.compile(f"day={day(300)}"))
    await page.go_back()
    await expect(found).to_have_count(1)


async def test_a_search_is_exported(place: Place, api: Api, page: Page, tmp_path: Path) -> None:
    """CSV and JSON have every booking of the search, beyond the first page; a name is no formula."""
    slots = await make(api, "exported", [hour(1 + n // 8, 9 + n % 8) for n in range(120)])
    for slot in slots:
        await book(api, slot, "=cmd()" if slot == slots[0] else 'Ada "Quoted", É')
    await open_staff(page, place, "calendar=exported&view=find")
    texts: dict[str, str] = {}
    for kind in ("CSV", "JSON"):
        async with page.expect_download() as download:
            await page.get_by_label(f"Export as {kind}").click()
        file: Any = await download.value
        await file.save_as(tmp_path / kind)
        texts[kind] = (tmp_path / kind).read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(texts["CSV"])))
    assert len(rows) == len(json.loads(texts["JSON"])["bookings"]) == 120
    assert sorted({one["name"] for one in rows}) == ["'=cmd()", 'Ada "Quoted", É']


async def test_a_booking_and_a_day_are_links(place: Place, api: Api, guest: Api, page: Page) -> None:
    """A booking's link opens its day in its calendar; Back and the tabs go where they say."""
    await make(api, "linked-a", [hour(1, 9)])
    (slot,) = await make(api, "linked-b", [hour(40, 9)])
    booking = await book(guest, slot, "Ada Linked")
    await page.goto(f"{place.url}/staff?calendar=linked-a&booking={booking}#token={place.staff}")
    await expect(person(page, booking)).to_be_focused()
    await expect(page).to_have_url(re.compile(f"calendar=linked-b.*day={day(40)}|day={day(40)}.*calendar=linked-b"))
    views = page.get_by_role("navigation", name="Views")
    await views.get_by_role("link", name="Week").click()
    await expect(page.locator(".chip")).to_have_text("Ada Linked")
    await expect(page).to_have_url(re.compile("view=week"))
    await page.reload()
    await expect(page.locator(".chip")).to_have_text("Ada Linked")
    await page.go_back()
    await expect(person(page, booking)).to_be_visible()
    await page.goto(f"{place.url}/staff?booking=01900000-0000-7000-8000-000000000000")
    await expect(page.locator(".toasts")).to_contain_text("There is no such booking")
    await expect(dialog(page)).to_have_count(0)
