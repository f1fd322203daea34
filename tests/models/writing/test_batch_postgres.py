"""A PostgreSQL that fails within a batch: nothing is lost or half committed, and every caller is answered once.

The faults are the server's own: triggers that fail, that fail only at COMMIT, or that end the session.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from models.contract.changes import Customer
from models.contract.commands.bookings import BookSlot
from models.service import SlotService
from models.writing.router import Router
from tests.models.crowd import Crowd
from tests.models.database_audit import audit
from tests.models.driver import Driver, FakeClock, Viewer, booking, code, results
from tests.support import eventually

pytestmark = pytest.mark.only("postgres")

_FUNCTION = """
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.name LIKE 'Poisoned%' THEN {fault} END IF; RETURN NEW; END $$
"""
AT_ONCE = "CREATE TRIGGER poison BEFORE INSERT ON booking FOR EACH ROW EXECUTE FUNCTION poison()"
AT_COMMIT = """
    CREATE CONSTRAINT TRIGGER poison AFTER INSERT ON booking DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION poison()
"""
FAILS = "RAISE EXCEPTION 'the disk is on fire, and % with it', NEW.name;"
DEADLOCKS = "RAISE EXCEPTION SQLSTATE '40P01';"
IS_CANCELLED = "RAISE EXCEPTION SQLSTATE '57014';"
ENDS_THE_SESSION = "PERFORM pg_terminate_backend(pg_backend_pid());"
REFUSES = "RAISE EXCEPTION SQLSTATE '23514';"


def arm(driver: Driver, fault: str, when: str = AT_ONCE) -> None:
    driver.query(_FUNCTION.format(fault=fault))
    driver.query(when)


def six(driver: Driver, *, poisoned: int = 2) -> list[BookSlot]:
    """Return six bookings of six slots, one with a name that the triggers look for."""
    names = ["Poisoned Ada" if place == poisoned else "Sound" for place in range(6)]
    return [booking(slot, customer=Customer(name=name)) for slot, name in zip(driver.open(6), names, strict=True)]


def check_retried(driver: Driver, commands: list[BookSlot]) -> None:
    """After the fault the same requests are each done, once in all."""
    driver.query("DROP TRIGGER poison ON booking")
    answers = [results(driver.service.run(command)) for command in commands]
    assert len({answer["id"] for answer in answers}) == len(commands)
    assert driver.query("SELECT COUNT(*) FROM booking") == [(len(commands),)]


@pytest.mark.parametrize("fault", [FAILS, DEADLOCKS, IS_CANCELLED, ENDS_THE_SESSION])
def test_an_error_in_the_middle_of_a_batch_fails_one_command(
    driver: Driver, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The batch is abandoned, each of its commands is tried alone, and only the faulty one is not done."""
    arm(driver, fault)
    commands = six(driver)
    outcomes = driver.together(commands)
    assert [code(outcome) for outcome in outcomes] == ["ok", "ok", "overloaded", "ok", "ok", "ok"]
    assert driver.query("SELECT COUNT(*) FROM booking") == [(5,)]
    assert caplog.records
    check_retried(driver, commands)


def test_a_constraint_refuses_its_own_command_only(driver: Driver) -> None:
    """An IntegrityError goes back to the command's savepoint; the batch goes on."""
    arm(driver, REFUSES)
    commands = six(driver)
    outcomes = driver.together(commands)
    assert [code(outcome) for outcome in outcomes] == ["ok", "ok", "invalid_transition", "ok", "ok", "ok"]
    check_retried(driver, commands)


@pytest.mark.parametrize("fault", [FAILS, REFUSES, ENDS_THE_SESSION])
def test_a_failed_commit_is_not_run_again(driver: Driver, fault: str) -> None:
    """COMMIT fails: all are `overloaded`, the connection is dropped, nothing is there, and a retry does it once."""
    arm(driver, fault, AT_COMMIT)
    commands = six(driver)
    outcomes = driver.together(commands)
    assert [code(outcome) for outcome in outcomes] == ["overloaded"] * 6
    assert driver.query("SELECT COUNT(*) FROM booking") == [(0,)]
    check_retried(driver, commands)


async def test_a_batch_that_waited_takes_along_what_came_meanwhile(
    open_service: Callable[..., SlotService], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the calendars that it has locked, in the order of the commands; the others have a later batch."""
    monkeypatch.setattr("models.storage.postgres.CALENDAR_LOCK_SECONDS", 30)
    service = open_service(writers=1)
    router = service._writer
    assert isinstance(router, Router)
    (writer,) = router.writers
    driver = Driver(service, clock)
    driver.create("other")
    (other,) = driver.open()
    driver.create("room")
    slots = driver.open(20)
    crowd = Crowd()
    before = list(service.figures.sizes.counts)
    with psycopg.connect(service.url) as locking:
        locking.execute("SELECT * FROM calendar WHERE id = 'room' FOR UPDATE")
        crowd.ask(service, booking(slots[0]))
        await eventually(lambda: driver.query("SELECT 1 FROM pg_locks WHERE NOT granted"), 10, "a batch that waits")
        for slot in slots[1:]:
            crowd.ask(service, booking(slot))
        crowd.ask(service, booking(other))
        await eventually(lambda: writer.queued == 20, 10, "the other commands")
    crowd.wait()
    assert crowd.codes == {"ok": 21}
    viewer = Viewer(service, "room")
    assert [viewer.slots[slot]["version"] for slot in slots] == list(range(2, 22))
    counts = [now - then for now, then in zip(service.figures.sizes.counts, before, strict=True)]
    assert sum(counts) == 2
    audit(driver.path)
