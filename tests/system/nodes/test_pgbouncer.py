"""Servers behind PgBouncer in transaction mode: few connections, the same promises, and TLS."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psycopg
import pytest

from models.storage.database import open_database
from tests.support import Api, Client, Server, eventually, new_key
from tests.support.certificate import make_certificate
from tests.support.databases.pgbouncer import PROGRAM, PgBouncer
from tests.support.databases.postgres import Postgres
from tests.support.example import in_days

CONNECTIONS = 6
SEATS = 12
QUIET = {"SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}


@pytest.fixture
def pooler(postgres: Postgres) -> Iterator[PgBouncer]:
    if PROGRAM is None:
        pytest.skip("no PgBouncer on this machine (Debian: pgbouncer)")
    with PgBouncer(postgres, connections=CONNECTIONS) as pooler:
        yield pooler


async def degraded(api: Api) -> list[str]:
    names: list[str] = (await api.get("/readyz"))["degraded"]
    return names


@pytest.mark.parametrize("direct", ["open", "", "closed"])
async def test_two_servers_share_a_few_connections(
    direct: str, tmp_path: Path, postgres: Postgres, pooler: PgBouncer
) -> None:
    """No seat is booked twice, each change reaches both, and only a server without an open direct URL polls."""
    name = postgres.new_database()
    is_open = direct == "open"
    url = postgres.url_of(name) if is_open else "postgresql://127.0.0.1:1/nothing"
    settings = QUIET | ({"SLOTCAST_DATABASE_DIRECT": url} if direct else {})
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Server(tmp_path, database=pooler.url_of(name), settings=settings)) for _ in range(2)
        ]
        token = servers[0].command("token", "--scope", "staff").strip()
        async with (
            Api(servers[0].url, token) as here,
            Api(servers[1].url, token) as there,
            Client(servers[1].url) as watcher,
        ):
            await here.post("/api/calendars", id="room", name="Room", zone="UTC")
            place = {"start": in_days(1), "end": in_days(2), "capacity": SEATS}
            (slot,) = (await here.post("/api/calendars/room/slots", slots=[place]))["slots"]
            viewer = await watcher.watch("room")
            path, fields = f"/api/slots/{slot['id']}/bookings", {"customer": {"name": "Ada"}}
            answers = await asyncio.gather(
                *(api.ask("POST", path, fields, key=new_key()) for api in (here, there) for _ in range(SEATS))
            )
            assert sorted(answer.code for answer in answers) == ["ok"] * SEATS + ["slot_unavailable"] * SEATS
            await eventually(lambda: len(viewer.applied) == SEATS, what="every change")
            for api in (here, there):
                expected = [] if is_open else ["notifications"]
                await eventually(partial(_is_degraded, api, expected), what="readiness")
        with psycopg.connect(postgres.url) as connection:
            found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (name,)).fetchone()
        assert found is not None
        assert found[0] <= CONNECTIONS + 2 * is_open, "a server listens on a connection of its own"
    assert "when not linked" not in pooler.log, "a server listens through the pooler"


async def _is_degraded(api: Api, expected: list[str]) -> bool:
    return await degraded(api) == expected


def test_a_pooler_is_noticed(postgres: Postgres, pooler: PgBouncer) -> None:
    """A direct connection is none, and the setting has the last word."""
    name = postgres.new_database()
    found = []
    for url, is_pooled in ((pooler.url_of(name), None), (postgres.url_of(name), None), (pooler.url_of(name), False)):
        database = open_database(url, is_pooled=is_pooled)
        database.connect()
        found.append(database.connection().prepare_threshold is None)
        database.close()
    assert found == [True, False, False]


def test_the_url_asks_for_tls(tmp_path: Path, postgres: Postgres) -> None:
    """`sslmode` and `sslrootcert` are libpq's; a server with another certificate is refused with one line."""
    if PROGRAM is None:
        pytest.skip("no PgBouncer on this machine (Debian: pgbouncer)")
    key, certificate = make_certificate(tmp_path)
    name = postgres.new_database()
    with PgBouncer(postgres, connections=4, tls=(key, certificate)) as pooler:
        url = pooler.url_of(name, f"?sslmode=verify-full&sslrootcert={certificate}")
        with Server(tmp_path, database=url, settings=QUIET) as server:
            server.command("calendar", "create", "room", "--zone", "UTC")
            server.stop()
            stranger = tmp_path / "stranger.pem"
            stranger.write_bytes(Path("/etc/ssl/certs/ca-certificates.crt").read_bytes())
            refused = server.try_command(
                "--database", pooler.url_of(name, f"?sslmode=verify-full&sslrootcert={stranger}"), "check"
            )
            assert refused.returncode != 0
            assert "certificate verify failed" in refused.stderr
