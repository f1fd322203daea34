"""The page of the API: it shows every operation, and asks no other site for anything."""

from pathlib import Path

from playwright.async_api import Page, expect

from tests.support import Server
from tests.system.conftest import QUIET


async def test_the_api_has_a_page(tmp_path: Path, page: Page) -> None:
    """It lists the operations by tag, runs one, and stays within the policy of its pages."""
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    with Server(tmp_path, *QUIET) as server:
        server.command("calendar", "create", "demo")
        await page.goto(f"{server.url}/docs")
        await page.locator("#operations-tag-calendar").get_by_role("button").first.click()
        path = page.locator('[data-path="/api/calendars"]')
        operation = page.locator(".opblock-get", has=path)
        await operation.locator(".opblock-summary-control").click()
        await operation.get_by_role("button", name="Try it out").click()
        await operation.get_by_role("button", name="Execute").click()
        await expect(operation.locator(".live-responses-table")).to_contain_text('"zone": "UTC"', timeout=20_000)
        assert {url.split("/")[2] for url in asked if url.startswith("http")} == {server.url.removeprefix("http://")}
        assert not [text for text in complaints if "Content Security Policy" in text]
