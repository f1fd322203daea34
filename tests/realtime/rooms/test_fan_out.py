"""Fan-out writes a packet to every connection, in slices."""

import asyncio

import pytest

from realtime.engine import Event, Packet
from realtime.rooms import fan_out
from tests.realtime.room_stack import RecordingConnection


async def test_the_loop_runs_between_the_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection gets the packet once, and other tasks run before the last one has it."""
    monkeypatch.setattr(fan_out, "SLICE_SECONDS", 0)
    connections = [RecordingConnection() for _ in range(3 * fan_out.CONNECTIONS_A_CHECK)]
    counts: list[int] = []

    async def count() -> None:
        counts.append(sum(len(connection.writes) for connection in connections))

    counting = asyncio.create_task(count())
    await fan_out.write_sliced(connections, Packet([Event("/", b'"event"', b"1")]))
    await counting
    assert counts[0] < len(connections)
    assert all(connection.writes == [b"1\n"] for connection in connections)
