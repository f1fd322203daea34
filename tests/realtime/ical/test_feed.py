"""The iCalendar feed over HTTP, from a real server."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import icalendar

from tests.support.server import Server

TOMORROW = datetime.now(UTC) + timedelta(days=1)
OPENED = [{"start": TOMORROW.isoformat(), "end": (TOMORROW + timedelta(minutes=30)).isoformat()}]


def test_a_feed_is_sent_again_only_once_something_in_it_has_changed(tmp_path: Path) -> None:
    """A program with the current ETag gets 304 until the next change, and then the removed slot as cancelled."""
    with Server(tmp_path, settings={"SLOTCAST_DEMO": "0"}) as server:
        token = server.command("token", "--scope", "staff").strip()
        asyncio.run(_follow(server.url, token))


async def _follow(url: str, token: str) -> None:
    staff = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(url, raise_for_status=True) as http:
        await http.post(
            "/api/calendars", json={"id": "chairs", "name": "Chairs", "zone": "Europe/Vienna"}, headers=staff
        )
        opened = await http.post(
            "/api/calendars/chairs/slots", json={"slots": OPENED}, headers={**staff, "Idempotency-Key": "feed"}
        )
        slot = json.loads(await opened.text())["slots"][0]["id"]
        first = await http.get("/calendars/chairs.ics")
        assert first.content_type == "text/calendar"
        again = await http.get("/calendars/chairs.ics", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status == 304
        assert (await http.get("/calendars/chairs.ics", headers={"If-None-Match": "*"})).status == 304
        await http.delete(f"/api/slots/{slot}", headers=staff)
        changed = await http.get("/calendars/chairs.ics", headers={"If-None-Match": first.headers["ETag"]})
        assert changed.status == 200
        events = [_shown(await page.read()) for page in (first, changed)]
        assert events == [[(slot, "CONFIRMED")], [(slot, "CANCELLED")]]


def test_a_feed_goes_back_for_a_month(tmp_path: Path) -> None:
    """Slots before that are over for calendar programs too; slots more than a year ahead are left out."""
    with Server(tmp_path, settings={"SLOTCAST_DEMO": "0"}) as server:
        token = server.command("token", "--scope", "staff").strip()
        server.command("calendar", "create", "chairs")
        asyncio.run(_look_around(server.url, token))


async def _look_around(url: str, token: str) -> None:
    staff = {"Authorization": f"Bearer {token}", "Idempotency-Key": "around"}
    starts = [TOMORROW + timedelta(days=days) for days in (-35, -29, 360, 370)]
    slots = [{"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()} for start in starts]
    async with aiohttp.ClientSession(url, raise_for_status=True) as http:
        answer = await http.post("/api/calendars/chairs/slots", json={"slots": slots}, headers=staff)
        opened = [slot["id"] for slot in json.loads(await answer.text())["slots"]]
        page = await http.get("/calendars/chairs.ics")
        assert [slot for slot, _ in _shown(await page.read())] == opened[1:3]


def _shown(feed: bytes) -> list[tuple[str, str]]:
    calendar = icalendar.Calendar.from_ical(feed)
    return [(str(event["UID"]), str(event["STATUS"])) for event in calendar.walk("VEVENT")]
