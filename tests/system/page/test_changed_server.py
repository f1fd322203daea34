"""A server that changes under an open page: older data, and calendars that come into being."""

import asyncio
from pathlib import Path

from playwright.async_api import Page, expect

from tests.support import Api, Server
from tests.support.databases import backup
from tests.support.example import in_days
from tests.system.conftest import QUIET


async def test_an_older_copy_is_told(tmp_path: Path, page: Page) -> None:
    """After a restore from before his hold and his booking the visitor is told of both, and the slots are free."""
    (tmp_path / "slotcast.secret").write_text("the one secret of the database and its copy")
    copy = f"sqlite:///{tmp_path / 'copy.db'}"
    with Server(tmp_path, *QUIET) as server:
        server.command("calendar", "create", "demo")
        for day in (1, 2):
            server.command("slot", "open", "demo", in_days(day), in_days(day + 0.02))
        await asyncio.to_thread(backup.copy, server.database, copy)
        await page.goto(f"{server.url}/c/demo")
        await page.locator("button.slot[data-free]").first.click()
        await page.get_by_label("Your name").fill("Ada Before")
        await page.get_by_role("button", name="Book this time").click()
        await page.get_by_role("button", name="Done").click()
        await page.locator("button.slot[data-free]").first.click()
        await expect(page.locator("dialog[open]")).to_contain_text("Held for you")
        await page.keyboard.press("Escape")
        await asyncio.to_thread(backup.copy, copy, server.database)
        await asyncio.to_thread(server.restart)
        toasts = page.locator(".toasts")
        await expect(toasts).to_contain_text("does not know your booking", timeout=30_000)
        await expect(toasts).to_contain_text("is gone: the server has other data now", timeout=30_000)
        await expect(page.locator("button.slot[data-free]")).to_have_count(2)
        await expect(page.locator(".mine")).to_contain_text("The server does not know it any more")


async def test_another_secret_is_told(tmp_path: Path, page: Page) -> None:
    """After `secret replace` the visitor learns that his booking stands without its link, and that his hold is void."""
    first, second = ({"SLOTCAST_SECRET": f"the {name} secret of this test's server"} for name in ("first", "second"))
    with Server(tmp_path, *QUIET, settings=first) as server:
        server.command("calendar", "create", "demo")
        for day in (1, 2):
            server.command("slot", "open", "demo", in_days(day), in_days(day + 0.02))
        await page.goto(f"{server.url}/c/demo")
        await page.locator("button.slot[data-free]").first.click()
        await page.get_by_label("Your name").fill("Ada Before")
        await page.get_by_role("button", name="Book this time").click()
        await page.get_by_role("button", name="Done").click()
        await page.locator("button.slot[data-free]").first.click()
        await expect(page.locator("dialog[open]")).to_contain_text("Held for you")
        await page.get_by_label("Your name").fill("Ada After")
        await asyncio.to_thread(server.stop)
    changed = Server(tmp_path, *QUIET, settings=second, database=server.database, port=server.port)
    changed.command("secret", "replace")
    with changed:
        await expect(page.locator(".toasts")).to_contain_text("stands, but your link does not open it", timeout=30_000)
        await expect(page.locator(".mine")).to_contain_text("Your link does not open it any more")
        await page.get_by_role("button", name="Book this time").click()
        form = page.locator("dialog[open]")
        await expect(form).to_contain_text("does not accept your hold on this time any more", timeout=30_000)
        await expect(form.locator(".timer")).to_be_hidden()
        await page.keyboard.press("Escape")
        await expect(page.locator(".slot[data-mine]")).to_have_count(0)
        async with Api(changed.url, changed.command("token", "--scope", "staff").strip()) as api:
            bookings = (await api.get("/api/calendars/demo/bookings"))["bookings"]
        assert [booking["status"] for booking in bookings] == ["confirmed"]


async def test_a_calendar_appears(tmp_path: Path, page: Page) -> None:
    """A calendar that comes into being, or becomes public, appears on its open page."""
    with Server(tmp_path, *QUIET) as server:
        await page.goto(f"{server.url}/c/later")
        await expect(page.locator(".blank h2")).to_be_visible()
        server.command("calendar", "create", "later", "--private")
        async with Api(server.url, server.command("token", "--scope", "staff").strip()) as api:
            await api.post("/api/calendars/later/slots", slots=[{"start": in_days(1), "end": in_days(1.02)}])
            await expect(page.locator(".blank h2")).to_be_visible()
            await api.ask("PATCH", "/api/calendars/later", {"visibility": "public"})
        await expect(page.locator("button.slot[data-free]")).to_have_count(1, timeout=30_000)
