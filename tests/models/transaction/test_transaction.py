"""A transaction reads the clock after its locks, and a read sees one instant."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from models.contract.values.time import DAY, system_clock
from models.service import SlotService
from tests.models.driver import Driver, FakeClock, booking


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
