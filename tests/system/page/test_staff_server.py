"""The page of the server: its figures move with what happens, and are for owners of all calendars."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from realtime.access.auth import Auth
from tests.support import Api, Client, Server, eventually
from tests.support.databases.postgres import Postgres
from tests.system.conftest import QUIET, Place
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


async def test_each_server_lists_the_others(tmp_path: Path, postgres: Postgres, page: Page) -> None:
    """A row has what its server has told: also one that no load balancer has sent the page to."""
    secret = "a secret that both of the servers know"
    owner = Auth(secret.encode()).write_token("owner", scope="owner", calendars="*", seconds=3_600)
    settings = {"SLOTCAST_SECRET": secret}
    url = postgres.new_url()
    with (
        Server(tmp_path, *QUIET, database=url, settings=settings) as one,
        Server(tmp_path, *QUIET, database=url, settings=settings) as other,
    ):
        async with Api(one.url, owner) as api, Client(other.url) as client:
            await make(api, "shared", [hour(1, 9)])
            await client.watch("shared")

            async def told() -> Any:
                rows = (await api.get("/api/server"))["servers"]
                return [(row["is_this"], row["subscribers"]) for row in rows] == [(True, 0), (False, 1)] and rows

            here, there = await eventually(told, what="the figures of the other server")
            assert sorted([here["is_leader"], there["is_leader"]]) == [False, True]
            assert there["name"].endswith(f":{other.port}")
            await page.goto(f"{one.url}/staff/server#token={owner}")
            rows = page.locator(".servers tbody tr")
            await expect(rows).to_have_count(2)
            await expect(rows.filter(has_text=there["name"])).to_contain_text("1")
            assert await axe_faults(page) == []
            await page.set_viewport_size({"width": 390, "height": 844})
            assert await page.evaluate(WIDER) == 0
