"""The order of reads over a real service: turns of clients, shared reads, and cancelled ones."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import pytest

from models.contract.errors import Overloaded, RateLimited
from models.service import SlotService
from models.storage.database import reading
from realtime.async_service import AsyncService
from realtime.reads import readers
from realtime.reads.read_queue import Lane, Peer, reading_for
from tests.support import eventually
from tests.support.databases.postgres import Postgres

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
async def service(url: str) -> AsyncIterator[AsyncService]:
    sync = SlotService(url, b"a secret of the tests, long enough for HS256", synchronous="normal")
    sync.open()
    service = AsyncService(sync, lambda _rows: None)
    yield service
    await service.close()


class BlockingRead:
    """A read that runs until it is released, and notes its start."""

    def __init__(self) -> None:
        self.began: list[Any] = []
        self._open = threading.Event()

    def read(self, name: Any = None) -> Any:
        self.began.append(name)
        assert self._open.wait(30)
        return name

    def open(self) -> None:
        self._open.set()


def _ask(
    service: AsyncService, question: Callable[..., Any], *args: Any, client: str = "a", **how: Any
) -> asyncio.Task[Any]:
    how.setdefault("lane", Lane.HEAVY)
    gone = how.pop("is_gone", lambda: False)

    async def ask() -> Any:
        with reading_for(Peer(client, gone)):
            return await service.read(question, *args, **how)

    return asyncio.create_task(ask())


async def test_clients_take_turns(service: AsyncService) -> None:
    """One read of another client runs beside a hundred of one, and one of the server's own before all waiting ones."""
    blocking = BlockingRead()
    hog = [_ask(service, blocking.read, number) for number in range(100)]
    await eventually(lambda: len(blocking.began) == 1)
    other = _ask(service, lambda: "other", client="b")
    assert await other == "other"
    assert await _ask(service, lambda: "own", lane=Lane.SERVER) == "own"
    assert blocking.began == [0]
    blocking.open()
    assert await asyncio.gather(*hog) == list(range(100))


async def test_a_client_of_long_reads_leaves_the_threads_to_others(service: AsyncService) -> None:
    """It rests three times as long as each of its reads takes, and then its next one runs."""
    times: list[tuple[float, float]] = []

    def read() -> None:
        began = time.monotonic()
        time.sleep(0.05)
        times.append((began, time.monotonic()))

    await asyncio.gather(*(_ask(service, read) for _ in range(3)))
    for (began, ended), (next_began, _) in pairwise(times):
        assert next_began - ended > 2 * (ended - began)


async def test_light_reads_pass_heavy_ones(service: AsyncService) -> None:
    """A few rows are read at once, with any number of clients that read whole calendars."""
    blocking = BlockingRead()
    heavy = [_ask(service, blocking.read, client=f"client {number}") for number in range(50)]
    await eventually(lambda: len(blocking.began) == 2)
    assert await _ask(service, lambda: "light", client="client 7", lane=Lane.LIGHT) == "light"
    blocking.open()
    await asyncio.gather(*heavy)


@pytest.mark.parametrize("lane", [Lane.STAFF, Lane.HEAVY])
async def test_neither_staff_nor_guests_take_every_thread(service: AsyncService, lane: Lane) -> None:
    """Many clients of one kind always have a waiting read. The next read of the other kind runs soon."""
    is_over, first_began = False, asyncio.Event()

    async def flood(client: str) -> None:
        while not is_over:
            await _ask(service, lambda: time.sleep(0.01), client=client, lane=lane)
            first_began.set()

    floods = [asyncio.create_task(flood(f"{client}")) for client in range(8)]
    await first_began.wait()
    for _ in range(5):
        other = _ask(service, lambda: "other", client="x", lane={Lane.STAFF: Lane.HEAVY, Lane.HEAVY: Lane.STAFF}[lane])
        assert await asyncio.wait_for(other, 20) == "other"
    is_over = True
    await asyncio.gather(*floods)


async def test_equal_reads_share_one_that_has_not_begun(service: AsyncService) -> None:
    """A running read may be older than a later caller's cursor: later callers share a read of their own."""
    blocking = BlockingRead()
    first = _ask(service, blocking.read, "same", key="same")
    await eventually(lambda: len(blocking.began) == 1)
    later = [_ask(service, blocking.read, "same", key="same", client=f"{number % 7}") for number in range(1_000)]
    late = _ask(service, blocking.read, "same", key="same", is_late_welcome=True)
    await asyncio.sleep(0)
    blocking.open()
    assert await asyncio.gather(first, late, *later) == ["same"] * 1_002
    assert len(blocking.began) <= 3


async def test_a_read_that_nobody_waits_for_does_not_run(service: AsyncService) -> None:
    """A caller that leaves or is cancelled frees the place of its waiting read, also of a read with a key."""
    blocking, has_gone = BlockingRead(), threading.Event()
    first = _ask(service, blocking.read, "first")
    await eventually(lambda: blocking.began == ["first"])
    gone = [_ask(service, blocking.read, "gone", key=key, is_gone=has_gone.is_set) for key in (None, "key")]
    cancelled = _ask(service, blocking.read, "cancelled", key="other key")
    await asyncio.sleep(0)
    has_gone.set()
    cancelled.cancel()
    with pytest.raises(Overloaded):
        await gone[0]
    with pytest.raises(Overloaded):
        await gone[1]
    again = [_ask(service, blocking.read, "again", key=key) for key in ("key", "other key")]
    await asyncio.sleep(0)
    blocking.open()
    assert await asyncio.gather(first, *again) == ["first", "again", "again"]
    assert blocking.began == ["first", "again", "again"]


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
async def test_a_read_that_runs_ends_with_its_client(service: AsyncService) -> None:
    """The database is interrupted, and the thread and its connection serve the next."""
    has_gone, began = threading.Event(), threading.Event()
    db = service.sync._db

    def endless() -> None:
        with reading(db):
            began.set()
            db.execute_sql(ENDLESS["postgres" if db.locks_rows else "sqlite"]).fetchall()

    for _ in range(3):
        has_gone.clear()
        began.clear()
        asked = [_ask(service, endless, client=client, is_gone=has_gone.is_set) for client in "ab"]
        await eventually(began.is_set)
        has_gone.set()
        for outcome in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(outcome, Overloaded)
        assert await _ask(service, service.sync.calendars) == []


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
async def test_no_read_delays_the_end(service: AsyncService) -> None:
    """Once the end begins, heavy reads are refused, running ones are cancelled, and light ones go on."""
    began = threading.Event()
    db = service.sync._db

    def endless() -> None:
        with reading(db):
            began.set()
            db.execute_sql(ENDLESS["postgres" if db.locks_rows else "sqlite"]).fetchall()

    asked = [_ask(service, endless, client=f"{number % 5}") for number in range(50)]
    await eventually(began.is_set)
    service.end_heavy_reads()
    async with asyncio.timeout(20):
        for outcome in await asyncio.gather(*asked, _ask(service, endless), return_exceptions=True):
            assert isinstance(outcome, Overloaded)
        assert await _ask(service, lambda: "light", lane=Lane.LIGHT) == "light"


async def test_a_client_has_so_many_reads_waiting(service: AsyncService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its bound a client gets `rate_limited`; in a full lane every client gets `overloaded`."""
    monkeypatch.setattr(readers, "MOST_WAITING_EACH", 5)
    monkeypatch.setattr(readers, "MOST_WAITING", 8)
    blocking = BlockingRead()
    hog = [_ask(service, blocking.read, number) for number in range(6)]
    await eventually(lambda: len(blocking.began) == 1)
    with pytest.raises(RateLimited):
        await _ask(service, blocking.read)
    others = [_ask(service, blocking.read, number, client=f"{number}") for number in range(4)]
    await eventually(lambda: len(blocking.began) == 2)
    with pytest.raises(Overloaded):
        await _ask(service, blocking.read, client="one too many")
    blocking.open()
    await asyncio.gather(*hog, *others)


async def test_a_read_that_waits_too_long_is_refused(service: AsyncService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read is refused after its time in the queue, and cancelled after its time in the database."""
    monkeypatch.setattr(readers, "LONGEST_WAIT_SECONDS", 0.25)  # between two checks
    monkeypatch.setattr(readers, "LONGEST_READ_SECONDS", 0.6)
    db = service.sync._db

    def endless() -> None:
        with reading(db):
            db.execute_sql(ENDLESS["sqlite"]).fetchall()

    running = [_ask(service, endless, client=client) for client in "ab"]
    await asyncio.sleep(0)
    hog = [_ask(service, endless) for _ in range(2)]
    honest = _ask(service, endless, client="c")
    outcomes = await asyncio.gather(*hog, honest, *running, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RateLimited, RateLimited, Overloaded, Overloaded, Overloaded]


async def test_a_read_that_a_frozen_database_does_not_end_is_answered(
    service: AsyncService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread is taken for as long as the database stands, and its waiters are refused."""
    monkeypatch.setattr(readers, "LONGEST_READ_SECONDS", 0.2)
    monkeypatch.setattr(readers, "CANCEL_SECONDS", 0.2)
    blocking = BlockingRead()
    with pytest.raises(Overloaded):
        await asyncio.wait_for(_ask(service, blocking.read), 20)
    assert blocking.began
    blocking.open()
    assert await _ask(service, lambda: "next") == "next"


async def test_a_busy_loop_stops_for_young_reads_alone(service: AsyncService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that takes long keeps a thread busy itself, and the loop is not stopped for it."""
    blocking = BlockingRead()
    asked = asyncio.create_task(service.read(blocking.read, lane=Lane.HEAVY))
    await eventually(lambda: blocking.began)
    assert service._readers.young == 1
    monkeypatch.setattr(readers, "YOUNG_SECONDS", 0.0)
    assert service._readers.young == 0
    monkeypatch.undo()
    blocking.open()
    await asked
    assert service._readers.young == 0
