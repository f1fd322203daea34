"""The staff page shows the bookings of removed slots and of archived calendars, and keeps the focus over a change."""

import asyncio
import sqlite3
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support import Api, Server, new_key
from tests.support.example import in_days
from tests.system.conftest import QUIET, Place
from tests.system.page.staff_page import book, open_staff


async def _make(api: Api, calendar: str, count: int, day: float = 1) -> list[str]:
    await api.post("/api/calendars", id=calendar, name=calendar, zone="UTC")
    at = in_days(day)[:10]
    places = [{"start": f"{at}T{9 + hour:02}:00:00Z", "end": f"{at}T{9 + hour:02}:30:00Z"} for hour in range(count)]
    return [slot["id"] for slot in (await api.post(f"/api/calendars/{calendar}/slots", slots=places))["slots"]]


def _row(page: Page, slot: str) -> Any:
    return page.locator(f'.row[data-slot="{slot}"]')


async def test_the_bookings_of_a_removed_slot_stay(place: Place, api: Api, guest: Api, page: Page) -> None:
    """They stay when the slot is removed, after a reload, and by the search; the slot is marked, and offers nothing."""
    first, gone = await _make(api, "removed", 2, 40)
    booking = await book(guest, gone, "Ada Removed")
    await api.post(f"/api/bookings/{booking}/cancel")
    day = in_days(40)[:10]
    await open_staff(page, place, f"calendar=removed&day={day}")
    await page.get_by_label("Also cancelled").check()
    await expect(_row(page, gone)).to_contain_text("Ada Removed")
    assert (await api.ask("DELETE", f"/api/slots/{gone}", key=new_key())).code == "ok"
    for _ in range(2):
        row = _row(page, gone)
        await expect(row.locator(".row-status")).to_have_text("Removed")
        await expect(row.locator(".row-time")).to_contain_text("10:00")
        await expect(row.locator(".tag")).to_have_text("Cancelled")
        await expect(row.get_by_role("button")).to_have_text(["⋯"])
        await row.get_by_label("More for this booking").click()
        offers = ["Copy link", "History of the booking", "Erase customer"]
        await expect(page.get_by_role("menuitem")).to_have_text(offers)
        await page.keyboard.press("Escape")
        rows = await page.locator(".row").evaluate_all("rows => rows.map((row) => row.dataset.slot)")
        assert rows == [first, gone]
        await page.reload()
        await page.get_by_label("Also cancelled").check()
    await _row(page, gone).get_by_label("More for this booking").click()
    await page.get_by_role("menuitem", name="Erase customer").click()
    await page.get_by_role("button", name="Erase the customer").click()
    await expect(_row(page, gone)).to_contain_text("Erased")
    await expect(_row(page, gone).locator(".row-status")).to_have_text("Removed")
    await page.get_by_label("Also cancelled").uncheck()
    await expect(_row(page, gone)).to_have_count(0)
    await page.get_by_label("Also cancelled").check()
    await page.get_by_label("All coming days").click()
    await page.get_by_label("Go to date").fill(in_days(2)[:10])
    await page.get_by_label("Later booking").click()
    await expect(_row(page, gone)).to_contain_text("Erased")


async def test_a_listed_booking_has_the_times_of_its_removed_slot(api: Api, guest: Api) -> None:
    """Lists have `slot_removed` once the slot is removed; they and `booking.get` always has the times."""
    kept, gone = await _make(api, "times", 2)
    for slot in (kept, gone):
        booking = await book(guest, slot, "Ada")
        own = (await api.get(f"/api/bookings/{booking}"))["booking"]
        assert own["start"] < own["end"]
        assert "slot_removed" not in own
        await api.post(f"/api/bookings/{booking}/cancel")
    await api.ask("DELETE", f"/api/slots/{gone}", key=new_key())
    listed = {one["slot"]: one for one in (await api.get("/api/calendars/times/bookings"))["bookings"]}
    assert listed[kept]["start"] < listed[kept]["end"]
    assert "slot_removed" not in listed[kept]
    assert (listed[gone]["start"], listed[gone]["end"]) == (own["start"], own["end"])
    assert listed[gone]["slot_removed"] is True


async def test_an_archived_calendar_is_listed_and_shown(tmp_path: Any, page: Page) -> None:
    """It is below the others, with its past bookings, and takes nothing more."""
    with Server(tmp_path, *QUIET) as server:
        place = Place(server, server.command("token", "--scope", "staff").strip())
        async with Api(place.url, place.staff) as api:
            (slot,) = await _make(api, "old-rooms", 1)
            await _make(api, "rooms", 1)
            booking = await book(api, slot, "Ada Archived")
            await asyncio.to_thread(server.stop)
            if not server.database.startswith("sqlite:"):
                pytest.skip("the clock is turned back in the file of SQLite")
            with sqlite3.connect(server.database.removeprefix("sqlite:///")) as file:
                days = 9 * 86_400_000
                file.execute("UPDATE slot SET start = start - ?, end = end - ? WHERE id = ?", (days, days, slot))
            file.close()
            await asyncio.to_thread(server.start)
            assert (await api.ask("DELETE", "/api/calendars/old-rooms", key=new_key())).code == "ok"
            for query, names in (("", ["rooms"]), ("?archived=1", ["old-rooms", "rooms"])):
                listed = (await api.get(f"/api/calendars{query}"))["calendars"]
                assert [calendar["id"] for calendar in listed] == names
        await page.goto(f"{place.url}/staff#token={place.staff}")
        await page.wait_for_selector("main[data-seq]")
        chooser = page.get_by_label("Calendar")
        await expect(chooser).to_have_value("rooms")
        await expect(page.locator("optgroup[label=Archived] option")).to_have_text(["old-rooms"])
        await chooser.select_option("old-rooms")
        await page.get_by_label("Earlier booking").click()
        await expect(page.locator(f'[data-booking="{booking}"]')).to_contain_text("Ada Archived")
        await expect(page.locator(".facts")).to_contain_text("Archived")
        await expect(_row(page, slot).locator(".row-status")).to_have_text("Closed")
        for offer in ("Opening hours", "Open 8 times"):
            await expect(page.get_by_role("button", name=offer)).to_be_hidden()
        await page.reload()
        await expect(page.locator(f'[data-booking="{booking}"]')).to_contain_text("Ada Archived")


async def test_the_focus_stays_over_a_change(place: Place, api: Api, guest: Api, page: Page) -> None:
    """A colleague's change of a row leaves the focus on the same button, or on the row if the button is gone."""
    slot, _ = await _make(api, "focus", 2)
    booking = await book(guest, slot, "Ada Focus")
    await open_staff(page, place, f"calendar=focus&day={in_days(1)[:10]}")
    await page.get_by_label("Also cancelled").check()
    row = _row(page, slot)
    await row.get_by_label("More for this booking").focus()
    await api.ask("PATCH", f"/api/bookings/{booking}", {"customer": {"name": "Ada Renamed"}}, key=new_key())
    await expect(row).to_contain_text("Ada Renamed")
    await expect(row.get_by_label("More for this booking")).to_be_focused()
    await api.post(f"/api/bookings/{booking}/cancel")
    await expect(row.locator(".tag")).to_have_text("Cancelled")
    await expect(row.get_by_label("More for this booking")).to_be_focused()
    await row.get_by_role("button", name="Reinstate").focus()
    await api.post(f"/api/bookings/{booking}/reinstate")
    await expect(row.locator(".tag")).to_have_text("Confirmed")
    await expect(row).to_be_focused()
