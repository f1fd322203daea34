"""The page of the server: its figures move with what happens, and are for owners of all calendars."""

from playwright.async_api import Page, expect

from tests.support import Api, Client
from tests.system.conftest import Place
from tests.system.page.staff_page import hour, make
from tests.system.page.test_staff_accessible import axe_faults

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def test_the_figures_move(place: Place, api: Api, page: Page) -> None:
    """Connections, rooms and errors show by themselves, on a phone too; a viewer is refused."""
    (slot,) = await make(api, "counted", [hour(1, 9)])
    await page.goto(f"{place.url}/staff/server#token={place.staff}")
    transports = page.locator(".figures").filter(has_text="Connections by transport")
    await expect(transports).to_contain_text("Socket.IO over WebSocket")
    tile = page.locator(".tile").filter(has_text="Subscribers").locator("strong")
    await expect(tile).to_have_text("0")
    async with Client(place.url) as client:
        await client.watch("counted")
        await expect(tile).to_have_text("1")
        await api.ask("POST", f"/api/slots/{slot}/bookings", {"customer": {}})
        await expect(page.locator(".figures").filter(has_text="Errors by code")).to_contain_text("bad_request")
    await expect(page.locator(".facts")).to_contain_text("python-socketio")
    assert await axe_faults(page) == []
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate(WIDER) == 0
    token = place.token("--scope", "viewer")
    assert (await api.ask("GET", "/api/server", headers={"Authorization": f"Bearer {token}"})).code == "forbidden"
    owner_of_one = place.token("--scope", "owner", "--calendars", "counted")
    assert (
        await api.ask("GET", "/api/server", headers={"Authorization": f"Bearer {owner_of_one}"})
    ).code == "forbidden"
