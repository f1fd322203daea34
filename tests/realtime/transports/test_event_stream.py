"""The head of an event stream, and the form of its events."""

import aiohttp

from realtime.engine import Event, Packet
from realtime.transports.event_stream import event_stream, events_without_id, named_event
from tests.realtime.transports.conftest import make_calendar
from tests.support import Api
from tests.system.conftest import Place


async def test_no_proxy_may_keep_events(place: Place, api: Api, http: aiohttp.ClientSession) -> None:
    """The head of an event stream forbids proxies to gather, to change and to keep it."""
    path = await make_calendar(api, "headed")
    async with http.get(f"{place.url}{path}/events") as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert {"no-store", "no-transform"} <= set(response.headers["Cache-Control"].split(", "))
        assert "public" not in response.headers["Cache-Control"]
    assert (await api.ask("GET", f"{path}/changes")).headers["Cache-Control"] == "no-store"


def test_an_event_has_its_cursor() -> None:
    """A change has no name, so that `onmessage` gets it; a snapshot and a reset have one (HTML Standard, 9.2)."""
    packet = Packet([Event("/calendars", b'"slot.opened"', b'{"seq":1}', b"1.a")])
    assert event_stream(packet) == b'id: 1.a\ndata: {"seq":1}\n\n'
    assert events_without_id(packet) == b'data: {"seq":1}\n\n'
    assert named_event("snapshot", b"{}", "1.a") == b"id: 1.a\nevent: snapshot\ndata: {}\n\n"
    assert named_event("reset", b"{}") == b"event: reset\ndata: {}\n\n"
