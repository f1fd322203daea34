"""The last step to the clients: one packet, many connections, the loop let go in between.

Encoding happened before; here is only the writing. A slice lasts 5 ms at most, so that pings, acks and other rooms
get their turn while thousands are written to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from realtime.engine import Outlet, Packet, write_all

SLICE_SECONDS = 0.005
_CLOCKED_EVERY = 64  # connections between two looks at the clock: about 0.5 ms


async def write_sliced(outlets: Sequence[Outlet], packet: Packet) -> None:
    """Writes the packet to every connection, in order; whoever has gone in between is passed over."""
    until = time.perf_counter() + SLICE_SECONDS
    for place in range(0, len(outlets), _CLOCKED_EVERY):
        if place and time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE_SECONDS
        write_all(outlets[place : place + _CLOCKED_EVERY], packet)
