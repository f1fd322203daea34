"""The last step to the clients: writes one encoded packet to many connections, in slices.

A slice lasts 5 ms at most. Between slices the loop runs pings, acks and other rooms.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from realtime.engine import ConnectionWriter, Packet, write_all

SLICE_SECONDS = 0.005
CONNECTIONS_A_CHECK = 64  # of the clock: 6 us each, for a small packet
BYTES_A_CHECK = 2_500_000  # the kernel takes 3 GB a second or more


async def write_sliced(connections: Sequence[ConnectionWriter], packet: Packet) -> None:
    """Write the packet to every connection, in order. A connection that has closed meanwhile is skipped."""
    size = sum(len(event.payload) for event in packet.events) or 1
    count = max(1, min(CONNECTIONS_A_CHECK, BYTES_A_CHECK // size))
    until = time.perf_counter() + SLICE_SECONDS
    for first in range(0, len(connections), count):
        if time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE_SECONDS
        write_all(connections[first : first + count], packet)
