"""A server without work asks its database for little."""

import asyncio
from pathlib import Path

import pytest

from tests.support import Api, Server, eventually
from tests.support.databases.postgres import Postgres

SECONDS = 4.0
MOST_STATEMENTS = 5.0  # a second


@pytest.mark.parametrize("leads", [True, False])
async def test_an_idle_server_sends_at_most_five_statements_a_second(
    leads: bool, tmp_path: Path, postgres: Postgres
) -> None:
    """PostgreSQL's own log has them, for the server that leads and for another one."""
    database = postgres.new_url()
    logged = database.replace("options=", "options=-clog_statement%3Dall%20")
    first, second = (logged, database) if leads else (database, logged)
    quiet = {"SLOTCAST_DEMO": "0"}
    with Server(tmp_path, database=first, settings=quiet) as one:
        async with Api(one.url) as api:
            await eventually(lambda: is_leader(api), what="the lead")
        with Server(tmp_path, database=second, settings=quiet) as other:
            async with Api(other.url) as api:
                assert not await is_leader(api)
            before = await settled(postgres)
            await asyncio.sleep(SECONDS)
            lines = postgres.logged()[before:]
            print(*lines, sep="\n")
            assert len(lines) <= MOST_STATEMENTS * SECONDS


async def is_leader(api: Api) -> bool:
    return "slotcast_leader 1.0" in (await api.ask("GET", "/metrics")).raw.decode()


async def settled(postgres: Postgres) -> int:
    """Return the number of statements once the start is over: a second has few."""
    while True:
        before = len(postgres.logged())
        await asyncio.sleep(1.0)
        if (now := len(postgres.logged())) - before <= 2 * MOST_STATEMENTS:
            return now
