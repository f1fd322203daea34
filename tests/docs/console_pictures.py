"""The pictures of the staff page, for README and docs/staff.md: `python -m tests.docs.pictures` makes them too.

A practice of three people, in the middle of the next week: booked, held, closed and waiting times.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.support import Api, Server, new_key
from tests.support.browser import STILL

VIEWS = ("week", "days", "board", "booking", "phone")
_PEOPLE = {"anna": "Anna Berger", "ben": "Ben Haas", "clara": "Clara Novak"}
_NAMES = ("Ida Lang", "Leo Winter", "Mia Gruber", "Paul Stein", "Emma Fuchs", "Max Moser", "Lena Wolf", "Tom Auer")
_WIDE: ViewportSize = {"width": 1280, "height": 800}
_NARROW: ViewportSize = {"width": 390, "height": 800}
_ZONE = "Europe/Vienna"


def _wednesday() -> datetime:
    today = datetime.now(UTC)
    return today + timedelta(days=9 - today.weekday())


async def _fill(api: Api, guest: Api) -> None:
    """Make the calendars with opening hours, and book some of their times."""
    for place, (calendar, owner) in enumerate(_PEOPLE.items()):
        await api.post("/api/calendars", id=calendar, name=owner, zone=_ZONE, policy={"confirmation": "none"})
        windows = [
            {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "08:30", "end": "12:00"},
            {"days": ["mon", "wed", "thu"], "start": "13:00", "end": "16:00"},
        ]
        schedule = {"windows": windows, "slot_minutes": 30, "from": f"{datetime.now(UTC):%Y-%m-%d}"}
        await api.ask("PUT", f"/api/calendars/{calendar}/schedule", {"schedule": schedule}, key=new_key())
        begin = _wednesday() - timedelta(days=2)
        found = await api.get(f"/api/calendars/{calendar}/slots?from={begin:%Y-%m-%d}T00:00:00Z")
        slots = [slot["id"] for slot in found["slots"]]
        for number, slot in enumerate(slots[place : 60 : 3 + place]):
            name = _NAMES[(number + 3 * place) % len(_NAMES)]
            await guest.post(f"/api/slots/{slot}/bookings", customer={"name": name, "phone": "+43 1 234 56 78"})
        left = await api.get(f"/api/calendars/{calendar}/slots?from={_wednesday():%Y-%m-%d}T00:00:00Z")
        free = [slot["id"] for slot in left["slots"] if slot["bookable"]]
        await guest.post(f"/api/slots/{free[5]}/holds")
    await _ask_for_some(api, guest)


async def _ask_for_some(api: Api, guest: Api) -> None:
    """Leave two requests of one calendar without an answer, and close a time."""
    await api.ask("PATCH", "/api/calendars/anna", {"policy": {"confirmation": "staff"}}, key=new_key())
    day = f"{_wednesday():%Y-%m-%d}"
    found = (await api.get(f"/api/calendars/anna/slots?from={day}T00:00:00Z"))["slots"]
    free = [slot["id"] for slot in found if slot["bookable"]]
    for slot, name in zip(free[1:4:2], ("Nora Huber", "Felix Kern"), strict=True):
        await guest.post(f"/api/slots/{slot}/bookings", customer={"name": name, "email": "guest@example.com"})
    await api.post(f"/api/slots/{free[6]}/close")


class Shot(NamedTuple):
    """A view of the staff page, and what is seen once it is drawn."""

    size: ViewportSize
    query: str
    shown: str


async def _open(browser: Browser, server: Server, token: str, shot: Shot) -> Page:
    context = await browser.new_context(viewport=shot.size, locale="en-GB", timezone_id=_ZONE, **STILL)
    page = await context.new_page()
    day = f"{_wednesday():%Y-%m-%d}"
    await page.goto(f"{server.url}/staff?calendar=anna&day={day}&{shot.query}#token={token}")
    await expect(page.locator(shot.shown).first).to_be_visible()
    await expect(page.get_by_role("region", name="Requests")).to_be_visible()
    return page


async def make_console_pictures(server: Server, browser: Browser, folder: Path) -> list[Path]:
    """Write the pictures into the folder, and return their paths."""
    token = server.command("token", "--scope", "staff", "--subject", "Anna").strip()
    async with Api(server.url, token) as api, Api(server.url) as guest:
        await _fill(api, guest)
    paths = {view: folder / f"staff-{view}.png" for view in VIEWS}
    shots = {
        "week": Shot(_WIDE, "view=week", ".chip"),
        "days": Shot(_WIDE, "", ".agenda .person"),
        "board": Shot(_WIDE, "view=board", ".lane-slot"),
        "booking": Shot(_WIDE, "view=week", ".chip"),
        "phone": Shot(_NARROW, "", ".agenda .person"),
    }
    for view, shot in shots.items():
        page = await _open(browser, server, token, shot)
        if view == "booking":
            await _open_booking(page)
        if view == "phone":
            await page.locator(".day-title").evaluate("(one) => scrollBy(0, one.getBoundingClientRect().top - 20)")
        await page.screenshot(path=paths[view])
        await page.context.close()
    return list(paths.values())


async def _open_booking(page: Page) -> None:
    await page.locator('.week-day:nth-of-type(6) .chip[data-state="confirmed"]').nth(1).click()
    await expect(page.get_by_role("menuitem", name="Move")).to_be_visible()
