"""A server frozen within a transaction: its calendars are free again within seconds, all others at once."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from realtime.access.auth import Auth
from tests.models.database_audit import audit, query
from tests.support import Answer, Api, Client, Server, eventually, new_key
from tests.support.databases.postgres import Postgres

SECRET = "a secret that both of the servers know"
STAFF = Auth(SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=3_600)
CALENDARS = [f"room-{number}" for number in range(12)]  # some of them have the same writer
FROZEN = CALENDARS[0]
PROMPT_SECONDS = 2.5  # a busy machine; a command that waits for the frozen calendar takes over three
FREE_SECONDS = 10.0
# One statement of the frozen calendar's takes long enough to be stopped in.
_SLOW = """
CREATE FUNCTION {schema}.wait_a_moment() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.name = 'Slow' THEN PERFORM pg_sleep(1); END IF; RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON {schema}.booking FOR EACH ROW EXECUTE FUNCTION {schema}.wait_a_moment();
"""


@pytest.fixture
def pair(tmp_path: Path, postgres: Postgres) -> Iterator[tuple[Server, Server]]:
    """Run two servers on one new database."""
    url = postgres.new_url()
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}
    with ExitStack() as servers:
        one, other = (servers.enter_context(Server(tmp_path, database=url, settings=settings)) for _ in range(2))
        yield one, other
    audit(url)


async def _open_slots(api: Api, count: int) -> dict[str, list[str]]:
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    times = [first + timedelta(hours=place) for place in range(count)]
    slots = [{"start": at.isoformat(), "end": (at + timedelta(minutes=30)).isoformat()} for at in times]
    opened: dict[str, list[str]] = {}
    for calendar in CALENDARS:
        await api.post("/api/calendars", id=calendar, name="Room", zone="Etc/UTC", policy={"hold_seconds": 30})
        answer = await api.post(f"/api/calendars/{calendar}/slots", slots=slots)
        opened[calendar] = [slot["id"] for slot in answer["slots"]]
    return opened


async def _book(api: Api, slot: str, key: str = "", name: str = "Ada") -> tuple[Answer, float]:
    """The answer, and how long it took."""
    began = time.monotonic()
    path, fields = f"/api/slots/{slot}/bookings", {"customer": {"name": name}}
    answer = await api.ask("POST", path, fields, key=key or new_key())
    return answer, time.monotonic() - began


async def _book_elsewhere(api: Api, slots: dict[str, list[str]], rounds: int) -> float:
    """Book in every calendar but the frozen one, all at once, round by round; return the longest time of one."""
    longest = 0.0
    for _ in range(rounds):
        asked = [_book(api, slots[calendar].pop()) for calendar in CALENDARS if calendar != FROZEN]
        for answer, seconds in await asyncio.gather(*asked):
            assert answer.code == "ok"
            longest = max(longest, seconds)
    return longest


async def test_a_calendar_that_is_locked_keeps_no_other_waiting(pair: tuple[Server, Server]) -> None:
    """While someone has one calendar's lock, all others are booked as ever; its own commands are done in their order
    as soon as the lock is free.
    """
    one, _ = pair
    async with Api(one.url, STAFF) as api:
        slots = await _open_slots(api, 20)
        with psycopg.connect(one.database) as locking:
            locking.execute("SELECT * FROM calendar WHERE id = %s FOR UPDATE", (FROZEN,))
            waiting = []
            for slot in slots[FROZEN]:
                waiting.append(asyncio.create_task(_book(api, slot)))
                await asyncio.sleep(0)
            await eventually(lambda: _queued(one, api, len(waiting)), what="the commands that wait")
            longest = await _book_elsewhere(api, slots, 6)
            assert longest < PROMPT_SECONDS
            assert not any(task.done() for task in waiting)
        freed = time.monotonic()
        done = await asyncio.gather(*waiting)
        assert time.monotonic() - freed < PROMPT_SECONDS
        assert {answer.code for answer, _ in done} == {"ok"}
        print(f"others waited {longest:.3f} s at most")


async def _queued(server: Server, api: Api, count: int) -> bool:
    metrics = (await api.ask("GET", "/metrics")).raw.decode()
    (found,) = (line for line in metrics.splitlines() if line.startswith("slotcast_commands_queued "))
    return int(float(found.split()[1])) >= count


async def test_commands_of_a_locked_calendar_are_overloaded_in_the_end(pair: tuple[Server, Server]) -> None:
    """A lock lasts longer than the patience: the commands are refused, and done once when repeated."""
    one, _ = pair
    async with Api(one.url, STAFF) as api:
        slots = await _open_slots(api, 2)
        key = new_key()
        with psycopg.connect(one.database) as locking:
            locking.execute("SELECT * FROM calendar WHERE id = %s FOR UPDATE", (FROZEN,))
            answer, seconds = await _book(api, slots[FROZEN][0], key)
            assert answer.code == "overloaded"
            assert 9 < seconds < 20
        assert (await _book(api, slots[FROZEN][0], key))[0].code == "ok"
        assert query(one.database, "SELECT COUNT(*) FROM booking") == [(1,)]


async def test_a_frozen_server_lets_go_of_its_calendars(pair: tuple[Server, Server], postgres: Postgres) -> None:
    """A server is frozen within a transaction: the other one goes on, and later answers of the frozen one are true.

    The other one books at once in all other calendars, and in that calendar after some five seconds.
    """
    one, other = pair
    schema = one.database.rpartition("%3D")[2]
    async with Api(one.url, STAFF) as here, Api(other.url, STAFF) as there, Client(other.url) as watching:
        slots = await _open_slots(here, 20)
        postgres.execute(_SLOW.format(schema=schema))
        await watching.watch(FROZEN)
        contested, key = slots[FROZEN].pop(), new_key()
        frozen = asyncio.create_task(_book(here, contested, key, "Slow"))
        inside = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT INTO %booking%'"
        await eventually(lambda: postgres.execute(inside) == [(1,)], what="the transaction")
        os.kill(one.pid, signal.SIGSTOP)
        began = time.monotonic()
        try:
            holding = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            await eventually(lambda: postgres.execute(holding) == [(1,)], what="the standstill")
            stood = time.monotonic()
            taking = asyncio.create_task(_book(there, contested))
            longest = await _book_elsewhere(there, slots, 6)
            held = (await there.post(f"/api/slots/{slots[CALENDARS[1]].pop()}/holds"))["hold"]
            assert held["token"]
            assert longest < PROMPT_SECONDS
            answer, _ = await taking
            freed = time.monotonic() - stood
            assert answer.code == "ok"
            assert 3 < freed < FREE_SECONDS
            print(f"others waited {longest:.3f} s at most, the frozen calendar {freed:.2f} s")
        finally:
            os.kill(one.pid, signal.SIGCONT)
        woken, _ = await frozen
        assert woken.code in {"overloaded", "slot_unavailable"}, "it must not hear that it was booked"
        retried, _ = await _book(here, contested, key, "Slow")
        assert retried.code == "slot_unavailable"
        assert time.monotonic() - began < 2 * FREE_SECONDS
        again, _ = await _book(here, slots[FROZEN].pop())
        assert again.code == "ok"
        booked = f"SELECT COUNT(*) FROM booking WHERE slot = '{contested}'"
        assert query(one.database, booked) == [(1,)]
