"""Restarts in turn without any other fault: which kind of watcher is away for how long.

Only in the long form: `make chaos ARGS="-k restarts"`. `RESTARTS` sets another number than five.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Api
from tests.support.databases import redis
from tests.support.databases.postgres import Postgres
from tests.support.haproxy import NO_HAPROXY, PROGRAM
from tests.system.chaos.callers import Callers
from tests.system.chaos.cluster import Cluster
from tests.system.chaos.crowd import Crowd
from tests.system.chaos.faults import Faults
from tests.system.chaos.test_chaos import LONG, RESTART_SECONDS
from tests.system.chaos.time_away import TimeAway

KEPT_UP_SECONDS = 0.2  # the longest delay of a timer meanwhile, on a machine that is not busy with other programs
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason=NO_HAPROXY),
    pytest.mark.skipif(redis.PROGRAM is None, reason="no Redis or Valkey on this machine (Debian: redis-server)"),
]


@pytest.fixture
def cluster(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Iterator[Cluster]:
    if not request.config.getoption("--long"):
        pytest.skip("it takes a minute a restart: only with --long")
    with Cluster(
        tmp_path, postgres, workers=LONG.workers, check_seconds=LONG.check_seconds, drain_seconds=LONG.drain_seconds
    ) as cluster:
        yield cluster


async def test_restarts_take_no_watcher_away_for_long(cluster: Cluster, tmp_path: Path) -> None:
    """On a machine that keeps up, every watcher of every kind has each change within three seconds."""
    faults = Faults(cluster, 1, longest_freeze_seconds=0)
    away = TimeAway()
    lates: list[float] = []

    async def restart_in_turn() -> None:
        restarting = asyncio.create_task(faults.restart_in_turn())
        while not restarting.done():
            due = time.monotonic() + 0.1
            await asyncio.sleep(0.1)
            lates[-1] = max(lates[-1], time.monotonic() - due)
        await restarting

    async with Api(cluster.url, cluster.token) as api:
        calendars = await cluster.open(api, LONG.calendars)
        async with (
            Crowd(cluster.url, calendars, tmp_path, sets=LONG.sets, delay_ms=LONG.delay_ms) as crowd,
            Callers(cluster, calendars, 1, LONG.pause_seconds) as callers,
        ):
            await crowd.converge(api)
            for number in range(int(os.environ.get("RESTARTS", "5"))):
                lates.append(0.0)
                name = f"restart {number + 1}"
                longest = await callers.call_during(restart_in_turn())
                away.add(name, await crowd.converge(api), longest)
                last, half = away.longest(name), away.half(name)
                print(f"{name}: half {half:.2f} s, last {last:.2f} s, timer {lates[-1]:.2f} s late", flush=True)
            print(away.table(), away.table_of_kinds(), sep="\n\n", flush=True)
    for number, late in enumerate(lates):
        if late < KEPT_UP_SECONDS:
            assert away.longest(f"restart {number + 1}") <= RESTART_SECONDS
