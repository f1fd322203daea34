"""Staff book, hold and change for their callers, over rules where they mean it; what they did can be undone."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support import Api
from tests.system.conftest import Place
from tests.system.page.staff_page import (
    at,
    book,
    bookings,
    choose,
    day,
    dialog,
    hour,
    make,
    open_staff,
    person,
    row,
)

NOTICE = {"min_notice": 7 * 86_400}


async def _slot(api: Api, calendar: str, slot: str) -> dict[str, Any]:
    found = (await api.get(f"/api/calendars/{calendar}/slots"))["slots"]
    return next(one for one in found if one["id"] == slot)


async def test_a_caller_is_booked(place: Place, api: Api, page: Page) -> None:
    """A free time needs a name only, and no question."""
    (slot,) = await make(api, "caller", [hour(1, 9)])
    await open_staff(page, place, "calendar=caller")
    await row(page, slot).get_by_role("button", name="Book", exact=True).click()
    await dialog(page).get_by_label("Name").fill("Ada Caller")
    await dialog(page).get_by_label("Phone").fill("+43 1 234")
    await page.keyboard.press("Enter")
    await expect(row(page, slot)).to_contain_text("Ada Caller")
    await expect(row(page, slot)).to_contain_text("+43 1 234")
    await expect(page.locator(".toasts")).to_contain_text("Booked for Ada Caller.")
    assert "overridden" not in (await bookings(api, "caller"))["Ada Caller"]


async def test_rules_are_named_before_they_are_passed_over(place: Place, api: Api, page: Page) -> None:
    """Every rule in the way is named in the sheet and in the question; "Leave it" books nothing."""
    (slot,) = await make(api, "over", [hour(1, 9)], policy=NOTICE)
    await book(api, slot, "Bob First", override=True)
    await api.post(f"/api/slots/{slot}/close")
    await open_staff(page, place, "calendar=over")
    await row(page, slot).get_by_role("button", name="Book", exact=True).click()
    rules = dialog(page).get_by_label("Rules in the way")
    for text in ("notice", "closed", "full"):
        await expect(rules).to_contain_text(text)
    await dialog(page).get_by_label("Name").fill("Ada Over")
    await dialog(page).get_by_role("button", name="Book", exact=True).click()
    question = dialog(page, "Book it all the same?")
    for text in ("notice", "closed", "full"):
        await expect(question).to_contain_text(text)
    await question.get_by_role("button", name="Leave it").click()
    assert "Ada Over" not in await bookings(api, "over")
    await dialog(page).get_by_role("button", name="Book", exact=True).click()
    await question.get_by_role("button", name="Book it").click()
    await expect(page.locator(".toasts")).to_contain_text("over the notice, a closed time and the number of places")
    booked = (await bookings(api, "over"))["Ada Over"]
    assert sorted(booked["overridden"]) == ["capacity", "closed", "min_notice"]


async def test_a_time_is_held_while_the_caller_decides(place: Place, api: Api, page: Page) -> None:
    """A closed sheet keeps the hold, the same sheet books or releases it, and rules ask as for a booking."""
    first, second = await make(api, "held", [hour(1, 9), hour(1, 10)], policy=NOTICE)
    await open_staff(page, place, "calendar=held")
    for slot in (first, second):
        await row(page, slot).get_by_role("button", name="Book", exact=True).click()
        await dialog(page).get_by_role("button", name="Hold", exact=True).click()
        await dialog(page, "Hold it all the same?").get_by_role("button", name="Hold it").click()
        await expect(dialog(page)).to_contain_text("Held for the caller")
        await dialog(page).get_by_role("button", name="Close").click()
        await expect(row(page, slot).locator(".row-status")).to_have_text("On hold")
    await row(page, first).get_by_role("button", name="Book", exact=True).click()
    await dialog(page).get_by_label("Name").fill("Ada Held")
    await page.keyboard.press("Enter")
    await expect(row(page, first)).to_contain_text("Ada Held")
    await row(page, second).get_by_role("button", name="Book", exact=True).click()
    await dialog(page).get_by_role("button", name="Let it go").click()
    await expect(row(page, second).locator(".row-status")).to_have_text("Free")


async def test_a_booking_is_corrected_and_moved(place: Place, api: Api, guest: Api, page: Page) -> None:
    """Both can be undone; a move over a rule asks first."""
    slot, free, closed = await make(api, "mended", [hour(1, 9), hour(1, 10), hour(2, 9)])
    await api.post(f"/api/slots/{closed}/close")
    booking = await book(guest, slot, "Ada Typo")
    await open_staff(page, place, "calendar=mended")
    await person(page, booking).get_by_label("More for this booking").click()
    await choose(page, "Correct")
    await dialog(page).get_by_label("Name").fill("Ada Right")
    await dialog(page).get_by_label("Email").fill("zoë@exämple.org")
    await page.keyboard.press("Enter")
    await expect(person(page, booking)).to_contain_text("Ada Right")
    await expect(person(page, booking)).to_contain_text("zoë@exämple.org")
    await page.get_by_role("button", name="Undo").click()
    await expect(person(page, booking)).to_contain_text("Ada Typo")
    await person(page, booking).get_by_label("More for this booking").click()
    await choose(page, "Move")
    await dialog(page).locator(f'[data-target="{free}"]').click()
    await expect(row(page, free)).to_contain_text("Ada Typo")
    await page.get_by_role("button", name="Undo").click()
    await expect(row(page, slot)).to_contain_text("Ada Typo")
    await person(page, booking).get_by_label("More for this booking").click()
    await choose(page, "Move")
    await dialog(page).get_by_label("To the day").fill(day(2))
    await dialog(page).locator(f'[data-target="{closed}"]').click()
    await expect(dialog(page, "Move it all the same?")).to_contain_text("closed")
    await dialog(page, "Move it all the same?").get_by_role("button", name="Move it").click()
    await expect(row(page, closed)).to_contain_text("Ada Typo")


async def test_a_slot_is_changed_explained_and_removed(place: Place, api: Api, page: Page) -> None:
    """Time and places change with everyone in them; removing asks first; closing and removing can be undone."""
    slot, spare = await make(api, "changed", [hour(1, 9), hour(1, 12)])
    await book(api, slot, "Ada Along")
    await open_staff(page, place, "calendar=changed")
    more = row(page, slot).get_by_label("More for this time")
    await more.click()
    await choose(page, "Change time or places")
    await dialog(page).get_by_label("From").fill("10:15")
    await dialog(page).get_by_label("Places").fill("3")
    await dialog(page).get_by_role("button", name="Change it").click()
    await expect(row(page, slot)).to_contain_text("1 of 3 taken")
    assert (await _slot(api, "changed", slot))["start"] == at(1, "10:15")
    await more.click()
    await choose(page, "Close")
    await expect(row(page, slot).locator(".row-status")).to_have_text("Closed")
    await more.click()
    await choose(page, "Can it be booked?")
    await expect(dialog(page).locator('[data-rule="closed"]')).to_have_attribute("data-ok", "false")
    await expect(dialog(page)).to_contain_text("Customers are not offered it")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Undo").last.click()
    await expect(row(page, slot).locator(".row-status")).to_have_text("1 of 3 taken")
    for answer, count in (("Keep it", 1), ("Remove it", 0)):
        await row(page, spare).get_by_label("More for this time").click()
        await choose(page, "Remove")
        await dialog(page, "Remove this time?").get_by_role("button", name=answer).click()
        await expect(row(page, spare)).to_have_count(count)
    await page.get_by_role("button", name="Undo").last.click()
    await expect(page.locator(".agenda .row")).to_have_count(2)


@pytest.mark.parametrize("verb", ["Reject", "Cancel booking"])
async def test_what_ended_a_booking_is_undone(place: Place, api: Api, guest: Api, page: Page, verb: str) -> None:
    """After the question, a toast takes it back."""
    calendar = f"undo-{verb[:3].lower()}"
    (slot,) = await make(api, calendar, [hour(1, 9)], policy={"confirmation": "staff"})
    booking = await book(guest, slot, "Ada Undo")
    await open_staff(page, place, f"calendar={calendar}")
    if verb == "Reject":
        await person(page, booking).get_by_role("button", name="Reject").click()
    else:
        await person(page, booking).get_by_label("More for this booking").click()
        await choose(page, verb)
    await dialog(page).get_by_role("button").first.click()
    await expect(person(page, booking)).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(person(page, booking).locator(".tag")).to_have_text("Confirmed")
