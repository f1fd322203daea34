"""Staff sign in on the page: from the link of the first start to accounts of others, and the end of what is revoked."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, Route, expect

from tests.support import Api, Server
from tests.system.conftest import QUIET, Place
from tests.system.page.staff_page import choose, dialog, hour, make
from tests.system.page.test_staff_accessible import axe_faults

PASSWORD = "a long password"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server without accounts."""
    with Server(tmp_path_factory.mktemp("access"), *QUIET) as server:
        yield Place(server, server.command("token", "--scope", "owner", "--subject", "first").strip())


async def _make_a_viewer(page: Page) -> None:
    """Make an account for a viewer of one calendar."""
    await page.get_by_role("button", name=", your account").click()
    await choose(page, "Accounts")
    await expect(dialog(page).get_by_role("listitem")).to_have_count(1)
    await dialog(page).get_by_role("button", name="New account").click()
    await page.get_by_label("Name").fill("Bob")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Role").select_option("viewer")
    calendars = page.get_by_role("group", name="In the calendars")
    await calendars.get_by_label("All calendars").uncheck()
    await page.get_by_role("button", name="Make it").click()
    await calendars.get_by_label("Studio").check()
    assert await axe_faults(page) == []
    await page.get_by_role("button", name="Make it").click()
    await expect(page.get_by_role("listitem").filter(has_text="Bob")).to_contain_text("viewer of Studio")
    assert await axe_faults(page) == []
    await dialog(page).get_by_role("button", name="Done").click()


async def _revoke_the_first_link(page: Page) -> None:
    """Revoke the token of the link that has made the first account."""
    await page.get_by_role("button", name=", your account").click()
    await choose(page, "Tokens")
    await page.get_by_role("listitem").filter(has_text="first").get_by_role("button", name="Revoke").click()
    await dialog(page).get_by_role("button", name="Revoke").click()
    await expect(page.get_by_role("listitem").filter(has_text="first")).to_contain_text("revoked")
    await dialog(page).get_by_role("button", name="Done").click()


async def test_from_the_first_link_to_a_log_in(place: Place, api: Api, page: Page) -> None:
    """The link makes the first account. It stays signed in in another tab, makes another account, and signs out."""
    await make(api, "studio", [hour(1, 9)])
    await page.goto(f"{place.url}/staff")
    await expect(page.get_by_text("The staff page opens by a link")).to_be_visible()
    assert await axe_faults(page) == []
    await page.goto(f"{place.url}/staff?calendar=studio#token={place.staff}")
    await page.get_by_role("button", name="Make your account").click()
    await page.get_by_label("Name").fill("Anna")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Make it and sign in").click()
    me = page.get_by_role("button", name=", your account")
    await expect(me).to_have_text("Anna")
    assert [cookie.get("httpOnly") for cookie in await page.context.cookies()] == [True]
    tab = await page.context.new_page()
    await tab.goto(f"{place.url}/staff?calendar=studio")
    await expect(tab.get_by_role("button", name=", your account")).to_have_text("Anna")
    await _make_a_viewer(page)
    await _revoke_the_first_link(page)
    assert (await api.ask("GET", "/api/calendars/studio/bookings")).code == "unauthorized"
    await me.click()
    await choose(page, "Sign out")
    for one in (page, tab):
        await expect(one.get_by_role("button", name="Sign in")).to_be_visible()
    assert await axe_faults(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await axe_faults(page) == []
    await page.get_by_label("Name").fill("bob")
    await page.get_by_label("Password").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    assert await axe_faults(page) == []
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name=", your account")).to_have_text("Bob")
    await expect(page.locator(".agenda [data-slot]")).to_have_count(1)
    await expect(page.get_by_role("button", name="Book", exact=True)).to_have_count(0)


async def test_a_server_that_fails_is_asked_again(place: Place, page: Page) -> None:
    """The page does not tell somebody who is signed in to look for a link, because the server does not answer."""
    is_down = True

    async def answer(route: Route) -> None:
        await (route.fulfill(status=503) if is_down else route.continue_())

    await page.route("**/api/session", answer)
    await page.goto(f"{place.url}/staff")
    await expect(page.get_by_role("heading")).to_have_text("Not just now")
    is_down = False
    await expect(page.get_by_text("opens by a link").or_(page.get_by_role("button", name="Sign in"))).to_be_visible()
