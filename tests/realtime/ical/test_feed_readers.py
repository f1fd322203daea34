"""The iCalendar feed, read by the real vdirsyncer and the real khal."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar
import pytest

from tests.support import Api, Server

_PAIR = """
[general]
status_path = "{folder}/status"

[pair feed]
a = "remote"
b = "local"
collections = null

[storage remote]
type = "http"
url = "{url}"

[storage local]
type = "filesystem"
path = "{folder}/events"
fileext = ".ics"
"""
_KHAL = """
[calendars]
[[feed]]
path = {folder}/events

[locale]
local_timezone = UTC
default_timezone = UTC
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M

[sqlite]
path = {folder}/khal.db
"""
_FIRST = (datetime.now(UTC) + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)


class _Reader:
    """A folder with one feed: vdirsyncer copies it, khal lists it."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        (folder / "events").mkdir()
        (folder / "vdirsyncer").write_text(_PAIR.format(folder=folder, url=url))
        (folder / "khal").write_text(_KHAL.format(folder=folder))
        self._run("vdirsyncer", "-c", f"{folder}/vdirsyncer", "discover")

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", program, *arguments],
            env=os.environ | {"HOME": str(self._folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            input="",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        print(done.stdout, done.stderr)
        assert done.returncode == 0
        return done.stdout

    def sync(self) -> list[tuple[datetime, str]]:
        """Copy the feed once; return start and STATUS of each copied event. vdirsyncer gives it a UID of its own."""
        self._run("vdirsyncer", "-c", f"{self._folder}/vdirsyncer", "sync")
        found = []
        for file in (self._folder / "events").glob("*.ics"):
            (event,) = icalendar.Calendar.from_ical(file.read_bytes()).walk("VEVENT")
            found.append((event.decoded("DTSTART"), str(event["STATUS"])))
        return sorted(found)

    def listed(self) -> list[str]:
        """Return khal's line of each event of the next ten days."""
        window = (f"{_FIRST:%Y-%m-%d}", "10d")
        shown = self._run("khal", "-c", f"{self._folder}/khal", "list", "--day-format", "", "--format",
                          "{start-time} {end-time} {title}", *window)  # fmt: skip
        return [line for line in shown.splitlines() if line.strip()]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "--no-demo", "--rate", "0") as server:
        yield server


def test_vdirsyncer_and_khal_keep_every_event(shop: Server, tmp_path: Path) -> None:
    """Each slot becomes one file and one line; a second copy finds nothing new, and a removed slot shows as such."""
    (tmp_path / "reader").mkdir()
    starts = [_FIRST + timedelta(minutes=30 * place) for place in range(33)]
    slots = asyncio.run(_open(shop, starts))
    reader = _Reader(tmp_path / "reader", f"{shop.url}/calendars/chairs.ics")
    assert reader.sync() == [(start, "CONFIRMED") for start in starts]
    assert len(reader.listed()) == 33
    assert reader.listed()[0] == "09:00 09:30 Free"
    asyncio.run(_book_and_remove(shop, slots[0], slots[1]))
    changed = [(start, "CANCELLED" if start == starts[1] else "CONFIRMED") for start in starts]
    assert reader.sync() == changed
    assert reader.listed()[0] == "09:00 09:30 Booked"
    assert reader.sync() == changed


async def _open(server: Server, starts: list[datetime]) -> list[str]:
    server.command("calendar", "create", "chairs")
    token = server.command("token", "--scope", "staff").strip()
    slots = [{"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()} for start in starts]
    async with Api(server.url, token) as api:
        opened = await api.post("/api/calendars/chairs/slots", slots=slots)
    return [slot["id"] for slot in opened["slots"]]


async def _book_and_remove(server: Server, booked: str, removed: str) -> None:
    token = server.command("token", "--scope", "staff").strip()
    async with Api(server.url, token) as api:
        await api.post(f"/api/slots/{booked}/bookings", customer={"name": "Ada"})
        assert (await api.ask("DELETE", f"/api/slots/{removed}")).code == "ok"


def test_vdirsyncer_and_khal_read_a_staff_feed_by_its_key(shop: Server, tmp_path: Path) -> None:
    """A private address is an ordinary URL: each booking is one file, and one line with its customer."""
    (tmp_path / "reader").mkdir()
    slots = asyncio.run(_open(shop, [_FIRST, _FIRST + timedelta(minutes=30)]))
    asyncio.run(_book_and_remove(shop, slots[0], slots[1]))
    path = shop.command("feed", "create", "chairs", "--bookings").strip()
    reader = _Reader(tmp_path / "reader", f"{shop.url}{path}")
    assert reader.sync() == [(_FIRST, "CONFIRMED")]
    assert reader.listed() == ["09:00 09:30 Ada"]
    assert reader.sync() == [(_FIRST, "CONFIRMED")]
