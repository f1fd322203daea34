"""One server leads: it keeps the lead while it lives, and another one takes it within five seconds."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from models.service import SlotService
from realtime.nodes import leader as module
from realtime.nodes.leader import Leader
from tests.models.conftest import clock, database, open_service, pytest_generate_tests
from tests.support import Api, Server, eventually

__all__ = ["clock", "database", "open_service", "pytest_generate_tests"]
MOVES_SECONDS = 8.0  # five, and three for a busy machine


@pytest.fixture
async def leaders(open_service: Callable[..., SlotService]) -> AsyncIterator[list[Leader]]:
    """Return three servers' leads; one of them leads."""
    leaders = [Leader(open_service()) for _ in range(3)]
    leaders[0].start()
    await eventually(lambda: leaders[0].is_leader, what="the first leader")
    for leader in leaders[1:]:
        leader.start()
    yield leaders
    for leader in leaders:
        await leader.close()


def numbers(leaders: list[Leader]) -> list[int]:
    """Return the numbers of those that lead."""
    return [number for number, leader in enumerate(leaders) if leader.is_leader]


@pytest.mark.only("postgres")
async def test_one_leads_and_goes_on_leading(leaders: list[Leader], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.02)
    asked = 0
    ask = SlotService.keep_lead

    def count(service: SlotService) -> bool:
        nonlocal asked
        asked += 1
        return ask(service)

    monkeypatch.setattr(SlotService, "keep_lead", count)

    def is_enough() -> bool:
        assert numbers(leaders) == [0]
        return asked > 60

    await eventually(is_enough, what="many tries")


@pytest.mark.only("postgres")
async def test_the_lead_moves_when_its_server_stops(leaders: list[Leader]) -> None:
    await leaders[0].close()
    leaders[0]._leads.clear()
    await eventually(lambda: numbers(leaders) in ([1], [2]), MOVES_SECONDS, "another leader")


@pytest.mark.only("postgres")
async def test_the_lead_moves_when_its_thread_stands_still(
    leaders: list[Leader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a frozen process: its connection stays open, and says nothing."""
    release = asyncio.get_running_loop().create_future()
    thread = leaders[0]._thread

    def stand_still(service: SlotService) -> bool:
        if service is leaders[0]._service:
            asyncio.run_coroutine_threadsafe(wait(release), loop).result()
        return ask(service)

    async def wait(future: asyncio.Future[None]) -> None:
        await future

    loop, ask = asyncio.get_running_loop(), SlotService.keep_lead
    monkeypatch.setattr(SlotService, "keep_lead", stand_still)
    await eventually(lambda: numbers(leaders) in ([1], [2]), MOVES_SECONDS + module.BEAT_SECONDS, "another leader")
    release.set_result(None)
    await eventually(lambda: leaders[0]._asked.empty() and thread.is_alive(), what="the frozen one")
    assert numbers(leaders) in ([1], [2])


@pytest.mark.only("postgres")
async def test_a_leader_without_its_session_leads_no_more(leaders: list[Leader], database: str) -> None:
    """Its session is ended, as by a restart of the database. Then one leads, and not two."""
    with psycopg.connect(database, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
            " AND objid::bigint = ('x' || substr(md5(current_schema()), 1, 8))::bit(32)::bigint"
        ).fetchall()
    assert ended == [(True,)]
    await eventually(lambda: numbers(leaders) != [0], MOVES_SECONDS, "the end of the lead")
    await eventually(lambda: len(numbers(leaders)) == 1, MOVES_SECONDS, "a leader")


@pytest.mark.only("sqlite")
async def test_every_process_leads_on_sqlite(leaders: list[Leader]) -> None:
    assert numbers(leaders) == [0, 1, 2]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.only("postgres")
async def test_the_lead_moves_from_a_dead_or_frozen_server(
    number: signal.Signals, database: str, tmp_path: Path
) -> None:
    """Of three servers one leads; when it is killed or frozen, one of the others leads within five seconds."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Server(tmp_path, database=database, settings={"SLOTCAST_DEMO": "0"})) for _ in range(3)
        ]

        async def leading() -> list[Server]:
            return [server for server in servers if await is_leader(server)]

        (first,) = await eventually(leading, what="a leader")
        pid = first.pid
        servers.remove(first)
        began = time.monotonic()
        os.kill(pid, number)
        try:
            (second,) = await eventually(leading, what="another leader")
            took = time.monotonic() - began
            print(f"{number.name}: another server leads after {took:.1f} s")
            assert took < MOVES_SECONDS
        finally:
            if number is signal.SIGSTOP:
                os.kill(pid, signal.SIGCONT)
        if number is signal.SIGSTOP:
            await eventually(lambda: says_no_more(first), what="the end of the first lead")
            assert await leading() == [second]


async def is_leader(server: Server) -> bool:
    async with Api(server.url) as api:
        return "slotcast_leader 1.0" in (await api.ask("GET", "/metrics")).raw.decode()


async def says_no_more(server: Server) -> bool:
    return not await is_leader(server)
