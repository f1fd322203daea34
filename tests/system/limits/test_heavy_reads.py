"""A flood of reads from one address, inside its limit: others are answered, and the server ends on time."""

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support import Server

FLOODER, OTHER = "127.0.0.2", "127.0.0.9"
RATE = 90  # requests a second; the default limit is 100
FLOOD_SECONDS = 3.0  # 270 reads: served in turn, the last would wait ten seconds or more
LONGEST_SECONDS = 4.0  # for a machine that is busy with other tests; alone it is some 60 ms
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HALF_HOUR_SECONDS = 1_800
SECRET = {"SLOTCAST_SECRET": "a secret of each copy of the year"}
OTHERS_READS = ("/api/calendars/small/slots", "/api/calendars/small", "/calendars/small.ics", "/api/calendars")

Answer = tuple[int, float]  # status, 0 for none, and seconds


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with a year of half hours, and a small calendar beside it."""
    folder = tmp_path_factory.mktemp("year")
    hours = {
        "windows": [{"days": EVERY_DAY, "start": "00:00", "end": "24:00"}],
        "slot_minutes": 30,
        "from": f"{datetime.now(UTC):%Y-%m-%d}",
        "horizon_days": 365,
    }
    schedule = folder / "hours.json"
    schedule.write_text(json.dumps(hours))
    database = folder / "year.db"
    server = Server(folder, database=f"sqlite:///{database}", settings=SECRET)
    server.command("calendar", "create", "year")
    server.command("calendar", "create", "small")
    server.command("calendar", "schedule", "year", str(schedule), timeout=60)
    return database


@pytest.fixture
def busy(year: Path, tmp_path: Path) -> Iterator[Server]:
    """Run a server on a copy of that database."""
    database = shutil.copy(year, tmp_path / "year.db")
    with Server(tmp_path, database=f"sqlite:///{database}", settings=SECRET) as server:
        yield server


async def _get(server: Server, path: str, *, source: str, headers: str = "", patience: float = 30.0) -> Answer:
    """Send one request on a connection of its own; an impatient client closes it."""
    began = time.perf_counter()
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=(source, 0))
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode())
            status = int((await reader.readline()).split()[1])
            # The flooder reads the beginning only, or this process would be as busy with 300 MB a second as the server.
            await reader.read(65_536 if source == FLOODER else -1)
            return status, time.perf_counter() - began
    except (TimeoutError, OSError, IndexError):
        return 0, time.perf_counter() - began
    finally:
        if writer is not None:
            writer.transport.abort()


@asynccontextmanager
async def _flooding(ask: Callable[[int], asyncio.Task[Answer]]) -> AsyncIterator[list[asyncio.Task[Answer]]]:
    """Send so many requests until the block ends; yield them, and wait for their end."""
    asked: list[asyncio.Task[Answer]] = []

    async def flood() -> None:
        began = time.perf_counter()
        while True:
            asked.append(ask(len(asked)))
            await asyncio.sleep(max(0.0, began + len(asked) / RATE - time.perf_counter()))

    task = asyncio.create_task(flood())
    try:
        yield asked
    finally:
        task.cancel()
        await asyncio.gather(*asked)


async def _others(server: Server) -> list[Answer]:
    """Return the answers to another address meanwhile, one read after the other."""
    until, answers = time.perf_counter() + FLOOD_SECONDS, []
    while time.perf_counter() < until:
        answers += [await _get(server, path, source=OTHER) for path in OTHERS_READS]
        await asyncio.sleep(0.05)  # so that it stays within its own limit
    return answers


async def _stop_seconds(server: Server) -> float:
    began = time.perf_counter()
    assert await asyncio.to_thread(server.stop) == 0
    return time.perf_counter() - began


def _check_others(answers: list[Answer]) -> None:
    assert {status for status, _ in answers} == {200}
    waits = sorted(seconds for _, seconds in answers)
    print(f"others: {len(waits)} reads, p99 {waits[int(len(waits) * 0.99)] * 1e3:.0f} ms")
    assert waits[int(len(waits) * 0.99)] < LONGEST_SECONDS


async def test_a_feed_that_a_client_has_is_not_read_again(busy: Server) -> None:
    """Every conditional request is answered, others' reads too, and SIGTERM ends the server within seconds."""
    began = time.time()
    etag = await _etag(busy, "/calendars/year.ics")

    def ask(_: int) -> asyncio.Task[Answer]:
        return asyncio.create_task(
            _get(busy, "/calendars/year.ics", source=FLOODER, headers=f"If-None-Match: {etag}\r\n")
        )

    async with _flooding(ask) as asked:
        others = await _others(busy)
        count = len(asked)
        assert await _stop_seconds(busy) < 5.0
    statuses = Counter(task.result()[0] for task in asked[: count - RATE])
    # A slot begins each half hour, and the feed is another one from then on.
    is_same_feed = began // HALF_HOUR_SECONDS == time.time() // HALF_HOUR_SECONDS
    assert set(statuses) == ({304} if is_same_feed else {200, 304}), statuses
    _check_others(others)


@pytest.mark.parametrize("kind", ["slots", "feed", "events", "changes"])
async def test_reads_that_nobody_can_share(kind: str, busy: Server) -> None:
    """Reads of one address, also with early ends, delay neither the reads of others nor the server's end."""

    def ask(number: int) -> asyncio.Task[Answer]:
        begin = datetime.now(UTC) + timedelta(days=1, seconds=-97 * number)
        path = {
            "slots": f"/api/calendars/year/slots?from={begin:%Y-%m-%dT%H:%M:%SZ}",
            "feed": "/calendars/year.ics",
            "events": f"/api/calendars/year/events?from={begin - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}",
            "changes": "/api/calendars/year/changes",
        }[kind]
        return asyncio.create_task(_get(busy, path, source=FLOODER, patience=0.5 if number % 2 else 2.0))

    async with _flooding(ask):
        others = await _others(busy)
        assert await _stop_seconds(busy) < 5.0
    _check_others(others)


async def _etag(server: Server, path: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head = (await reader.read()).decode()
    writer.close()
    return next(line.partition(": ")[2] for line in head.splitlines() if line.startswith("ETag"))
