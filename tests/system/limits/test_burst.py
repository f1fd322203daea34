"""A year of opening hours, set at once from the command line, while people look."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from tests.support import Server, eventually
from tests.support.clients.transport import Subscriber, by_plain_socket

CALENDAR = "year"
WATCHERS = 50
WEEK = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}


async def _watch(http: aiohttp.ClientSession, url: str, opened: int, watcher: Subscriber) -> None:
    """Stays on one connection until it has every slot."""
    async with aclosing(by_plain_socket(http, url, CALENDAR, None)) as messages:
        async for message in messages:
            watcher.take(message)
            if len(watcher.slots) >= opened:
                return


async def _watch_all(url: str, opened: int, seated: asyncio.Future[None]) -> list[Subscriber]:
    async with aiohttp.ClientSession() as http:
        watchers = [Subscriber() for _ in range(WATCHERS)]
        looking = [asyncio.create_task(_watch(http, url, opened, watcher)) for watcher in watchers]
        await eventually(lambda: all(watcher.snapshots for watcher in watchers), what="everyone's snapshot")
        seated.set_result(None)
        await asyncio.gather(*looking)
        return watchers


def test_a_year_of_slots_closes_no_subscriber(tmp_path: Path) -> None:
    """4,000 slots are opened at once: every subscriber stays connected and gets all of them, in order."""
    hours = {
        "windows": [WEEK],
        "slot_minutes": 30,
        "from": (datetime.now(UTC) + timedelta(days=1)).date().isoformat(),
        "horizon_days": 366,
    }
    file = tmp_path / "hours.json"
    file.write_text(json.dumps(hours))
    with Server(tmp_path, "--no-demo") as server:
        server.command("calendar", "create", CALENDAR, "--zone", "Europe/Vienna")
        preview = server.command("calendar", "schedule", CALENDAR, str(file), "--preview")
        opened = int(preview.split()[0])
        assert opened > 4_000
        watchers = asyncio.run(_run(server, str(file), opened))
        assert all(watcher.applied == list(range(1, watcher.have + 1)) for watcher in watchers)
        assert all(watcher.slots == watchers[0].slots for watcher in watchers)
        assert all(watcher.snapshots == 1 for watcher in watchers)


async def _run(server: Server, file: str, opened: int) -> list[Subscriber]:
    seated: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    watching = asyncio.create_task(_watch_all(server.url, opened, seated))
    await seated
    said = await asyncio.to_thread(server.command, "calendar", "schedule", CALENDAR, file)
    assert said.startswith(f"{opened} slots opened")
    return await watching
