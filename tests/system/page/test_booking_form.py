"""The booking form and the receipt: services, questions, places and zones, drafts, and a server that is away."""

import asyncio
import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Browser, Page, expect

from models.contract.values.zones import open_zone
from tests.support import Api, Server
from tests.support.browser import STILL
from tests.system.conftest import Place
from tests.system.page.staff_page import at, day, hour, make, person

QUESTIONS = [{"label": "Which pet?", "required": True, "choices": ["Cat", "Dog"]}, {"label": "Why?"}]


async def _hold(page: Page, url: str, calendar: str, query: str = "") -> Any:
    """Hold the first free time; return the form."""
    await page.goto(f"{url}/c/{calendar}{query}")
    await page.wait_for_selector('html[data-connection="live"]')
    await page.locator("button.slot[data-free]").first.click()
    dialog = page.locator("dialog[open]")
    await expect(dialog.get_by_label("Your name")).to_be_focused()
    return dialog


async def test_a_service_is_shown(place: Place, api: Api, page: Page) -> None:
    """A slot's title is on the board; the form has its description, price and location; other data stay away."""
    service = {"title": "Haircut", "description": "Wash & cut", "price": "40 €", "location": "Room 2", "cost": {"x": 1}}
    await make(api, "service", [hour(1, 9) | {"data": service}, hour(1, 10) | {"data": [1]}])
    dialog = await _hold(page, place.url, "service")
    await expect(page.locator(".slot-service").first).to_have_text("Haircut")
    await expect(page.locator(".slot-service").nth(1)).to_have_text("")
    for text in ("Haircut", "Wash & cut", "Price: 40 €", "Place: Room 2"):
        await expect(dialog.locator(".where")).to_contain_text(text)


async def test_the_questions_of_a_calendar(place: Place, api: Api, page: Page) -> None:
    """A needed answer and phone number are asked for; both are kept with the booking, and an old draft with neither."""
    await make(api, "asking", [hour(1, 9), hour(1, 10)], policy={"phone": "required", "questions": QUESTIONS})
    dialog = await _hold(page, place.url, "asking")
    await dialog.locator("form").evaluate("form => { form.noValidate = true; }")
    submit = dialog.get_by_role("button", name="Book this time")
    await dialog.get_by_label("Your name").fill("Ada")
    await submit.click()
    await expect(dialog.locator(".problem")).to_have_text("Please tell us your phone number.")
    await expect(dialog.get_by_label("Phone")).to_be_focused()
    await dialog.get_by_label("Phone").fill("+43 1 234")
    await submit.click()
    await expect(dialog.locator(".problem")).to_have_text("Please answer: Which pet?")
    await dialog.get_by_label("Which pet?").select_option("Dog")
    await dialog.get_by_label("Why?").fill("It barks.")
    await submit.click()
    await expect(dialog.locator(".done-title")).to_have_text("Booked")
    (booking,) = (await api.get("/api/calendars/asking/bookings"))["bookings"]
    assert booking["customer"] == {"name": "Ada", "phone": "+43 1 234"}
    assert booking["data"] == {"answers": {"Which pet?": "Dog", "Why?": "It barks."}}
    await dialog.get_by_role("button", name="Done").click()
    await page.locator("button.slot[data-free]").first.click()
    await expect(dialog.get_by_label("Which pet?")).to_have_value("")
    await page.goto(f"{place.url}/staff?calendar=asking&day={day(1)}#token={place.staff}")
    await expect(person(page, booking["id"])).to_contain_text("Which pet? Dog")


async def test_what_was_typed_survives_a_reload(place: Place, api: Api, page: Page) -> None:
    """Every field has its text again, and none of it leaves the tab; a booking ends the draft."""
    await make(api, "typed", [hour(1, 9)], policy={"phone": "optional", "questions": QUESTIONS})
    dialog = await _hold(page, place.url, "typed")
    typed = {"Your name": "Ada", "Email": "ada@example.org", "Phone": "+43 1 234", "Why?": "So", "Note": "a\nb"}
    for label, text in typed.items():
        await dialog.get_by_label(label).fill(text)
    await dialog.get_by_label("Which pet?").select_option("Cat")
    await page.reload()
    await page.locator(".mine-item").get_by_role("button", name="Book it").click()
    for label, text in (typed | {"Which pet?": "Cat"}).items():
        await expect(dialog.get_by_label(label)).to_have_value(text)
    await dialog.get_by_role("button", name="Book this time").click()
    await expect(dialog.locator(".done-title")).to_be_visible()
    assert "ada@example.org" not in await page.evaluate("() => JSON.stringify(sessionStorage)")


async def test_the_form_says_that_the_server_is_away(server: Server, page: Page) -> None:
    """It says so in the form, keeps the text and the countdown, and books once the server is back."""
    token = server.command("token", "--scope", "staff").strip()
    async with Api(server.url, token) as api:
        await make(api, "away-form", [hour(1, 9)])
    dialog = await _hold(page, server.url, "away-form")
    await dialog.get_by_label("Your name").fill("Ada Away")
    await asyncio.to_thread(server.kill9)
    away = dialog.locator(".away")
    await expect(away).to_contain_text("cannot be reached")
    left = await dialog.locator(".timer-left").text_content()
    await expect(dialog.locator(".timer-left")).not_to_have_text(left or "")
    await asyncio.to_thread(server.start)
    await expect(away).to_be_hidden(timeout=30_000)
    await dialog.get_by_role("button", name="Book this time").click()
    await expect(dialog.locator(".done-title")).to_have_text("Booked")
    async with Api(server.url, token) as api:
        (booking,) = (await api.get("/api/calendars/away-form/bookings"))["bookings"]
    assert booking["customer"] == {"name": "Ada Away"}


async def test_the_form_says_that_the_visitor_is_offline(place: Place, api: Api, page: Page) -> None:
    """The hold ends at its time also without a connection."""
    await make(api, "offline-form", [hour(1, 9)])
    dialog = await _hold(page, place.url, "offline-form")
    await page.context.set_offline(offline=True)
    await expect(dialog.locator(".away")).to_contain_text("You are offline")
    await page.context.set_offline(offline=False)
    await expect(dialog.locator(".away")).to_be_hidden(timeout=30_000)


async def test_a_place_shows_its_time_first(place: Place, api: Api, browser: Browser) -> None:
    """A visitor elsewhere has the own time beside it, one with the same clock does not; the receipt has both."""
    start, end = at(1, "20:00"), at(1, "20:30")
    await make(api, "in-place", [{"start": start, "end": end}], zone="Asia/Tokyo", policy={"place": "Ginza 1"})
    context = await browser.new_context(timezone_id="Europe/London", locale="en-GB", **STILL)
    page = await context.new_page()
    dialog = await _hold(page, place.url, "in-place")
    slot = page.locator("button.slot")
    await expect(slot.locator(".slot-time")).to_have_text("05:00")
    here = datetime.fromisoformat(start).replace(tzinfo=UTC).astimezone(open_zone("Europe/London"))
    await expect(slot.locator(".slot-beside")).to_have_text(f"{here:%H:%M} your time")
    await expect(dialog.locator(".where")).to_contain_text("Tokyo, Japan Standard Time, GMT+9")
    await expect(dialog.locator(".where")).to_contain_text(re.compile(rf"{here:%H:%M} – .* your time"))
    await expect(dialog.locator(".where")).to_contain_text("Place: Ginza 1")
    await dialog.get_by_label("Your name").fill("Ada")
    await dialog.get_by_role("button", name="Book this time").click()
    await expect(dialog.locator(".receipt-title")).to_have_text("What happens next")
    google = await dialog.get_by_role("link", name="Google Calendar").get_attribute("href")
    outlook = await dialog.get_by_role("link", name="Outlook").get_attribute("href")
    token = (await dialog.get_by_label("Your link to this booking").input_value()).rpartition(".")[2]
    for link, names in ((google, ("text", "dates", "details", "location")), (outlook, ("subject", "startdt", "body"))):
        asked = parse_qs(urlsplit(str(link)).query)
        assert set(names) <= set(asked)
        assert token not in str(link)
    compact = re.sub("[-:]", "", f"{start}/{end}")
    assert parse_qs(urlsplit(str(google)).query)["dates"] == [compact]
    assert parse_qs(urlsplit(str(google)).query)["location"] == ["Ginza 1"]
    await context.close()
    context = await browser.new_context(timezone_id="Asia/Seoul", **STILL)
    page = await context.new_page()
    await page.goto(f"{place.url}/c/in-place")
    await expect(page.locator("button.slot .slot-time")).to_have_text(re.compile("^0?5:00"))
    await expect(page.locator("button.slot .slot-beside")).to_have_text("")
    await context.close()


async def test_a_visitor_over_a_change_of_the_clocks(place: Place, api: Api, browser: Browser) -> None:
    """The hour that comes twice at the place shows its offset, and the days keep their times on both clocks."""
    change = _next_autumn("Europe/Vienna")
    times = [change + timedelta(minutes=minutes) for minutes in (-30, 30, 24 * 60)]
    slots = [
        {"start": f"{time:%Y-%m-%dT%H:%M:%SZ}", "end": f"{time + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"}
        for time in times
    ]
    await make(api, "autumn", slots, zone="Europe/Vienna", policy={"place": "Vienna"})
    context = await browser.new_context(timezone_id="America/New_York", locale="en-GB", **STILL)
    page = await context.new_page()
    await page.goto(f"{place.url}/c/autumn?day={times[0]:%Y-%m-%d}")
    time = page.locator("button.slot .slot-time")
    await expect(time).to_have_count(3)
    await expect(time.nth(0)).to_have_text("02:30 GMT+2")
    await expect(time.nth(1)).to_have_text("02:30 GMT+1")
    await expect(time.nth(2)).to_have_text("02:00")
    beside = page.locator("button.slot .slot-beside")
    shown = [one.astimezone(open_zone("America/New_York")) for one in times]
    for place_of, one in enumerate(shown):
        await expect(beside.nth(place_of)).to_have_text(f"{one:%H:%M} your time")
    await context.close()


def _next_autumn(zone: str) -> datetime:
    """The next moment at which the clocks of a zone go back."""
    clocks = open_zone(zone)
    moment = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    while True:
        after = moment + timedelta(hours=1)
        if _offset(moment, clocks) > _offset(after, clocks):
            return after
        moment = after


def _offset(moment: datetime, clocks: tzinfo) -> timedelta:
    return moment.astimezone(clocks).utcoffset() or timedelta()


async def test_two_visitors_race_for_one_time(place: Place, api: Api, browser: Browser) -> None:
    """Both pick it at once: one has the form, the other sees it taken, and one booking stands."""
    (slot,) = await make(api, "raced", [hour(1, 9)])
    pages = [await (await browser.new_context(**STILL)).new_page() for _ in range(2)]
    for page in pages:
        await page.goto(f"{place.url}/c/raced?day={day(1)}")
        await page.wait_for_selector('html[data-connection="live"]')
        await expect(page.locator(f'button[data-slot="{slot}"]')).to_have_attribute("data-free", "")
    click = f"document.querySelector('button[data-slot=\"{slot}\"]').click()"
    await asyncio.gather(*(page.evaluate(click) for page in pages))
    forms = [page.locator("dialog[open]") for page in pages]
    for page, form in zip(pages, forms, strict=True):
        taken = page.locator(f'button[data-slot="{slot}"][aria-disabled="true"]')
        await expect(form.or_(taken).first).to_be_visible()
    winner = 0 if await pages[0].evaluate("() => document.querySelector('dialog[open]') !== null") else 1
    await forms[winner].get_by_label("Your name").fill("Ada")
    await forms[winner].get_by_role("button", name="Book this time").click()
    await expect(forms[winner].locator(".done-title")).to_have_text("Booked")
    await expect(pages[1 - winner].locator(f'button[data-slot="{slot}"]')).to_have_attribute("data-status", "booked")
    assert len((await api.get("/api/calendars/raced/bookings"))["bookings"]) == 1
