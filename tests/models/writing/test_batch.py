"""A database that fails within a batch: nothing is lost or half committed, and every caller is answered once.

The faults are SQLite's own: a limit of pages for a full disk, an authorizer that denies a statement, a trigger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest

from models.contract.changes import Customer
from models.contract.commands.holds import HoldSlot
from models.service import SlotService
from models.storage.triggers.sqlite import ignore_own
from tests.models.driver import GUEST, Driver, FakeClock, booking, code, new_key
from tests.models.writing.retry import booked, check_retried, six

pytestmark = pytest.mark.only("sqlite")
Arm = Callable[[sqlite3.Connection], None]


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
def test_an_error_in_the_middle_of_a_batch_fails_one_command(driver: Driver, arm: Arm, expected: str) -> None:
    """The batch is abandoned, each of its commands is tried alone, and only the faulty one is not done."""
    commands = six(driver, poisoned=2)
    outcomes = driver.together(commands, arm=arm)
    assert [code(outcome) for outcome in outcomes] == ["ok", "ok", expected, "ok", "ok", "ok"]
    assert booked(driver) == 5
    disarm(driver)
    check_retried(driver, commands)


def test_a_constraint_refuses_its_own_command_only(driver: Driver) -> None:
    """An IntegrityError goes back to the command's savepoint; the batch goes on."""
    commands = six(driver, poisoned=2)
    outcomes = driver.together(commands, arm=refuses)
    assert [code(outcome) for outcome in outcomes] == ["ok", "ok", "invalid_transition", "ok", "ok", "ok"]
    disarm(driver)
    check_retried(driver, commands)


def disarm(driver: Driver) -> None:
    """Takes the trigger away, or raises the limit, on the writer's own connection."""

    def mend(connection: sqlite3.Connection) -> None:
        connection.set_authorizer(ignore_own)  # the service's own, see models/storage/triggers
        connection.execute("DROP TRIGGER IF EXISTS poison")
        connection.execute("PRAGMA max_page_count = 1000000")

    driver.together([], arm=mend)


def test_a_full_disk_loses_and_half_commits_nothing(driver: Driver) -> None:
    """SQLITE_FULL in the middle of a batch: every confirmed command is in the file, the others are `overloaded`."""
    slots = driver.open(150)
    commands = [booking(slot, customer=Customer(name="x", note="n" * 2_000)) for slot in slots]

    def fill(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 25}")

    outcomes = driver.together(commands, arm=fill)
    codes = [code(outcome) for outcome in outcomes]
    assert set(codes) == {"ok", "overloaded"}
    assert booked(driver) == codes.count("ok")
    disarm(driver)
    check_retried(driver, commands)


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


def holds(driver: Driver) -> list[HoldSlot]:
    """Return holds of six slots. A hold has a savepoint: it is written before its seat is taken."""
    return [HoldSlot(principal=GUEST, key=new_key(), slot=slot) for slot in driver.open(6)]


def held(driver: Driver) -> int:
    return int(driver.query("SELECT COUNT(*) FROM hold")[0][0])


@pytest.mark.parametrize("operation", ["BEGIN", "RELEASE"])
def test_a_failing_savepoint_abandons_the_batch(driver: Driver, operation: str) -> None:
    """SAVEPOINT or RELEASE fails once: each command is then tried alone, and done."""
    commands = holds(driver)
    outcomes = driver.together(commands, arm=denies(operation, SAVEPOINT, times=1))
    assert [code(outcome) for outcome in outcomes] == ["ok"] * 6
    assert held(driver) == 6


@pytest.mark.parametrize("operation", ["BEGIN", "RELEASE", "ROLLBACK"])
def test_savepoints_that_always_fail_do_nothing(driver: Driver, operation: str) -> None:
    """Without a savepoint nothing is done; a refusal with a failed rollback harms no other command."""
    commands = holds(driver)
    commands[2] = HoldSlot(principal=GUEST, key=new_key(), slot=commands[0].slot)
    outcomes = driver.together(commands, arm=denies(operation, SAVEPOINT))
    assert held(driver) == [code(outcome) for outcome in outcomes].count("ok")
    disarm(driver)
    assert code(driver.together([commands[2]])[0]) == "slot_unavailable" or operation != "ROLLBACK"


def test_a_failed_commit_is_not_run_again(driver: Driver) -> None:
    """COMMIT fails: all are `overloaded`, the connection is dropped, nothing is there, and a retry does it once."""
    commands = six(driver)
    outcomes = driver.together(commands, arm=denies("COMMIT", TRANSACTION))
    assert [code(outcome) for outcome in outcomes] == ["overloaded"] * 6
    assert booked(driver) == 0
    check_retried(driver, commands)


class Liar(sqlite3.Connection):
    """Commit, and then report a failure, as a lost answer looks."""

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
def liar(database: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """A service with a driver that can misreport a commit."""
    service = SlotService(database, b"secret", clock=clock)
    make = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: make(*args, factory=Liar, **kwargs))
    service.open()
    driver = Driver(service, clock)
    driver.create()
    yield driver
    Liar.lies = False
    service.close()


def test_a_record_makes_the_retry_of_an_unknown_commit_safe(liar: Driver) -> None:
    """A commit was reported as failed: the retry with the same key finds the first result."""
    commands = six(liar)

    def lie(_: sqlite3.Connection) -> None:
        Liar.lies = True

    outcomes = liar.together(commands, arm=lie)
    assert [code(outcome) for outcome in outcomes] == ["overloaded"] * 6
    assert booked(liar) == 6
    check_retried(liar, commands)
