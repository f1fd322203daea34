"""Measures what a change costs an edge and its core: CPU of each for a change of a calendar with one watcher.

Run it with `python -m bench.runs.edge`. The figure is the edge's whole work: the stream, the room, and one delivery.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from rich.console import Console

from bench.machine import Process, free_port
from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.slots import NewSlot, OpenSlots
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, HOUR
from models.service import SlotService
from realtime.access.auth import Auth

_PATIENCE_SECONDS = 60.0


def fill(place: str, secret: str, calendars: int) -> list[tuple[str, str]]:
    """Make so many calendars, each with a slot; return the ids of both."""
    service = SlotService(place, secret.encode())
    service.open()
    first = (service.clock() // DAY + 1) * DAY
    made = []
    for number in range(calendars):
        name = f"bench-{number}"
        service.run(CreateCalendar(principal=OPERATOR, calendar=name, name="Bench", zone="Etc/UTC"))
        slots = (NewSlot(start=first, end=first + HOUR),)
        service.run(OpenSlots(principal=OPERATOR, calendar=name, key=secrets.token_hex(11), slots=slots))
        made.append((name, service.snapshot(name, first, first + DAY).slots[0].id))
    service.close()
    return made


async def measure(
    core: tuple[Process, str], edge: tuple[Process, str], made: list[tuple[str, str]], token: str, rounds: int
) -> tuple[float, float]:
    """Return the microseconds of CPU a change, of the edge and of the core."""
    arrived = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def watch(calendar: str) -> None:
            nonlocal arrived
            async with session.ws_connect(f"{edge[1]}/api/calendars/{calendar}/socket") as socket:
                async for _ in socket:
                    arrived += 1

        async def until(count: int) -> None:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while arrived < count:  # noqa: ASYNC110 - the messages are counted in many tasks
                    await asyncio.sleep(0.02)

        watching = [asyncio.create_task(watch(name)) for name, _ in made]
        await until(len(made))  # snapshots
        await asyncio.sleep(2.0)  # the streams to the core
        before = edge[0].cpu_seconds(), core[0].cpu_seconds()
        headers = {"Authorization": f"Bearer {token}"}
        for number in range(rounds):
            for _, slot in made:
                async with session.patch(f"{core[1]}/api/slots/{slot}", json={"data": number}, headers=headers) as told:
                    told.raise_for_status()
        await until((rounds + 1) * len(made))
        changes = rounds * len(made)
        used = [1e6 * (side[0].cpu_seconds() - was) / changes for side, was in zip((edge, core), before, strict=True)]
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return used[0], used[1]


def main(
    *,
    calendars: Annotated[int, typer.Option(min=1, help="Calendars, each with one watcher.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, help="Changes of each.")] = 20,
) -> None:
    """Measure a change at an edge and at its core."""
    console, secret = Console(), secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory(prefix="slotcast-bench-") as name:
        folder = Path(name)
        place = f"sqlite:///{folder}/bench.db"
        made = fill(place, secret, calendars)
        token = Auth(secret.encode()).write_token("bench", scope="staff", calendars="*", seconds=3_600)
        environment = {"SLOTCAST_DATABASE": place, "SLOTCAST_SECRET": secret, "SLOTCAST_RATE": "0"}
        urls = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
        ports = [url.rpartition(":")[2] for url in urls]
        core = Process([sys.executable, "server.py", "--port", ports[0]], folder=folder, environment=environment)
        command = [sys.executable, "server.py", "--port", ports[1], "edge", "--core", urls[0]]
        edge = Process(command, folder=folder, environment={"SLOTCAST_RATE": "0"})
        try:
            for process, url in zip((core, edge), urls, strict=True):
                process.wait_for(f"{url}/livez")
            at_edge, at_core = asyncio.run(measure((core, urls[0]), (edge, urls[1]), made, token, rounds))
        finally:
            edge.stop()
            core.stop()
    console.print(f"a change: {at_edge:.0f} µs of CPU at the edge, {at_core:.0f} µs at the core with the command")


if __name__ == "__main__":
    typer.run(main)
