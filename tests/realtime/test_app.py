"""The composed server: it starts all its parts, and ends them."""

import asyncio
import threading
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from models.contract.values.time import system_clock
from models.service import SlotService
from realtime.app import SERVICE, SOCKETS, build
from realtime.app_settings import AppSettings


async def test_an_application_ends_all_that_it_has_started(database: str, tmp_path: Path) -> None:
    """After its end no task and no thread of it is left; its service and its sockets are there for other code."""
    threads = set(threading.enumerate())
    sync = SlotService(database, b"a secret of the tests, long enough for HS256", synchronous="normal")
    sync.open()
    app = await build(
        sync,
        AppSettings(
            secret=sync.secret,
            origins=[],
            proxies=[],
            base_path="",
            rate=0,
            address_factor=10,
            most_open_per_address=0,
            body_seconds=5,
            max_queued_bytes=1_000_000,
            max_room_bytes=1_000_000,
        ),
        clock=system_clock,
        web_folder=tmp_path,
    )
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/readyz")).status == 200
        assert app[SERVICE].sync is sync
        assert not app[SOCKETS].refuse
    assert app[SOCKETS].refuse
    assert asyncio.all_tasks() == {asyncio.current_task()}
    left = {thread.name for thread in threading.enumerate() if thread not in threads}
    assert {name for name in left if not name.startswith("asyncio_")} == set()  # these are of the loop
