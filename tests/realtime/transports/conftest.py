"""One server for the tests of the transports, with a small cap for slow clients."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.support import Api, Server
from tests.support.example import in_days
from tests.system.conftest import QUIET, Place, api

__all__ = ["api"]

CAP_BYTES = 65_536


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server with a small cap for slow clients."""
    flags = (*QUIET, "--max-queued-bytes", str(CAP_BYTES))
    with Server(tmp_path_factory.mktemp("stream"), *flags) as server:
        yield Place(server, server.command("token", "--scope", "staff").strip())


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Ask without a token."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
        yield http


async def make_calendar(api: Api, calendar: str) -> str:
    """Make a calendar without slots; return its path."""
    await api.post("/api/calendars", id=calendar, name="Room", zone="UTC")
    return f"/api/calendars/{calendar}"


async def open_slots(api: Api, path: str, count: int, data: str = "") -> None:
    """Open slots in one change."""
    slots = [{"start": in_days(1 + number / 99), "end": in_days(2 + number / 99)} for number in range(count)]
    await api.post(f"{path}/slots", duplicates=True, slots=[{**slot, "data": data} for slot in slots])
