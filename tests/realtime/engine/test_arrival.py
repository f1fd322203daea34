"""The arrival of the request under way."""

import asyncio
import time

from realtime.engine.arrival import ARRIVAL, arrived


async def test_an_arrival_is_that_of_its_own_task() -> None:
    """A task that has noted none arrives now; one that has noted it keeps it, and no other task sees it."""

    async def request(at: float) -> float:
        ARRIVAL.set(at)
        await asyncio.sleep(0)
        return arrived()

    assert await asyncio.gather(*[asyncio.create_task(request(at)) for at in (1.0, 2.0)]) == [1.0, 2.0]
    before = time.monotonic()
    assert before <= arrived() <= time.monotonic()
