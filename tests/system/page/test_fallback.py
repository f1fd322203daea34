"""A network that takes the page's transports away, one after the other, and gives them back."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route

from tests.support import Api, Proxy, Server

CALENDAR = "fallback"
_LIVE = """by => { const data = document.querySelector("[data-connection]").dataset;
    return data.connection === "live" && data.transport === by; }"""
_SHOWN = """slot => window.slotcast.calendar.slots.some(({id}) => id === slot)
    && document.querySelector(`[data-slot="${slot}"]`) !== null"""
_LATE_MS = 45_000
_EVENT_SOURCE = """calendar => {
    const look = window.look = {applied: [], have: -1, cursor: "", opened: 0, reset: 0};
    const source = new EventSource(`/api/calendars/${calendar}/events`);
    source.onopen = () => { look.opened += 1; };
    source.addEventListener("snapshot", ({data}) => { look.have = JSON.parse(data).seq; });
    source.addEventListener("reset", () => { look.reset += 1; });
    source.onmessage = ({data, lastEventId}) => {
        const change = JSON.parse(data);
        if (change.seq <= look.have) return;
        if (change.prev > look.have) throw new Error(`a gap before ${change.seq}`);
        look.have = change.seq;
        look.cursor = lastEventId;
        look.applied.push(change.seq);
    }; }"""


class Opener:
    """Opens slots one after the other."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._count = 0

    async def open(self) -> dict[str, Any]:
        self._count += 1
        start = datetime.now(UTC) + timedelta(days=1, minutes=30 * self._count)
        slots = [{"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}]
        answer = await self._api.ask(
            "POST", f"/api/calendars/{CALENDAR}/slots", {"slots": slots}, key=f"open-{self._count}"
        )
        assert answer.status == 201, answer
        made: dict[str, Any] = answer.body
        return made


async def _is_live(page: Page, transport: str, opener: Opener) -> None:
    """The page names its transport, and is live."""
    await page.wait_for_function(_LIVE, arg=transport, timeout=_LATE_MS)
    slot = (await opener.open())["slots"][0]["id"]
    await page.wait_for_function(_SHOWN, arg=slot, timeout=_LATE_MS)


async def test_the_page_stays_live_by_whatever_works(tmp_path: Path, page: Page) -> None:
    """Down the ladder: polling, a stream, long poll; and up again as soon as it can. No change is missed meanwhile."""
    with Server(tmp_path, "--no-demo") as server, Proxy(server.port) as proxy:
        server.command("calendar", "create", CALENDAR)
        token = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as api:
            opener = Opener(api)
            await opener.open()
            await page.goto(f"{proxy.url}/c/{CALENDAR}")
            await _is_live(page, "websocket", opener)
            # Two at most: that of the page's first request, and a later one that the connection had asked for.
            snapshots = await page.evaluate("() => window.slotcast.calendar.snapshots.length")
            proxy.block_websocket()
            proxy.cut()
            await _is_live(page, "polling", opener)

            async def forbid(route: Route) -> None:
                await route.abort()

            await page.route("**/socket.io/**", forbid)
            proxy.cut()
            await _is_live(page, "sse", opener)
            await page.route("**/events?*", forbid)
            proxy.cut()
            await _is_live(page, "longpoll", opener)
            await page.unroute_all()
            proxy.restore()
            await _is_live(page, "websocket", opener)
            look = await page.evaluate("() => ({...window.slotcast.calendar, slots: undefined})")
            assert look["applied"] == list(range(look["applied"][0], look["seq"] + 1))
            assert len(look["snapshots"]) == snapshots, "it resumed on every transport"


async def test_an_event_source_comes_back_by_itself_and_misses_nothing(tmp_path: Path, page: Page) -> None:
    """A browser's own EventSource, over a kill of the server: every seq once and in order, from its Last-Event-ID."""
    with Server(tmp_path, "--no-demo") as server:
        server.command("calendar", "create", CALENDAR)
        token = server.command("token", "--scope", "staff").strip()
        await page.goto(f"{server.url}/")
        async with Api(server.url, token) as api:
            opener = Opener(api)
            await opener.open()
            await page.evaluate(_EVENT_SOURCE, CALENDAR)
            await page.wait_for_function("() => look.have >= 1")
            await opener.open()
            await page.wait_for_function("() => look.applied.length === 1")
            await asyncio.to_thread(server.kill9)
            await asyncio.to_thread(server.start)
            missed = await opener.open()
            await page.wait_for_function("seq => look.have >= seq", arg=3, timeout=_LATE_MS)
            last = await opener.open()
            await page.wait_for_function("cursor => look.cursor === cursor", arg=last["cursor"], timeout=_LATE_MS)
            look = await page.evaluate("() => window.look")
        assert missed["cursor"].startswith("3.")
        assert look["applied"] == [2, 3, 4]
        assert look["opened"] == 2
        assert look["reset"] == 0, "it resumed"
