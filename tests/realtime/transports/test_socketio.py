"""Socket.IO requests: their log lines, their counts, and the answer to a crash."""

import logging
import re
from typing import Any, cast

import msgspec
import pytest

from models.contract.principal import Principal
from models.contract.request import Request
from models.contract.values.time import system_clock
from realtime.access.auth import Auth
from realtime.engine import Connection, EngineServer, RoomManager
from realtime.request_log import RequestCounts
from realtime.requests.request_handler import RequestHandler
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.recovery import Recovery
from realtime.rooms.subscriber import Audience
from realtime.transports.session import Session
from realtime.transports.socketio import CalendarNamespace
from realtime.transports.socketio_rooms import CalendarRooms

SID = "somebody"


class Broken:
    """A request handler that always crashes."""

    clock = staticmethod(system_clock)

    async def answer(self, _request: Request, _principal: Principal, _received: int) -> bytes:
        raise RuntimeError("no disk")


@pytest.fixture
def counts() -> RequestCounts:
    return RequestCounts()


@pytest.fixture
def namespace(counts: RequestCounts) -> CalendarNamespace:
    """Make a namespace with a broken request handler and one client."""
    rooms = CalendarRooms(RoomManager(), Audience.PUBLIC)
    namespace = CalendarNamespace(
        Audience.PUBLIC,
        auth=Auth(b"s" * 32),
        request_handler=cast("RequestHandler", Broken()),
        dispatcher=cast("Dispatcher", None),
        recovery=cast("Recovery", None),
        rooms=rooms,
        counts=counts,
    )
    connection = Connection(EngineServer(), "sid", "", "")
    rooms.sessions[SID] = Session(connection, Principal())
    return namespace


async def _ask(namespace: CalendarNamespace, event: str, fields: Any) -> str:
    """Ask, and return the code of the failure."""
    encoded = await namespace.trigger_event(event, SID, fields)
    code: str = msgspec.json.decode(encoded.json)["error"]["code"]
    return code


async def test_a_crash_is_logged_under_the_request(
    namespace: CalendarNamespace, counts: RequestCounts, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that crashes is answered, counted and logged with its trace, under the id of its own line."""
    caplog.set_level(logging.INFO, "slotcast.socketio")
    assert await _ask(namespace, "booking.get", {"booking": "x", "token": "secret"}) == "internal"
    crash, line = [record.getMessage() for record in caplog.records]
    (request_id,) = re.findall(r"request=([0-9a-f]{32})", crash)
    assert re.fullmatch(rf"/calendars booking.get internal \d+\.\dms request={request_id}", line)
    assert caplog.records[0].exc_info
    assert "secret" not in caplog.text
    assert counts.answers == {("booking.get", "internal"): 1}


async def test_a_line_a_request(namespace: CalendarNamespace, caplog: pytest.LogCaptureFixture) -> None:
    """From level info on, each request has a line with an id of its own and without the client's own words."""
    assert await _ask(namespace, "slot.steal", {}) == "bad_request"
    assert caplog.records == []
    caplog.set_level(logging.INFO, "slotcast.socketio")
    for _ in range(2):
        assert await _ask(namespace, "slot.steal", {}) == "bad_request"
    first, second = [record.getMessage() for record in caplog.records]
    assert first.startswith("/calendars unknown bad_request ")
    assert first.split("request=")[1] != second.split("request=")[1]
