"""Several workers on one address act as one server."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path

import aiohttp
import pytest
import socketio

from cli.settings import read_workers
from tests.support import Api, Client, Server, eventually, new_key, wait_until
from tests.support.clients.transport import TRANSPORTS, Subscriber
from tests.support.example import in_days

WORKERS = 3
CALENDAR = "shared"
RETRY_SECONDS = 0.1


@pytest.fixture
def server(each_database: str, tmp_path: Path) -> Iterator[Server]:
    """Run a server with workers. They start as a user's do, from the command line of the first process."""
    server = Server(tmp_path, "--no-demo", "--rate", "0", "--workers", str(WORKERS), database=each_database)
    server.is_fresh = True
    with server:
        wait_until(lambda: len(workers_of(server)) == WORKERS, 20.0, "the workers")
        yield server


def workers_of(server: Server) -> list[int]:
    """Return the processes of the workers."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


async def follow(way: str, url: str, seen: Subscriber) -> None:
    """Subscribe again from the cursor, for ever."""
    while True:
        with suppress(aiohttp.ClientError, socketio.exceptions.SocketIOError, OSError, TimeoutError):
            async with (
                aiohttp.ClientSession() as http,
                aclosing(TRANSPORTS[way](http, url, CALENDAR, seen.cursor)) as messages,
            ):
                async for message in messages:
                    seen.take(message)
        await asyncio.sleep(RETRY_SECONDS)


async def test_any_worker_may_die(server: Server) -> None:
    """Clients of all transports follow through the death of each worker, with every change once and in order."""
    token = server.command("token", "--scope", "staff").strip()
    async with Api(server.url, token) as api, asyncio.TaskGroup() as tasks:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        seen = {way: Subscriber() for way in TRANSPORTS}
        following = [tasks.create_task(follow(way, server.url, one)) for way, one in seen.items()]

        async def open_slot(day: int) -> None:
            slot, key = {"start": in_days(day), "end": in_days(day + 0.01)}, new_key()

            async def is_open() -> bool:
                try:
                    path = f"/api/calendars/{CALENDAR}/slots"
                    return (await api.ask("POST", path, {"slots": [slot]}, key=key)).code == "ok"
                except aiohttp.ClientError:
                    return False

            await eventually(is_open, 15.0, "an answer")
            await eventually(lambda: all(one.have == day for one in seen.values()), 30.0, "the change")

        await open_slot(1)
        for day, pid in enumerate(workers_of(server), start=2):
            os.kill(pid, signal.SIGKILL)
            await open_slot(day)
        for task in following:
            task.cancel()
    assert all(one.applied == sorted(set(one.applied)) for one in seen.values())
    wait_until(lambda: len(workers_of(server)) == WORKERS, 20.0, "the workers to start again")


@pytest.mark.parametrize("transports", [("polling",), ("polling", "websocket")], ids=" then ".join)
async def test_a_session_is_found_from_any_worker(server: Server, transports: tuple[str, ...]) -> None:
    """Each request of a polling client may come to another worker, also the upgrade; it is handed over."""
    token = server.command("token", "--scope", "staff").strip()
    async with Api(server.url, token) as api:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        clients = [Client(server.url, transports=transports) for _ in range(12)]
        async with asyncio.timeout(60):
            for client in clients:
                await client.__aenter__()
                viewer = await client.watch(CALENDAR)
                assert viewer.is_at(0)
            await api.post(f"/api/calendars/{CALENDAR}/slots", slots=[{"start": in_days(1), "end": in_days(1.1)}])
            await eventually(lambda: all(len(client.changes) == 1 for client in clients), 20.0, "the change")
            for client in clients:
                assert client.disconnects == 0
                await client.__aexit__(None, None, None)


async def test_one_answer_has_the_metrics_of_all_workers(server: Server) -> None:
    """Each sample has its worker's number, and each family one description."""
    async with Api(server.url) as api:

        async def read_all() -> str:
            text = (await api.ask("GET", "/metrics")).raw.decode()
            return text if text.count("slotcast_rooms{") == WORKERS else ""

        text = await eventually(read_all, 20.0, "all workers")
    for number in range(WORKERS):
        assert f'slotcast_rooms{{worker="{number}"}} 0.0' in text
        assert f'slotcast_connections{{worker="{number}",transport="polling"}} 0.0' in text
    assert text.count("# TYPE slotcast_rooms gauge") == 1


def test_no_worker_outlives_the_server(server: Server) -> None:
    """Neither after a stop in good order, nor after a kill of the process that started them."""
    workers = workers_of(server)
    assert server.stop() == 0
    assert not any(map(is_alive, workers))
    server.start()
    wait_until(lambda: len(workers_of(server)) == WORKERS, 20.0, "the workers")
    workers = workers_of(server)
    server.kill9()
    wait_until(lambda: not any(map(is_alive, workers)), 20.0, "the workers' end")


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("64", 64)])
def test_a_number_of_workers(text: str, count: int) -> None:
    assert read_workers(text) == count
    assert read_workers("auto") >= 1


@pytest.mark.parametrize("text", ["0", "65", "-1", "two", "", "1.5", "²"])
def test_what_is_no_number_of_workers(text: str) -> None:
    with pytest.raises(ValueError, match="from 1 to 64"):
        read_workers(text)
