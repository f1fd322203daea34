"""One cursor for every transport: a subscriber changes its transport all the time, under writes and kills."""

import asyncio
import random
from collections import Counter
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import socketio
import socketio.exceptions

from tests.support.clients.replica import Message
from tests.support.clients.transport import ANSWER_SECONDS, TRANSPORTS, Subscriber
from tests.support.server import Server

HOPS = 200
KILLS = 3
CALENDAR = "hops"
_TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
_LOST = (OSError, aiohttp.ClientError, socketio.exceptions.SocketIOError, TimeoutError, ValueError)


def test_a_client_of_changing_transports_applies_each_seq_once(tmp_path: Path) -> None:
    """200 hops between seven transports, under writes and three kills: no seq is missed, repeated or out of order."""
    with Server(tmp_path, settings={"SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}, may_crash=True) as server:
        server.command("calendar", "create", CALENDAR)
        token = server.command("token", "--scope", "staff").strip()
        asyncio.run(_hop(server, token))


def test_a_cursor_of_before_the_first_change_resumes_on_every_transport(tmp_path: Path) -> None:
    """A client of an untouched calendar gets all its changes, and no snapshot, also after a kill."""
    with Server(tmp_path, settings={"SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}, may_crash=True) as server:
        server.command("calendar", "create", CALENDAR)
        token = server.command("token", "--scope", "staff").strip()
        asyncio.run(_begin(server, {"Authorization": f"Bearer {token}"}))


async def _begin(server: Server, staff: dict[str, str]) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as http:
        before = await _snapshot(http, server.url)
        assert before["seq"] == 0
        for number in range(3):
            await _post(http, f"{server.url}/api/calendars/{CALENDAR}/slots", _slot(number), staff, f"open-{number}")
        for _ in range(2):
            for way in TRANSPORTS:
                watcher = Subscriber()
                watcher.take(before)
                await _stay(way, http, server.url, watcher, changes=3)
                assert (watcher.applied, watcher.snapshots) == ([1, 2, 3], 1), way
            await asyncio.to_thread(server.kill9)
            await asyncio.to_thread(server.start)


async def _hop(server: Server, token: str) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as http:
        watcher, hops = Subscriber(), Counter[str]()
        writing = asyncio.create_task(_write(http, server.url, {"Authorization": f"Bearer {token}"}))
        chance = random.Random(7)
        kills = {HOPS * place // (KILLS + 1) for place in range(1, KILLS + 1)}
        while hops.total() < HOPS:
            way = chance.choice(list(TRANSPORTS))
            with suppress(*_LOST):
                await _stay(way, http, server.url, watcher, changes=chance.randint(1, 4))
                hops[way] += 1
            if hops.total() in kills:
                kills.discard(hops.total())
                await asyncio.to_thread(server.kill9)
                await asyncio.to_thread(server.start)
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        # A write under way may still be done after its caller has gone.
        while (snapshot := await _snapshot(http, server.url))["seq"] != watcher.have:
            await _stay("long poll", http, server.url, watcher, changes=1)
    assert set(hops) == set(TRANSPORTS)
    assert watcher.snapshots == 1, "every hop but the first resumes"
    assert watcher.applied == list(range(watcher.applied[0], watcher.have + 1))
    assert watcher.have == snapshot["seq"]
    assert watcher.slots == {slot["id"]: slot for slot in snapshot["slots"]}


async def _stay(way: str, http: aiohttp.ClientSession, url: str, watcher: Subscriber, *, changes: int) -> None:
    """Follows by this way until some changes were applied, then goes without a word."""
    enough = len(watcher.applied) + changes
    async with (
        asyncio.timeout(ANSWER_SECONDS),
        aclosing(TRANSPORTS[way](http, url, CALENDAR, watcher.cursor)) as messages,
    ):
        async for message in messages:
            watcher.take(message)
            if len(watcher.applied) >= enough:
                return


async def _write(http: aiohttp.ClientSession, url: str, staff: dict[str, str]) -> None:
    """Open, hold, free and remove; go on with the next number whatever became of the last."""
    number = 0
    while True:
        number += 1
        with suppress(*_LOST):
            opened = await _post(http, f"{url}/api/calendars/{CALENDAR}/slots", _slot(number), staff, f"open-{number}")
            slot = opened["slots"][0]["id"]
            held = (await _post(http, f"{url}/api/slots/{slot}/holds", {}, staff, f"hold-{number}"))["hold"]
            release = f"{url}/api/holds/{held['id']}/release"
            await _post(http, release, {"token": held["token"]}, staff, f"free-{number}")
            if number % 3:
                async with http.delete(f"{url}/api/slots/{slot}", headers=staff) as response:
                    response.raise_for_status()
        await asyncio.sleep(0.005)


def _slot(number: int) -> Message:
    start = _TOMORROW + timedelta(minutes=number)
    return {"slots": [{"start": start.isoformat(), "end": (start + timedelta(seconds=30)).isoformat()}]}


async def _post(
    http: aiohttp.ClientSession, url: str, body: Message, headers: dict[str, str], key: str
) -> dict[str, Any]:
    async with http.post(url, json=body, headers={**headers, "Idempotency-Key": key}) as response:
        response.raise_for_status()
        answer: dict[str, Any] = await response.json()
        return answer


async def _snapshot(http: aiohttp.ClientSession, url: str) -> Message:
    async with http.get(f"{url}/api/calendars/{CALENDAR}/slots") as response:
        found: Message = await response.json()
        return found
