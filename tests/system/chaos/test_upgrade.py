"""A rolling upgrade: servers of the release before and of this one on one database, and no watcher notices.

Only in the long form, and only in a clone that has the release before. `BEFORE` names another commit.
tests/models/storage/test_schema_rule.py has the rule for the schema.
"""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.database_audit import audit
from tests.support import ROOT, Api, eventually
from tests.support.databases import redis
from tests.support.databases.postgres import Postgres
from tests.support.haproxy import NO_HAPROXY, PROGRAM
from tests.system.chaos.callers import Callers
from tests.system.chaos.cluster import PATIENCE_SECONDS, Cluster, Member
from tests.system.chaos.crowd import Crowd
from tests.system.chaos.time_away import TimeAway

BEFORE = os.environ.get("BEFORE", "40fa4380812a69e6b055ebb72ea6e9a4aef06711")
# The transports of that release.
PLAIN = ("socket.io over websocket", "socket.io over polling", "server-sent events", "plain websocket", "long poll")
CHANGES_EACH = 20
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason=NO_HAPROXY),
    pytest.mark.skipif(redis.PROGRAM is None, reason="no Redis or Valkey on this machine (Debian: redis-server)"),
]


@pytest.fixture
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with the release before."""
    if not request.config.getoption("--long"):
        pytest.skip("it starts servers of another release: only with --long")
    folder = tmp_path / "before"
    folder.mkdir()
    archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"this clone lacks the release before, commit {BEFORE[:7]}")
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    return folder


@pytest.fixture
def cluster(tmp_path: Path, postgres: Postgres, before: Path) -> Iterator[Cluster]:
    """Run three servers of the release before. Each calendar has its server, as that release needs it for polls."""
    with Cluster(tmp_path, postgres, workers=(1, 1, 1), drain_seconds=0, root=before, spreads=False) as cluster:
        cluster.token = cluster.command("token", "--scope", "staff").strip()  # that release refuses those of this one
        yield cluster
        audit(cluster.database)


async def test_no_watcher_notices_an_upgrade(cluster: Cluster, tmp_path: Path) -> None:
    """Every watcher has every seq once and in order, before, between and after the upgrades of three servers."""
    away = TimeAway()

    async def upgrade(member: Member) -> None:
        member.root, member.is_fresh = ROOT, False
        await asyncio.to_thread(member.restart)
        await eventually(lambda: cluster.up() == cluster.members, PATIENCE_SECONDS, "all servers behind the proxy")

    async with Api(cluster.url, cluster.token) as api:
        calendars = await cluster.open(api, 3)
        async with (
            Crowd(cluster.url, calendars, tmp_path, sets=1, delay_ms=1_000, plain=PLAIN) as crowd,
            Callers(cluster, calendars, 1, 0.25) as callers,
        ):
            await crowd.converge(api)
            for number, member in enumerate(cluster.members):
                longest = await callers.call_during(upgrade(member))
                away.add(f"upgrade {number + 1} of 3", await crowd.converge(api), longest)
            print(away.table())
            await asyncio.to_thread(callers.check)
