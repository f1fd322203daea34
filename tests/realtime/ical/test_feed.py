"""The iCalendar feed over HTTP, from a real server."""

import asyncio
import gzip
import json
import re
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import aiohttp
import icalendar

from models.contract.commands.calendars import SetSchedule
from models.service import SlotService
from realtime.ical.icalendar import write_calendar
from tests.models.driver import EVER, STAFF, Driver, FakeClock, new_key
from tests.support import Api, eventually
from tests.support.databases import backup
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


def test_a_key_reads_a_private_calendar_until_it_is_revoked(tmp_path: Path) -> None:
    """Its path is made on the command line, reads as its scope says, and is in no log."""
    with Server(tmp_path, "--no-demo", "--log-level", "debug") as server:
        token = server.command("token", "--scope", "staff").strip()
        server.command("calendar", "create", "chairs", "--private")
        slots, bookings = (
            server.command("feed", "create", "chairs", *more).strip() for more in ((), ("--bookings", "--name", "Ada"))
        )
        asyncio.run(_read_privately(server, token, slots, bookings))
        keys = [path.partition("key=")[2] for path in (slots, bookings)]
        assert [key for key in keys if key in server.log] == []


async def _read_privately(server: Server, token: str, slots: str, bookings: str) -> None:
    async with Api(server.url, token) as staff, Api(server.url) as guest:
        (slot,) = (await staff.post("/api/calendars/chairs/slots", slots=OPENED))["slots"]
        customer = {"name": "Ada", "note": "D:\\Nina"}
        booked = (await staff.post(f"/api/slots/{slot['id']}/bookings", customer=customer))["booking"]
        public = await guest.ask("GET", slots)
        assert (public.code, _shown(public.raw)) == ("ok", [(slot["id"], "CONFIRMED")])
        assert b"Ada" not in public.raw
        private = await guest.ask("GET", bookings)
        assert _shown(private.raw) == [(booked["id"], "CONFIRMED")]
        assert b"SUMMARY:Ada" in private.raw
        assert (await guest.ask("GET", "/calendars/chairs.ics?key=other")).code == "not_found"
        assert (await guest.ask("GET", f"/calendars/other.ics?{bookings.partition('?')[2]}")).code == "not_found"
        await _hold_file(server, booked)
        for feed in (await staff.get("/api/calendars/chairs/feeds"))["feeds"]:
            assert (await staff.ask("DELETE", f"/api/feeds/{feed['id']}")).code == "ok"
        assert (await guest.ask("GET", bookings)).code == "not_found"


async def _hold_file(server: Server, booked: dict[str, str]) -> None:
    """The holder's file publishes the booking, and cancels it once it is cancelled."""
    path, proof = f"/api/bookings/{booked['id']}.ics", {"Booking-Token": booked["token"]}
    async with aiohttp.ClientSession(server.url) as http:
        assert (await http.get(path)).status == 401
        first = await (await http.get(path, headers=proof)).text()
        cancelled = await http.post(
            f"/api/bookings/{booked['id']}/cancel",
            json={"token": booked["token"]},
            headers={"Idempotency-Key": "the-key-of-a-guest-in-a-test"},
        )
        assert cancelled.status == 200
        second = await (await http.get(path, headers=proof)).text()
        proxied = await (await http.get(path, headers=proof | {"X-Forwarded-Proto": "https"})).text()
    assert f"URL:{server.url}/c/chairs" in first
    assert f"URL:{server.url}/c/chairs" in proxied  # nobody has named the proxy
    assert ("METHOD:PUBLISH" in first, "METHOD:CANCEL" in second) == (True, True)


def test_a_feed_is_compressed_cut_and_shared(tmp_path: Path) -> None:
    """gzip, Cache-Control, CORS as for /api, `from` and `to`, and `merge` over HTTP."""
    with Server(tmp_path, "--no-demo", "--origins", "https://shop.example") as server:
        token = server.command("token", "--scope", "staff").strip()
        server.command("calendar", "create", "chairs")
        asyncio.run(_look_closely(server.url, token))


async def _look_closely(url: str, token: str) -> None:
    staff = {"Authorization": f"Bearer {token}"}
    times = [TOMORROW + timedelta(minutes=30 * place) for place in range(5)]
    slots = [{"start": a.isoformat(), "end": b.isoformat()} for a, b in pairwise(times)]
    async with aiohttp.ClientSession(url, raise_for_status=True, auto_decompress=False) as http:
        await http.post("/api/calendars/chairs/slots", json={"slots": slots}, headers={**staff, "Idempotency-Key": "1"})
        origin = {"Origin": "https://shop.example"}
        zipped = await http.get("/calendars/chairs.ics", headers={"Accept-Encoding": "br, gzip;q=0.5", **origin})
        plain = await http.get("/calendars/chairs.ics", headers={"Accept-Encoding": "gzip;q=0"})
        assert gzip.decompress(await zipped.read()) == await plain.read()
        assert zipped.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert "Origin" in zipped.headers["Vary"]
        assert "Accept-Encoding" in zipped.headers["Vary"]
        assert zipped.headers["Cache-Control"] == "public, max-age=60"
        assert (await http.get("/calendars/chairs.ics", headers=staff)).headers["Cache-Control"] == "private, no-cache"
        etags = {zipped.headers["ETag"], plain.headers["ETag"]}
        assert len(etags) == 2
        for etag in etags:
            assert (await http.get("/calendars/chairs.ics", headers={"If-None-Match": etag})).status == 304
        bare = {"Accept-Encoding": "identity"}
        merged = await http.get("/calendars/chairs.ics?merge=1", headers=bare)
        assert len(_shown(await merged.read())) == 1
        async with http.get("/calendars/chairs.ics?merge=yes", raise_for_status=False) as refused:
            assert (refused.status, json.loads(await refused.text())["details"]) == (400, {"field": "merge"})
        window = {"from": times[1].isoformat(), "to": times[2].isoformat()}
        some = await http.get("/calendars/chairs.ics", params=window, headers=bare)
        assert len(_shown(await some.read())) == 1


def test_no_sequence_falls_after_a_restore(tmp_path: Path) -> None:
    """An older copy put back under a running server has events no older than those that were served."""
    served, copied = (f"sqlite:///{tmp_path / name}.db" for name in ("served", "copied"))
    with Server(tmp_path, "--no-demo", database=served) as server:
        token = server.command("token", "--scope", "staff").strip()
        server.command("calendar", "create", "chairs")
        asyncio.run(_restore(server, token, served, copied))


async def _restore(server: Server, token: str, served: str, copied: str) -> None:
    async with Api(server.url, token) as staff:
        (slot,) = (await staff.post("/api/calendars/chairs/slots", slots=OPENED))["slots"]
        await asyncio.to_thread(backup.copy, served, copied)
        await wait_for_a_second()
        await staff.ask("PATCH", f"/api/slots/{slot['id']}", {"capacity": 2})
        before = _sequences((await staff.ask("GET", "/calendars/chairs.ics")).raw)
        await wait_for_a_second()
        await asyncio.to_thread(backup.copy, copied, served)
        after = _sequences((await staff.ask("GET", "/calendars/chairs.ics")).raw)
    assert before.keys() == after.keys() == {slot["id"]}
    assert after[slot["id"]] > before[slot["id"]]


async def wait_for_a_second() -> None:
    """Wait for the next second of the clock: SEQUENCE counts seconds."""
    second = int(time.time())
    await eventually(lambda: int(time.time()) > second, what="the next second")


def _sequences(feed: bytes) -> dict[str, int]:
    return {
        str(event["UID"]): int(str(event["SEQUENCE"])) for event in icalendar.Calendar.from_ical(feed).walk("VEVENT")
    }


def test_hours_that_moved_three_times_stay_under_a_megabyte(tmp_path: Path) -> None:
    """A year of half hours is whole; what was opened and removed meanwhile is cut, and the feed says so."""
    clock = FakeClock()
    service = SlotService(f"sqlite:///{tmp_path / 'slotcast.db'}", b"a secret of the tests", clock, "normal")
    service.open()
    try:
        Driver(service, clock).create()
        for hour in (8, 9, 10, 11):
            _set_hours(service, hour)
        found = service.feed("room", -EVER, EVER, most=20_000)
    finally:
        service.close()
    standing = [slot for slot in found.slots if slot.status == "open"]
    assert (len(standing), len(found.slots)) == (3_904, 3_904 + 3 * 244 * 2)
    written = write_calendar(found.info, found.slots, found.changed_at)
    assert len(written.text) <= 1_000_000
    assert written.text.count("SUMMARY:Free") == len(standing)
    assert re.fullmatch(r"\d+ removed slots are left out", written.cut)


def _set_hours(service: SlotService, hour: int) -> None:
    days = ["mon", "tue", "wed", "thu", "fri"]
    windows = [{"days": days, "start": f"{hour:02}:00", "end": f"{hour + 8:02}:00"}]
    schedule = {"windows": windows, "slot_minutes": 30, "capacity": 1, "from": "2027-01-01", "horizon_days": 340}
    service.run(SetSchedule(principal=STAFF, key=new_key(), calendar="room", schedule=schedule))
