"""An outside writer commits before a statement of a command, at every statement in turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from operator import attrgetter
from typing import Any

import psycopg
import pytest

from models.audit.audit import find
from models.contract.commands.background import TakeOutside
from models.contract.commands.bookings import CancelBooking
from models.contract.commands.command import Command
from models.contract.commands.holds import ReleaseHold
from models.contract.commands.slots import UpdateSlot
from models.contract.values.time import HOUR
from models.storage.database import open_database
from tests.models.driver import GUEST, STAFF, Driver, Viewer, booking, code, moving, new_key, proof
from tests.models.outside import AT, slot_row, sql, take, uuid

HOME, OTHER = "room", "other"
MOST_STATEMENTS = 40
LOCKED_STATEMENTS = (0, 1, 2)  # SQLite keeps all other writers out between BEGIN and COMMIT
Write = Callable[[str], object]
State = dict[str, Any]

_SLOT_LEAVES = "UPDATE slot SET calendar = 'other' WHERE id = <1>"
_BOOKING_LEAVES = "UPDATE booking SET slot = <9> WHERE slot = <1>"
_BOOKING_ENDS = "UPDATE booking SET status = 'cancelled' WHERE slot = <1>"
_ROWS = (
    "DELETE FROM booking; DELETE FROM hold; DELETE FROM slot;"
    + "".join(slot_row(number, number) for number in (1, 2))
    + slot_row(9, 9, calendar=OTHER)
    + "UPDATE slot SET capacity = 5"
)


def _cancel(state: State) -> Command:
    return CancelBooking(principal=GUEST, key=new_key(), booking=state["booked"]["id"], token=state["booked"]["token"])


def _reschedule(state: State) -> Command:
    return moving(state["booked"], uuid(2), principal=STAFF)


CASES: dict[str, tuple[Callable[[State], Command], str]] = {
    "a booking in a slot that leaves": (lambda _: booking(uuid(1)), _SLOT_LEAVES),
    "a booking by a hold that leaves": (
        lambda state: booking(uuid(1), state["hold"]),
        "UPDATE hold SET slot = <9> WHERE slot = <1>",
    ),
    "the release of a deleted hold": (
        lambda state: ReleaseHold(principal=GUEST, key=new_key(), **proof(state["hold"])),
        "DELETE FROM hold WHERE slot = <1>",
    ),
    "a cancellation in a slot that leaves": (_cancel, _SLOT_LEAVES),
    "a cancellation of a booking that leaves": (_cancel, _BOOKING_LEAVES),
    "a cancellation of a cancelled booking": (_cancel, _BOOKING_ENDS),
    "a move of a booking that leaves": (_reschedule, _BOOKING_LEAVES),
    "other times of a slot that leaves": (
        lambda _: UpdateSlot(
            principal=STAFF, slot=uuid(1), start=AT + 20 * HOUR, end=AT + 21 * HOUR, with_bookings=True
        ),
        _SLOT_LEAVES,
    ),
    "the taking of a note of a slot that leaves": (lambda _: TakeOutside(calendar=HOME), _SLOT_LEAVES),
}


@contextmanager
def _outsider(url: str) -> Iterator[Write]:
    """Open an outside connection that waits for no lock; return the function that writes."""
    if url.startswith("postgresql:"):
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("SET lock_timeout = '10ms'")
            yield lambda script: server.execute(script.encode())
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=0)) as file:
        file.execute("PRAGMA foreign_keys = ON")
        yield file.executescript


class Between:
    """Writes before one statement of the service's connection, once. A lock may keep the write out."""

    def __init__(self, write: Callable[[], object], place: int) -> None:
        self._write, self._place, self._count = write, place, 0

    @property
    def is_over(self) -> bool:
        return self._count > self._place

    def arm(self, connection: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(self._on_statement)
            return

        def execute(query: Any, *more: Any) -> Any:
            self._on_statement(query)
            return psycopg.Connection.execute(connection, query, *more)

        connection.execute = execute

    def _on_statement(self, _: Any) -> None:
        self._count += 1
        if self._count == self._place + 1:
            with suppress(psycopg.errors.LockNotAvailable, sqlite3.OperationalError):
                self._write()


@pytest.mark.parametrize("case", CASES)
def test_a_command_and_an_outside_write_are_one_after_the_other(driver: Driver, case: str) -> None:
    """Whatever commits between two statements of a command, each viewer equals a fresh snapshot in the end."""
    driver.create(OTHER)
    driver.calendar = HOME
    ask, script = CASES[case]
    db = open_database(driver.service.url)
    with _outsider(driver.service.url) as write:
        for place in range(MOST_STATEMENTS) if db.locks_rows else LOCKED_STATEMENTS:
            write(_ROWS)
            take(driver.service)
            state = {"hold": driver.hold(uuid(1)), "booked": driver.reserve(uuid(1))}
            driver.reserve(uuid(1))
            viewers = [Viewer(driver.service, name) for name in (HOME, OTHER)]
            between = Between(partial(write, sql(script)), place)
            (outcome,) = driver.together([ask(state)], arm=between.arm)
            assert code(outcome) not in {"internal", "overloaded"}
            for viewer in viewers:
                viewer.follow()
            while commands := driver.service.outside():
                for command in sorted(commands, key=attrgetter("calendar"), reverse=True):  # HOME first
                    driver.service.run(command)
                    for viewer in viewers:
                        viewer.follow()
            for viewer in viewers:
                viewer.check()
            assert [str(finding) for finding in find(db)] == []
            if not between.is_over:
                break
        assert between.is_over != db.locks_rows, "every statement was tried"
    db.drop()
