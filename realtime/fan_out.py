"""The last step to the clients: one packet, many connections, the loop let go in between.

Encoding happened before; here is only the writing. A slice lasts 5 ms at most, so that pings, acks and other rooms
get their turn while thousands are written to. It is counted, not timed: uvloop only notes what is written, and hands
it to the kernel at the end of the loop's turn, so a clock read here would miss nine tenths of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from realtime.engine import Outlet, Packet, write_all

SLICE_SECONDS = 0.005
CONNECTIONS_A_SLICE = 256  # of 8 us each, for a small packet
BYTES_A_SLICE = 4_000_000  # the kernel copies 1 to 2 GB a second


async def write_sliced(outlets: Sequence[Outlet], packet: Packet) -> None:
    """Writes the packet to every connection, in order; whoever has gone in between is passed over."""
    size = sum(len(event.payload) for event in packet.events) or 1
    count = max(8, min(CONNECTIONS_A_SLICE, BYTES_A_SLICE // size))
    for place in range(0, len(outlets), count):
        if place:
            await asyncio.sleep(0)
        write_all(outlets[place : place + count], packet)
