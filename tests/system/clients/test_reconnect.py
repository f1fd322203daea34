"""A server that stops and starts again on its port: every official client resumes by itself, on each transport."""

import asyncio
import gc
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import socketio

from tests.support import Client, Node, Server, eventually, wait_until
from tests.system.conftest import QUIET

TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with a calendar."""
    with Server(tmp_path_factory.mktemp("server"), *QUIET) as server:
        server.command("calendar", "create", "demo")
        yield server


async def _restart(server: Server) -> None:
    assert await asyncio.to_thread(server.stop) == 0
    await asyncio.to_thread(server.start)


@pytest.mark.parametrize("transports", TRANSPORTS, ids="-".join)
async def test_javascript(server: Server, node: Callable[..., Node], transports: list[str]) -> None:
    """The JavaScript client gets a transport error, and resumes."""
    watcher = node("watcher.mjs", server.url, "demo", json.dumps({"transports": transports}))

    async def saw(what: str) -> Any:
        return await asyncio.to_thread(watcher.read_until, lambda told: told["saw"] == what)

    assert (await saw("subscribed"))["mode"] == "snapshot"
    await _restart(server)
    assert (await saw("disconnected"))["active"] is True
    assert (await saw("subscribed"))["mode"] == "resumed"


@pytest.mark.parametrize("transports", TRANSPORTS, ids="-".join)
async def test_python_with_asyncio(server: Server, transports: list[str]) -> None:
    """python-socketio's asyncio client connects again, and is answered."""
    async with Client(server.url, transports=tuple(transports)) as client:
        assert (await client.ask("calendar.subscribe", calendar="demo"))["ok"]
        await _restart(server)
        await eventually(lambda: client.connects == 2)
        assert (await client.ask("calendar.subscribe", calendar="demo"))["ok"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it drops sockets without closing them
@pytest.mark.parametrize("transports", TRANSPORTS, ids="-".join)
def test_python_without_asyncio(server: Server, transports: list[str]) -> None:
    """The client with threads resumes too."""
    connected = threading.Semaphore(0)
    client = socketio.Client(reconnection_delay=0.05, reconnection_delay_max=0.2)
    client.on("connect", connected.release, namespace="/calendars")
    client.connect(server.url, namespaces=["/calendars"], transports=transports)
    try:
        for number in range(2):
            assert wait_until(lambda: connected.acquire(blocking=False))
            assert client.call("calendar.subscribe", {"calendar": "demo"}, namespace="/calendars")["ok"]
            if not number:
                server.restart()
    finally:
        client.shutdown()
        client.eio.wait()
        del client
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()  # the client drops its sockets without closing them
