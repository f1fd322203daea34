"""The plain WebSocket: the answer first, then one text frame a change."""

import aiohttp

from realtime.engine import Event, Packet
from realtime.transports.websocket import plain_frames
from tests.realtime.transports.conftest import make_calendar, open_slots
from tests.support import Api
from tests.system.conftest import Place


def test_each_event_is_a_text_frame() -> None:
    """The payload is the change, without the event's name and id."""
    packet = Packet([Event("/calendars", b'"a"', b"1", b"1.a"), Event("/calendars", b'"b"', b"22", b"2.a")])
    assert plain_frames(packet) == b"\x81\x011" + b"\x81\x0222"


async def test_the_first_message_is_the_answer(place: Place, api: Api, http: aiohttp.ClientSession) -> None:
    """A snapshot comes first, then each change; with a cursor the missed changes come first."""
    path = await make_calendar(api, "plain")
    async with http.ws_connect(f"{place.url}{path}/socket") as socket:
        answer = await socket.receive_json()
        assert (answer["ok"], answer["mode"], answer["slots"]) == (True, "snapshot", [])
        await open_slots(api, path, 1)
        change = await socket.receive_json()
        assert (change["type"], change["prev"]) == ("slot.opened", answer["seq"])
    async with http.ws_connect(f"{place.url}{path}/socket", params={"after": answer["cursor"]}) as socket:
        resumed = await socket.receive_json()
        assert (resumed["mode"], resumed["changes"]) == ("resumed", [change])


async def test_a_request_without_a_handshake_is_refused(place: Place, api: Api) -> None:
    """The route answers a plain GET with bad_request."""
    path = await make_calendar(api, "no-handshake")
    assert (await api.ask("GET", f"{path}/socket")).code == "bad_request"
