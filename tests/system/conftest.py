"""One server for all the read-only tests of a module; each test has a calendar of its own."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from tests.support import STAFF, Api, Client, Server
from tests.support.clients.raw import Raw
from tests.support.example import World, make_world

_names = count()
QUIET = ("--no-demo", "--rate", "0")
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@dataclass(frozen=True)
class Place:
    """A running server and its keys."""

    server: Server
    staff: str

    @property
    def url(self) -> str:
        return self.server.url

    def token(self, *arguments: str) -> str:
        return self.server.command("token", *arguments).strip()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server without a limit on requests."""
    with Server(tmp_path_factory.mktemp("server"), *QUIET) as server:
        yield Place(server, server.command("token", "--scope", "owner", "--subject", "staff").strip())


@pytest.fixture
async def api(place: Place) -> AsyncIterator[Api]:
    """Ask as staff."""
    async with Api(place.url, place.staff) as api:
        yield api


@pytest.fixture
async def guest(place: Place) -> AsyncIterator[Api]:
    """Ask without a token."""
    async with Api(place.url) as api:
        yield api


@pytest.fixture
async def staff(place: Place) -> AsyncIterator[Client]:
    """Connect as staff."""
    async with Client(place.url, token=place.staff, namespace=STAFF) as client:
        yield client


@pytest.fixture
async def world(place: Place, api: Api) -> World:
    """Make a calendar with something of everything."""
    return await make_world(api, f"room-{next(_names)}", place.staff)


@pytest.fixture
async def close_raw() -> AsyncIterator[None]:
    """Leave no raw connection behind."""
    yield
    await Raw.close_all()
