"""Steps of the tests of the staff page: calendars with slots, bookings, and the page itself."""

from collections.abc import Sequence
from typing import Any

from playwright.async_api import Locator, Page

from tests.support import Api, new_key
from tests.support.example import in_days
from tests.system.conftest import Place


def day(days: float) -> str:
    """Return the date so many days from now, in UTC."""
    return in_days(days)[:10]


def at(days: float, clock: str) -> str:
    """Return a time of the day so many days from now: `at(1, "09:00")`."""
    return f"{day(days)}T{clock}:00Z"


def hour(days: float, clock: int) -> dict[str, Any]:
    """Return the slot of one hour."""
    return {"start": at(days, f"{clock:02}:00"), "end": at(days, f"{clock + 1:02}:00")}


async def make(api: Api, calendar: str, slots: Sequence[dict[str, Any]] = (), **info: Any) -> list[str]:
    """Make a calendar with these slots; return their ids."""
    await api.post("/api/calendars", **{"id": calendar, "name": calendar.title(), "zone": "UTC", **info})
    ids = []
    for first in range(0, len(slots), 200):
        opened = await api.post(f"/api/calendars/{calendar}/slots", slots=list(slots[first : first + 200]))
        ids += [slot["id"] for slot in opened["slots"]]
    return ids


async def set_hours(api: Api, calendar: str, windows: Sequence[dict[str, Any]], **schedule: Any) -> None:
    """Set opening hours of one hour a slot."""
    fields = {"schedule": {"windows": list(windows), "slot_minutes": 60, **schedule}}
    answer = await api.ask("PUT", f"/api/calendars/{calendar}/schedule", fields, key=new_key())
    assert answer.status == 200, answer


async def hours_of(api: Api, calendar: str) -> list[tuple[str, str, str]]:
    """Return the opening hours by day: `("mon", "09:00", "12:00")`."""
    windows = (await api.get(f"/api/calendars/{calendar}/schedule"))["schedule"]["windows"]
    return sorted((day, one["start"], one["end"]) for one in windows for day in one["days"])


async def book(api: Api, slot: str, name: str, **fields: Any) -> str:
    booked = await api.post(f"/api/slots/{slot}/bookings", customer={"name": name}, **fields)
    return str(booked["booking"]["id"])


async def bookings(api: Api, calendar: str) -> dict[str, dict[str, Any]]:
    """Return the bookings of a calendar by the customer's name."""
    found = (await api.get(f"/api/bookings?calendar={calendar}&limit=500"))["bookings"]
    return {one["customer"]["name"]: one for one in found if one["customer"]}


# The mouse reaches the afternoon in the week grid without scrolling.
TALL: Any = {"width": 1280, "height": 1000}


async def open_staff(page: Page, place: Place, query: str) -> None:
    await page.goto(f"{place.url}/staff?{query}#token={place.staff}")
    await page.wait_for_selector("main[data-seq]")


def row(page: Page, slot: str) -> Locator:
    return page.locator(f'.agenda [data-slot="{slot}"]')


def person(page: Page, booking: str) -> Locator:
    return page.locator(f'.agenda [data-booking="{booking}"]')


def dialog(page: Page, name: str = "") -> Locator:
    return page.get_by_role("dialog", name=name) if name else page.locator("dialog[open]").last


async def choose(page: Page, item: str) -> None:
    """Choose an item of the open menu."""
    await page.get_by_role("menuitem", name=item, exact=True).click()
