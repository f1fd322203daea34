"""A client that moves to another server of the same database never gets an older state."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any

import aiohttp
import psycopg
import pytest

from realtime.access.auth import Auth
from tests.support import Api, Client, Server, eventually
from tests.support.clients.client import STAFF as STAFF_NAMESPACE
from tests.support.databases.postgres import Postgres

SECRET = "a secret that both of the servers know"
STAFF = Auth(SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=3_600)
ROUNDS = 10
_CUSTOMER = {"name": "Ada"}
_numbers = count()


@dataclass
class Moving:
    """Commands at one server, and all ways to read at the other one."""

    calendar: str
    here: Api
    there: Api
    url: str
    database: str
    http: aiohttp.ClientSession
    guest: Client
    staff: Client
    slots: Iterator[str]

    async def book(self) -> Any:
        """Book a slot at the first server; return its answer."""
        return await self.here.post(f"/api/slots/{next(self.slots)}/bookings", customer=_CUSTOMER)


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Run two servers on one database of each kind."""
    folder = tmp_path_factory.mktemp("pair")
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{folder / 'shared.db'}" if is_sqlite else request.getfixturevalue("postgres").new_url()
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}
    with Server(folder, database=url, settings=settings) as one, Server(folder, database=url, settings=settings) as two:
        yield one, two


@pytest.fixture
async def moving(pair: tuple[Server, Server]) -> AsyncIterator[Moving]:
    """Make a calendar at the first server; the second has a room for it."""
    one, other = pair
    calendar = f"shared-{next(_numbers)}"
    async with (
        Api(one.url, STAFF) as here,
        Api(other.url, STAFF) as there,
        aiohttp.ClientSession() as http,
        Client(other.url) as watching,
        Client(other.url) as guest,
        Client(other.url, token=STAFF, namespace=STAFF_NAMESPACE) as staff,
    ):
        await here.post("/api/calendars", id=calendar, name="Shared", zone="Etc/UTC")
        slots = await _open_slots(here, 100, calendar)
        viewer = await watching.watch(calendar)
        await eventually(lambda: viewer.have >= 1, what="the room")
        yield Moving(calendar, here, there, other.url, one.database, http, guest, staff, iter(slots))


async def _open_slots(api: Api, count: int, calendar: str) -> list[str]:
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    times = [first + timedelta(minutes=30 * place) for place in range(count)]
    slots = [{"start": at.isoformat(), "end": (at + timedelta(minutes=30)).isoformat()} for at in times]
    return [slot["id"] for slot in (await api.post(f"/api/calendars/{calendar}/slots", slots=slots))["slots"]]


async def _by_guest(moving: Moving, cursor: str) -> bool:
    answer = await moving.guest.ask("calendar.subscribe", calendar=moving.calendar, after=cursor)
    return bool(answer["ok"] and answer["mode"] == "resumed" and answer["changes"] == [])


async def _by_staff(moving: Moving, cursor: str) -> bool:
    answer = await moving.staff.ask("calendar.subscribe", calendar=moving.calendar, after=cursor)
    return bool(answer["ok"] and answer["mode"] == "resumed" and answer["changes"] == [])


async def _by_events(moving: Moving, cursor: str, **headers: str) -> bool:
    query = {} if headers else {"after": cursor}
    url = f"{moving.url}/api/calendars/{moving.calendar}/events"
    async with moving.http.get(url, params=query, headers=headers) as response:
        assert response.status == 200
        # The next message after an empty replay is the next change; a reset comes at once instead.
        await moving.book()
        text = b""
        while b"data:" not in text:
            text += await response.content.readany()
    return b"event: reset" not in text


async def _by_last_event(moving: Moving, cursor: str) -> bool:
    return await _by_events(moving, cursor, **{"Last-Event-ID": cursor})


async def _by_socket(moving: Moving, cursor: str) -> bool:
    url = f"{moving.url}/api/calendars/{moving.calendar}/socket"
    async with moving.http.ws_connect(url, params={"after": cursor}) as socket:
        answer = json.loads((await socket.receive()).data)
    return bool(answer["mode"] == "resumed" and answer["changes"] == [])


async def _by_poll(moving: Moving, cursor: str) -> bool:
    answer = await moving.there.ask("GET", f"/api/calendars/{moving.calendar}/changes?after={cursor}")
    return answer.status == 200 and answer.body["changes"] == [] and answer.body["cursor"] == cursor


WAYS: dict[str, Callable[[Moving, str], Awaitable[bool]]] = {
    "guest": _by_guest,
    "staff": _by_staff,
    "events": _by_events,
    "last event": _by_last_event,
    "socket": _by_socket,
    "long poll": _by_poll,
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_cursor_ahead_of_a_server_is_resumed(moving: Moving, way: str) -> None:
    """A client that subscribes at the other server with the cursor of an answer is resumed there, each time."""
    ways = [await WAYS[way](moving, (await moving.book())["cursor"]) for _ in range(ROUNDS)]
    assert ways == [True] * ROUNDS


async def test_a_read_after_a_cursor_is_as_new(moving: Moving) -> None:
    """A read with `after` contains the command that was answered with it."""
    for _ in range(ROUNDS):
        booked = await moving.book()
        after, booking = booked["cursor"], booked["booking"]
        read = await moving.there.get(f"/api/calendars/{moving.calendar}/slots?after={after}")
        assert read["cursor"] == after
        assert {slot["id"]: slot for slot in read["slots"]}[booking["slot"]]["remaining"] == 0
        listed = await moving.there.get(f"/api/calendars/{moving.calendar}/bookings?after={after}")
        assert booking["id"] in {one["id"] for one in listed["bookings"]}
        asked = await moving.staff.ask("booking.list", calendar=moving.calendar, after=after)
        assert booking["id"] in {one["id"] for one in asked["bookings"]}
        found = await moving.there.get(f"/api/bookings/{booking['id']}?after={after}")
        assert found["booking"]["status"] == "confirmed"
        explained = await moving.there.get(f"/api/slots/{booking['slot']}/explain?after={after}")
        assert not explained["bookable"]


async def test_an_answered_caller_sees_its_change_on_every_transport(moving: Moving) -> None:
    """`at_least` brings the other server to the answer's cursor, whatever the client has applied before."""
    start = (await moving.there.get(f"/api/calendars/{moving.calendar}/slots"))["cursor"]
    base = f"/api/calendars/{moving.calendar}"
    for _ in range(ROUNDS):
        cursor = (await moving.book())["cursor"]
        fresh = await moving.guest.ask("calendar.subscribe", calendar=moving.calendar, at_least=cursor)
        assert (fresh["mode"], fresh["cursor"]) == ("snapshot", cursor)
        cursor = (await moving.book())["cursor"]
        again = await moving.guest.ask("calendar.subscribe", calendar=moving.calendar, after=start, at_least=cursor)
        assert (again["mode"], again["cursor"]) == ("resumed", cursor)
        cursor = (await moving.book())["cursor"]
        polled = await moving.there.get(f"{base}/changes?after={start}&at_least={cursor}")
        assert polled["cursor"] == cursor
        cursor = (await moving.book())["cursor"]
        query = {"after": start, "at_least": cursor}
        async with moving.http.ws_connect(f"{moving.url}{base}/socket", params=query) as socket:
            assert json.loads((await socket.receive()).data)["cursor"] == cursor


async def test_a_cursor_of_another_history_gets_a_snapshot(moving: Moving) -> None:
    """A cursor of no history of the database is answered at once with the state, also one far ahead."""
    seq, nonce = (await moving.book())["cursor"].split(".")
    base = f"/api/calendars/{moving.calendar}"
    for alien in (f"{seq}.aaaaaaaaaaaa", f"{int(seq) + 1}.{nonce}", "999999999999.aaaaaaaaaaaa", "no cursor at all"):
        answer = await moving.guest.ask("calendar.subscribe", calendar=moving.calendar, after=alien)
        assert answer["mode"] == "snapshot"
        polled = await moving.there.ask(
            "GET", f"/api/calendars/{moving.calendar}/changes?after={alien.replace(' ', '+')}"
        )
        assert polled.code == "cursor_gone"
        read = await moving.there.get(f"{base}/slots?after={alien.replace(' ', '+')}")
        assert read["slots"]


async def test_a_move_between_calendars_is_answered_with_both_cursors(moving: Moving) -> None:
    """A booking that moves to another calendar is answered with both cursors; each read after its own has it."""
    await moving.here.post("/api/calendars", id="away", name="Away", zone="Etc/UTC")
    (slot,) = await _open_slots(moving.here, 1, "away")
    booked = await moving.book()
    moved = await moving.here.post(f"/api/bookings/{booked['booking']['id']}/reschedule", slot=slot)
    assert moved["left"]["calendar"] == moving.calendar
    left = await moving.there.get(f"/api/calendars/{moving.calendar}/slots?after={moved['left']['cursor']}")
    assert {one["id"]: one for one in left["slots"]}[booked["booking"]["slot"]]["remaining"] == 1
    taken = await moving.there.get(f"/api/calendars/away/slots?after={moved['cursor']}")
    assert [one["remaining"] for one in taken["slots"]] == [0]


async def test_a_server_that_cannot_read_the_log_says_so_within_a_second(moving: Moving, postgres: Postgres) -> None:
    """A client that is ahead is refused with 503 and `Retry-After`, never answered with an older state."""
    schema = moving.database.rpartition("%3D")[2]
    if moving.database.startswith("sqlite:"):
        pytest.skip("a reader of SQLite waits for no lock")
    ahead = "999999999999.aaaaaaaaaaaa"
    with psycopg.connect(postgres.url) as locking:
        locking.execute(f"LOCK TABLE {schema}.calendar IN ACCESS EXCLUSIVE MODE")
        began = monotonic()
        refused = await moving.there.ask("GET", f"/api/calendars/{moving.calendar}/changes?after={ahead}")
        assert (refused.status, refused.code) == (503, "overloaded")
        assert 1 <= int(refused.headers["Retry-After"]) <= 5
        asked = await moving.guest.ask("calendar.subscribe", calendar=moving.calendar, after=ahead)
        assert asked["error"]["code"] == "overloaded"
        assert monotonic() - began < 10  # the two of them, on a busy machine
