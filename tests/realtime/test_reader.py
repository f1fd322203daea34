"""Which read runs next, over a real book: whose turn it is, who shares, and what becomes of reads nobody waits for."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from models.database import reading
from models.errors import Overloaded, RateLimited
from models.service import Book
from realtime import reader
from realtime.cache import ByteCache
from realtime.door import Door
from realtime.reader import Lane, Peer, reading_for
from tests.support import eventually
from tests.support.postgres import Postgres

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgres": "SELECT pg_sleep(1000)",
}


@pytest.fixture(params=["sqlite"])
def url(request: pytest.FixtureRequest, database: str) -> str:
    if request.param == "sqlite":
        return database
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.new_url()


@pytest.fixture
async def door(url: str) -> AsyncIterator[Door]:
    book = Book(url, b"a secret of the tests, long enough for HS256", synchronous="normal")
    book.open()
    door = Door(book, lambda _rows: None)
    yield door
    await door.close()


class Gate:
    """A read that runs until it is let go, and notes that it began."""

    def __init__(self) -> None:
        self.began: list[Any] = []
        self._open = threading.Event()

    def read(self, name: Any = None) -> Any:
        self.began.append(name)
        assert self._open.wait(30)
        return name

    def open(self) -> None:
        self._open.set()


def _ask(door: Door, question: Callable[..., Any], *args: Any, client: str = "a", **how: Any) -> asyncio.Task[Any]:
    how.setdefault("lane", Lane.HEAVY)
    gone = how.pop("is_gone", lambda: False)

    async def ask() -> Any:
        with reading_for(Peer(client, gone)):
            return await door.read(question, *args, **how)

    return asyncio.create_task(ask())


async def test_clients_take_turns(door: Door) -> None:
    """One read of another client runs beside a hundred of one, and one of the server's own before all that wait."""
    gate = Gate()
    hog = [_ask(door, gate.read, number) for number in range(100)]
    await eventually(lambda: len(gate.began) == 1)
    other = _ask(door, lambda: "other", client="b")
    assert await other == "other"
    assert await _ask(door, lambda: "own", lane=Lane.SERVER) == "own"
    assert gate.began == [0]
    gate.open()
    assert await asyncio.gather(*hog) == list(range(100))


async def test_light_reads_pass_heavy_ones(door: Door) -> None:
    """However many clients read whole calendars, a few rows are read at once."""
    gate = Gate()
    heavy = [_ask(door, gate.read, client=f"client {number}") for number in range(50)]
    await eventually(lambda: len(gate.began) == 2)
    assert await _ask(door, lambda: "light", client="client 7", lane=Lane.LIGHT) == "light"
    gate.open()
    await asyncio.gather(*heavy)


async def test_who_asks_the_same_shares_a_read_that_has_not_begun(door: Door) -> None:
    """One that runs may be older than what its asker has seen: those who come later have one of their own, together."""
    gate = Gate()
    first = _ask(door, gate.read, "same", key="same")
    await eventually(lambda: len(gate.began) == 1)
    later = [_ask(door, gate.read, "same", key="same", client=f"{number % 7}") for number in range(1_000)]
    late = _ask(door, gate.read, "same", key="same", is_late_welcome=True)
    await asyncio.sleep(0)
    gate.open()
    assert await asyncio.gather(first, late, *later) == ["same"] * 1_002
    assert len(gate.began) <= 3


async def test_a_read_that_nobody_waits_for_does_not_run(door: Door) -> None:
    """Who hangs up or is cancelled while its read waits frees its place, also of a read with a key."""
    gate, has_gone = Gate(), threading.Event()
    first = _ask(door, gate.read, "first")
    await eventually(lambda: gate.began == ["first"])
    gone = [_ask(door, gate.read, "gone", key=key, is_gone=has_gone.is_set) for key in (None, "key")]
    cancelled = _ask(door, gate.read, "cancelled", key="other key")
    await asyncio.sleep(0)
    has_gone.set()
    cancelled.cancel()
    with pytest.raises(Overloaded):
        await gone[0]
    with pytest.raises(Overloaded):
        await gone[1]
    again = [_ask(door, gate.read, "again", key=key) for key in ("key", "other key")]
    await asyncio.sleep(0)
    gate.open()
    assert await asyncio.gather(first, *again) == ["first", "again", "again"]
    assert gate.began == ["first", "again", "again"]


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
async def test_a_read_that_runs_ends_with_its_client(door: Door) -> None:
    """The database is interrupted, and the thread and its connection serve the next."""
    has_gone, began = threading.Event(), threading.Event()
    db = door.book._db

    def endless() -> None:
        with reading(db):
            began.set()
            db.execute_sql(ENDLESS["postgres" if db.locks_rows else "sqlite"]).fetchall()

    for _ in range(3):
        has_gone.clear()
        began.clear()
        asked = [_ask(door, endless, client=client, is_gone=has_gone.is_set) for client in "ab"]
        await eventually(began.is_set)
        has_gone.set()
        for outcome in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(outcome, Overloaded)
        assert await _ask(door, door.book.calendars) == []


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
async def test_no_read_keeps_the_door_from_closing(door: Door) -> None:
    """Heavy reads are refused from the first word of the end on, those that run are cancelled, light ones go on."""
    began = threading.Event()
    db = door.book._db

    def endless() -> None:
        with reading(db):
            began.set()
            db.execute_sql(ENDLESS["postgres" if db.locks_rows else "sqlite"]).fetchall()

    asked = [_ask(door, endless, client=f"{number % 5}") for number in range(50)]
    await eventually(began.is_set)
    door.end_heavy_reads()
    async with asyncio.timeout(5):
        for outcome in await asyncio.gather(*asked, _ask(door, endless), return_exceptions=True):
            assert isinstance(outcome, Overloaded)
        assert await _ask(door, lambda: "light", lane=Lane.LIGHT) == "light"


async def test_a_client_has_so_many_reads_waiting(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond that it is told that it asks too much; and whoever comes to a full lane, that the server is overloaded."""
    monkeypatch.setattr(reader, "MOST_WAITING_EACH", 5)
    monkeypatch.setattr(reader, "MOST_WAITING", 8)
    gate = Gate()
    hog = [_ask(door, gate.read, number) for number in range(6)]
    await eventually(lambda: len(gate.began) == 1)
    with pytest.raises(RateLimited):
        await _ask(door, gate.read)
    others = [_ask(door, gate.read, number, client=f"{number}") for number in range(4)]
    await eventually(lambda: len(gate.began) == 2)
    with pytest.raises(Overloaded):
        await _ask(door, gate.read, client="one too many")
    gate.open()
    await asyncio.gather(*hog, *others)


async def test_who_waits_too_long_is_told(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read is refused after its time in the queue, and cancelled after its time in the database."""
    monkeypatch.setattr(reader, "LONGEST_WAIT_SECONDS", 0.2)
    monkeypatch.setattr(reader, "LONGEST_READ_SECONDS", 0.6)
    db = door.book._db

    def endless() -> None:
        with reading(db):
            db.execute_sql(ENDLESS["sqlite"]).fetchall()

    running = [_ask(door, endless, client=client) for client in "ab"]
    await asyncio.sleep(0)
    hog = [_ask(door, endless) for _ in range(2)]
    honest = _ask(door, endless, client="c")
    outcomes = await asyncio.gather(*hog, honest, *running, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RateLimited, RateLimited, Overloaded, Overloaded, Overloaded]


def test_a_cache_has_a_bound_in_bytes() -> None:
    """What was asked for longest ago goes; what is larger than all of it is not kept."""
    cache: ByteCache[str] = ByteCache(10_000)
    for name in "abc":
        cache.put(name, name, 2_000)
    assert cache.get("a") == "a"
    cache.put("d", "d", 2_000)
    assert [cache.get(name) for name in "abcd"] == ["a", None, "c", "d"]
    cache.put("d", "larger", 20_000)
    assert cache.get("d") is None
    assert cache.size_bytes == 6_000
