"""Subscribers in each of the seven ways that come back by their cursors, and a staff request that is repeated."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import cycle

import aiohttp

from tests.support.clients.client import Api, new_key
from tests.support.clients.replica import Gap
from tests.support.clients.transport import TRANSPORTS, Subscriber
from tests.support.eventually import eventually
from tests.support.example import in_days

PATIENCE_SECONDS = 60.0
_RETRY_SECONDS = 0.05
_log = logging.getLogger(__name__)


async def follow(
    way: str,
    http: aiohttp.ClientSession,
    urls: Sequence[str],
    calendar: str,
    seen: Subscriber,
    *,
    obeys_retry: bool = False,
) -> None:
    """Follow the calendar, and reconnect by the cursor to the next server after each end; a gap fails the test.

    A stream that `obeys_retry` waits before it comes back for as long as it was told, as EventSource does.
    """
    for url in cycle(urls):
        try:
            async with aclosing(TRANSPORTS[way](http, url, calendar, seen.cursor)) as messages:
                async for message in messages:
                    seen.take(message)
        except Gap as gap:
            raise AssertionError(f"{way} misses a change: {gap}, after {list(seen.heard)}") from gap
        except Exception:  # the possible errors of a client of a killed server
            _log.debug("%s comes back", way)
        await asyncio.sleep((obeys_retry and seen.retry_seconds) or _RETRY_SECONDS)


@asynccontextmanager
async def following(*urls: str, calendar: str) -> AsyncIterator[dict[str, Subscriber]]:
    """Subscribe in each of the seven ways; each subscriber has its snapshot."""
    subscribers = {way: Subscriber() for way in TRANSPORTS}
    async with aiohttp.ClientSession() as http:
        tasks = [asyncio.create_task(follow(way, http, urls, calendar, one)) for way, one in subscribers.items()]
        await eventually(lambda: all(one.snapshots for one in subscribers.values()), PATIENCE_SECONDS, "the snapshots")
        yield subscribers
        for task in tasks:
            task.cancel()
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(done, asyncio.CancelledError), done


async def all_have(subscribers: dict[str, Subscriber], seq: int) -> None:
    """Wait until each has every change up to this one."""
    await eventually(lambda: all(one.have == seq for one in subscribers.values()), PATIENCE_SECONDS, f"change {seq}")


async def open_slot(api: Api, calendar: str, day: float) -> None:
    """Open a slot so many days from now, and try again with the same key where no server answers."""
    slot, key = {"start": in_days(day), "end": in_days(day + 0.01)}, new_key()

    async def is_open() -> bool:
        try:
            return (await api.ask("POST", f"/api/calendars/{calendar}/slots", {"slots": [slot]}, key=key)).code == "ok"
        except aiohttp.ClientError:
            return False

    await eventually(is_open, PATIENCE_SECONDS, "an answer")
