"""Proxies that answer for themselves: the page steps down to what works, and blames nobody else."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.support import Server, free_port
from tests.support.example import in_days
from tests.support.nginx import NO_NGINX, PROGRAM, Nginx
from tests.system.conftest import QUIET

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=NO_NGINX)
_WAYS = {
    # Only plain requests get through, and the health is shut.
    "answers for itself": """
        location / {{ proxy_pass http://{upstream}; proxy_set_header Host $http_host; }}
        location /socket.io/ {{ return 404; }}
        location = /healthz {{ return 404; }}
        location ~ /events$ {{ return 403; }}""",
    # The shortest configuration: HTTP/1.0 without Upgrade, and the server's own name as Host.
    "plain proxy_pass": """
        location / {{ proxy_pass http://{upstream}; }}""",
    "shuts all but the pages": """
        location / {{ proxy_pass http://{upstream}; proxy_set_header Host $http_host; }}
        location ~ ^/(api|socket.io|healthz) {{ return 403; }}""",
}


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run one nginx with a port for each proxy before one server; yield their addresses."""
    with Server(tmp_path_factory.mktemp("server"), *QUIET, settings={"SLOTCAST_PROXIES": "127.0.0.1"}) as server:
        server.command("calendar", "create", "demo")
        for day in range(1, 4):
            server.command("slot", "open", "demo", in_days(day), in_days(day + 0.02))
        ports = {name: free_port() for name in _WAYS}
        blocks = [
            f"server {{ listen 127.0.0.1:{ports[name]}; {rules.format(upstream=f'127.0.0.1:{server.port}')} }}"
            for name, rules in _WAYS.items()
        ]
        with Nginx(conf="\n".join([*blocks, "server { listen 127.0.0.1:PORT; }"])):
            yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


@pytest.mark.parametrize(("way", "transport"), [("answers for itself", "longpoll"), ("plain proxy_pass", "polling")])
async def test_the_page_steps_down(ways: dict[str, str], page: Page, way: str, transport: str) -> None:
    """It is live by what gets through, and books."""
    await page.goto(f"{ways[way]}/c/demo")
    await expect(page.locator("html")).to_have_attribute("data-connection", "live", timeout=45_000)
    await expect(page.locator("html")).to_have_attribute("data-transport", transport)
    await page.locator("button.slot[data-free]").first.click()
    await page.get_by_label("Your name").fill("Ada Behind")
    await page.get_by_role("button", name="Book this time").click()
    await expect(page.locator(".done-title")).to_have_text("Booked", timeout=20_000)


async def test_the_page_blames_no_calendar(ways: dict[str, str], page: Page) -> None:
    """A refusal of a proxy is a server out of reach; the page says nothing of a private calendar."""
    await page.goto(f"{ways['shuts all but the pages']}/c/demo")
    await expect(page.locator("p.banner")).to_contain_text("The server cannot be reached", timeout=30_000)
    await expect(page.locator("main")).not_to_contain_text("private")
    await expect(page.locator(".blank")).to_be_hidden()
