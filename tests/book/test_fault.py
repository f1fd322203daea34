"""When the database fails: nothing is lost or half committed, and everyone is answered exactly once.

The faults are SQLite's own: a limit of pages for a full disk, an authorizer that denies a statement, a trigger.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest

from models.change import Customer
from models.commands import BookSlot
from models.errors import Refused
from models.service import Book
from models.triggers import ignore_own
from tests.book.desk import Desk, FakeClock, booking, code, results

pytestmark = pytest.mark.only("sqlite")
Arm = Callable[[sqlite3.Connection], None]
POISONED, SOUND = Customer(name="Poisoned"), Customer(name="Sound")


def six(desk: Desk, *, poisoned: int | None = None) -> list[BookSlot]:
    """Six bookings of six slots, one of them with a name that the fault listens for."""
    slots = desk.open(6)
    return [booking(slot, customer=POISONED if place == poisoned else SOUND) for place, slot in enumerate(slots)]


def booked(desk: Desk) -> int:
    return int(desk.query("SELECT COUNT(*) FROM booking")[0][0])


def check_retried(desk: Desk, commands: list[BookSlot]) -> None:
    """After the fault the same requests are each done, once in all."""
    answers = [results(desk.book.run(command)) for command in commands]
    assert [answer["status"] for answer in answers] == ["confirmed"] * len(commands)
    assert booked(desk) == len(commands)
    assert len({answer["id"] for answer in answers}) == len(commands)


def boom(*_: Any) -> None:
    message = "the disk is on fire"
    raise OSError(message)


def fails_at_the_name(connection: sqlite3.Connection) -> None:
    """A database error, not a constraint, as the poisoned booking is written."""
    connection.create_function("boom", 0, boom)
    connection.execute(
        "CREATE TEMP TRIGGER poison BEFORE INSERT ON booking WHEN NEW.name = 'Poisoned' BEGIN SELECT boom(); END"
    )


def rolls_all_back(connection: sqlite3.Connection) -> None:
    """The whole transaction is gone, as it is after SQLITE_FULL, and the error looks like a constraint's."""
    connection.execute(
        "CREATE TEMP TRIGGER poison BEFORE INSERT ON booking WHEN NEW.name = 'Poisoned'"
        " BEGIN SELECT RAISE(ROLLBACK, 'gone'); END"
    )


def refuses(connection: sqlite3.Connection) -> None:
    """A constraint refuses the poisoned booking alone."""
    connection.execute(
        "CREATE TEMP TRIGGER poison BEFORE INSERT ON booking WHEN NEW.name = 'Poisoned'"
        " BEGIN SELECT RAISE(ABORT, 'no'); END"
    )


@pytest.mark.parametrize(("arm", "expected"), [(fails_at_the_name, "overloaded"), (rolls_all_back, "overloaded")])
def test_an_error_in_the_middle_of_a_batch_fails_one_command(desk: Desk, arm: Arm, expected: str) -> None:
    """The batch is abandoned, each of its commands is tried alone, and only the one with the fault is not done."""
    commands = six(desk, poisoned=2)
    outcomes = desk.together(commands, arm=arm)
    assert [code(outcome) for outcome in outcomes] == ["ok", "ok", expected, "ok", "ok", "ok"]
    assert booked(desk) == 5
    disarm(desk)
    check_retried(desk, commands)


def test_a_constraint_refuses_its_own_command_only(desk: Desk) -> None:
    """An IntegrityError goes back to the command's savepoint; the batch goes on."""
    commands = six(desk, poisoned=2)
    outcomes = desk.together(commands, arm=refuses)
    assert [code(outcome) for outcome in outcomes] == ["ok", "ok", "invalid_transition", "ok", "ok", "ok"]
    disarm(desk)
    check_retried(desk, commands)


def disarm(desk: Desk) -> None:
    """Takes the trigger away, or raises the limit, on the writer's own connection."""

    def mend(connection: sqlite3.Connection) -> None:
        connection.set_authorizer(ignore_own)  # the service's own, see models/triggers.py
        connection.execute("DROP TRIGGER IF EXISTS poison")
        connection.execute("PRAGMA max_page_count = 1000000")

    desk.together([], arm=mend)


def test_a_full_disk_loses_and_half_commits_nothing(desk: Desk) -> None:
    """SQLITE_FULL in the middle of a batch: who was answered well is in the file, the others are `overloaded`."""
    slots = desk.open(150)
    commands = [booking(slot, customer=Customer(name="x", note="n" * 2_000)) for slot in slots]

    def fill(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 25}")

    outcomes = desk.together(commands, arm=fill)
    codes = [code(outcome) for outcome in outcomes]
    assert set(codes) == {"ok", "overloaded"}
    assert booked(desk) == codes.count("ok")
    disarm(desk)
    check_retried(desk, commands)


def denies(operation: str, action: int, times: int = 1 << 30) -> Arm:
    """The first `times` statements of this kind are not allowed."""

    def arm(connection: sqlite3.Connection) -> None:
        left = [times]

        def authorize(what: int, first: str | None, *rest: Any) -> int:
            if (what, first) == (action, operation) and left[0]:
                left[0] -= 1
                return sqlite3.SQLITE_DENY
            return ignore_own(what, first, *rest)

        connection.set_authorizer(authorize)

    return arm


SAVEPOINT = 32  # SQLITE_SAVEPOINT, an action code of the authorizer
TRANSACTION = sqlite3.SQLITE_TRANSACTION


@pytest.mark.parametrize("operation", ["BEGIN", "RELEASE"])
def test_a_failing_savepoint_abandons_the_batch(desk: Desk, operation: str) -> None:
    """SAVEPOINT or RELEASE fails once: each command is then tried alone, and done."""
    commands = six(desk)
    outcomes = desk.together(commands, arm=denies(operation, SAVEPOINT, times=1))
    assert [code(outcome) for outcome in outcomes] == ["ok"] * 6
    assert booked(desk) == 6


@pytest.mark.parametrize("operation", ["BEGIN", "RELEASE", "ROLLBACK"])
def test_savepoints_that_always_fail_do_nothing(desk: Desk, operation: str) -> None:
    """Nothing is done without a savepoint; a refusal whose rollback fails takes nobody with it."""
    commands = six(desk)
    commands[2] = booking(commands[0].slot)
    outcomes = desk.together(commands, arm=denies(operation, SAVEPOINT))
    assert booked(desk) == [code(outcome) for outcome in outcomes].count("ok")
    disarm(desk)
    assert code(desk.together([commands[2]])[0]) == "slot_unavailable" or operation != "ROLLBACK"


def test_a_failed_commit_is_not_run_again(desk: Desk) -> None:
    """COMMIT fails: all are `overloaded`, the connection is dropped, nothing is there, and a retry does it once."""
    commands = six(desk)
    outcomes = desk.together(commands, arm=denies("COMMIT", TRANSACTION))
    assert [code(outcome) for outcome in outcomes] == ["overloaded"] * 6
    assert booked(desk) == 0
    check_retried(desk, commands)


class Liar(sqlite3.Connection):
    """Commits, and then says that it failed: what a lost answer looks like."""

    lies = False

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        cursor = super().execute(sql, *args)
        Liar.check(sql)
        return cursor

    def cursor(self, *_: Any) -> Any:
        return super().cursor(LiarsCursor)

    @staticmethod
    def check(sql: str) -> None:
        if sql == "COMMIT" and Liar.lies:
            Liar.lies = False
            message = "disk I/O error"
            raise sqlite3.OperationalError(message)


class LiarsCursor(sqlite3.Cursor):
    def execute(self, sql: str, *args: Any) -> Self:
        super().execute(sql, *args)
        Liar.check(sql)
        return self


@pytest.fixture
def liar(database: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A book whose driver can be made to lie about a commit."""
    book = Book(database, b"secret", clock=clock)
    make = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: make(*args, factory=Liar, **kwargs))
    book.open()
    desk = Desk(book, clock)
    desk.create()
    yield desk
    Liar.lies = False
    book.close()


def test_a_receipt_makes_the_retry_of_an_unknown_commit_safe(liar: Desk) -> None:
    """A commit that happened but was reported lost: the retry with the same key finds what was done."""
    commands = six(liar)

    def lie(_: sqlite3.Connection) -> None:
        Liar.lies = True

    outcomes = liar.together(commands, arm=lie)
    assert [code(outcome) for outcome in outcomes] == ["overloaded"] * 6
    assert booked(liar) == 6
    check_retried(liar, commands)


def test_a_locked_database_is_overloaded_and_then_works(
    database: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process keeps the lock beyond the time-out: everyone hears `overloaded` and can try again."""
    monkeypatch.setattr("models.sqlite.BUSY_TIMEOUT_SECONDS", 0.1)
    book = Book(database, b"secret", clock=clock)
    book.open()
    desk = Desk(book, clock)
    desk.create()
    commands = six(desk)
    other = sqlite3.connect(desk.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcomes = desk.together(commands)
    assert [code(outcome) for outcome in outcomes] == ["overloaded"] * 6
    assert all(isinstance(outcome, Refused) and outcome.retryable for outcome in outcomes)
    other.execute("ROLLBACK")
    other.close()
    check_retried(desk, commands)
    book.close()


def test_a_bell_that_fails_does_nothing_twice(desk: Desk) -> None:
    """What is told after COMMIT may raise; the commands are done and answered all the same."""

    def crack(_: object) -> None:
        message = "cracked"
        raise RuntimeError(message)

    commands = six(desk)
    desk.book.on_commit = crack
    outcomes = desk.together(commands)
    assert [code(outcome) for outcome in outcomes] == ["ok"] * 6
    assert booked(desk) == 6


def test_a_closed_book_answers_everyone(database: str, clock: FakeClock) -> None:
    """What was queued before `close` is done, what comes after it is `overloaded`: nobody waits for ever."""
    book = Book(database, b"secret", clock=clock)
    book.open()
    desk = Desk(book, clock)
    desk.create()
    commands = [booking(slot) for slot in desk.open(200)]
    heard: list[str] = []

    def ask() -> None:
        for command in commands:
            book.submit(command, lambda outcome: heard.append(code(outcome)))

    asking = threading.Thread(target=ask)
    asking.start()
    book.close()
    asking.join()
    assert len(heard) == 200
    assert heard.count("ok") == booked(desk)
