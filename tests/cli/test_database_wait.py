"""A worker that starts while the database is away waits for it."""

import os
import signal
from pathlib import Path

from tests.cli.test_workers import workers_of
from tests.support import Api, Server, eventually, wait_until
from tests.support.databases.postgres import Postgres

WORKERS = 2


async def test_a_worker_waits_for_the_database(postgres: Postgres, tmp_path: Path) -> None:
    """A worker that dies while the database is away comes back with the database, and the others stay meanwhile."""
    database = postgres.new_database()
    server = Server(tmp_path, "--no-demo", "--workers", str(WORKERS), database=postgres.url_of(database))
    server.is_fresh = True
    with server:
        wait_until(lambda: len(workers_of(server)) == WORKERS, 20.0, "the workers")
        killed, other = workers_of(server)
        postgres.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: "waits for the database" in server.log, 30.0, "the next worker to wait")
        postgres.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
        async with Api(server.url) as api:

            async def both_answer() -> bool:
                text = (await api.ask("GET", "/metrics")).raw.decode()
                return all(f'slotcast_rooms{{worker="{number}"}} ' in text for number in range(WORKERS))

            await eventually(both_answer, 30.0, "both workers")
        assert other in workers_of(server)
