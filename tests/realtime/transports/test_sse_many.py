"""Server-sent events of many calendars: one stream, a cursor for each calendar, and a refusal for each one hidden."""

import json
from typing import Any

import aiohttp
import pytest

from models.contract.errors import BadRequest
from realtime.transports.sse_many import read_calendars, read_cursors
from realtime.transports.stream import MOST_SUBSCRIPTIONS
from tests.realtime.transports.conftest import make_calendar, open_slots
from tests.support import Api
from tests.system.conftest import Place


class _Events:
    """The events of a response."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.id = ""

    async def next(self) -> tuple[str, Any]:
        """Return the name and the data of the next event, for an event without data its `id`."""
        name, data = "", ""
        while True:
            line = (await self._response.content.readline()).decode()
            assert line, "the stream has ended"
            field, _, text = line.rstrip("\n").partition(": ")
            if field == "event":
                name = text
            elif field == "data":
                data = text
            elif field == "id":
                self.id = text
            elif not field and data:
                return name, json.loads(data)
            elif not field and self.id:
                return "id", self.id


async def test_one_stream_carries_many_calendars(place: Place, api: Api, http: aiohttp.ClientSession) -> None:
    """Each calendar begins with its snapshot, its changes follow, and all resume by the one `id`."""
    left, right = await make_calendar(api, "many-a"), await make_calendar(api, "many-b")
    url, names = f"{place.url}/api/events", {"calendars": "many-a,many-b,many-a"}
    async with http.get(url, params=names) as response:
        events = _Events(response)
        first = [await events.next() for _ in range(3)]
        assert [name for name, _ in first] == ["snapshot", "snapshot", "id"]
        cursors = {snapshot["info"]["id"]: snapshot["cursor"] for _, snapshot in first[:2]}
        assert events.id == ",".join(f"{name}:{cursor}" for name, cursor in cursors.items())
        await open_slots(api, right, 1)
        await open_slots(api, left, 1)
        changes = [await events.next() for _ in range(2)]
        assert [(name, change["calendar"]) for name, change in changes] == [("", "many-b"), ("", "many-a")]
        assert events.id == first[2][1], "a change has no id: one encoding serves all clients"
    async with http.get(url, params=names, headers={"Last-Event-ID": events.id}) as response:
        missed = [(await _next_change(_Events(response)))["calendar"] for _ in range(1)]
        assert missed == ["many-a"]
    gone = {"after": f"many-a:1.damaged,many-b:{changes[0][1]['cursor']}"}
    async with http.get(url, params=names | gone) as response:
        events = _Events(response)
        assert await events.next() == ("reset", {"calendar": "many-a", "code": "cursor_gone"})
        assert (await events.next())[0] == "snapshot"
        assert (await events.next())[0] == "id", "there is nothing new for the other one"


async def _next_change(events: _Events) -> Any:
    name, change = await events.next()
    assert name == ""
    return change


async def test_a_hidden_calendar_is_refused_alone(place: Place, api: Api, http: aiohttp.ClientSession) -> None:
    """It is named by an event `refused`, and the others follow; a stream of hidden ones alone is refused."""
    await make_calendar(api, "many-seen")
    await api.post("/api/calendars", id="many-hidden", name="Room", zone="UTC", visibility="private")
    url = f"{place.url}/api/events"
    for order in ("many-hidden,many-seen", "many-seen,many-hidden"):
        async with http.get(url, params={"calendars": order}) as response:
            events = _Events(response)
            told = [await events.next(), await events.next()]
            refused = next(data for name, data in told if name == "refused")
            assert (refused["calendar"], refused["error"]["code"]) == ("many-hidden", "unauthorized")
            assert {name for name, _ in told} == {"refused", "snapshot"}
    async with http.get(url, params={"calendars": "many-hidden,nowhere"}) as response:
        assert (response.status, (await response.json())["code"]) == (401, "unauthorized")


async def test_a_ticket_names_every_calendar(place: Place, api: Api, http: aiohttp.ClientSession) -> None:
    """A ticket opens a stream of the calendars that it names, and of no other one."""
    await make_calendar(api, "many-named")
    await make_calendar(api, "many-other")
    for names, status in (("many-named", 200), ("many-named,many-other", 403)):
        ticket = (await api.ask("POST", "/api/tickets", {"calendars": ["many-named"]})).body["ticket"]
        params = {"calendars": names, "ticket": ticket}
        async with http.get(f"{place.url}/api/events", params=params) as response:
            assert response.status == status


def test_the_lists_are_read() -> None:
    """A list has 1 to 100 calendars, each once; a cursor of an unnamed calendar is ignored."""
    assert read_calendars("a,b,a") == ["a", "b"]
    assert read_cursors("a:1.x,c:2.y", ["a", "b"], "after") == {"a": "1.x"}
    assert read_cursors("", ["a"], "after") == {}
    for text in ("", "a,", "A", ",".join(f"c{number}" for number in range(MOST_SUBSCRIPTIONS + 1))):
        with pytest.raises(BadRequest):
            read_calendars(text)
    with pytest.raises(BadRequest):
        read_cursors("1.x", ["a"], "after")
