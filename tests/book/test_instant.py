"""When the book looks at the clock, and that whoever reads sees one instant."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.book.desk import EVER, Desk, FakeClock, booking


def test_the_time_is_read_once_a_batch_after_its_locks_are_held(desk: Desk, kind: str) -> None:
    """Whoever waits for a lock does so before it knows what time it is; and a batch has one time."""
    seen: list[str] = []
    database, clock, run = desk.book._db, desk.clock, desk.book._db.execute_sql

    def remember(sql: str, params: Sequence[Any] | None = None) -> Any:
        if threading.current_thread().name.startswith("slotcast-writer"):
            seen.append(sql)
        return run(sql, params)

    def look(clock: FakeClock) -> int:
        seen.append("the clock")
        return clock.now

    slots = desk.open(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(clock), "__call__", look)
        desk.together([booking(slot) for slot in slots], arm=lambda _: patch.setattr(database, "execute_sql", remember))
    begun = next(place for place, sql in enumerate(seen) if sql.startswith("BEGIN"))
    batch = seen[begun : seen.index("COMMIT", begun)]
    lock = "IMMEDIATE" if kind == "sqlite" else "FOR NO KEY UPDATE"
    assert batch.count("the clock") == 1
    assert any(lock in sql for sql in batch[: batch.index("the clock")])
    assert not any(sql.startswith("SAVEPOINT") for sql in batch[: batch.index("the clock")])


def test_a_snapshot_is_of_one_instant(desk: Desk) -> None:
    """What is committed between two of its reads is in none of them: else it would be lost for ever."""
    (slot,) = desk.open()
    seq = desk.book.snapshot("room", -EVER, EVER).seq
    reader, run = threading.get_ident(), desk.book._db.execute_sql
    read: list[str] = []

    def book_meanwhile(sql: str, params: Sequence[Any] | None = None) -> Any:
        if threading.get_ident() != reader:
            return run(sql, params)
        found = run(sql, params)
        if "FROM" in sql and not read:
            read.append(sql)
            desk.reserve(slot)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk.book._db, "execute_sql", book_meanwhile)
        taken = desk.book.snapshot("room", -EVER, EVER)
    assert read, "somebody booked meanwhile"
    assert taken.seq == seq
    assert [msgspec.json.decode(one.body)["status"] for one in taken.slots] == ["open"]
    assert desk.slot(slot)["status"] == "booked"
