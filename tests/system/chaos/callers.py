"""The callers of the chaos: shops that send commands at random, and know what was answered."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from typing import Self

from tests.models.database_audit import query
from tests.support import eventually
from tests.system.chaos.cluster import PATIENCE_SECONDS, Cluster
from tests.system.scenario import Ask, Shop, staff_client

ANSWERS_AFTERWARDS = 5
MOST_SLOTS = 40


class Callers:
    """Two shops of each calendar: one asks over HTTP, one over Socket.IO."""

    def __init__(self, cluster: Cluster, calendars: Sequence[str], seed: int, pause_seconds: float) -> None:
        self._cluster = cluster
        self._stack = AsyncExitStack()
        places = [(calendar, first) for calendar in calendars for first in range(2)]
        self._shops = [
            Shop(
                cluster,
                cluster.token,
                seed + place,
                calendar=calendar,
                first=first,
                step=2,
                most_slots=MOST_SLOTS,
                pause_seconds=pause_seconds,
            )
            for place, (calendar, first) in enumerate(places)
        ]
        self._asks: list[Ask] = []

    async def __aenter__(self) -> Self:
        for place, shop in enumerate(self._shops):
            if place % 2:
                self._asks.append(shop.over_http)
            else:
                client = await self._stack.enter_async_context(staff_client(self._cluster, self._cluster.token))
                self._asks.append(shop.over(client))
            await shop.open_slots(self._asks[-1], 10)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def call_during(self, happening: Awaitable[object]) -> float:
        """Send commands until the faults are over and each shop has some more answers; return the longest time."""
        calls = []
        for shop, ask in zip(self._shops, self._asks, strict=True):
            shop.is_closing, shop.longest_seconds = False, 0.0
            calls.append(asyncio.create_task(shop.keep_busy(ask)))
        await happening
        enough = [shop.answered + ANSWERS_AFTERWARDS for shop in self._shops]

        def is_enough() -> bool:
            return all(shop.answered >= count for shop, count in zip(self._shops, enough, strict=True)) or any(
                call.done() for call in calls
            )

        await eventually(is_enough, PATIENCE_SECONDS, "answers")
        for shop in self._shops:
            shop.is_closing = True
        await asyncio.gather(*calls)
        return max(shop.longest_seconds for shop in self._shops)

    def check(self) -> None:
        """The database has the answered bookings and slots, and no others: each command was done once."""
        for table, answered in (
            ("booking", [shop.bookings for shop in self._shops]),
            ("slot", [shop.slots for shop in self._shops]),
        ):
            found = {str(name) for (name,) in query(self._cluster.database, f"SELECT id FROM {table}")}
            assert found == set().union(*answered), table
