"""Servers with a Redis: changes go by it, and go on without it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.support import Api, Client, Server, Viewer, eventually
from tests.support.databases.postgres import Postgres
from tests.support.databases.redis import Redis
from tests.support.example import in_days

CHANGES = 30
NOTICED_SECONDS = 8.0  # five, and three for a busy machine


@pytest.fixture
def servers(tmp_path: Path, postgres: Postgres, redis: Redis) -> Iterator[list[Server]]:
    database = postgres.new_url()
    settings = {"SLOTCAST_REDIS": redis.url, "SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}
    with ExitStack() as stack:
        yield [stack.enter_context(Server(tmp_path, database=database, settings=settings)) for _ in range(2)]


async def degraded(api: Api) -> list[str]:
    """Return the parts that a ready server names."""
    answer = await api.ask("GET", "/readyz")
    assert answer.status == 200
    names: list[str] = answer.body["degraded"]
    return names


async def metric(api: Api, name: str) -> float:
    text = (await api.ask("GET", "/metrics")).raw.decode()
    return float(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split(" ")[1])


async def test_changes_reach_the_other_server_with_and_without_redis(servers: list[Server], redis: Redis) -> None:
    """Every change arrives once and in order while Redis is there, dies, freezes, and comes back."""
    token = servers[0].command("token", "--scope", "staff").strip()
    async with Api(servers[0].url, token) as here, Api(servers[1].url) as there, Client(servers[1].url) as watcher:
        await eventually(lambda: _is_whole(here, there), what="servers that hear each other")
        await here.post("/api/calendars", id="room", name="Room", zone="UTC")
        (slot,) = (await here.post("/api/calendars/room/slots", slots=[{"start": in_days(1), "end": in_days(2)}]))[
            "slots"
        ]
        viewer = await watcher.watch("room")

        async def change(count: int) -> list[float]:
            """Make changes, and return the seconds until each has arrived."""
            found = []
            for number in range(len(viewer.applied) + 1, len(viewer.applied) + 1 + count):
                await here.ask("PATCH", f"/api/slots/{slot['id']}", {"data": {"n": number}})
                answered = time.time()
                await eventually(partial(has_applied, viewer, number), what=f"change {number}")
                found.append(watcher.arrivals[-1] - answered)
            return found

        by_redis = await change(CHANGES)
        print("by Redis", [f"{1_000 * late:.1f}" for late in sorted(by_redis)], "ms after the answer")
        assert await metric(there, "slotcast_heard_changes_total") >= CHANGES
        for stop, begin in ((redis.kill9, redis.start), (redis.freeze, redis.thaw)):
            began = time.monotonic()
            stop()
            await change(3)
            await eventually(lambda: _is_deaf(there), what="the loss")
            assert time.monotonic() - began < NOTICED_SECONDS, "with the changes between"
            assert await metric(there, "slotcast_redis_deaf") == 1
            await change(CHANGES)
            begin()
            await eventually(lambda: _is_whole(here, there), what="Redis again")
            await change(3)
        assert [one["seq"] for one in watcher.changes] == list(range(2, len(viewer.applied) + 2))


def has_applied(viewer: Viewer, count: int) -> bool:
    return len(viewer.applied) == count


async def _is_whole(*apis: Api) -> bool:
    return all([await degraded(api) == [] for api in apis])


async def _is_deaf(api: Api) -> bool:
    return await degraded(api) == ["redis"]


async def test_a_change_of_the_command_line_goes_by_redis(servers: list[Server]) -> None:
    async with Api(servers[1].url) as there, Client(servers[1].url) as watcher:
        await asyncio.to_thread(servers[0].command, "calendar", "create", "room", "--zone", "UTC")
        viewer = await watcher.watch("room")
        before = await metric(there, "slotcast_heard_changes_total")
        await asyncio.to_thread(servers[0].command, "slot", "open", "room", in_days(1), in_days(2))
        await eventually(lambda: len(viewer.applied) == 1, what="the change")
        await eventually(lambda: _has_heard(there, before), what="the row")


async def _has_heard(api: Api, before: float) -> bool:
    return await metric(api, "slotcast_heard_changes_total") > before
