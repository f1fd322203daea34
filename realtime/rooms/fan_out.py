"""The last step to the clients: one packet, many connections, the loop let go in between.

Encoding happened before; here is only the writing. A slice lasts 5 ms at most, so that pings, acks and other rooms
get their turn while thousands are written to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from realtime.engine import ConnectionWriter, Packet, write_all

SLICE_SECONDS = 0.005
CONNECTIONS_A_LOOK = 64  # at the clock: of 6 us each, for a small packet
BYTES_A_LOOK = 1_000_000  # the kernel copies 1 to 2 GB a second


async def write_sliced(connections: Sequence[ConnectionWriter], packet: Packet) -> None:
    """Writes the packet to every connection, in order; whoever has gone in between is passed over."""
    size = sum(len(event.payload) for event in packet.events) or 1
    count = max(1, min(CONNECTIONS_A_LOOK, BYTES_A_LOOK // size))
    until = time.perf_counter() + SLICE_SECONDS
    for place in range(0, len(connections), count):
        if time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE_SECONDS
        write_all(connections[place : place + count], packet)
