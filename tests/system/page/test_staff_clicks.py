"""Clicks that people make by accident: the second one of two, and one that ends beside a dialog."""

from playwright.async_api import Page, expect

from tests.support import Api
from tests.system.conftest import Place
from tests.system.page.staff_page import TALL, bookings, choose, day, dialog, hour, make, open_staff, row


async def test_a_double_click_is_one_click(place: Place, api: Api, page: Page) -> None:
    """The second click goes neither to the backdrop of what has opened nor to what was below of what has closed."""
    slots = await make(api, "twice", [hour(1, clock) for clock in range(8, 18)])
    await page.set_viewport_size(TALL)
    await open_staff(page, place, f"calendar=twice&view=week&day={day(1)}")
    await page.get_by_role("button", name="New calendar").dblclick()
    await expect(dialog(page, "New calendar").get_by_label("Name")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.locator(f'.block[data-slot="{slots[0]}"] .block-slot').click()
    await page.get_by_role("menuitem", name="Book", exact=True).dblclick()
    await dialog(page).get_by_label("Name").fill("Ada Twice")
    await dialog(page).get_by_role("button", name="Book", exact=True).dblclick()
    await expect(page.locator(".chip")).to_have_text("Ada Twice")
    await expect(page.locator("dialog, [role=menu]")).to_have_count(0)
    await page.locator(".chip").click()
    await choose(page, "Cancel booking")
    await dialog(page).get_by_role("button", name="Cancel the booking").dblclick()
    await expect(page.locator(".chip")).to_have_count(0)
    await expect(page.locator("dialog, [role=menu]")).to_have_count(0)
    assert len(await bookings(api, "twice")) == 1


async def test_a_selection_beyond_the_edge_closes_nothing(place: Place, api: Api, page: Page) -> None:
    """A text that is selected with the mouse ends beside the dialog, and the dialog with its fields stays."""
    (slot,) = await make(api, "edge", [hour(1, 9)])
    await open_staff(page, place, f"calendar=edge&day={day(1)}")
    await row(page, slot).get_by_role("button", name="Book", exact=True).click()
    name = dialog(page).get_by_label("Name")
    await name.fill("Ada Selected")
    box = await name.bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(5, box["y"] + 5, steps=3)
    await page.mouse.up()
    await expect(name).to_have_value("Ada Selected")
    await page.mouse.click(5, box["y"] + 5)
    await page.get_by_role("button", name="Drop it").click()
    await expect(page.locator("dialog")).to_have_count(0)
