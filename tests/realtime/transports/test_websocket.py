"""The plain WebSocket: the answer first, then one text frame a change."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from realtime.engine import Event, Packet
from realtime.transports.websocket import plain_frames
from tests.realtime.transports.conftest import make_calendar, open_slots
from tests.support import Api, Server, new_key
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


async def test_a_page_of_another_origin_may_not_connect(place: Place, http: aiohttp.ClientSession) -> None:
    """The rule of origins holds at every address of a WebSocket."""
    for path in ("/", "/api/socket", "/api/calendars/plain/socket"):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await http.ws_connect(f"{place.url}{path}", headers={"Origin": "https://elsewhere.example"})
        await (await http.ws_connect(f"{place.url}/", headers={"Origin": place.url})).close()


async def test_a_client_may_ask_for_beats(place: Place, http: aiohttp.ClientSession) -> None:
    """With `beat=1` the server's time comes at once, as a message."""
    async with http.ws_connect(f"{place.url}/", params={"beat": "1"}) as socket:
        assert (await socket.receive_json(timeout=10))["beat"].endswith("Z")


async def test_a_stop_answers_first(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    """A stopping server answers the running requests, and then closes with 1001."""
    with Server(tmp_path, "--rate", "0") as server:
        async with http.ws_connect(f"{server.url}/") as socket:
            await socket.send_json({"subscribe": "demo"})
            slots = [slot["id"] for slot in (await socket.receive_json())["slots"] if slot["bookable"]][:8]
            for number, slot in enumerate(slots):
                fields = {"slot": slot, "key": new_key()}
                await socket.send_json({"request": "slot.hold", "fields": fields, "id": number})
            await socket.send_json({"unsubscribe": "demo", "id": "sent"})
            heard = [await socket.receive()]  # the server has read the first request
            assert await asyncio.to_thread(server.stop) == 0
            while heard[-1].type is aiohttp.WSMsgType.TEXT:
                heard.append(await socket.receive())
    assert (heard[-1].type, heard[-1].data) == (aiohttp.WSMsgType.CLOSE, 1001)
    answers = [message for one in heard[:-1] if "ok" in (message := json.loads(one.data))]
    changes = [message for one in heard[:-1] if "seq" in (message := json.loads(one.data))]
    assert len([answer for answer in answers if answer["id"] != "sent"]) >= len(changes)
