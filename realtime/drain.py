"""The drain before a stop: clients leave one after another, so that they do not all reconnect in the same moment.

First only `/readyz` says that the server stops, so that a load balancer sends new clients elsewhere. Then each client
is closed at a random time. Requests are answered as ever.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable

from realtime.engine import SocketServer
from realtime.engine.engineio.connection import EngineConnection
from realtime.transports.stream import Stream, Streams

NOTICE_SECONDS = 3.0  # until load balancers have asked /readyz twice; at most half of the drain
STEP_SECONDS = 0.2  # on average, between two groups of clients


class Drain:
    """`run` closes the clients; `refuse` is called once new ones are refused."""

    def __init__(self, sockets: SocketServer, streams: Streams, refuse: Callable[[], None]) -> None:
        self._sockets = sockets
        self._streams = streams
        self._refuse = refuse

    async def run(self, seconds: float) -> None:
        """Close all clients within so many seconds, or sooner if there are none."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        await self._wait(min(NOTICE_SECONDS, seconds / 2))
        self._refuse()
        self._streams.refuses = True
        clients: list[EngineConnection | Stream] = [*self._sockets.eio.sockets.values(), *self._streams.open]
        random.shuffle(clients)
        while clients:
            groups = max(1, int((until - loop.time()) / STEP_SECONDS))
            count = math.ceil(len(clients) / groups)
            await self._close(clients[:count])
            del clients[:count]
            await asyncio.sleep(min(random.uniform(0.5, 1.5) * STEP_SECONDS, max(0.0, until - loop.time())))  # noqa: S311 - a pause

    async def _wait(self, seconds: float) -> None:
        """Wait, or not if nobody is there."""
        if self._sockets.eio.sockets or self._streams.open:
            await asyncio.sleep(seconds)

    async def _close(self, clients: list[EngineConnection | Stream]) -> None:
        await self._sockets.eio.close_some([one for one in clients if isinstance(one, EngineConnection)])
        for one in clients:
            if not isinstance(one, EngineConnection):
                one.close_for_drain()
