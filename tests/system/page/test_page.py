"""The pages in a real Chromium: booked by keyboard alone, live without a reload, and fit for a phone."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.support import Api, Client, Server, eventually, new_key
from tests.support.example import in_days
from tests.system.conftest import Place

PHONE = {"width": 360, "height": 740}
# Fields whose text, or possible text, has no room beside the browser's own button.
EMAIL = "zoë@exämple.org"  # a browser's own check refuses the first part, and rewrites the second
CUT_OFF = """() => [...document.querySelectorAll("input[type=date], input[type=time]")].filter((input) => {
    const style = getComputedStyle(input);
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = style.font;
    const has_button = innerWidth > 640 || !input.closest(".week"); // a phone's hours have none
    const text = pen.measureText(input.type === "date" ? "mm/dd/yyyy" : "09:00 AM").width + (has_button ? 24 : 0);
    return input.offsetWidth < text + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + 2;
}).map((input) => `${input.type} ${input.ariaLabel ?? input.name}`)"""
# Days are drawn within their own box only: the ring around a slot is 2 px away from it and 2.5 px wide.
RINGS_CUT_OFF = """() => [...document.querySelectorAll("button.slot")].filter((slot) => {
    const [ring, day] = [slot, slot.closest(".day")].map((one) => one.getBoundingClientRect());
    return ring.left - 4.5 < day.left || ring.right + 4.5 > day.right;
}).length"""
LINES_OF_COUNT = """() => { const count = document.querySelector(".day-count");
    return Math.round(count.offsetHeight / parseFloat(getComputedStyle(count).lineHeight)); }"""
WIDER_THAN_SCREEN = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def _make(api: Api, calendar: str, number: int = 4, **info: Any) -> list[str]:
    """A calendar with some slots tomorrow."""
    await api.post("/api/calendars", id=calendar, name="Rosa's <b>Shop</b>", zone="Europe/Vienna", **info)
    slots = [{"start": in_days(1 + place / 48), "end": in_days(1 + (place + 1) / 48)} for place in range(number)]
    opened = await api.post(f"/api/calendars/{calendar}/slots", slots=slots)
    return [slot["id"] for slot in opened["slots"]]


def _cell(page: Page, slot: str) -> Any:
    return page.locator(f'button[data-slot="{slot}"]')


async def _open(page: Page, place: Place | Server, calendar: str) -> None:
    await page.goto(f"{place.url}/c/{calendar}")
    await page.wait_for_selector('html[data-connection="live"]')


async def _tab_to(page: Page, selector: str, text: str = "") -> None:
    """Press Tab until an element with this text has the focus, as a user without a mouse does."""
    is_there = "([selector, text]) => { const it = document.activeElement; return it.matches(selector)"
    is_there += " && it.textContent.includes(text); }"
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate(is_there, [selector, text]):
            return
    raise AssertionError(f"no way to {selector} {text} by Tab")


async def test_booked_by_keyboard_alone(place: Place, api: Api, page: Page) -> None:
    """Tab, arrows and Enter are enough to hold, book and cancel; the countdown runs, and everything is announced."""
    slots = await _make(api, "keyboard")
    await _open(page, place, "keyboard")
    await _tab_to(page, "button.slot")
    await page.keyboard.press("ArrowRight")
    await expect(_cell(page, slots[1])).to_be_focused()
    await page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    await expect(dialog).to_contain_text("Held for you")
    await expect(_cell(page, slots[1])).to_have_attribute("data-mine", "hold")
    clock = dialog.locator(".timer-left")
    await expect(clock).to_have_text(re.compile(r"^[45]:\d\d$"))
    first = await clock.inner_text()
    await expect(clock).not_to_have_text(first)
    await page.keyboard.type("Ada Keyboard")
    await page.keyboard.press("Tab")
    await page.keyboard.type(EMAIL)
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("Booked")
    (booking,) = (await api.get("/api/calendars/keyboard/bookings"))["bookings"]
    assert booking["customer"] == {"name": "Ada Keyboard", "email": EMAIL}
    await page.keyboard.press("Escape")
    await expect(_cell(page, slots[1])).to_have_attribute("data-mine", "booking")
    await _tab_to(page, ".mine-item button", "Cancel")
    await page.keyboard.press("Enter")
    await _tab_to(page, "dialog[open] button", "Cancel the booking")
    await page.keyboard.press("Enter")
    await expect(_cell(page, slots[1])).to_have_attribute("data-free", "")
    (booking,) = (await api.get("/api/calendars/keyboard/bookings"))["bookings"]
    assert booking["status"] == "cancelled"


async def test_changes_by_others_are_shown(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Changes by others show by themselves; names are text, never markup."""
    slots = await _make(api, "live")
    await _open(page, place, "live")
    await expect(page.locator("h1").first).to_have_text("Rosa's <b>Shop</b>")
    hold = (await guest.post(f"/api/slots/{slots[0]}/holds"))["hold"]
    await expect(_cell(page, slots[0])).to_have_attribute("data-status", "held")
    await expect(_cell(page, slots[0])).to_have_attribute("aria-disabled", "true")
    await guest.post(f"/api/holds/{hold['id']}/release", token=hold["token"])
    await expect(_cell(page, slots[0])).to_have_attribute("data-free", "")
    await guest.post(f"/api/slots/{slots[1]}/bookings", customer={"name": "Bob"})
    await expect(_cell(page, slots[1])).to_have_attribute("data-status", "booked")
    assert (await api.ask("DELETE", f"/api/slots/{slots[2]}")).code == "ok"
    await expect(_cell(page, slots[2])).to_have_count(0)
    fields = {"start": in_days(3), "end": in_days(3.02)}
    opened = await api.post("/api/calendars/live/slots", slots=[fields])
    await expect(_cell(page, opened["slots"][0]["id"])).to_have_attribute("data-free", "")
    assert (await api.ask("PATCH", "/api/calendars/live", {"name": "Bob's"})).code == "ok"
    await expect(page.locator("h1").first).to_have_text("Bob's")
    assert "Bob" not in await page.evaluate("() => JSON.stringify(window.slotcast.calendar.slots)")


async def test_a_limit_of_bookings_is_shown(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Whoever has as many bookings as one customer may is told so, and nothing is held for them."""
    slots = await _make(api, "limited", policy={"max_bookings": 1})
    await guest.post(f"/api/slots/{slots[0]}/bookings", customer={"name": "Ada"})
    await _open(page, place, "limited")
    await _cell(page, slots[1]).click()
    await expect(page.locator(".toasts")).to_contain_text("as many bookings here as one person may")
    await expect(_cell(page, slots[1])).to_have_attribute("data-free", "")


async def test_the_server_goes_and_comes(server: Server, page: Page) -> None:
    """While the server is away the page says so; when it is back it goes on by its cursor, without a reload."""
    token = server.command("token", "--scope", "staff").strip()
    async with Api(server.url, token) as api:
        await _make(api, "away")
    await _open(page, server, "away")
    await page.evaluate("() => { window.mark = 'not reloaded'; }")
    await asyncio.to_thread(server.kill9)
    await page.wait_for_selector('html[data-connection="reconnecting"]')
    await asyncio.to_thread(server.start)
    async with Api(server.url, token) as api:
        await _open_another(api, "away")
    await page.wait_for_selector('html[data-connection="live"]', timeout=30_000)
    await expect(page.locator("button.slot")).to_have_count(5)
    assert await page.evaluate("() => window.mark") == "not reloaded"
    assert await page.evaluate("() => window.slotcast.calendar.applied.at(-1)") == 2
    assert len(await page.evaluate("() => window.slotcast.calendar.snapshots")) == 1


async def test_offline(place: Place, api: Api, page: Page) -> None:
    """Without a network the page says that it is offline, and comes back by itself."""
    await _make(api, "offline")
    await _open(page, place, "offline")
    await page.context.set_offline(offline=True)
    await page.wait_for_selector('html[data-connection="offline"]')
    await expect(page.locator(".pill")).to_contain_text("Offline")
    await _open_another(api, "offline")
    await page.context.set_offline(offline=False)
    await page.wait_for_selector('html[data-connection="live"]', timeout=30_000)
    await expect(page.locator("button.slot")).to_have_count(5)


async def _open_another(api: Api, calendar: str) -> None:
    await api.post(f"/api/calendars/{calendar}/slots", slots=[{"start": in_days(5), "end": in_days(5.02)}])


@pytest.mark.parametrize("path", ["/", "/c/phone", "/staff"])
async def test_on_a_phone(place: Place, api: Api, page: Page, path: str) -> None:
    """On a narrow screen nothing is wider than the screen, and touch targets are large enough for a finger."""
    calendar = f"phone-{path[1:2] or 'all'}"
    slots = await _make(api, calendar, 30)
    await api.post(f"/api/slots/{slots[0]}/bookings", customer={"name": "Ada " + "Long" * 20})
    path = path.replace("phone", calendar)
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await page.goto(f"{place.url}{path}" + (f"#token={place.staff}" if path == "/staff" else ""))
    if path != "/":
        await page.wait_for_selector('html[data-connection="live"]')
        await page.wait_for_selector("button.slot, [data-slot]")
    else:
        await page.wait_for_selector(".calendars a")
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0
    if path.startswith("/c/"):
        box = await page.locator("button.slot").first.bounding_box()
        assert box is not None
        assert box["height"] >= 40
        await page.locator("button.slot[data-free]").first.click()
        await expect(page.locator("dialog[open]")).to_contain_text("Held for you")
        assert await page.evaluate(WIDER_THAN_SCREEN) <= 0
    shot = await page.screenshot()
    assert shot.startswith(b"\x89PNG")


@pytest.mark.parametrize("width", [360, 390, 1280])
async def test_nothing_is_cut_off(place: Place, api: Api, page: Page, width: int) -> None:
    """On any screen a field has room for its text, the focus ring and a line."""
    calendar = f"room-for-all-{width}"
    await _make(api, calendar, 20)
    await page.set_viewport_size({"width": width, "height": 844})
    await _open(page, place, calendar)
    await page.wait_for_selector("button.slot")
    assert await page.evaluate(RINGS_CUT_OFF) == 0
    assert await page.evaluate(LINES_OF_COUNT) == 1
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0
    await page.goto(f"{place.url}/staff?calendar={calendar}#token={place.staff}")
    await page.wait_for_selector("[data-slot]")
    await page.evaluate("() => { document.querySelector('details.opening').open = true; }")
    await page.get_by_role("button", name="Opening hours").click()
    for _ in range(2):
        await page.get_by_role("button", name="Add closed days").click()
    await page.get_by_role("button", name="Add hours: Monday").click()
    assert await page.evaluate(CUT_OFF) == []
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0


async def test_the_visitors_zone_and_the_calendars(place: Place, api: Api, page: Page) -> None:
    """Times are shown in the visitor's zone or the calendar's, as one chooses."""
    await api.post("/api/calendars", id="zones", name="Z", zone="Asia/Tokyo")
    start = in_days(2)[:10] + "T12:00:00Z"
    finish = in_days(2)[:10] + "T12:30:00Z"
    await api.post("/api/calendars/zones/slots", slots=[{"start": start, "end": finish}])
    await _open(page, place, "zones")
    cell = page.locator("button.slot .slot-time")
    for whose, time in (("calendar", "9:00 PM"), ("visitor", "12:00 PM")):
        await page.locator(f'button[data-zone="{whose}"]').click()
        await expect(cell).to_have_text(re.compile(time))


async def test_a_page_that_may_not_be_seen(place: Place, api: Api, page: Page) -> None:
    """A private or unknown calendar and the staff page say so, and no more; a token in the link opens them."""
    await _make(api, "secret", visibility="private")
    for calendar in ("secret", "nowhere"):
        await page.goto(f"{place.url}/c/{calendar}")
        await page.wait_for_selector("[data-refused]")
        await expect(page.locator("button.slot")).to_have_count(0)
        await expect(page.locator(".pill")).to_be_hidden()
    await page.goto(f"{place.url}/staff#token=nonsense")
    await expect(page.locator("[data-refused] .blank")).to_contain_text("does not open the staff page")
    await expect(page.locator("button, select").locator("visible=true")).to_have_count(0)
    token = place.token("--calendars", "secret")
    await page.goto(f"{place.url}/c/secret#token={token}")
    await page.wait_for_selector('html[data-connection="live"]')
    await expect(page.locator("button.slot")).to_have_count(4)
    await expect(page).not_to_have_url(re.compile(token))  # it stays neither in the address nor in the history


async def test_a_list_that_comes_after_the_refusal(place: Place, page: Page) -> None:
    """Its error says less than the refused connection did, and does not take that text's place."""
    refused = page.locator("[data-refused] .blank")

    async def bring_late(route: Route) -> None:
        await refused.wait_for()
        await route.continue_()

    await page.route("**/api/calendars?*", bring_late)
    async with page.expect_event("requestfinished", lambda request: "/api/calendars?" in request.url):
        await page.goto(f"{place.url}/staff#token=nonsense")
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    await expect(refused).to_contain_text("does not open the staff page")


async def test_a_link_that_is_pasted_into_the_open_page(place: Place, api: Api, page: Page) -> None:
    """A link with a token opens a public calendar too, and the token leaves the address."""
    await _make(api, "pasted", visibility="private")
    for path, token in (("/c/pasted", place.token("--calendars", "pasted")), ("/staff", place.staff)):
        await page.goto(f"{place.url}{path}")
        await page.wait_for_selector(".blank:visible")
        await page.goto(f"{place.url}{path}#token={token}")
        await page.wait_for_selector('html[data-connection="live"]')
        await page.wait_for_selector("[data-slot]")
        await expect(page).not_to_have_url(re.compile(token))


async def test_the_staff_page(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Staff see bookings with names as they come, and can remove a slot before everyone's eyes."""
    slots = await _make(api, "desk")
    async with Client(place.url) as watcher:
        viewer = await watcher.watch("desk")
        await page.goto(f"{place.url}/staff#token={place.staff}")
        await page.wait_for_selector('html[data-connection="live"]')
        await page.get_by_label("Calendar", exact=True).select_option("desk")
        await page.wait_for_selector(f'[data-slot="{slots[0]}"]')
        customer = {"name": "Zoë <i>Quux</i>", "email": "zoe@example.org"}
        booked = await guest.ask("POST", f"/api/slots/{slots[0]}/bookings", {"customer": customer}, key=new_key())
        person = page.locator(f'[data-booking="{booked.body["booking"]["id"]}"]')
        await expect(person).to_contain_text("Zoë <i>Quux</i>")
        await expect(page).not_to_have_url(re.compile(place.staff))
        await eventually(lambda: viewer.applied)
        heard = str(watcher.heard)
        assert "Quux" not in heard


async def test_a_calendar_that_is_archived_while_it_is_watched(place: Place, api: Api, page: Page) -> None:
    """Its times close at once for subscribers, without a reload; a fresh read and the feed agree."""
    slots = await _make(api, "ended")
    await _open(page, place, "ended")
    await expect(_cell(page, slots[0])).to_have_attribute("data-free", "")
    async with Client(place.url) as watcher:
        viewer = await watcher.watch("ended")
        assert (await api.ask("DELETE", "/api/calendars/ended")).code == "ok"
        await expect(_cell(page, slots[0]).locator(".slot-note")).to_have_text("Closed")
        await expect(page.locator("button.slot[data-free]")).to_have_count(0)
        await eventually(lambda: viewer.applied)
        told = viewer.slots
    taken = (await api.get("/api/calendars/ended/slots"))["slots"]
    assert sorted(taken, key=lambda slot: slot["start"]) == told
    assert not any(slot["bookable"] for slot in taken)
    assert await page.evaluate("() => window.slotcast.calendar.slots.some(({ bookable }) => bookable)") is False
    explained = await api.get(f"/api/slots/{slots[0]}/explain")
    assert [rule["rule"] for rule in explained["rules"] if not rule["ok"]] == ["archived"]
    feed = (await api.ask("GET", "/calendars/ended.ics")).raw.decode()
    assert feed.count("SUMMARY:Closed") == 4
    assert "SUMMARY:Free" not in feed
