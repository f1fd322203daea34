"""The page of a calendar that asks more of a guest: a code by mail, its link, and a proof of work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support import Api, Server, eventually
from tests.support.mail_server import MailServer, code_in
from tests.system.conftest import QUIET, Place
from tests.system.page.staff_page import hour, make


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with MailServer() as mail:
        yield mail


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, mail: MailServer) -> Iterator[Place]:
    """Run a server that sends mail."""
    settings = {"SLOTCAST_SMTP_URL": mail.url, "SLOTCAST_MAIL_FROM": "Slotcast <bookings@example.org>"}
    port_of = Server(tmp_path_factory.mktemp("mail"), *QUIET, settings=settings)
    settings["SLOTCAST_PUBLIC_URL"] = port_of.url
    with Server(tmp_path_factory.mktemp("mailing"), *QUIET, port=port_of.port, settings=settings) as server:
        yield Place(server, server.command("token", "--scope", "owner", "--subject", "staff").strip())


async def _book(page: Page, place: Place, calendar: str, email: str) -> Any:
    """Book the first free time; return the dialog."""
    await page.goto(f"{place.url}/c/{calendar}")
    await page.wait_for_selector('html[data-connection="live"]')
    await page.locator("button.slot[data-free]").first.click()
    dialog = page.locator("dialog[open]")
    await dialog.get_by_label("Your name").fill("Ada")
    await dialog.get_by_label("Email").fill(email)
    await dialog.get_by_role("button", name="Book this time").click()
    return dialog


async def _mail_to(mail: MailServer, email: str) -> Any:
    return await eventually(lambda: next((one for one in mail.mails if one["To"] == email), None))


async def _status(api: Api, calendar: str) -> str:
    (booking,) = (await api.get(f"/api/calendars/{calendar}/bookings"))["bookings"]
    return str(booking["status"])


async def test_the_code_of_the_mail_confirms(place: Place, api: Api, mail: MailServer, page: Page) -> None:
    """The form asks for the code, tells a wrong one, and has the receipt after the right one."""
    await make(api, "coded", [hour(1, 9)], policy={"verification": "email"})
    dialog = await _book(page, place, "coded", "ada@example.org")
    await expect(dialog.locator(".done-title")).to_have_text("Confirm your booking")
    code = code_in(await _mail_to(mail, "ada@example.org"))
    assert await _status(api, "coded") == "pending"
    for given in ("1" if code[0] != "1" else "2", code):
        await dialog.get_by_label("Code").fill(given if len(given) == 6 else given + code[1:])
        await dialog.get_by_role("button", name="Confirm").click()
        if given != code:
            await expect(dialog.locator(".code .problem")).to_have_text("This code is not right. 4 tries are left.")
    await expect(dialog.locator(".done-title")).to_have_text("Booked")
    assert await _status(api, "coded") == "confirmed"


async def test_the_link_of_the_mail_confirms_by_a_button(place: Place, api: Api, mail: MailServer, page: Page) -> None:
    """Opening the link confirms nothing, as programs that read mails open it too; the button does."""
    await make(api, "linked", [hour(1, 9)], policy={"verification": "email"})
    await _book(page, place, "linked", "bob@example.org")
    text = (await _mail_to(mail, "bob@example.org")).get_content()
    link = re.search(rf"{re.escape(place.url)}/verify/\S+", text)
    assert link, text
    await page.goto(link[0])
    button = page.get_by_role("button", name="Confirm")
    await expect(button).to_be_enabled()
    assert await _status(api, "linked") == "pending"
    await button.click()
    await expect(page.get_by_role("heading")).to_have_text("Confirmed")
    assert await _status(api, "linked") == "confirmed"


async def test_a_proof_of_work_is_made_by_itself(place: Place, api: Api, page: Page) -> None:
    """A visitor notices nothing; a program without a proof is refused."""
    (first, _) = await make(api, "proved", [hour(1, 9), hour(1, 10)], policy={"verification": "proof"})
    async with Api(place.url) as guest:
        answer = await guest.ask("POST", f"/api/slots/{first}/holds", {}, key="a-key-of-the-tests-000")
    assert (answer.status, answer.body["details"]["rule"]) == (422, "proof")
    dialog = await _book(page, place, "proved", "")
    await expect(dialog.locator(".done-title")).to_have_text("Booked")
    assert await _status(api, "proved") == "confirmed"


async def test_the_code_is_entered_after_a_reload(place: Place, api: Api, mail: MailServer, page: Page) -> None:
    """The mail is in the page's language; the list of own bookings asks for the code, and a mail comes again later."""
    await make(api, "reloaded", [hour(1, 9)], policy={"verification": "email"})
    await page.goto(f"{place.url}/c/reloaded?lang=de")
    await page.wait_for_selector('html[data-connection="live"]')
    await page.locator("button.slot[data-free]").first.click()
    dialog = page.locator("dialog[open]")
    await dialog.locator("input[name=name]").fill("Ada")
    await dialog.locator("input[name=email]").fill("cara@example.org")
    await dialog.locator("button[type=submit]").click()
    await expect(dialog.locator(".done-title")).to_have_text("Bestätigen Sie Ihre Buchung")
    message = await _mail_to(mail, "cara@example.org")
    assert message["Subject"] == f"{code_in(message)} ist Ihr Code"
    await page.reload()
    await page.get_by_role("button", name="Code eingeben").click()
    await dialog.get_by_role("button", name="Code noch einmal senden").click()
    await expect(dialog.locator(".problem")).to_contain_text("gerade eben gesendet")
    await dialog.locator("input[name=code]").fill(code_in(message))
    await dialog.get_by_role("button", name="Bestätigen").click()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await expect(page.get_by_role("button", name="Code eingeben")).to_have_count(0)
    assert await _status(api, "reloaded") == "confirmed"
