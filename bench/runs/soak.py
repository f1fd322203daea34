"""Lets clients come and go for minutes, and looks at what the server keeps: `python -m bench.runs.soak`.

Two thousand clients follow twenty calendars over WebSocket, server-sent events and long polling, each for a while,
while guests hold, book and cancel. At the end all leave. Then connections, tasks and descriptors are back at their
base, and memory is little above that of the first quarter. The chart goes to docs/soak.svg.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import aiohttp
import typer

from bench.machine import Failed, Process, free_port, raise_open_files
from bench.runs.soak_chart import draw

CALENDARS = 20
SEATS = 1_000
MEAN_SECONDS = 60.0  # of a client
SAMPLE_SECONDS = 5.0
CALM_SECONDS = 60.0  # after the last client, for what is kept for a while
MOST_GROWTH = 1.25  # of the memory, from the end of the first quarter to the end
SPARE_FILES, SPARE_TASKS = 8, 8
_ROOT = Path(__file__).parents[2]
_UPGRADE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_PING = b"\x81\x012"


class Sample(NamedTuple):
    """The state of the server at a time in seconds since the start. Memory is in MB."""

    seconds: float
    memory: float
    connections: float
    tasks: float
    files: float


def _frame(text: str) -> bytes:
    payload = text.encode()
    size = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + payload


class Crowd:
    """The clients: `wanted` at the same time, each of a kind and a life by chance."""

    def __init__(self, port: int, wanted: int) -> None:
        self._port = port
        self._wanted = wanted
        self._chance = random.Random(8)  # noqa: S311 - no secret
        self._open: set[asyncio.Task[None]] = set()
        self.come = 0
        self.failed: list[str] = []

    async def run(self, seconds: float) -> None:
        """Keep the number of clients for so long, then let all leave."""
        until = time.monotonic() + seconds
        kinds: tuple[Callable[[str, float], Coroutine[Any, Any, None]], ...] = (self._socket, self._stream, self._poll)
        while time.monotonic() < until:
            for _ in range(min(self._wanted - len(self._open), 20)):
                calendar = f"c-{self._chance.randrange(CALENDARS)}"
                life = self._chance.expovariate(1 / MEAN_SECONDS)
                task = asyncio.create_task(self._live(self._chance.choice(kinds), calendar, life))
                self._open.add(task)
                task.add_done_callback(self._open.discard)
            await asyncio.sleep(0.1)
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _live(self, kind: Callable[[str, float], Coroutine[Any, Any, None]], calendar: str, life: float) -> None:
        self.come += 1
        try:
            await kind(calendar, life)
        except (OSError, EOFError, AssertionError) as error:
            self.failed.append(repr(error))

    async def _socket(self, calendar: str, life: float) -> None:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(_UPGRADE.encode())
            await reader.readuntil(b"\r\n\r\n")
            subscribe = json.dumps(["calendar.subscribe", {"calendar": calendar}])
            writer.write(_frame("40/calendars,") + _frame(f"42/calendars,1{subscribe}"))
            with suppress(TimeoutError):
                async with asyncio.timeout(life):
                    while data := await reader.read(65_536):
                        if _PING in data:
                            writer.write(_frame("3"))
                    raise EOFError(f"a WebSocket was closed after {time.monotonic() - began:.0f} s")
        finally:
            writer.transport.abort()

    async def _stream(self, calendar: str, life: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"GET /api/calendars/{calendar}/events HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert b" 200 " in await reader.readline()
            with suppress(TimeoutError):
                async with asyncio.timeout(life):
                    while await reader.read(65_536):
                        pass
                    raise EOFError("a stream was closed")
        finally:
            writer.transport.abort()

    async def _poll(self, calendar: str, life: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            after = ""
            with suppress(TimeoutError):
                async with asyncio.timeout(life):
                    while True:
                        path = f"/api/calendars/{calendar}/{f'changes?after={after}&wait=20' if after else 'slots'}"
                        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                        head = await reader.readuntil(b"\r\n\r\n")
                        assert b" 200 " in head[:20], head[:20]
                        size = next(
                            int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")
                        )
                        after = json.loads(await reader.readexactly(size))["cursor"]
        finally:
            writer.transport.abort()


async def ask(http: aiohttp.ClientSession, path: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Post until the server is not too busy, as clients do; the key makes that safe."""
    while True:
        async with http.post(path, json=fields) as answer:
            body: dict[str, Any] = await answer.json()
        if not body.get("retryable"):
            return body
        await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))


async def book(port: int, slots: list[str], a_second: float, seconds: float) -> int:
    """Hold, book and cancel at this rate; return the number of bookings."""
    done, chance, until = 0, random.Random(9), time.monotonic() + seconds  # noqa: S311 - no secret
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        while time.monotonic() < until:
            began = time.monotonic()
            slot, key = chance.choice(slots), os.urandom(16).hex()
            hold = (await ask(http, f"/api/slots/{slot}/holds", {"key": f"{key}-a"})).get("hold")
            if hold:
                fields = {
                    "key": f"{key}-b",
                    "hold": {"id": hold["id"], "token": hold["token"]},
                    "customer": {"name": "Ada", "email": "ada@example.org"},
                }
                booked = (await ask(http, f"/api/slots/{slot}/bookings", fields)).get("booking")
                if booked is None:  # the hold has expired meanwhile
                    continue
                fields = {"key": f"{key}-c", "token": booked["token"]}
                done += "booking" in await ask(http, f"/api/bookings/{booked['id']}/cancel", fields)
            await asyncio.sleep(max(0.0, began + 1 / a_second - time.monotonic()))
    return done


async def look(http: aiohttp.ClientSession, pid: int, began: float) -> Sample:
    async with http.get("/metrics") as answer:
        lines = [line.rsplit(" ", 1) for line in (await answer.text()).splitlines() if not line.startswith("#")]
    by_name = [(name.partition("{")[0], float(value)) for name, value in lines]

    def total(wanted: str) -> float:
        return sum(value for name, value in by_name if name == wanted)

    status = Path(f"/proc/{pid}/status").read_text()  # noqa: ASYNC240 - no disk
    memory = int(status.partition("VmRSS:")[2].split()[0]) / 1_000
    files = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - the number alone
    return Sample(time.monotonic() - began, memory, total("slotcast_connections"), total("slotcast_tasks"), files)


async def closed(http: aiohttp.ClientSession) -> str:
    """Return how many connections the server has closed, by its reasons: a busy machine is slow to read, too."""
    async with http.get("/metrics") as answer:
        lines = [line.rsplit(" ", 1) for line in (await answer.text()).splitlines()]
    found = [(name, float(value)) for name, value in lines if name.startswith("slotcast_connections_closed_total{")]
    return ", ".join(f"{name.split(chr(34))[1]} {value:.0f}" for name, value in found if value) or "none"


async def watch(port: int, pid: int, began: float, samples: list[Sample]) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        while True:
            samples.append(await look(http, pid, began))
            await asyncio.sleep(SAMPLE_SECONDS)


async def prepare(port: int, token: str) -> list[str]:
    """Make the calendars; return their slots."""
    ids = []
    headers = {"Authorization": f"Bearer {token}"}
    day = datetime.now(UTC) + timedelta(days=3)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as http:
        for number in range(CALENDARS):
            policy = {"max_holds": 1_000, "max_bookings": None}
            fields: dict[str, Any] = {"id": f"c-{number}", "name": "Soak", "zone": "UTC", "policy": policy}
            async with http.post("/api/calendars", json={"key": os.urandom(16).hex(), **fields}) as answer:
                if answer.status != 201:
                    raise Failed(await answer.text())
            starts = [day + timedelta(hours=hour) for hour in range(21)]
            slots = [
                {"start": f"{start:%FT%H:00:00Z}", "end": f"{end:%FT%H:00:00Z}"} for start, end in pairwise(starts)
            ]
            body = {"key": os.urandom(16).hex(), "slots": [{**slot, "capacity": SEATS} for slot in slots]}
            async with http.post(f"/api/calendars/c-{number}/slots", json=body) as answer:
                ids += [slot["id"] for slot in (await answer.json())["slots"]]
    return ids


def faults(samples: list[Sample], base: Sample) -> list[str]:
    """Return what has not come back to its base."""
    last = samples[-1]
    warm = samples[len(samples) // 4]
    found = []
    if last.connections:
        found.append(f"{last.connections:.0f} connections stay")
    if last.files > base.files + SPARE_FILES:
        found.append(f"{last.files:.0f} descriptors instead of {base.files:.0f}")
    if last.tasks > base.tasks + SPARE_TASKS:
        found.append(f"{last.tasks:.0f} tasks instead of {base.tasks:.0f}")
    if last.memory > warm.memory * MOST_GROWTH:
        found.append(f"{last.memory:.0f} MB instead of {warm.memory:.0f}")
    return found


async def soak(port: int, pid: int, token: str, *, clients: int, rate: float, seconds: float) -> list[str]:
    """Run it, print the figures, and write the chart; return what has not come back."""
    slots = await prepare(port, token)
    began, samples = time.monotonic(), list[Sample]()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        base = await look(http, pid, began)
    watching = asyncio.create_task(watch(port, pid, began, samples))
    crowd = Crowd(port, clients)
    _, booked = await asyncio.gather(crowd.run(seconds), book(port, slots, rate, seconds))
    await asyncio.sleep(min(CALM_SECONDS, seconds))
    watching.cancel()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        samples.append(await look(http, pid, began))
        reasons = await closed(http)
    found = faults(samples, base)
    peak, last = max(sample.memory for sample in samples), samples[-1]
    load = Path("/proc/loadavg").read_text().strip()  # noqa: ASYNC240 - no disk
    print(f"{crowd.come} clients came, {len(crowd.failed)} failed; {booked} bookings; load {load}")
    print(f"base {base.memory:.0f} MB, peak {peak:.0f} MB, end {last.memory:.0f} MB")
    print(f"descriptors {base.files:.0f} and {last.files:.0f}; tasks {base.tasks:.0f} and {last.tasks:.0f}")
    print(f"closed by the server: {reasons}")
    print(f"connections at most {max(sample.connections for sample in samples):.0f}, at the end {last.connections:.0f}")
    title = f"{seconds / 60:.0f} minutes, {clients} clients at a time, {crowd.come} in all, {booked} bookings"
    (_ROOT / "docs" / "soak.svg").write_text(draw(title, samples))
    return found + [f"a client failed: {one}" for one in crowd.failed[:5]]


def main(
    minutes: Annotated[float, typer.Option(help="The time in which clients come and go.")] = 20.0,
    clients: Annotated[int, typer.Option(help="Clients at the same time.")] = 2_000,
    rate: Annotated[float, typer.Option(help="Bookings a second, each with its hold and its cancellation.")] = 5.0,
) -> None:
    """Run the soak; exit code 1 if anything has not come back to its base."""
    raise_open_files()
    port, secret = free_port(), os.urandom(24).hex()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {"SLOTCAST_SECRET": secret, "SLOTCAST_DATABASE": f"sqlite:///{folder}/soak.db"}
        command = [sys.executable, str(_ROOT / "server.py"), "--port", str(port), "--rate", "0", "--no-demo"]
        process = Process(command, folder=folder, environment=environment)
        try:
            process.wait_for(f"http://127.0.0.1:{port}/readyz")
            token = _token(secret)
            found = asyncio.run(soak(port, process.pid, token, clients=clients, rate=rate, seconds=minutes * 60))
        finally:
            process.stop()
    print("\n".join(found) or "everything is back at its base")
    raise typer.Exit(bool(found))


def _token(secret: str) -> str:
    from realtime.access.auth import Auth  # noqa: PLC0415 - the load imports little before its run

    return Auth(secret.encode()).write_token("soak", scope="owner", calendars="*", seconds=86_400)


if __name__ == "__main__":
    typer.run(main)
