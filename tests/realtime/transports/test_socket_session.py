"""The plain WebSocket's messages: any number of calendars, every request, and an answer to each."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from realtime.transports.stream import MOST_SUBSCRIPTIONS
from tests.realtime.transports.conftest import make_calendar, open_slots
from tests.support import Api, Server, new_key
from tests.system.conftest import Place

Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture
async def socket(place: Place, http: aiohttp.ClientSession) -> AsyncIterator[Socket]:
    """Open a WebSocket at the server's own address, and nothing else."""
    async with http.ws_connect(f"{place.url}/") as socket:
        yield socket


async def _ask(socket: Socket, **message: Any) -> Any:
    """Send a message, and return the next one of the server that is an answer."""
    await socket.send_json(message)
    while "ok" not in (answer := await socket.receive_json(timeout=10)):
        pass
    return answer


async def test_a_bare_socket_follows_and_books(place: Place, api: Api, socket: Socket) -> None:
    """A socket follows calendars, holds and books; an answer has the `id` of its request and comes after the change."""
    for name in ("bare-a", "bare-b"):
        await open_slots(api, await make_calendar(api, name), 1)
    first = await _ask(socket, subscribe="bare-a")
    assert (first["subscribe"], first["mode"], len(first["slots"])) == ("bare-a", "snapshot", 1)
    assert (await _ask(socket, subscribe="bare-b", id=2))["id"] == 2
    slot = first["slots"][0]["id"]
    await socket.send_json({"request": "slot.hold", "fields": {"slot": slot, "key": new_key()}, "id": "hold"})
    change, answer = [await socket.receive_json(timeout=10) for _ in range(2)]
    assert (change["type"], change["cursor"]) == ("slot.held", answer["cursor"])
    assert (answer["id"], answer["hold"]["slot"]) == ("hold", slot)
    fields = {"slot": slot, "hold": answer["hold"], "customer": {"name": "Ada"}, "key": new_key()}
    fields["hold"] = {name: answer["hold"][name] for name in ("id", "token")}
    booked = await _ask(socket, request="slot.book", fields=fields)
    assert booked["booking"]["status"] == "confirmed"
    assert "id" not in booked
    resumed = await _ask(socket, subscribe="bare-a", after=first["cursor"])
    assert [one["type"] for one in resumed["changes"]] == ["slot.held", "slot.booked"]


async def test_a_client_leaves_a_calendar(api: Api, socket: Socket) -> None:
    """After `unsubscribe` no change comes, also if the subscription was still under way."""
    path = await make_calendar(api, "bare-left")
    await socket.send_json({"subscribe": "bare-left", "id": 1})
    await socket.send_json({"unsubscribe": "bare-left", "id": 2})
    answers = {answer["id"]: answer for answer in [await socket.receive_json(timeout=10) for _ in range(2)]}
    assert answers[2] == {"id": 2, "unsubscribe": "bare-left", "ok": True}
    await open_slots(api, path, 1)
    answer = await _ask(socket, request="slot.list", fields={"calendars": ["bare-left"]}, id=3)
    assert (answer["id"], len(answer["slots"])) == (3, 1)


async def test_staff_bring_a_token(place: Place, api: Api, socket: Socket) -> None:
    """A token gives its rights to the open socket; with `staff` the changes have their bookings."""
    path = await make_calendar(api, "bare-staff")
    await open_slots(api, path, 1)
    refused = await _ask(socket, subscribe="bare-staff", staff=True)
    assert (refused["subscribe"], refused["error"]["code"]) == ("bare-staff", "unauthorized")
    assert await _ask(socket, token=place.staff) == {"ok": True}
    snapshot = await _ask(socket, subscribe="bare-staff", staff=True)
    assert snapshot["bookings"] == []
    slot = snapshot["slots"][0]["id"]
    fields = {"slot": slot, "customer": {"name": "Ada"}, "key": new_key()}
    await socket.send_json({"request": "slot.book", "fields": fields})
    change = await socket.receive_json(timeout=10)
    assert [booking["customer"]["name"] for booking in change["bookings"]] == ["Ada"]
    assert (await socket.receive_json(timeout=10))["ok"]
    assert (await _ask(socket, token=""))["ok"], "an empty token is none"
    fields = {"slot": slot, "key": new_key()}
    assert (await _ask(socket, request="slot.close", fields=fields))["error"]["code"] == "unauthorized"


@pytest.mark.parametrize(
    "message",
    [
        "hello", "[1]", "{}", '{"id": 1}', '{"request": 5}', '{"subscribe": 5}', '{"subscribe": "a", "staff": 1}',
        '{"subscribe": "a", "request": "slot.list"}', '{"subscribe": "a", "more": 1}', '{"id": {}, "subscribe": "a"}',
        '{"id": true}', '{"id": "' + "x" * 65 + '"}', '{"token": 5}', '{"request": "no.such"}', '{"id": "\\ud800"}',
        '{"request": "slot.hold", "fields": []}', "[" * 100_000,
        '{"request": "ticket", "fields": {"calendars": ["a"]}}',
    ],
)  # fmt: skip
async def test_a_malformed_message_is_answered(socket: Socket, message: str) -> None:
    """It is answered `bad_request`, and the socket goes on."""
    await socket.send_str(message)
    answer = await socket.receive_json(timeout=10)
    assert (answer["ok"], answer["error"]["code"]) == (False, "bad_request")
    assert (await _ask(socket, unsubscribe="a", id=7)) == {"id": 7, "unsubscribe": "a", "ok": True}


async def test_a_binary_message_is_answered(socket: Socket) -> None:
    """It is answered `bad_request`."""
    await socket.send_bytes(b"{}")
    assert (await socket.receive_json(timeout=10))["error"]["code"] == "bad_request"


async def test_the_socket_of_one_calendar_answers(place: Place, api: Api, http: aiohttp.ClientSession) -> None:
    """It takes the same messages, behind its own first answer."""
    path = await make_calendar(api, "bare-one")
    await make_calendar(api, "bare-two")
    async with http.ws_connect(f"{place.url}{path}/socket") as socket:
        await socket.send_json({"subscribe": "bare-two", "id": 1})
        assert (await socket.receive_json())["info"]["id"] == "bare-one"
        assert (await socket.receive_json())["info"]["id"] == "bare-two"
        for calendar in ("bare-one", "bare-two"):
            await open_slots(api, f"/api/calendars/{calendar}", 1)
            assert (await socket.receive_json())["calendar"] == calendar
        assert (await _ask(socket, unsubscribe="bare-one"))["ok"]


async def test_a_ticket_follows_only(place: Place, api: Api, http: aiohttp.ClientSession) -> None:
    """A ticket's socket follows the calendars that it names, and takes no other request until a token comes."""
    path = await make_calendar(api, "bare-ticket")
    await make_calendar(api, "bare-unnamed")
    await open_slots(api, path, 1)
    ticket = (await api.ask("POST", "/api/tickets", {"calendars": ["bare-ticket"]})).body["ticket"]
    async with http.ws_connect(f"{place.url}/api/socket", params={"ticket": ticket}) as socket:
        snapshot = await _ask(socket, subscribe="bare-ticket")
        fields = {"slot": snapshot["slots"][0]["id"], "key": new_key()}
        for message in (
            {"subscribe": "bare-unnamed"},
            {"request": "slot.hold", "fields": fields},
            {"request": "slot.list", "fields": {"calendars": ["bare-ticket"]}},
        ):
            assert (await _ask(socket, **message))["error"]["code"] == "forbidden"
        assert (await _ask(socket, token=place.staff))["ok"]
        assert (await _ask(socket, request="slot.hold", fields=fields))["ok"]


async def test_a_socket_is_cut_off_by_the_calendar(api: Api, socket: Socket) -> None:
    """A calendar that becomes private ends the socket of a guest who follows it."""
    path = await make_calendar(api, "bare-private")
    assert (await _ask(socket, subscribe="bare-private"))["ok"]
    await api.ask("PATCH", path, {"visibility": "private"})
    assert (await socket.receive(timeout=10)).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE}


async def test_subscriptions_are_bounded(api: Api, socket: Socket) -> None:
    """One socket follows 100 calendars at most; a calendar again is no further one."""
    names = [f"bare-most-{number}" for number in range(MOST_SUBSCRIPTIONS + 1)]
    await asyncio.gather(*[make_calendar(api, name) for name in names])
    answers = [await _ask(socket, subscribe=name) for name in [*names, names[0]]]
    assert [answer["ok"] for answer in answers] == [True] * MOST_SUBSCRIPTIONS + [False, True]
    assert answers[-2]["error"]["details"] == {"field": "calendar"}


async def test_requests_are_limited(tmp_path: Any, http: aiohttp.ClientSession) -> None:
    """Requests above the rate are answered `rate_limited`, each with its `id`."""
    with Server(tmp_path, "--no-demo", "--rate", "5") as server:
        async with http.ws_connect(f"{server.url}/") as socket:
            for number in range(15):
                await socket.send_json({"unsubscribe": "a", "id": number})
            answers = [await socket.receive_json(timeout=10) for _ in range(15)]
    assert [answer["id"] for answer in answers] == list(range(15))
    refused = [answer["error"]["code"] for answer in answers if not answer["ok"]]
    assert len(refused) >= 3
    assert set(refused) == {"rate_limited"}
