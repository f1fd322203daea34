"""The staff page asks before a text that was typed in a sheet is lost."""

from playwright.async_api import Page, expect

from tests.support import Api
from tests.system.conftest import Place
from tests.system.page.staff_page import day, dialog, hour, make, open_staff, row

QUESTION = "Drop what you have typed?"


async def test_a_typed_text_is_kept(place: Place, api: Api, page: Page) -> None:
    """A reload, Escape and a click beside the sheet ask first. A sheet without a typed text closes."""
    (slot,) = await make(api, "typed", [hour(1, 9)])
    await open_staff(page, place, f"calendar=typed&day={day(1)}")
    book = row(page, slot).get_by_role("button", name="Book", exact=True)
    name = page.get_by_label("Name")
    await book.click()
    await expect(name).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog(page)).to_have_count(0)
    await book.click()
    await page.keyboard.type("Ada")
    async with page.expect_event("dialog") as asked:
        await page.evaluate("setTimeout(() => location.reload())")
    warning = await asked.value
    assert warning.type == "beforeunload"
    await warning.dismiss()
    await page.keyboard.press("Escape")
    await dialog(page, QUESTION).get_by_role("button", name="Go on typing").click()
    await expect(name).to_have_value("Ada")
    await page.mouse.click(5, 5)
    await dialog(page, QUESTION).get_by_role("button", name="Drop it").click()
    await expect(dialog(page)).to_have_count(0)
    await page.reload()
    await expect(row(page, slot)).to_be_visible()
