"""The end of a connection: with its token, or with the right to see its calendar."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import jwt
import pytest

from realtime.access.auth import LEEWAY_SECONDS
from tests.support import GUESTS, STAFF, Api, Client, Node, Server, eventually
from tests.support.example import in_days
from tests.system.both_transports import code_of
from tests.system.conftest import QUIET, Place

SECRET = "a secret of the tests, long enough for HS256"
PROMPT_SECONDS = 3.0  # on a busy machine; without its timer a connection has no end


def _token(seconds: float = 3_600, **claims: Any) -> tuple[str, float]:
    """Return a token, and the second of its end."""
    ends_at = int(time.time() + seconds) + 1
    return jwt.encode({"sub": "someone", "exp": ends_at, **claims}, SECRET, algorithm="HS256"), ends_at


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run a server whose secret the tests know."""
    with Server(tmp_path_factory.mktemp("session"), *QUIET, settings={"SLOTCAST_SECRET": SECRET}) as server:
        yield Place(server, _token(scope="staff", calendars="*")[0])


async def _make(api: Api, calendar: str, visibility: str) -> None:
    await api.post("/api/calendars", id=calendar, name="Room", zone="UTC", visibility=visibility)


async def _open_one(api: Api, calendar: str) -> Any:
    days = 1 + time.time() % 40
    return await api.post(
        f"/api/calendars/{calendar}/slots", slots=[{"start": in_days(days), "end": in_days(days + 1)}]
    )


async def _end_of(client: Client, ends_at: float) -> None:
    """Wait for the end of the connection at the token's end, and not before."""
    await eventually(lambda: client.disconnects, ends_at - time.time() + 20, "the end of the connection")
    assert -0.05 < time.time() - ends_at < PROMPT_SECONDS


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize(
    ("namespace", "claims"), [(STAFF, {"scope": "staff", "calendars": "*"}), (GUESTS, {"calendars": "*"})]
)
async def test_a_connection_ends_with_its_token(
    place: Place, api: Api, namespace: str, claims: dict[str, Any], transport: str
) -> None:
    """At the token's end the transport closes, later changes are not sent, and the reconnect is refused.

    The end is `exp`, or for a connection after `exp` the end of the leeway.
    """
    calendar = f"ends-{namespace[1:]}-{transport}"
    await _make(api, calendar, "private")
    token, ends_at = _token(2.5 - LEEWAY_SECONDS, **claims)
    ends_at += LEEWAY_SECONDS
    async with Client(place.url, token=token, namespace=namespace, transports=(transport,)) as client:
        viewer = await client.watch(calendar)
        await _end_of(client, ends_at)
        if transport == "websocket":  # this library does not reconnect after a polling server's DISCONNECT
            await eventually(lambda: client.refusal, what="the refusal to come back")
            assert client.refusal["data"]["code"] == "unauthorized"
        await _open_one(api, calendar)
        assert viewer.applied == []


async def test_a_connection_ends_at_its_token_s_exp(place: Place) -> None:
    """At `exp` the transport closes also while a token would still be taken for the leeway; coming back is allowed."""
    token, ends_at = _token(2.5, calendars="*")
    async with Client(place.url, token=token) as client:
        await _end_of(client, ends_at)
        await eventually(lambda: client.connects == 2, what="the way back")
        assert client.refusal is None


async def test_a_fresh_token_keeps_a_connection(place: Place, api: Api) -> None:
    """`auth.refresh` moves the end; the rooms stay, and nothing is missed."""
    await _make(api, "refreshed", "private")
    token, ends_at = _token(2.5, scope="staff", calendars="*")
    async with Client(place.url, token=token, namespace=STAFF) as client:
        viewer = await client.watch("refreshed")
        fresh, _ = _token(60, scope="staff", calendars="*")
        assert code_of(await client.ask("auth.refresh", token=fresh)) == "ok"
        await eventually(lambda: time.time() > ends_at + 0.2)
        await _open_one(api, "refreshed")
        await eventually(lambda: len(viewer.applied) == 1)
        assert client.disconnects == 0
        shorter, ends_at = _token(1, scope="staff", calendars="*")
        assert code_of(await client.ask("auth.refresh", token=shorter)) == "ok"
        await _end_of(client, ends_at)


async def test_a_fresh_token_may_allow_less(place: Place, api: Api) -> None:
    """After `auth.refresh` the rooms are those of the new token; `/staff` refuses a guest's token."""
    await _make(api, "one", "private")
    await _make(api, "two", "private")
    async with Client(place.url, token=_token(calendars=["one", "two"])[0]) as client:
        one, two = await client.watch("one"), await client.watch("two")
        assert code_of(await client.ask("auth.refresh", token=_token(calendars=["two"])[0])) == "ok"
        await _open_one(api, "one")
        await _open_one(api, "two")
        await eventually(lambda: two.applied)
        assert one.applied == []
        assert code_of(await client.ask("calendar.subscribe", calendar="one")) == "forbidden"
    async with Client(place.url, token=_token(scope="staff", calendars="*")[0], namespace=STAFF) as staff:
        viewer = await staff.watch("one")
        assert code_of(await staff.ask("auth.refresh", token=_token(calendars="*")[0])) == "forbidden"
        assert code_of(await staff.ask("auth.refresh", token="none")) == "unauthorized"
        await _open_one(api, "one")
        await eventually(lambda: viewer.applied)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_calendar_made_private_closes_its_guests(place: Place, api: Api, transport: str) -> None:
    """Guests are closed before they get the new name; named subjects and staff stay."""
    calendar = f"closing-{transport}"
    await _make(api, calendar, "public")
    async with (
        Client(place.url, transports=(transport,)) as guest,
        Client(place.url, token=_token(calendars=[calendar])[0], transports=(transport,)) as subscriber,
        Client(place.url, token=place.staff, namespace=STAFF) as clerk,
    ):
        seen, kept, clerks = [await one.watch(calendar) for one in (guest, subscriber, clerk)]
        answer = await api.ask("PATCH", f"/api/calendars/{calendar}", {"visibility": "private", "name": "The vault"})
        assert answer.code == "ok"
        await eventually(lambda: guest.disconnects, what="the guest's end")
        await _open_one(api, calendar)
        await eventually(lambda: len(kept.applied) == len(clerks.applied) == 2)
        assert kept.info["name"] == clerks.info["name"] == "The vault"
        if transport == "websocket":
            await eventually(lambda: guest.connects == 2, what="the guest's return")
            assert code_of(await guest.ask("calendar.subscribe", calendar=calendar)) == "unauthorized"
        assert seen.applied == []
        assert "The vault" not in json.dumps(guest.heard)
        assert subscriber.disconnects == clerk.disconnects == 0


@asynccontextmanager
async def _stream(url: str, path: str, token: str) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as http, http.get(f"{url}{path}", headers=headers) as response:
        assert response.status == 200
        yield response


async def _texts(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Return the messages of a WebSocket until its end."""
    texts = []
    with suppress(aiohttp.ClientError):
        while (message := await socket.receive(timeout=20)).type is aiohttp.WSMsgType.TEXT:
            texts.append(message.data)
    return texts


async def test_streams_end_alike(place: Place, api: Api) -> None:
    """Events, plain WebSockets and long polls end with their token, and when their calendar is no longer theirs."""
    await _make(api, "streamed", "public")
    token, ends_at = _token(2.5, calendars="*")
    headers = {"Authorization": f"Bearer {token}"}
    path = "/api/calendars/streamed"
    poll = f"{path}/changes?after={(await api.get(f'{path}/slots'))['cursor']}&wait=60"
    async with (
        _stream(place.url, f"{path}/events", token) as mine,
        _stream(place.url, f"{path}/events", "") as guests,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{place.url}{path}/socket", headers=headers) as my_socket,
        http.ws_connect(f"{place.url}{path}/socket") as guests_socket,
        Api(place.url, token) as poller,
        Api(place.url) as guest,
    ):
        my_poll, guests_poll = (asyncio.create_task(principal.ask("GET", poll)) for principal in (poller, guest))
        await asyncio.wait_for(mine.content.read(), 20)
        assert -0.05 < time.time() - ends_at < PROMPT_SECONDS
        await _texts(my_socket)
        assert (await my_poll).code == "unauthorized"
        assert -0.05 < time.time() - ends_at < PROMPT_SECONDS
        assert (await api.ask("PATCH", path, {"visibility": "private", "name": "The vault"})).code == "ok"
        assert (await guests_poll).code == "unauthorized"
        heard = b""
        with suppress(aiohttp.ClientPayloadError, aiohttp.ClientOSError):  # it is cut, not ended
            heard = await asyncio.wait_for(guests.content.read(), 20)
        assert b"The vault" not in heard
        assert not any("The vault" in text for text in await _texts(guests_socket))


async def test_the_official_client_and_a_stale_token(place: Place, api: Api, node: Callable[..., Node]) -> None:
    """A token's end closes the transport; the official client reconnects once and gets the reason."""
    await _make(api, "returning", "private")
    token, _ = _token(4 - LEEWAY_SECONDS, calendars="*")
    official = node("watcher.mjs", place.url, "returning", json.dumps({"auth": {"token": token}}))
    await asyncio.to_thread(official.read_until, lambda told: told["saw"] == "subscribed")
    told = await asyncio.to_thread(official.read_until, lambda told: told["saw"] == "disconnected")
    assert told["active"] is True
    told = await asyncio.to_thread(official.read_until, lambda told: told["saw"] == "connect_error")
    assert told["active"] is False, "a stale token is refused for good, not tried for ever"
