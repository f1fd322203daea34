"""A transaction reads the clock after its locks, and a read sees one instant."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from models.contract.values.time import DAY, system_clock
from models.service import SlotService
from models.storage.rows import HoldState
from tests.models.driver import Driver, FakeClock, booking, code


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


def test_a_refusal_after_a_write_is_undone_without_a_savepoint(driver: Driver) -> None:
    """A booking expires the hold in its way, and is refused all the same: the batch runs again, with savepoints."""
    first, second, third = driver.open(3, capacity=2)
    driver.hold(second)
    driver.clock.go(400)
    outcomes = driver.together([booking(first), booking(second, seats=3), booking(third)])
    assert [code(outcome) for outcome in outcomes] == ["ok", "capacity_exceeded", "ok"]
    assert driver.query("SELECT state FROM hold") == [(int(HoldState.ACTIVE),)]
    assert driver.query(f"SELECT held, booked FROM slot WHERE id = '{second}'") == [(1, 0)]
    assert driver.query("SELECT COUNT(*) FROM booking") == [(2,)]


def test_a_refusal_before_a_write_runs_nothing_again(driver: Driver) -> None:
    """The transaction of a batch begins once, and each command has its own outcome."""
    full, free = driver.open(2)
    driver.reserve(full)
    began: list[str] = []
    run = driver.service._db.execute_sql

    def remember(sql: str, params: Sequence[Any] | None = None) -> Any:
        if threading.current_thread().name.startswith("slotcast-writer"):
            began.append(sql.split(" ", 1)[0])
        return run(sql, params)

    with pytest.MonkeyPatch.context() as patch:
        arm = partial(patch.setattr, driver.service._db, "execute_sql", remember)
        outcomes = driver.together([booking(full), booking(free), booking(full)], arm=lambda _: arm())
    assert [code(outcome) for outcome in outcomes] == ["slot_unavailable", "ok", "slot_unavailable"]
    assert began.count("BEGIN") == 1
    assert "SAVEPOINT" not in began
