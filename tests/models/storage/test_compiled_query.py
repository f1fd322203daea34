"""A hot command runs so many SQL statements and writes so many pages: one more is seen here, before it is felt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mode
from typing import Any

import pytest

from models.contract.commands.bookings import CancelBooking
from models.contract.commands.command import Command
from models.contract.commands.holds import ExtendHold, HoldSlot, ReleaseHold
from models.contract.commands.slots import NewSlot, OpenSlots, UpdateSlot
from models.contract.values.time import HOUR
from tests.models.driver import GUEST, STAFF, Driver, booking, code, new_key, proof

# Once for each batch: BEGIN, the commands' calendars (once for each kind of id), their rows, idempotency records,
# COMMIT. With several writers the router has looked up the calendars; those of bookings are read again.
BATCH = 5
ROUTED_BATCH = 4
PAGE_BYTES = 24 + 4_096  # in the WAL


def statements(driver: Driver, commands: list[Command]) -> list[str]:
    """Return the statements of a batch of these commands."""
    seen: list[str] = []
    database = driver.service._db
    run, run_many = database.execute_sql, database.execute_many

    def remember(sql: str, params: Sequence[Any] | None = None) -> Any:
        if threading.current_thread().name.startswith("slotcast-writer"):
            seen.append(sql)
        return run(sql, params)

    def remember_many(sql: str, rows: Sequence[Sequence[Any]]) -> None:
        seen.append(sql)
        run_many(sql, rows)

    def arm(_: Any) -> None:
        patch.setattr(database, "execute_sql", remember)
        patch.setattr(database, "execute_many", remember_many)

    with pytest.MonkeyPatch.context() as patch:
        outcomes = driver.together(commands, arm=arm)
    assert {code(outcome) for outcome in outcomes} == {"ok"}
    seen = [*seen, ""]
    while "history_address" in "".join(seen[: seen.index("COMMIT")]):  # that of the addresses, once a second
        seen = seen[seen.index("COMMIT") + 1 :]
    return seen[: seen.index("COMMIT") + 1]


def book(driver: Driver, slot: str) -> Command:
    return booking(slot)


def book_held(driver: Driver, slot: str) -> Command:
    return booking(slot, driver.hold(slot))


def hold(driver: Driver, slot: str) -> Command:
    return HoldSlot(principal=GUEST, key=new_key(), slot=slot)


def extend(driver: Driver, slot: str) -> Command:
    one = driver.hold(slot)
    driver.clock.go(1)
    return ExtendHold(principal=GUEST, key=new_key(), **proof(one))


def release(driver: Driver, slot: str) -> Command:
    return ReleaseHold(principal=GUEST, key=new_key(), **proof(driver.hold(slot)))


def cancel(driver: Driver, slot: str) -> Command:
    booked = driver.reserve(slot)
    return CancelBooking(principal=GUEST, key=new_key(), booking=booked["id"], token=booked["token"])


@pytest.mark.parametrize(
    ("make", "budget"),
    [
        (book, (5, 1, 4)),  # together: bookings, rows of the log, records and heads are written
        (book_held, (7, 3, 4)),
        (hold, (6, 5, 3)),  # with its savepoint, as it writes the hold before it takes the seat
        (extend, (6, 3, 3)),
        (release, (6, 3, 3)),
        (cancel, (8, 4, 3)),
    ],
)
def test_a_hot_command_runs_so_many_statements(
    driver: Driver, kind: str, make: Callable[[Driver, str], Command], budget: tuple[int, int, int]
) -> None:
    """A command has its budget; the batch's own statements are shared by all commands.

    A command alone has no savepoint. A command about a booking has two idempotency records. SQLite reads the slots with
    the commands' calendars, PostgreSQL reads each slot again after the locks.
    """
    alone, in_a_batch, together = budget
    if kind != "sqlite" and make in {book, book_held, hold}:
        alone, in_a_batch = alone + 1, in_a_batch + 1
    shared = BATCH if kind == "sqlite" or make is cancel else ROUTED_BATCH
    slots = driver.open(8, capacity=2)
    assert len(statements(driver, [make(driver, slots[0])])) == shared + alone
    several = statements(driver, [make(driver, slot) for slot in slots[1:8]])
    assert len(several) == shared + together + 7 * in_a_batch, several


def opening(driver: Driver, count: int, first: int) -> Command:
    starts = [driver.clock.now + (first + place) * HOUR for place in range(count)]
    slots = tuple(NewSlot(start=start, end=start + HOUR) for start in starts)
    return OpenSlots(principal=STAFF, key=new_key(), calendar="room", slots=slots)


def test_opening_many_slots_runs_as_many_statements_as_opening_one(driver: Driver) -> None:
    """Their rows are written by one call of the driver, and read back by one statement."""
    assert len(statements(driver, [opening(driver, 200, 500)])) == len(statements(driver, [opening(driver, 1, 900)]))


def update(driver: Driver, slot: str) -> Command:
    return UpdateSlot(principal=STAFF, slot=slot, data=b'{"n":1}')


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("make", "budget"), [(update, 5), (book, 11), (hold, 11)])
def test_a_hot_command_writes_so_many_pages(
    driver: Driver, make: Callable[[Driver, str], Command], budget: int
) -> None:
    """A booking writes one page for each changed table and one for each changed index.

    Each further page costs an fsync's time at each commit. A full page that splits is another one. The update is by
    staff, whose entry in the history is a row.
    """
    wal = Path(f"{driver.path}-wal")
    commands = [make(driver, slot) for slot in driver.open(9)]
    written = []
    for command in commands:
        before = wal.stat().st_size
        driver.service.run(command)
        written.append((wal.stat().st_size - before) / PAGE_BYTES)
    assert mode(written) == budget, written
