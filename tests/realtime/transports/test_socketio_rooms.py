"""A calendar's Socket.IO room is the list of its Socket.IO subscribers, and the only record of them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web

from cli.serve import compose, runner_of
from cli.settings import Settings
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.principal import OPERATOR
from realtime.access.auth import LEEWAY_SECONDS
from realtime.app import SERVICE, SOCKETS
from realtime.engine import SocketServer
from realtime.transports.socketio_rooms import room_name
from tests.support import GUESTS, STAFF, Client, eventually

SECRET = "a secret of the tests, long enough for HS256"
CALENDAR = "yoga"


class Running:
    """A server in this process, and its structures with clients in them."""

    def __init__(self, app: web.Application, url: str) -> None:
        self.app = app
        self.url = url

    @property
    def sockets(self) -> SocketServer:
        return self.app[SOCKETS]

    def subscribers(self, namespace: str = GUESTS) -> set[str]:
        """The sids in the calendar's Socket.IO room."""
        return {sid for sid, _ in self.sockets.manager.get_participants(namespace, room_name(CALENDAR))}

    def leftovers(self) -> dict[str, Any]:
        """Return every structure that still has a client or a subscriber in it."""
        manager = self.sockets.manager
        handlers = self.sockets.namespace_handlers.values()
        return {
            "rooms": manager.rooms,
            "clients": manager.clients,
            "connections": self.sockets.eio.sockets,
            "sessions": {sid: session for handler in handlers for sid, session in handler._rooms.sessions.items()},
        }


@pytest.fixture
async def running(database: str, tmp_path: Path) -> AsyncIterator[Running]:
    """Run a server with one calendar in this process."""
    settings = Settings(secret=SECRET.encode(), database=database, rate=0)
    service = settings.service()
    service.open()
    app = await compose(settings, service=service, web_folder=tmp_path)
    runner = runner_of(app, settings.bounds)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await app[SERVICE].run(CreateCalendar(principal=OPERATOR, calendar=CALENDAR, name="Yoga", zone="UTC"))
    yield Running(app, f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


def token(seconds: float = 3_600, **claims: Any) -> str:
    """Sign a token that ends after so many seconds."""
    return jwt.encode({"sub": "ada", "exp": int(time.time() + seconds) + 1, **claims}, SECRET, algorithm="HS256")


@asynccontextmanager
async def subscriber(url: str, namespace: str = GUESTS, **options: Any) -> AsyncIterator[Client]:
    async with Client(url, namespace=namespace, **options) as client:
        await client.watch(CALENDAR)
        yield client


def notices(client: Client) -> list[Any]:
    """Return the application's own events of a client."""
    return [data for event, data in client.heard if event == "notice"]


async def test_an_emit_to_the_calendars_room_reaches_its_subscribers(running: Running) -> None:
    """An application's `emit(..., room="calendar:<id>")` reaches exactly the subscribers in that namespace."""
    staff_token = token(scope="staff", calendars="*")
    async with (
        subscriber(running.url) as first,
        subscriber(running.url, transports=("polling",)) as second,
        subscriber(running.url, STAFF, token=staff_token) as staff,
        Client(running.url) as outsider,
        subscriber(running.url) as left,
    ):
        assert (await left.ask("calendar.unsubscribe", calendar=CALENDAR))["ok"]
        assert len(running.subscribers()) == 2
        await running.sockets.emit("notice", {"text": "soon"}, room=f"calendar:{CALENDAR}", namespace=GUESTS)
        await eventually(lambda: notices(first) and notices(second))
        for client in (outsider, left, staff):  # an answer leaves after all earlier messages
            await client.ask("calendar.unsubscribe", calendar="other")
            assert notices(client) == []
        await running.sockets.emit("notice", {"text": "staff"}, room=f"calendar:{CALENDAR}", namespace=STAFF)
        await eventually(lambda: notices(staff) == [{"text": "staff"}])
        assert notices(first) == notices(second) == [{"text": "soon"}]


async def test_the_room_is_the_list_that_changes_go_to(running: Running) -> None:
    """A client that the application removes from the Socket.IO room gets no more changes, and others do."""
    async with subscriber(running.url) as kept, subscriber(running.url) as removed:
        (sid,) = running.subscribers() - {kept._socket.get_sid(GUESTS)}
        await running.sockets.leave_room(sid, room_name(CALENDAR), namespace=GUESTS)
        await running.app[SERVICE].run(UpdateCalendar(principal=OPERATOR, calendar=CALENDAR, name="Later"))
        await eventually(lambda: kept.changes)
        await removed.ask("calendar.unsubscribe", calendar="other")
        assert removed.changes == []


async def test_leaving_leaves_nothing_behind(running: Running) -> None:
    """After an unsubscribe no room is left, and the metrics count no subscriber."""
    async with subscriber(running.url) as client:
        assert len(running.subscribers()) == 1
        await client.ask("calendar.unsubscribe", calendar=CALENDAR)
        assert running.leftovers()["rooms"] == {}
        async with aiohttp.ClientSession() as http, http.get(f"{running.url}/metrics") as answer:
            assert "slotcast_watchers 0.0" in await answer.text()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_closing_leaves_nothing_behind(running: Running, transport: str) -> None:
    """A closed client is in no structure any more."""
    async with subscriber(running.url, transports=(transport,)):
        assert len(running.subscribers()) == 1
    await eventually(lambda: not any(running.leftovers().values()))


async def test_expiring_leaves_nothing_behind(running: Running) -> None:
    """At the end of its token a client is out of the room in the same step, and soon in no structure."""
    ending = token(1.5 - LEEWAY_SECONDS, calendars="*")
    async with subscriber(running.url, token=ending) as client:
        client.use_token("none")  # the client stays away
        assert len(running.subscribers()) == 1
        await eventually(lambda: client.disconnects, what="the end of the connection")
        assert running.subscribers() == set()
        await eventually(lambda: not any(running.leftovers().values()))


async def test_a_private_calendar_leaves_nothing_behind(running: Running) -> None:
    """A client that may not stay is closed, and in no structure."""
    async with subscriber(running.url) as client:
        await running.app[SERVICE].run(UpdateCalendar(principal=OPERATOR, calendar=CALENDAR, visibility="private"))
        await eventually(lambda: client.disconnects, what="the end of the connection")
        assert running.subscribers() == set()
        assert client.changes == []
