"""A transaction reads the clock after its locks, and a read sees one instant."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from models.contract.time import DAY, MeasuredClock, system_clock
from models.service import SlotService
from tests.models.driver import EVER, Driver, FakeClock, booking


def test_the_time_is_read_once_a_batch_after_its_locks_are_held(driver: Driver, kind: str) -> None:
    """A batch waits for its locks before it reads the clock, and all its commands have one time."""
    seen: list[str] = []
    database, clock, run = driver.service._db, driver.clock, driver.service._db.execute_sql

    def remember(sql: str, params: Sequence[Any] | None = None) -> Any:
        if threading.current_thread().name.startswith("slotcast-writer"):
            seen.append(sql)
        return run(sql, params)

    def look(clock: FakeClock) -> int:
        seen.append("the clock")
        return clock.now

    slots = driver.open(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(clock), "__call__", look)
        driver.together(
            [booking(slot) for slot in slots], arm=lambda _: patch.setattr(database, "execute_sql", remember)
        )
    begun = next(place for place, sql in enumerate(seen) if sql.startswith("BEGIN"))
    transaction = seen[begun : seen.index("COMMIT", begun)]
    lock = "IMMEDIATE" if kind == "sqlite" else "FOR NO KEY UPDATE"
    assert transaction.count("the clock") == 1
    assert any(lock in sql for sql in transaction[: transaction.index("the clock")])
    assert not any(sql.startswith("SAVEPOINT") for sql in transaction[: transaction.index("the clock")])


@pytest.mark.only("postgres")
def test_a_batch_has_the_database_s_time(database: str, clock: FakeClock) -> None:
    """By default the time is the database's: read once, after the locks, without a statement of its own."""
    service = SlotService(database, b"a secret of the tests", synchronous="normal")
    service.open()
    seen: list[str] = []
    run = service._db.execute_sql

    def remember(sql: str, params: Sequence[Any] | None = None) -> Any:
        if threading.current_thread().name.startswith("slotcast-writer"):
            seen.append(sql)
        return run(sql, params)

    clock.now = system_clock() + DAY
    driver = Driver(service, clock)
    driver.create()
    slots = driver.open(2)
    with pytest.MonkeyPatch.context() as patch:
        driver.together(
            [booking(slot) for slot in slots], arm=lambda _: patch.setattr(service._db, "execute_sql", remember)
        )
    begun = next(place for place, sql in enumerate(seen) if sql.startswith("BEGIN"))
    transaction = seen[begun : seen.index("COMMIT", begun)]
    (asked,) = (place for place, sql in enumerate(transaction) if "clock_timestamp" in sql)
    assert "FOR NO KEY UPDATE" in transaction[asked - 1]
    assert "receipt" in transaction[asked]
    ((now, made),) = driver.query(f"SELECT {service._db.time_sql}, max(created_at) FROM booking")
    assert 0 <= now - made < 5_000
    service.close()


def test_another_clock_is_followed_from_its_last_measurement() -> None:
    """A measured clock runs by itself and keeps its offset while that fits; otherwise it takes the new one."""
    clock, now = MeasuredClock(), time.monotonic()
    clock.measure(500_000, now - 0.010, now)
    first = clock()
    assert 500_000 <= first < 500_500
    clock.measure(500_000, now - 2, now)
    assert 0 <= clock() - first < 500
    now = time.monotonic()
    clock.measure(800_000, now, now)
    assert 800_000 <= clock() < 800_500


def test_a_snapshot_is_of_one_instant(driver: Driver) -> None:
    """A commit between two reads of a snapshot is in neither; otherwise it would be lost for ever."""
    (slot,) = driver.open()
    seq = driver.service.snapshot("room", -EVER, EVER).seq
    reader, run = threading.get_ident(), driver.service._db.execute_sql
    read: list[str] = []

    def book_meanwhile(sql: str, params: Sequence[Any] | None = None) -> Any:
        if threading.get_ident() != reader:
            return run(sql, params)
        found = run(sql, params)
        if "FROM" in sql and not read:
            read.append(sql)
            driver.reserve(slot)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver.service._db, "execute_sql", book_meanwhile)
        taken = driver.service.snapshot("room", -EVER, EVER)
    assert read, "somebody booked meanwhile"
    assert taken.seq == seq
    assert [msgspec.json.decode(one.body)["status"] for one in taken.slots] == ["open"]
    assert driver.slot(slot)["status"] == "booked"
