"""Two servers on one PostgreSQL act as one, and either server or the database may be killed."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from realtime.access.auth import Auth
from tests.models.database_audit import audit, query
from tests.support import Answer, Api, Client, Server, Viewer, eventually, is_same, new_key
from tests.support.databases.postgres import Postgres

SECRET = "a secret that both of the servers know"
STAFF = Auth(SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=3_600)
PATIENCE_SECONDS = 20.0
CALENDAR = "shared"


@pytest.fixture
def pair(tmp_path: Path, postgres: Postgres) -> Iterator[tuple[Server, Server]]:
    """Run two servers on one new database; they migrate it at the same time as one another."""
    url = postgres.new_url()
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}
    with (
        Server(tmp_path, database=url, settings=settings) as one,
        Server(tmp_path, database=url, settings=settings) as other,
    ):
        yield one, other
    audit(url)


async def open_slots(api: Api, count: int) -> list[str]:
    await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    times = [first + timedelta(hours=place) for place in range(count)]
    slots = [{"start": at.isoformat(), "end": (at + timedelta(minutes=30)).isoformat()} for at in times]
    opened = await api.post(f"/api/calendars/{CALENDAR}/slots", slots=slots)
    return [slot["id"] for slot in opened["slots"]]


async def book(api: Api, slot: str, key: str) -> Answer | None:
    """Return the answer, None without one."""
    try:
        return await api.ask("POST", f"/api/slots/{slot}/bookings", {"key": key, "customer": {"name": "Ada"}})
    except (aiohttp.ClientError, OSError):
        return None


async def check_converged(api: Api, viewer: Viewer) -> None:
    async def look() -> Any:
        fresh = await api.get(f"/api/calendars/{CALENDAR}/slots")
        return viewer.is_at(fresh["seq"]) and fresh

    fresh = await eventually(look, PATIENCE_SECONDS, "the last change")
    assert is_same(viewer.slots, fresh["slots"])
    assert viewer.is_whole, viewer.account


async def test_subscribers_get_the_changes_of_the_other_server(pair: tuple[Server, Server]) -> None:
    """Changes go both ways at once, in one order; a cursor of one server is good at the other."""
    one, other = pair
    async with (
        Api(one.url, STAFF) as here,
        Api(other.url, STAFF) as there,
        Client(one.url) as watching_here,
        Client(other.url) as watching_there,
    ):
        slots = await open_slots(here, 20)
        viewers = [await watching.watch(CALENDAR) for watching in (watching_here, watching_there)]
        for place, slot in enumerate(slots):
            answer: Any = await (here, there)[place % 2].post(f"/api/slots/{slot}/holds")
            seq = int(answer["cursor"].split(".")[0])
            for viewer in viewers:
                await eventually(partial(viewer.is_at, seq), what="the other server's change")
            freeing = f"/api/holds/{answer['hold']['id']}/release"
            await (there, here)[place % 2].post(freeing, token=answer["hold"]["token"])
        for viewer in viewers:
            await eventually(partial(viewer.is_at, 1 + 2 * len(slots)), PATIENCE_SECONDS, "all changes")
            await check_converged(there, viewer)
        assert viewers[0].slots == viewers[1].slots
        resumed = await there.get(f"/api/calendars/{CALENDAR}/changes?after={viewers[0].cursor}")
        assert resumed["changes"] == []
        assert resumed["cursor"] == viewers[0].cursor


async def test_a_server_that_is_killed_leaves_the_other_with_all_it_answered(pair: tuple[Server, Server]) -> None:
    """`kill -9` among a hundred bookings: each answered one exists, and repeats at the other server book once.

    No subscriber of the other server misses a change.
    """
    one, other = pair
    async with Api(one.url, STAFF) as here, Api(other.url, STAFF) as there, Client(other.url) as watching:
        slots = await open_slots(here, 120)
        viewer = await watching.watch(CALENDAR)
        keys = {slot: new_key() for slot in slots}
        asking = [asyncio.create_task(book(here, slot, keys[slot])) for slot in slots]
        await eventually(lambda: sum(task.done() for task in asking) >= 10, PATIENCE_SECONDS, "ten answers")
        await asyncio.to_thread(one.kill9)
        answers = dict(zip(slots, await asyncio.gather(*asking), strict=True))
        answered = {slot: answer.body["booking"]["id"] for slot, answer in answers.items() if answer is not None}
        assert 10 <= len(answered) <= 120
        stands = dict(query(other.database, "SELECT slot, id FROM booking"))
        assert answered.items() <= stands.items()
        again = {slot: await book(there, slot, keys[slot]) for slot in slots}
        made = {slot: answer.body["booking"]["id"] for slot, answer in again.items() if answer is not None}
        assert stands.items() <= made.items()
        assert made == dict(query(other.database, "SELECT slot, id FROM booking"))
        assert len(made) == 120
        await check_converged(there, viewer)
    one.start()


async def test_a_database_that_restarts_is_found_again(pair: tuple[Server, Server], postgres: Postgres) -> None:
    """Every caller is answered meanwhile, with 503 at worst; a repeat succeeds, and subscribers miss nothing."""
    one, other = pair
    async with Api(one.url, STAFF) as here, Api(other.url, STAFF) as there, Client(other.url) as watching:
        slots = await open_slots(here, 100)
        viewer = await watching.watch(CALENDAR)
        restarting = asyncio.create_task(asyncio.to_thread(postgres.restart))
        keys = {slot: new_key() for slot in slots}
        codes = set()
        for place, slot in enumerate(slots):
            answer = await book((here, there)[place % 2], slot, keys[slot])
            assert answer is not None
            codes.add(answer.status)
        await restarting
        assert codes <= {201, 503}
        for slot in slots:
            await eventually(partial(is_booked, here, slot, keys[slot]), PATIENCE_SECONDS, "a booking")
        assert query(other.database, "SELECT COUNT(*), COUNT(DISTINCT slot) FROM booking") == [(100, 100)]
        await check_converged(there, viewer)


async def is_booked(api: Api, slot: str, key: str) -> bool:
    answer = await book(api, slot, key)
    return answer is not None and answer.code == "ok"


async def test_a_ticket_of_one_server_is_good_once_on_both(pair: tuple[Server, Server]) -> None:
    one, other = pair
    async with Api(one.url, STAFF) as here, Api(other.url) as there:
        await open_slots(here, 1)
        ticket = (await here.ask("POST", "/api/tickets", {"calendars": [CALENDAR]})).body["ticket"]
        path = f"/api/calendars/{CALENDAR}/changes?ticket={ticket}"
        assert (await there.ask("GET", path)).status == 200
        for url in (other.url, one.url):
            async with Api(url) as again:
                assert (await again.ask("GET", path)).code == "unauthorized"
