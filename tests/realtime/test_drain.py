"""A stopping server closes its clients one after another, and answers meanwhile."""

import asyncio
import re
import time
from pathlib import Path

import aiohttp

from realtime.transports.event_stream import DRAIN_RETRY_MILLISECONDS
from tests.support import Api, Server, eventually

SECONDS = 4.0
EACH = 20  # clients of each kind
GROUP_SECONDS = 0.5


async def test_clients_leave_one_after_another(tmp_path: Path) -> None:
    """Readiness ends first, requests go on, and no moment closes more than a part of the clients.

    Event streams are told to come back within a second: the drain has spread them already.
    """
    settings = {"SLOTCAST_DRAIN_SECONDS": str(SECONDS), "SLOTCAST_RATE": "0"}
    with Server(tmp_path, settings=settings) as server:
        closed: list[float] = []
        waits: list[int] = []

        async def watch(client: aiohttp.ClientWebSocketResponse | aiohttp.ClientResponse) -> None:
            if isinstance(client, aiohttp.ClientResponse):
                told = await client.content.read()
                waits.append(int(re.findall(rb"^retry: (\d+)$", told, re.MULTILINE)[-1]))
            else:
                while (await client.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
            closed.append(time.monotonic())

        async with aiohttp.ClientSession(server.url) as session, Api(server.url) as api:
            clients = [
                client
                for _ in range(EACH)
                for client in (
                    await session.ws_connect("/socket.io/?EIO=4&transport=websocket"),
                    await session.ws_connect("/api/calendars/demo/socket"),
                    await session.get("/api/calendars/demo/events"),
                )
            ]
            watching = asyncio.gather(*map(watch, clients))
            began = time.monotonic()
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))

            async def is_unready() -> bool:
                return (await api.ask("GET", "/readyz")).status == 503

            await eventually(is_unready, what="the end of readiness")
            assert closed == [], "load balancers are told first"
            assert (await session.get("/api/calendars/demo/events")).status == 200
            await eventually(lambda: len(closed) > EACH, SECONDS, "the first clients")
            assert (await api.ask("GET", "/api/calendars/demo/slots")).status == 200
            assert (await session.get("/api/calendars/demo/events")).status == 503
            assert (await session.get("/socket.io/?EIO=4&transport=polling")).status == 503
            await watching
            assert await stopping == 0
        took = [at - began for at in closed]
        print([f"{seconds:.1f}" for seconds in took])
        assert len(waits) == EACH
        assert set(waits) <= set(DRAIN_RETRY_MILLISECONDS)
        assert max(took) - min(took) > SECONDS / 4
        assert max(took) < SECONDS + 4, "on a busy machine"
        fullest = max(sum(begin <= seconds < begin + GROUP_SECONDS for seconds in took) for begin in took)
        assert fullest <= len(took) / 2


async def test_without_clients_there_is_no_wait(tmp_path: Path) -> None:
    with Server(tmp_path, settings={"SLOTCAST_DRAIN_SECONDS": "600"}) as server:
        assert await asyncio.to_thread(server.stop) == 0


async def test_a_second_signal_ends_a_drain(tmp_path: Path) -> None:
    with Server(tmp_path, settings={"SLOTCAST_DRAIN_SECONDS": "600"}) as server:
        async with aiohttp.ClientSession(server.url) as session, Api(server.url) as api:
            client = await session.ws_connect("/api/calendars/demo/socket")
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))

            async def is_unready() -> bool:
                return (await api.ask("GET", "/readyz")).status == 503

            await eventually(is_unready, what="the end of readiness")
            server._running().send_signal(15)
            assert await stopping == -15
            await client.close()
