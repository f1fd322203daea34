"""Readiness tells the truth: it fails when a part of the server stands, and not because of load."""

import asyncio
import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from realtime.access.auth import Auth
from tests.support import Api, Server, eventually
from tests.support.clients.raw import Raw
from tests.support.databases.postgres import Postgres
from tests.support.port import free_port

SECRET = "a secret that only the tests of health know"
TOKEN = Auth(SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=3_600)
PROBE_SECONDS = 6.0  # twice two of the checks, and a busy machine


@pytest.fixture
def server(tmp_path: Path, postgres: Postgres) -> Server:
    return Server(tmp_path, database=postgres.new_url(), settings={"SLOTCAST_SECRET": SECRET})


async def test_health_readiness_and_metrics(served: Server) -> None:
    """Each answers without a token; health may be read by any page."""
    async with Api(served.url) as api:
        health = await api.ask("GET", "/healthz", headers={"Origin": "https://elsewhere.example"})
        assert (health.status, health.body) == (200, {"status": "ok"})
        assert health.headers["Access-Control-Allow-Origin"] == "*"
        assert (await api.get("/readyz")) == {"status": "ready", "degraded": []}
        metrics = await api.ask("GET", "/metrics")
        assert metrics.headers["Content-Type"].startswith("text/plain")
        assert b"slotcast_requests_total" in metrics.raw


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_metrics_are_for_the_operator(served: Server, header: str) -> None:
    """A visitor behind a proxy on this machine is refused; a staff token for all calendars opens them from anywhere."""
    async with Api(served.url) as api:
        refused = await api.ask("GET", "/metrics", headers={header: "203.0.113.7"})
        assert (refused.status, refused.code) == (403, "forbidden")
        assert (await api.ask("GET", "/metrics", headers={"Authorization": "Bearer no"})).status == 401
    everything, one = (
        served.command("token", "--scope", "staff", "--calendars", calendars).strip() for calendars in ("*", "demo")
    )
    for token, status in ((everything, 200), (one, 403)):
        async with Api(served.url, token) as api:
            assert (await api.ask("GET", "/metrics", headers={header: "203.0.113.7"})).status == status


async def test_metrics_on_an_address_of_their_own(tmp_path: Path) -> None:
    """The other address has the operator's routes and nothing else; SLOTCAST_METRICS_PUBLIC opens the public one."""
    port = free_port()
    settings = {"SLOTCAST_METRICS_LISTEN": f"127.0.0.1:{port}", "SLOTCAST_METRICS_PUBLIC": "yes"}
    with Server(tmp_path, settings=settings) as server:
        async with Api(f"http://127.0.0.1:{port}") as api, Api(server.url) as public:
            behind = {"X-Forwarded-For": "203.0.113.7"}
            for path in ("/metrics", "/livez", "/readyz"):
                answer = await api.ask("GET", path, headers=behind)
                assert answer.status == 200
                assert (answer.headers["Server"], answer.headers["X-Content-Type-Options"]) == ("Slotcast", "nosniff")
            assert (await api.ask("GET", "/api/calendars")).status == 404
            assert (await public.ask("GET", "/metrics", headers=behind)).status == 200
        second = server.try_command("--port", str(free_port()))
        assert second.returncode == 2
        assert "SLOTCAST_METRICS_LISTEN" in second.stderr


async def test_the_operators_address_is_bounded_too(tmp_path: Path) -> None:
    """A caller who only connects takes a hundred of them at most, and bytes that are no HTTP get no versions."""
    port = free_port()
    with Server(tmp_path, settings={"SLOTCAST_METRICS_LISTEN": f"127.0.0.1:{port}"}) as server:
        raw = await Raw.connect(port)
        await raw.send(b"no HTTP\r\n\r\n")
        head = await asyncio.wait_for(raw.reader.readuntil(b"\r\n\r\n"), 10)
        assert b"Server: Slotcast" in head
        raw.close()
        every = [await Raw.connect(port) for _ in range(110)]
        await eventually(lambda: sum(raw.is_answered for raw in every) >= 9, what="who is refused")
        assert sum(raw.is_answered for raw in every) <= 11
        async with Api(server.url) as public:
            assert (await public.ask("GET", "/readyz")).status == 200
        for raw in every:
            raw.close()


async def readiness(api: Api) -> tuple[int, str]:
    began = time.monotonic()
    answer = await api.ask("GET", "/readyz")
    assert time.monotonic() - began < PROBE_SECONDS
    return answer.status, "" if answer.status == 200 else answer.body["detail"]


async def test_a_database_that_stands_makes_it_unready(server: Server, postgres: Postgres) -> None:
    """The process is alive meanwhile, and the server is ready again by itself."""
    with server:
        async with Api(server.url) as api:
            assert await readiness(api) == (200, "")
            backends = _backends(postgres)
            for pid in backends:
                os.kill(pid, signal.SIGSTOP)
            try:
                assert await readiness(api) == (503, "The database does not answer.")
                assert (await api.ask("GET", "/livez")).status == 200
            finally:
                for pid in backends:
                    os.kill(pid, signal.SIGCONT)

            async def is_ready() -> bool:
                return (await api.ask("GET", "/readyz")).status == 200

            await eventually(is_ready, 10.0, "readiness")


async def test_a_writer_that_stands_makes_it_unready(tmp_path: Path) -> None:
    """Another program has SQLite's lock, so that no command is done."""
    with Server(tmp_path, settings={"SLOTCAST_SECRET": SECRET}) as server:
        async with Api(server.url, TOKEN) as api:
            await api.post("/api/calendars", id="shared", name="Shared", zone="Etc/UTC")
            with closing(sqlite3.connect(server.database.removeprefix("sqlite:///"), isolation_level=None)) as locking:
                locking.execute("BEGIN IMMEDIATE")
                asking = asyncio.create_task(api.ask("PATCH", "/api/calendars/shared", {"name": "Other"}))

                async def stands() -> bool:
                    return (await readiness(api))[1] == "The writer stands still."

                await eventually(stands, 9.0, "a standstill")
                locking.execute("ROLLBACK")
            await asking
            assert await readiness(api) == (200, "")


async def test_a_calendar_that_another_server_has_locked_is_no_standstill(server: Server) -> None:
    """A frozen server makes no other one unready."""
    with server:
        async with Api(server.url, TOKEN) as api:
            await api.post("/api/calendars", id="shared", name="Shared", zone="Etc/UTC")
            with psycopg.connect(server.database) as locking:
                locking.execute("SELECT 1 FROM calendar WHERE id = 'shared' FOR UPDATE")
                asking = asyncio.create_task(api.ask("PATCH", "/api/calendars/shared", {"name": "Other"}))
                while not asking.done():
                    assert await readiness(api) == (200, "")
                    await asyncio.sleep(0.2)
                locking.rollback()


def _backends(postgres: Postgres) -> list[int]:
    with psycopg.connect(postgres.new_url(), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in rows.fetchall()]
