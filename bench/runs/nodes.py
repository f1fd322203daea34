"""Measures the way of a change from one server to a client of another one, on one PostgreSQL.

`python -m bench.runs.nodes` commits 31 changes a second on server A and reads them from a WebSocket of server B, with
Redis, with notifications of the database and with polls, in alternation. It prints the time from A's answer to B's
message, and the statements and the CPU a second of a server without work, which leads.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer

from bench import report
from bench.figure import Numbers
from bench.machine import Failed, Process, free_port
from bench.runs.ground import PostgresGround
from bench.runs.outside import percentile
from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.slots import NewSlot, OpenSlots
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, HOUR
from models.service import SlotService
from realtime.access.auth import Auth

CHANGES_A_SECOND = 31
IDLE_SECONDS = 5.0
_SETTLE_SECONDS = 3.0  # until each server has heard the other


WAYS = ("redis", "notifications", "polls")


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis; yield its URL."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise Failed("There is no redis-server on this machine.")
    path = folder / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(path), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while not path.exists():
                time.sleep(0.05)
            yield f"unix://{path}"
        finally:
            process.terminate()


@contextmanager
def server(place: str, secret: str, folder: Path, *, way: str, redis: str) -> Iterator[tuple[Process, str]]:
    """Run a server on the database; yield its process and its URL."""
    port = free_port()
    environment = {
        "SLOTCAST_DATABASE": place,
        "SLOTCAST_SECRET": secret,
        "SLOTCAST_PORT": str(port),
        "SLOTCAST_RATE": "0",
        "SLOTCAST_NOTIFICATIONS": str(way != "polls").lower(),
        "SLOTCAST_REDIS": redis if way == "redis" else "",
    }
    process = Process([sys.executable, "server.py"], folder=folder, environment=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        process.wait_for(f"{url}/readyz")
        yield process, url
    finally:
        process.stop()


def fill(place: str, secret: str) -> tuple[str, str]:
    """Make a calendar with a slot; return the slot's id and a token for staff."""
    service = SlotService(place, secret.encode())
    service.open()
    service.run(CreateCalendar(principal=OPERATOR, calendar="bench", name="Bench", zone="Etc/UTC"))
    first = (service.clock() // DAY + 1) * DAY
    slots = (NewSlot(start=first, end=first + HOUR),)
    service.run(OpenSlots(principal=OPERATOR, calendar="bench", key=secrets.token_hex(11), slots=slots))
    slot = service.snapshot("bench", first, first + DAY).slots[0].id
    token = Auth(secret.encode()).write_token("bench", scope="staff", calendars="*", seconds=3_600)
    service.close()
    return slot, token


async def lags(here: str, there: str, slot: str, token: str, count: int) -> list[float]:
    """Return the milliseconds from each answer of `here` to its message from `there`."""
    arrived: dict[int, float] = {}
    answered: dict[int, float] = {}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        socket = await session.ws_connect(f"{there}/api/calendars/bench/socket")

        async def listen() -> None:
            while len(arrived) < count:
                change: Any = await socket.receive_json()
                if "seq" in change and "prev" in change:  # the first message is the snapshot
                    arrived[change["seq"]] = time.perf_counter()

        listening = asyncio.create_task(listen())
        for number in range(count):
            async with session.patch(f"{here}/api/slots/{slot}", json={"data": {"n": number}}) as answer:
                cursor = (await answer.json())["cursor"]
                answered[int(cursor.partition(".")[0])] = time.perf_counter()
            await asyncio.sleep(1 / CHANGES_A_SECOND)
        async with asyncio.timeout(10):
            await listening
        await socket.close()
    return [1e3 * (arrived[seq] - at) for seq, at in answered.items()]


def statements(folder: Path) -> int:
    """Return the statements in PostgreSQL's log: only the idle server has them logged."""
    lines = (folder / "postgres" / "log").read_text(errors="replace").splitlines()
    return sum("LOG:  statement:" in line or "LOG:  execute" in line for line in lines)


def way_of(
    place: str, secret: str, slot: str, token: str, folder: Path, *, way: str, redis: str, count: int
) -> Numbers:
    """Return p50 and p99 in milliseconds, and for an idle server the statements and the CPU in ms a second."""
    with server(f"{place}&options=-clog_statement%3Dall", secret, folder, way=way, redis=redis) as (idle, there):
        time.sleep(_SETTLE_SECONDS)
        before, cpu = statements(folder), idle.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        spent = 1e3 * (idle.cpu_seconds() - cpu) / IDLE_SECONDS
        sent = (statements(folder) - before) / IDLE_SECONDS
        with server(place, secret, folder, way=way, redis=redis) as (_, here):
            time.sleep(_SETTLE_SECONDS)
            found = asyncio.run(lags(here, there, slot, token, count))
    return {
        f"{way}_p50_ms": percentile(found, 0.5),
        f"{way}_p99_ms": percentile(found, 0.99),
        f"{way}_idle_statements": sent,
        f"{way}_idle_ms": spent,
    }


def measure(folder: Path, rounds: int, count: int) -> list[Numbers]:
    """Return the figures of each way in each round. An idle server is judged with Redis and with notifications."""
    secret, done = secrets.token_urlsafe(32), list[Numbers]()
    with tempfile.TemporaryDirectory(dir=folder) as name, redis_server(Path(name)) as redis:
        ground = PostgresGround(Path(name))
        try:
            place = ground.new()
            slot, token = fill(place, secret)
            for _ in range(rounds):
                numbers: Numbers = {}
                for way in WAYS:
                    numbers |= way_of(place, secret, slot, token, Path(name), way=way, redis=redis, count=count)
                for figure in ("idle_statements", "idle_ms"):
                    numbers[figure] = max(numbers[f"{way}_{figure}"] for way in WAYS if way != "polls")
                done.append(numbers)
        finally:
            ground.close()
    return done


def main(
    *,
    count: Annotated[int, typer.Option(min=20, help="changes in each round")] = 300,
    rounds: Annotated[int, typer.Option(min=1, help="medians of so many rounds are told")] = 3,
) -> None:
    """Measure commit to client across two servers, with each way of changes between servers."""
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        report.tell("nodes", measure(Path(name), rounds, count))


if __name__ == "__main__":
    typer.run(main)
