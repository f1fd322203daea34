"""Links and files to take away: a booking's link, its calendar file, and a private calendar's link."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import icalendar
import pytest
import vobject
from playwright.async_api import Browser, Page, expect

from tests.support import Api, new_key
from tests.support.browser import STILL
from tests.support.example import in_days
from tests.system.conftest import Place

WIDER_THAN_SCREEN = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
NAME = "Rosa's <b>Shop</b>; Wien, 予約カレンダー \\ " + "Ångström " * 10


async def _make(api: Api, calendar: str, **info: Any) -> dict[str, Any]:
    await api.post("/api/calendars", id=calendar, name=NAME, zone="Europe/Vienna", **info)
    places = [{"start": in_days(1), "end": in_days(1.02), "capacity": 3}]
    slot: dict[str, Any] = (await api.post(f"/api/calendars/{calendar}/slots", slots=places))["slots"][0]
    return slot


async def _book(page: Page, address: str, seats: int = 1) -> Any:
    await page.goto(address)
    await page.locator("button.slot[data-free]").click()
    dialog = page.locator("dialog[open]")
    if seats > 1:
        await dialog.get_by_label("Places").fill(str(seats))
        await dialog.get_by_label("Places").press("Tab")
        await expect(page.locator(".mine-line")).to_contain_text(f"{seats} places")
    await dialog.get_by_label("Your name").fill("Ada Receipt")
    await dialog.get_by_role("button", name="Book this time").click()
    await expect(dialog.locator(".done-title")).to_be_visible()
    return dialog


async def _saved(page: Page, button: Any, folder: Path) -> bytes:
    async with page.expect_download() as download:
        await button.click()
    file = await download.value
    assert file.suggested_filename.endswith(".ics")
    await file.save_as(folder / file.suggested_filename)
    return (folder / file.suggested_filename).read_bytes()


def _read(feed: bytes) -> dict[str, str]:
    """The one event, as two parsers read it; they agree."""
    assert all(len(line) <= 75 for line in feed.split(b"\r\n"))
    assert b"\n" not in feed.replace(b"\r\n", b"")
    (event,) = icalendar.Calendar.from_ical(feed).walk("VEVENT")
    other = vobject.readOne(feed.decode()).vevent
    names = ("UID", "SUMMARY", "STATUS", "URL") + (("DESCRIPTION",) if "DESCRIPTION" in event else ())
    read = {name: str(event[name]) for name in names}
    assert {name: str(other.contents[name.lower()][0].value) for name in read} == read
    times = [event.decoded(name) for name in ("DTSTART", "DTEND")]
    assert times == [other.dtstart.value, other.dtend.value]
    return read | {"start": f"{times[0]:%Y-%m-%dT%H:%M:%SZ}", "end": f"{times[1]:%Y-%m-%dT%H:%M:%SZ}"}


async def test_a_customer_takes_away_a_link_and_a_file(
    place: Place, api: Api, browser: Browser, page: Page, tmp_path: Path
) -> None:
    """The link opens the booking in another browser and offers its file; the file has no proof in it."""
    slot = await _make(api, "receipt")
    dialog = await _book(page, f"{place.url}/c/receipt", seats=2)
    (booking,) = (await api.get("/api/calendars/receipt/bookings"))["bookings"]
    address = dialog.get_by_label("Your link to this booking")
    await expect(address).to_have_value(re.compile(re.escape(f"{place.url}/c/receipt#booking={booking['id']}.")))
    link = await address.input_value()
    feed = await _saved(page, dialog.get_by_role("button", name="Add to calendar"), tmp_path)
    expected = {
        "UID": booking["id"], "SUMMARY": NAME.strip(), "STATUS": "CONFIRMED", "URL": f"{place.url}/c/receipt",
        "start": slot["start"], "end": slot["end"], "DESCRIPTION": "2 places.",
    }  # fmt: skip
    assert _read(feed) == expected
    assert link.rpartition(".")[2].encode() not in feed
    path, proof = f"{place.url}/api/bookings/{booking['id']}.ics", {"Booking-Token": link.rpartition(".")[2]}
    assert await (await page.request.get(path, headers=proof)).body() == feed
    context = await browser.new_context(viewport={"width": 390, "height": 844}, **STILL)
    other = await context.new_page()
    await other.goto(link)
    mine = other.locator(f'[data-mine="{booking["id"]}"]')
    await expect(mine).to_contain_text("Booked")
    await expect(other).not_to_have_url(re.compile(re.escape(link.rpartition(".")[2])))
    assert await _saved(other, mine.get_by_role("button", name="Add to calendar"), tmp_path) == feed
    await mine.get_by_role("button", name="Cancel").click()
    await other.get_by_role("button", name="Cancel the booking").click()
    await expect(mine).to_contain_text("Cancelled")
    await context.close()


async def test_a_copied_link_is_the_link(place: Place, api: Api, browser: Browser) -> None:
    """The button copies the text beside it; a browser that forbids this shows the text for copying by hand."""
    await _make(api, "copied")
    for permissions in (["clipboard-read", "clipboard-write"], []):
        context = await browser.new_context(permissions=permissions, **STILL)
        page = await context.new_page()
        await page.add_init_script("" if permissions else "delete Navigator.prototype.clipboard")
        dialog = await _book(page, f"{place.url}/c/copied")
        address = dialog.get_by_label("Your link to this booking")
        await expect(address).to_have_value(re.compile("#booking="))
        link = await address.input_value()
        await dialog.get_by_role("button", name="Copy link").click()
        if permissions:
            await expect(page.locator(".toasts")).to_contain_text("Copied")
            assert await page.evaluate("() => navigator.clipboard.readText()") == link
        else:
            await expect(page.get_by_label("Copy this address")).to_have_value(link)
        await context.close()


async def test_a_pending_booking_is_shown_as_pending(place: Place, api: Api, page: Page, tmp_path: Path) -> None:
    """The dialog and the file say so until staff confirm it; then the file says that it is certain."""
    await _make(api, "asked", policy={"confirmation": "staff"})
    dialog = await _book(page, f"{place.url}/c/asked")
    await expect(dialog.locator(".done-title")).to_have_text("Requested")
    first = _read(await _saved(page, dialog.get_by_role("button", name="Add to calendar"), tmp_path))
    assert first["STATUS"] == "TENTATIVE"
    assert first["SUMMARY"] == f"To be confirmed: {NAME.strip()}"
    assert "until it is confirmed" in first["DESCRIPTION"]
    await dialog.get_by_role("button", name="Done").click()
    await api.post(f"/api/bookings/{first['UID']}/confirm")
    mine = page.locator(f'[data-mine="{first["UID"]}"]')
    await expect(mine).to_contain_text("Booked")
    second = _read(await _saved(page, mine.get_by_role("button", name="Add to calendar"), tmp_path))
    assert (second["UID"], second["STATUS"], second["SUMMARY"]) == (first["UID"], "CONFIRMED", NAME.strip())
    assert "DESCRIPTION" not in second


@pytest.mark.parametrize("width", [390, 1280])
async def test_a_link_to_a_private_calendar(place: Place, api: Api, browser: Browser, page: Page, width: int) -> None:
    """Staff make a link with an end on their page; its user sees and books, and no address keeps it."""
    calendar = f"private-{width}"
    await _make(api, calendar, visibility="private")
    await page.set_viewport_size({"width": width, "height": 844})
    await page.goto(f"{place.url}/staff?calendar={calendar}#token={place.staff}")
    await page.get_by_role("button", name="Make a link").click()
    dialog = page.locator("dialog[open]")
    await dialog.get_by_label("It is good for").select_option("A week")
    await dialog.get_by_role("button", name="Make a link").click()
    address = dialog.get_by_label("The link")
    await expect(address).to_have_value(
        re.compile(re.escape(f"{place.url}/c/{calendar}#token=") + r"[\w-]+\.[\w-]+\.[\w-]+$")
    )
    week = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 7 * 86_400, UTC)
    await expect(dialog).to_contain_text(f"{week:%Y}")
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0
    link = await address.input_value()
    context = await browser.new_context(**STILL)
    other = await context.new_page()
    booked = await _book(other, link)
    await expect(booked.locator(".done-title")).to_have_text("Booked")
    await expect(other).not_to_have_url(re.compile("token"))
    await context.close()


async def test_where_everybody_may_no_link_is_offered(place: Place, api: Api, page: Page) -> None:
    """A public calendar has its address; a calendar for tokens only has a link."""
    await _make(api, "open-to-all")
    await page.goto(f"{place.url}/staff?calendar=open-to-all#token={place.staff}")
    await page.wait_for_selector("main[data-seq]")
    await expect(page.get_by_role("button", name="Make a link")).to_be_hidden()
    assert (await api.ask("PATCH", "/api/calendars/open-to-all", {"booking": "token"})).code == "ok"
    await expect(page.get_by_role("button", name="Make a link")).to_be_visible()


async def test_the_link_of_a_booking_in_a_private_calendar(
    place: Place, api: Api, guest: Api, page: Page, tmp_path: Path
) -> None:
    """It shows the booking with its time and its file, also to a visitor who may not see the calendar."""
    slot = await _make(api, "closed-shop", visibility="private")
    booked = (await api.post(f"/api/slots/{slot['id']}/bookings", customer={"name": "Ada"}))["booking"]
    await page.goto(f"{place.url}/c/closed-shop#booking={booked['id']}.{booked['token']}")
    mine = page.locator(f'[data-mine="{booked["id"]}"]')
    await expect(mine.locator(".mine-when")).to_contain_text("–")
    feed = _read(await _saved(page, mine.get_by_role("button", name="Add to calendar"), tmp_path))
    assert (feed["start"], feed["end"]) == (slot["start"], slot["end"])
    await mine.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Cancel the booking").click()
    await expect(mine).to_contain_text("Cancelled")


async def test_a_booking_follows_its_slot(place: Place, api: Api, page: Page) -> None:
    """Staff move a slot with everyone in it, and the customer's list has the new time."""
    slot = await _make(api, "moving")
    booked = (await api.post(f"/api/slots/{slot['id']}/bookings", customer={"name": "Ada"}))["booking"]
    await page.goto(f"{place.url}/c/moving#booking={booked['id']}.{booked['token']}")
    when = page.locator(f'[data-mine="{booked["id"]}"] .mine-when')
    await expect(when).to_contain_text("–")
    before = await when.inner_text()
    fields = {"start": in_days(2.05), "end": in_days(2.07), "with_bookings": True}
    assert (await api.ask("PATCH", f"/api/slots/{slot['id']}", fields, key=new_key())).code == "ok"
    await expect(when).not_to_have_text(before)
    await page.reload()
    await expect(when).not_to_have_text(before)
