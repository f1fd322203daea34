"""The process that writes for all workers on SQLite may die or freeze, and is the last to end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cli.heartbeat import FROZEN_SECONDS
from cli.settings import Settings
from cli.writer import has_writer, writers_of_each
from tests.cli.test_workers import is_alive, processes_of, workers_of, writers_of
from tests.models.database_audit import audit, query
from tests.support import Answer, Api, Client, Server, eventually, new_key, wait_until
from tests.support.example import in_days

PATIENCE_SECONDS = 40.0
KILLS = 3
CALLERS = 8
CONNECTIONS = 8  # one of them is with the worker that is not frozen, nearly for certain
SLOTS = 150


def serving(folder: Path, **settings: str) -> Server:
    """Return a server with two workers, from the command line of the first process."""
    server = Server(folder, "--no-demo", "--rate", "0", "--workers", "2", settings=settings)
    server.is_fresh = True
    return server


def wait_for_all(server: Server) -> None:
    wait_until(lambda: sorted(processes_of(server).values()) == [-1, 0, 1], PATIENCE_SECONDS, "all processes")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("writer")) as server:
        wait_for_all(server)
        yield server
    audit(server.database)


@pytest.fixture(scope="module")
def staff(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a token of staff, printed by a fork."""
    other = Server(tmp_path_factory.mktemp("token"), database=server.database)
    return other.command("token", "--scope", "staff").strip()


async def open_slots(api: Api, calendar: str, count: int) -> list[str]:
    await api.post("/api/calendars", id=calendar, name="Shared", zone="Etc/UTC")
    slots = [{"start": in_days(day), "end": in_days(day + 0.5)} for day in range(1, count + 1)]
    return [slot["id"] for slot in (await api.post(f"/api/calendars/{calendar}/slots", slots=slots))["slots"]]


async def book(api: Api, slot: str, key: str) -> Answer:
    """Return the final answer to a booking, asked for again with the same key for as long as there is none."""
    final: list[Answer] = []

    async def ask() -> bool:
        try:
            answer = await api.ask("POST", f"/api/slots/{slot}/bookings", {"key": key, "customer": {"name": "Ada"}})
        except (aiohttp.ClientError, OSError):
            return False
        final[:] = [] if answer.code == "overloaded" else [answer]
        return bool(final)

    await eventually(ask, PATIENCE_SECONDS, "an answer")
    return final[0]


def booked(server: Server, calendar: str) -> list[tuple[Any, ...]]:
    return query(server.database, "SELECT slot, id FROM booking WHERE calendar = ? ORDER BY slot", calendar)


async def test_bookings_survive_kills_of_the_writer(server: Server, staff: str) -> None:
    """Two callers want each slot. One of them gets it, whatever was under way at a kill, and every watcher sees it."""
    answers: dict[str, list[Answer]] = {}
    async with Api(server.url, staff) as api, Client(server.url) as watcher:
        slots = await open_slots(api, "killed", SLOTS)
        viewer = await watcher.watch("killed")

        async def call(place: int) -> None:
            async with Api(server.url) as guest:
                for slot in slots[place // 2 :: CALLERS // 2]:
                    answers.setdefault(slot, []).append(await book(guest, slot, new_key()))

        async def kill(number: int) -> None:
            enough = number * SLOTS // (KILLS + 1)
            await eventually(lambda: len(answers) >= enough, PATIENCE_SECONDS, "answers")
            (writer,) = writers_of(server)
            os.kill(writer, signal.SIGKILL)
            await eventually(lambda: writers_of(server) not in ([], [writer]), PATIENCE_SECONDS, "another writer")

        async def kill_all() -> None:
            for number in range(1, KILLS + 1):
                await kill(number)

        await asyncio.gather(kill_all(), *(call(place) for place in range(CALLERS)))
        await eventually(lambda: viewer.is_at(SLOTS + 1), PATIENCE_SECONDS, "every change")
    found = []
    for slot in slots:
        assert sorted(answer.code for answer in answers[slot]) == ["ok", "slot_unavailable"]
        found += [(slot, answer.body["booking"]["id"]) for answer in answers[slot] if answer.code == "ok"]
    assert booked(server, "killed") == sorted(found)
    assert [change["seq"] for change in watcher.changes] == list(range(2, SLOTS + 2))


@pytest.fixture
async def pair(server: Server) -> AsyncIterator[tuple[Client, Client]]:
    """Connect a client with each of the two workers."""
    async with AsyncExitStack() as opened:
        found: dict[str, Client] = {}
        while len(found) < 2:
            client = await opened.enter_async_context(Client(server.url))
            found[str(client._socket.eio.sid).partition(".")[0]] = client
        yield found["0"], found["1"]


async def test_no_client_goes_back_in_time(server: Server, staff: str, pair: tuple[Client, Client]) -> None:
    """A change by one worker reaches the subscribers of the other, and its cursor is good there at once."""
    one, other = pair
    async with Api(server.url, staff) as api:
        slots = await open_slots(api, "moving", 40)
    viewer = await other.watch("moving")
    for place, slot in enumerate(slots, start=2):
        answer = await one.ask("slot.book", slot=slot, key=new_key(), customer={"name": "Ada"})
        assert answer["ok"], answer
        joined = await other.ask("calendar.subscribe", calendar="moving", after=answer["cursor"])
        assert (joined["mode"], joined["cursor"]) == ("resumed", answer["cursor"])
        assert viewer.is_at(place)
    assert [change["seq"] for change in other.changes] == list(range(2, len(slots) + 2))


async def test_readiness_tells_of_a_writer_that_stands(server: Server, staff: str) -> None:
    """A worker without the writer should get no traffic, though nobody asks it for a change just then.

    The supervisor ends a frozen process, and another one takes its place.
    """
    async with Api(server.url, staff) as api:

        async def state() -> str:
            return (await api.ask("GET", "/readyz")).code

        async def is_ready() -> bool:
            return await state() == "ok"

        await eventually(is_ready, PATIENCE_SECONDS, "readiness")
        (writer,), (worker, _) = writers_of(server), workers_of(server)
        with freezing(writer, worker):
            slots = asyncio.create_task(open_slots(api, "frozen", 1))

            async def is_unready() -> bool:
                return any(await asyncio.gather(*(_tells_of_writer(server) for _ in range(CONNECTIONS))))

            await eventually(is_unready, PATIENCE_SECONDS, "the news of the writer")
            await eventually(lambda: are_others(server, {writer, worker}), PATIENCE_SECONDS, "others in their places")
        await asyncio.gather(slots, return_exceptions=True)
        await eventually(is_ready, PATIENCE_SECONDS, "readiness")


async def _tells_of_writer(server: Server) -> bool:
    """Ask for readiness on a new connection. That of the frozen worker gets no answer."""
    async with Api(server.url) as api:
        try:
            answer = await asyncio.wait_for(api.ask("GET", "/readyz"), 4.0)
        except (TimeoutError, aiohttp.ClientError):
            return False
        return answer.code == "overloaded" and "writer" in answer.body["detail"]


@contextmanager
def freezing(*pids: int) -> Iterator[None]:
    """Stop the processes, and leave none behind."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def are_others(server: Server, before: set[int]) -> bool:
    """Say if other processes are in the places of these."""
    now = processes_of(server)
    return sorted(now.values()) == [-1, 0, 1] and not before & now.keys()


def test_the_writer_ends_last(tmp_path: Path) -> None:
    """A stop that reaches all processes at once, as a service's does, lets commands under way finish."""
    server = serving(tmp_path, SLOTCAST_DRAIN_SECONDS="1")
    with server:
        wait_for_all(server)
        token = Server(tmp_path, database=server.database).command("token", "--scope", "staff").strip()

        async def book_until_the_end() -> list[str]:
            done: list[str] = []
            async with Api(server.url, token) as api:
                slots = await open_slots(api, "ending", 200)
                pids = [*processes_of(server), server.pid]
                for place, slot in enumerate(slots):
                    if place == 20:
                        for pid in pids:
                            os.kill(pid, signal.SIGTERM)
                    try:
                        answer = await api.ask(
                            "POST", f"/api/slots/{slot}/bookings", {"key": new_key(), "customer": {"name": "Ada"}}
                        )
                    except (aiohttp.ClientError, OSError):
                        break
                    if answer.code == "ok":
                        done.append(answer.body["booking"]["id"])
            return done

        processes = list(processes_of(server))
        done = asyncio.run(book_until_the_end())
        assert len(done) >= 20
        assert server._running().wait(PATIENCE_SECONDS) == 0
        assert not any(map(is_alive, processes))
        assert {booking for _, booking in booked(server, "ending")} >= set(done)
        assert "link is lost" not in server.log


async def test_a_drain_has_a_writer(tmp_path: Path) -> None:
    """The workers answer requests in their drain, so a writer that dies meanwhile is replaced."""
    with serving(tmp_path, SLOTCAST_DRAIN_SECONDS="12") as server:
        wait_for_all(server)
        token = Server(tmp_path, database=server.database).command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as api, AsyncExitStack() as stack:
            slot, *_ = await open_slots(api, "draining", 1)
            for _ in range(CONNECTIONS):  # each worker has clients to drain
                await (await stack.enter_async_context(Client(server.url))).watch("draining")
            os.kill(server.pid, signal.SIGTERM)
            await eventually(lambda: "Stopping" in server.log, PATIENCE_SECONDS, "the stop")
            (writer,) = writers_of(server)
            os.kill(writer, signal.SIGKILL)
            assert (await book(api, slot, new_key())).code == "ok"
        assert server._running().wait(PATIENCE_SECONDS) == 0
        assert len(booked(server, "draining")) == 1


def test_a_stop_ends_frozen_processes(tmp_path: Path) -> None:
    """They are noticed as at any other time: a stop would wait 40 seconds for them."""
    with serving(tmp_path) as server:
        wait_for_all(server)
        (writer,), (worker, _) = writers_of(server), workers_of(server)
        with freezing(writer, worker):
            os.kill(server.pid, signal.SIGTERM)
            assert server._running().wait(FROZEN_SECONDS + 10.0) == 0
            assert not any(map(is_alive, (writer, worker)))


@pytest.mark.parametrize(
    ("database", "workers", "has"),
    [("sqlite:///a.db", 2, True), ("sqlite:///a.db", 1, False), ("postgresql://host/name", 2, False)],
)
def test_where_there_is_a_writer(database: str, workers: int, *, has: bool) -> None:
    """A server of one process is its own writer, and on PostgreSQL every worker has writers."""
    settings = Settings(database=database, workers=workers, secret=b"a secret of the tests, long enough for HS256")
    assert has_writer(settings) is has


@pytest.mark.parametrize(("workers", "each"), [(1, 4), (2, 2), (4, 1), (16, 1)])
def test_workers_share_the_writers_of_one_server(workers: int, each: int) -> None:
    """On PostgreSQL each worker has at least one: with more of them the transactions are smaller, and cost more."""
    assert writers_of_each(4, workers) == each
