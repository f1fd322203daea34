"""Servers of one PostgreSQL with different clocks, and a clock that is set: the time is the database's."""

import asyncio
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from models.contract.values.time import read_time
from realtime.access.auth import Auth
from tests.support import Api, Client, Server, eventually
from tests.support.databases.postgres import Postgres

SECRET = "a secret that both of the servers know"
STAFF = Auth(SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=3_600)
CALENDAR = "shared"
WRONG_SECONDS = 300
# Python's own clock, wrong by the seconds in a file, before anything of the program is loaded.
_WRONG_CLOCK = """
import time
from pathlib import Path
_file = Path(__file__).with_name("seconds")
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + int(_file.read_text())
time.time_ns = lambda: _time_ns() + int(_file.read_text()) * 1_000_000_000
"""


@contextmanager
def _pair(folder: Path, postgres: Postgres, wrong_seconds: int) -> Iterator[tuple[Server, Server]]:
    """Run a server with the right time, and one with a wrong time, on one new database."""
    url = postgres.new_url()
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}
    with ExitStack() as servers:
        right = servers.enter_context(Server(folder, database=url, settings=settings))
        clock = _wrong_clock(folder / f"wrong by {wrong_seconds}", wrong_seconds)
        wrong = servers.enter_context(Server(folder, database=url, settings=settings | clock))
        assert abs(_started_at(wrong) - _started_at(right) - wrong_seconds) < 60
        yield right, wrong


@pytest.fixture(params=[WRONG_SECONDS, -WRONG_SECONDS], ids=["fast", "slow"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Iterator[tuple[Server, Server]]:
    with _pair(tmp_path, postgres, request.param) as pair:
        yield pair


def _started_at(server: Server) -> float:
    """Return the start of the server by its own clock."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("slotcast_start_time_seconds ")))


def _wrong_clock(code: Path, seconds: int) -> dict[str, str]:
    """Return the setting of a server with a clock wrong by so much."""
    code.mkdir()
    (code / "sitecustomize.py").write_text(_WRONG_CLOCK)
    _set_clock(code, seconds)
    return {"PYTHONPATH": str(code)}


def _set_clock(code: Path, seconds: int) -> None:
    new = code / "new"
    new.write_text(str(seconds))
    new.replace(code / "seconds")


async def _open_slots(api: Api, count: int) -> list[str]:
    await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC", policy={"hold_seconds": 30})
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    times = [first + timedelta(hours=place) for place in range(count)]
    slots = [{"start": at.isoformat(), "end": (at + timedelta(minutes=30)).isoformat()} for at in times]
    return [slot["id"] for slot in (await api.post(f"/api/calendars/{CALENDAR}/slots", slots=slots))["slots"]]


def _of_type(watching: Client, kind: str) -> list[Any]:
    return [change for change in watching.changes if change["type"] == kind]


def _seconds_from_now(text: str) -> float:
    return read_time(text) / 1_000 - time.time()


async def test_a_hold_lasts_as_long_wherever_it_was_made(pair: tuple[Server, Server]) -> None:
    """A wrong clock neither expires a hold early nor keeps it longer, and clients get the right time."""
    right, wrong = pair
    async with Api(right.url, STAFF) as here, Api(wrong.url, STAFF) as there, Client(wrong.url) as watching:
        slots = await _open_slots(here, 2)
        await watching.watch(CALENDAR)
        held = [
            (await api.post(f"/api/slots/{slot}/holds"))["hold"] for api, slot in zip((here, there), slots, strict=True)
        ]
        for hold in held:
            assert 25 < _seconds_from_now(hold["expires_at"]) < 31
        for api in (here, there):
            snapshot = await api.get(f"/api/calendars/{CALENDAR}/slots")
            assert abs(_seconds_from_now(snapshot["server_time"])) < 5
            assert abs(_seconds_from_now(snapshot["from"])) < 5
        # Nothing reports that the expiry did not happen: some twenty rounds of either scheduler pass.
        await asyncio.sleep(2)
        assert _of_type(watching, "slot.expired") == []
        for api, hold in zip((there, here), held, strict=True):
            proof = {"id": hold["id"], "token": hold["token"]}
            booked = await api.post(f"/api/slots/{hold['slot']}/bookings", hold=proof, customer={"name": "Ada"})
            assert booked["booking"]["status"] == "confirmed"
        await eventually(lambda: len(_of_type(watching, "slot.booked")) == 2)
        assert all(abs(_seconds_from_now(change["at"])) < 10 for change in watching.changes)


async def test_a_lone_server_with_a_wrong_clock_expires_holds_in_time(tmp_path: Path, postgres: Postgres) -> None:
    """A server without a scheduler: a hold's seats are free half a second after its end by the database's clock."""

    async def expires(wrong_seconds: int) -> None:
        with _pair(tmp_path, postgres, wrong_seconds) as (right, wrong):
            async with Api(wrong.url, STAFF) as api, Client(wrong.url) as watching:
                (slot,) = await _open_slots(api, 1)
                right.kill9()
                await watching.watch(CALENDAR)
                hold = (await api.post(f"/api/slots/{slot}/holds"))["hold"]
                lapsed = await eventually(lambda: _of_type(watching, "slot.expired"), 45, "the end of the hold")
                late = read_time(lapsed[0]["at"]) - read_time(hold["expires_at"])
                assert 500 <= late < 3_000, wrong_seconds

    await asyncio.gather(expires(WRONG_SECONDS), expires(-WRONG_SECONDS))


async def test_a_wrong_clock_is_told_to_the_operator(pair: tuple[Server, Server]) -> None:
    """No rule depends on it; still the server with the wrong clock gets no traffic, and says why."""
    right, wrong = pair
    async with Api(right.url) as here, Api(wrong.url) as there:
        assert (await here.ask("GET", "/readyz")).status == 200
        answer = await there.ask("GET", "/readyz")
        assert answer.status == 503
        assert "clock" in answer.body["detail"]
        assert (await there.ask("GET", "/livez")).status == 200
    assert "clock is" in wrong.log
    assert "clock is" not in right.log


async def test_a_token_counts_by_the_database_s_clock_too(pair: tuple[Server, Server]) -> None:
    """A short token that one server accepts is accepted by the other one, also for Socket.IO."""
    now = int(time.time())
    claims = {"sub": "staff", "scope": "staff", "calendars": "*", "iat": now, "nbf": now, "exp": now + 60}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    made = [server.command("token", "--scope", "staff", "--ttl", "60").strip() for server in pair]
    for server in pair:
        for shown in (token, *made):
            async with Api(server.url, shown) as api, Client(server.url, token=shown, namespace="/staff") as client:
                assert (await api.ask("GET", "/api/calendars")).status == 200
                assert client.is_connected


async def test_the_end_of_a_link_and_of_a_ticket_is_told_in_the_database_s_time(pair: tuple[Server, Server]) -> None:
    """`expires_at` is the end that every server applies."""
    right, wrong = pair
    async with Api(right.url, STAFF) as here, Api(wrong.url, STAFF) as there:
        await _open_slots(here, 1)
        for api in (here, there):
            link = (await api.ask("POST", f"/api/calendars/{CALENDAR}/links", {"lifetime_seconds": 600})).body
            claims = jwt.decode(link["token"], options={"verify_signature": False})
            assert read_time(link["expires_at"]) == claims["exp"] * 1_000
            assert 590 < _seconds_from_now(link["expires_at"]) < 605
            ticket = (await api.ask("POST", "/api/tickets", {"calendars": [CALENDAR]})).body
            assert 25 < _seconds_from_now(ticket["expires_at"]) < 31


async def test_a_clock_that_is_set_moves_no_end(tmp_path: Path, each_database: str) -> None:
    """A connection ends with its token after the clock was turned back. A ticket's time is the database's.

    With SQLite that is the machine's, which has jumped ahead.
    """
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_DEMO": "0"} | _wrong_clock(tmp_path / "set", 0)
    with Server(tmp_path, database=each_database, settings=settings) as server:
        async with Api(server.url, STAFF) as api, Api(server.url) as guest:
            await _open_slots(api, 1)
            ticket = (await api.ask("POST", "/api/tickets", {"calendars": [CALENDAR]})).body["ticket"]
            _set_clock(tmp_path / "set", 3_600)
            code = "unauthorized" if each_database.startswith("sqlite:") else "ok"
            assert (await guest.ask("GET", f"/calendars/{CALENDAR}.ics?ticket={ticket}")).code == code
            _set_clock(tmp_path / "set", 0)
            claims = {"sub": "staff", "scope": "staff", "calendars": "*", "exp": int(time.time()) + 3}
            async with Client(server.url, token=jwt.encode(claims, SECRET, algorithm="HS256")) as client:
                _set_clock(tmp_path / "set", -3_600)
                await eventually(lambda: client.disconnects, what="the end of the token")
