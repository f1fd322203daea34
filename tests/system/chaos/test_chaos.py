"""Random faults under random commands: no watcher misses a change, and no command is lost or done twice.

`make chaos` injects 200 faults into three servers with two workers each, with 360 watchers. `make test` injects
20 into servers without workers, with 30 watchers. `FAULTS` and `SEED` set another number and another order.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.models.database_audit import audit
from tests.support import Api
from tests.support.databases import redis
from tests.support.databases.postgres import Postgres
from tests.support.haproxy import NO_HAPROXY, PROGRAM
from tests.system.chaos.callers import Callers
from tests.system.chaos.cluster import Cluster
from tests.system.chaos.crowd import Crowd
from tests.system.chaos.faults import Faults
from tests.system.chaos.time_away import TimeAway

RESTART_SECONDS = 3.0  # the longest time away in a rolling restart
KEPT_UP_SECONDS = 0.5  # half of the watchers on a machine that is fast enough for all of them
pytestmark = [
    pytest.mark.timeout(300),  # twenty faults, each with its recovery
    pytest.mark.skipif(PROGRAM is None, reason=NO_HAPROXY),
    pytest.mark.skipif(redis.PROGRAM is None, reason="no Redis or Valkey on this machine (Debian: redis-server)"),
]


class Size(NamedTuple):
    faults: int
    workers: tuple[int, ...]
    calendars: int
    sets: int
    longest_freeze_seconds: float
    check_seconds: str
    drain_seconds: float
    delay_ms: int
    at_once: int
    pause_seconds: float  # of a shop after each act


SHORT = Size(20, (1, 1, 1), 2, 1, 2.0, "1s fastinter 300ms downinter 300ms", 1, 100, 2, 0.05)
LONG = Size(200, (2, 2, 2), 6, 4, 70.0, "2s", 6, 1_000, 1, 0.25)


@pytest.fixture
def size(request: pytest.FixtureRequest) -> Size:
    size = LONG if request.config.getoption("--long") else SHORT
    return size._replace(faults=int(os.environ.get("FAULTS", size.faults)))


@pytest.fixture
def cluster(tmp_path: Path, postgres: Postgres, size: Size) -> Iterator[Cluster]:
    with Cluster(
        tmp_path, postgres, workers=size.workers, check_seconds=size.check_seconds, drain_seconds=size.drain_seconds
    ) as cluster:
        yield cluster
        audit(cluster.database)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a client's, of a killed handshake
async def test_no_fault_costs_a_watcher_a_change(cluster: Cluster, size: Size, tmp_path: Path) -> None:
    """Every watcher has every seq once and in order, and equals the snapshot; every command is done once."""
    seed = int(os.environ.get("SEED", "1"))
    faults = Faults(cluster, seed, longest_freeze_seconds=size.longest_freeze_seconds)
    away = TimeAway()
    async with Api(cluster.url, cluster.token) as api:
        calendars = await cluster.open(api, size.calendars)
        async with (
            Crowd(cluster.url, calendars, tmp_path, sets=size.sets, delay_ms=size.delay_ms) as crowd,
            Callers(cluster, calendars, seed, size.pause_seconds) as callers,
        ):
            await crowd.converge(api)
            try:
                for some in faults.rounds(size.faults, size.at_once):
                    name = " and ".join(name for name, _ in some)
                    print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
                    longest = await callers.call_during(asyncio.gather(*(fault() for _, fault in some)))
                    away.add(name, await crowd.converge(api), longest)
            finally:
                print(away.table(), flush=True)
            await asyncio.to_thread(callers.check)
    if size.at_once == 1 and away.half("restart in turn") < KEPT_UP_SECONDS:
        assert away.longest("restart in turn") <= RESTART_SECONDS
