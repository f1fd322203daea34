"""The timer behind all pings."""

import asyncio
import itertools
import time
from typing import Any, cast

from realtime.engine import Connection
from realtime.engine.engineio.ping_timer import PingTimer
from tests.support import eventually

PING_SECONDS = 0.002


class Slow:
    """A connection with a slow ping."""

    ping_slot, deadline, is_pinged, is_open = -1, 0.0, False, True

    def __init__(self, pinged: list["Slow"]) -> None:
        self.pinged = pinged

    def ping(self) -> None:
        self.pinged.append(self)
        until = time.perf_counter() + PING_SECONDS
        while time.perf_counter() < until:
            pass


async def test_the_timer_yields_when_thousands_are_due() -> None:
    """With thousands due at once, the timer yields to the loop every few milliseconds and forgets no connection."""
    pinged: list[Slow] = []
    ping_timer, slow = PingTimer(0.08, 10.0), [Slow(pinged) for _ in range(50)]
    for connection in slow:
        ping_timer.add(cast("Connection", connection))
    seen: list[int] = []

    async def watch() -> None:
        while True:
            await asyncio.sleep(0)
            seen.append(len(pinged))

    watching: asyncio.Task[Any] = asyncio.create_task(watch())
    await eventually(lambda: len(pinged) == 50)
    watching.cancel()
    ping_timer.stop()
    assert set(pinged) == set(slow)
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) <= 4
