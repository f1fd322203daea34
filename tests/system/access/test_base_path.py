"""Slotcast under a path of another site: a proxy strips the path, or passes it on."""

from collections.abc import Iterator

import aiohttp
import pytest
from playwright.async_api import Page, expect

from tests.support import Api, Server
from tests.support.example import in_days
from tests.support.nginx import NO_NGINX, PROGRAM, Nginx
from tests.system.conftest import QUIET

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=NO_NGINX)
_CONF = """
map $http_upgrade $connection_of {{ default upgrade; '' ''; }}
server {{
    listen 127.0.0.1:PORT;
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_of;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-Prefix $prefix;
    set $prefix "";
    location /stripped/ {{
        set $prefix /stripped;
        proxy_pass http://127.0.0.1:{stripped}/;
    }}
    location /passed {{ proxy_pass http://127.0.0.1:{passed}; }}
}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run nginx before two servers, one with the setting and one without; yield its address."""
    trusting = {"SLOTCAST_PROXIES": "127.0.0.1"}
    with (
        Server(tmp_path_factory.mktemp("stripped"), *QUIET, settings=trusting) as stripped,
        Server(tmp_path_factory.mktemp("passed"), *QUIET, "--base-path", "/passed", settings=trusting) as passed,
    ):
        for server in (stripped, passed):
            server.command("calendar", "create", "demo")
            for day in (1, 2):
                server.command("slot", "open", "demo", in_days(day), in_days(day + 0.02))
        with Nginx(conf=_CONF.format(stripped=stripped.port, passed=passed.port)) as nginx:
            yield nginx.url


@pytest.fixture(params=["stripped", "passed"])
def home(request: pytest.FixtureRequest, site: str) -> str:
    """Return the address of the server."""
    return f"{site}/{request.param}"


async def test_the_pages_work_under_a_path(home: str, page: Page) -> None:
    """The list leads to the calendar; its page books live, and its links have the path."""
    await page.goto(f"{home}/")
    await page.get_by_role("link", name="demo").click()
    await expect(page).to_have_url(f"{home}/c/demo")
    await expect(page.locator("html")).to_have_attribute("data-connection", "live", timeout=30_000)
    await page.locator("button.slot[data-free]").first.click()
    await page.get_by_label("Your name").fill("Ada Under")
    await page.get_by_role("button", name="Book this time").click()
    await expect(page.locator(".done-title")).to_have_text("Booked")
    link = await page.get_by_label("Your link to this booking").input_value()
    assert link.startswith(f"{home}/c/demo#booking=")
    await page.goto(f"{home}/staff")
    await expect(page.get_by_role("heading", name="The staff page opens by a link")).to_be_visible()
    await page.get_by_role("link", name="Slotcast").click()
    await expect(page).to_have_url(f"{home}/")


async def test_every_way_works_under_a_path(home: str) -> None:
    """The bare WebSocket and the event stream open, and absolute addresses have the path."""
    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{home}/") as socket:
            await socket.send_json({"subscribe": "demo"})
            assert (await socket.receive_json(timeout=10))["mode"] == "snapshot"
        async with http.get(f"{home}/api/events?calendars=demo") as events:
            assert events.status == 200
        async with http.get(f"{home}/openapi.json") as answer:
            assert (await answer.json())["servers"] == [{"url": "./"}]
    async with Api(home) as api:
        slots = (await api.get("/api/calendars/demo/slots"))["slots"]
        booking = (await api.post(f"/api/slots/{slots[-1]['id']}/bookings", customer={"name": "Ada"}))["booking"]
        head = {"Booking-Token": booking["token"]}
        file = await api.ask("GET", f"/api/bookings/{booking['id']}.ics", headers=head)
        assert f"{home.replace('http:', 'https:')}/c/demo" in file.raw.decode().replace("\r\n ", "")


async def test_the_path_without_its_slash(site: str) -> None:
    """It leads to the path with its slash, where relative addresses are right; a WebSocket opens at both."""
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{site}/passed", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (301, "/passed/")
        async with http.ws_connect(f"{site}/passed") as socket:
            await socket.send_json({"subscribe": "demo"})
            assert (await socket.receive_json(timeout=10))["ok"]
