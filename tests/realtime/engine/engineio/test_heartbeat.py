"""Heartbeats: one timer sends an empty packet to every connection that asks."""

import asyncio

from realtime.engine.engineio.heartbeat import Heartbeat
from tests.support import eventually

INTERVAL_SECONDS = 0.02


class CountingConnection:
    """A connection that counts its heartbeats."""

    def __init__(self) -> None:
        self.count = 0

    def beat(self) -> None:
        self.count += 1


async def test_every_added_connection_gets_heartbeats() -> None:
    """A discarded one gets no more, and a stopped timer starts again with the next connection."""
    heartbeat = Heartbeat(INTERVAL_SECONDS)
    first, second = CountingConnection(), CountingConnection()
    heartbeat.add(first)
    heartbeat.add(second)
    await eventually(lambda: min(first.count, second.count) >= 2)
    heartbeat.discard(first)
    before = first.count
    after = second.count + 2
    await eventually(lambda: second.count >= after)
    assert first.count == before
    heartbeat.stop()
    heartbeat.add(first)
    await eventually(lambda: first.count > before)
    heartbeat.stop()


async def test_the_timer_ends_without_connections() -> None:
    """An idle server has no timer for heartbeats."""
    heartbeat, connection = Heartbeat(INTERVAL_SECONDS), CountingConnection()
    heartbeat.add(connection)
    heartbeat.discard(connection)
    await eventually(lambda: heartbeat._timer is None)
    assert connection.count == 0
    await asyncio.sleep(0)
