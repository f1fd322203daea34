"""An edge reads whole calendars of its core, and passes its refusals on."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from models.contract.errors import NotFound, Overloaded
from models.contract.values.time import DAY, HOUR, write_time
from realtime.edge.upstream import Upstream
from realtime.rooms.opening import FAR
from tests.realtime.edge.test_following import CALENDAR, STAFF
from tests.support import Api, Server, free_port

SLOTS = 2_200  # more than one snapshot has
AT_ONCE = 200


async def test_a_large_calendar_is_read_in_pages(core: Server) -> None:
    """A room has all slots of its calendar, each once, at one cursor."""
    upstream = Upstream(core.url)
    first = (upstream.clock() // DAY + 1) * DAY
    async with Api(core.url, STAFF) as api:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        for begin in range(0, SLOTS, AT_ONCE):
            starts = [first + place * HOUR for place in range(begin, begin + AT_ONCE)]
            slots = [{"start": write_time(start), "end": write_time(start + 2 * HOUR)} for start in starts]
            await api.post(f"/api/calendars/{CALENDAR}/slots", slots=slots)
    found = upstream.snapshot(CALENDAR, upstream.clock() - DAY, FAR)
    assert (found.seq, found.info.id) == (SLOTS // AT_ONCE, CALENDAR)
    assert list(found.slots.starts) == [first + place * HOUR for place in range(SLOTS)]
    assert upstream.head(CALENDAR).cursor == found.cursor
    with pytest.raises(NotFound):
        upstream.snapshot("elsewhere", 0, FAR)
    upstream.close_thread_connection()


def test_a_core_that_does_not_answer() -> None:
    """The refusal says that the client may try again."""
    upstream = Upstream(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Overloaded):
        upstream.head(CALENDAR)
    assert not upstream.is_reached


def _head(upstream: Upstream) -> None:
    try:
        upstream.head(CALENDAR)
    finally:
        upstream.close_thread_connection()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>Sign in</html>"),
        (200, "[1, 2]"),
        (200, '{"info": {"id": "shared"}}'),
        (204, ""),
        (302, "Moved"),
        (404, "<html>No such page</html>"),
        (502, "Bad gateway"),
    ],
)
async def test_an_answer_of_another_program(status: int, body: str) -> None:
    """A page of a proxy or of another program is like no answer: the client may try again."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        upstream = Upstream(str(server.make_url("")))
        with pytest.raises(Overloaded):
            await asyncio.to_thread(_head, upstream)
    assert not upstream.is_reached


async def test_a_silent_core_is_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for an answer passes once: only a kept connection that has ended is opened again."""
    monkeypatch.setattr("realtime.edge.upstream.ANSWER_SECONDS", 0.2)
    asked = 0

    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()  # to the end of the connection
        writer.close()

    async with await asyncio.start_server(be_silent, "127.0.0.1") as server:
        upstream = Upstream(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(Overloaded):
            await asyncio.to_thread(_head, upstream)
    assert asked == 1
