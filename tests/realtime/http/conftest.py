"""One server for the tests of HTTP; each test has a calendar of its own."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support import Answer, Api, Server, new_key

FRIEND = "https://friend.example"


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with its demo calendar; it allows one other origin."""
    settings = {"SLOTCAST_ORIGINS": FRIEND, "SLOTCAST_PROXIES": "127.0.0.1"}
    with Server(tmp_path_factory.mktemp("http"), "--rate", "0", settings=settings) as server:
        yield server


@pytest.fixture(scope="package")
def token(served: Server) -> str:
    """Make a staff token."""
    return served.command("token", "--scope", "staff").strip()


@pytest.fixture
async def api(served: Server, token: str) -> AsyncIterator[Api]:
    """Ask as staff."""
    async with Api(served.url, token) as api:
        yield api


@pytest.fixture
async def slot(api: Api) -> str:
    """Open a slot."""
    name = f"c-{new_key().lower().replace('_', '-')}"
    await api.post("/api/calendars", id=name, name="Room", zone="UTC")
    start = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    fields = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
    opened = await api.post(f"/api/calendars/{name}/slots", slots=[fields])
    return str(opened["slots"][0]["id"])


def status_and_code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code
