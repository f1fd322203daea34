"""A server for the requests of staff."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support import Api, Server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server."""
    with Server(tmp_path_factory.mktemp("requests"), "--no-demo", "--rate", "0", "--log-level", "info") as server:
        yield server


@pytest.fixture
async def api(served: Server) -> AsyncIterator[Api]:
    """Ask as staff of all calendars."""
    async with Api(served.url, served.command("token", "--scope", "staff").strip()) as api:
        yield api
