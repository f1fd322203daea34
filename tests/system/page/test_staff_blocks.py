"""Staff block a customer from a booking, see the blocks of a calendar, and take one back."""

from playwright.async_api import Page, expect

from tests.support import Api, new_key
from tests.system.conftest import Place
from tests.system.page.staff_page import choose, dialog, hour, make, open_staff, person
from tests.system.page.test_staff_accessible import axe_faults

EVE = {"name": "Eve", "email": "eve@example.org", "phone": "+43 1 234"}


async def _code(guest: Api, slot: str, **customer: str) -> str:
    fields = {"key": new_key(), "customer": {"name": "Eve", **customer}}
    return (await guest.ask("POST", f"/api/slots/{slot}/bookings", fields)).code


async def test_a_customer_is_blocked_from_a_booking(place: Place, api: Api, guest: Api, page: Page) -> None:
    """The form has the booking's address and number; the list has the block, adds a network, and takes one back."""
    first, *slots = await make(api, "blocking", [hour(1, clock) for clock in range(9, 14)])
    booking = (await guest.post(f"/api/slots/{first}/bookings", customer=EVE))["booking"]["id"]
    await open_staff(page, place, "calendar=blocking")
    await person(page, booking).get_by_label("More for this booking").click()
    await choose(page, "Block customer")
    await expect(page.get_by_label("Which one")).to_have_value(EVE["email"])
    await page.get_by_label("By").select_option("Phone number")
    await expect(page.get_by_label("Which one")).to_have_value(EVE["phone"])
    await page.get_by_label("By").select_option("Email address")
    await page.get_by_label("Reason, for staff").fill("never came")
    await page.locator("select[name=until]").select_option("30 days")
    assert await axe_faults(page) == []
    await page.get_by_role("button", name="Block", exact=True).click()
    await expect(page.get_by_text("Blocked from now on.")).to_be_visible()
    assert await _code(guest, slots[0], email="EVE@example.org") == "blocked"

    await page.get_by_label("More settings").click()
    await choose(page, "Blocked")
    rows = dialog(page, "Blocked").get_by_role("listitem")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("eve@example.org")
    await expect(rows.first).to_contain_text("never came")
    assert await axe_faults(page) == []
    await page.get_by_role("button", name="Block someone").click()
    await page.get_by_label("By").select_option("Network address")
    await page.get_by_label("Which one").fill("everywhere")
    await page.get_by_role("button", name="Block", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Which one").fill("198.51.100.0/24")
    await page.get_by_role("button", name="Block", exact=True).click()
    await expect(rows).to_have_count(2)
    await page.get_by_role("button", name="Unblock eve@example.org").click()
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("198.51.100.0/24")
    assert await _code(guest, slots[0], email="eve@example.org") == "ok"
