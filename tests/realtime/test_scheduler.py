"""The scheduler writes what is due, in batches, and nothing else. A failure stops nothing."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from models.contract.commands.background import ExpireHolds
from models.contract.commands.holds import HoldSlot
from models.contract.errors import Overloaded
from models.contract.values.time import HOUR
from models.service import SlotService
from realtime import scheduler as module
from realtime.async_service import AsyncService
from realtime.nodes.leader import Leader
from realtime.rooms.dispatcher import Dispatcher
from realtime.scheduler import Scheduler
from tests.models.conftest import clock, database, driver, pytest_generate_tests, service
from tests.models.database_audit import query
from tests.models.driver import Driver
from tests.models.schedule.mornings import set_schedule
from tests.realtime.room_stack import GUEST, RecordingConnection, RoomStack
from tests.support import eventually, new_key

__all__ = ["clock", "database", "driver", "pytest_generate_tests", "service"]
CALENDARS = 40
DUE = ("expiring", "unanswered", "behind", "trims", "past_customers")


@pytest.fixture
async def scheduler(driver: Driver) -> AsyncIterator[Scheduler]:
    """Return the scheduler of a service with many calendars, each with a schedule, a hold and a pending booking."""
    for number in range(CALENDARS):
        driver.create(f"room-{number}", confirmation="staff", pending_seconds=86_400)
        set_schedule(driver)
        held, pending = driver.open(2)
        driver.hold(held)
        driver.reserve(pending)
    asynchronous = AsyncService(driver.service, lambda _: None)
    leader = Leader(driver.service)
    scheduler = Scheduler(asynchronous, Dispatcher(asynchronous), leader)
    leader.start()
    yield scheduler
    await scheduler.close()
    await leader.close()
    await asynchronous.close()


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the questions of the scheduler."""
    found: list[str] = []

    def recording(name: str) -> Callable[..., Any]:
        ask = getattr(SlotService, name)

        def record(service: SlotService, *args: Any) -> Any:
            answer = ask(service, *args)
            found.append(name)
            return answer

        return record

    for name in DUE:
        monkeypatch.setattr(SlotService, name, recording(name))
    return found


@pytest.fixture
def written(scheduler: Scheduler, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the write transactions from now on, by their threads."""
    found: list[str] = []
    database = driver.service._db
    begin = database.begin_write

    def begin_write(*, waits: bool = False) -> None:
        found.append(threading.current_thread().name)
        begin(waits=waits)

    monkeypatch.setattr(database, "begin_write", begin_write)
    return found


async def test_a_start_writes_nothing_that_is_not_due(
    scheduler: Scheduler, looked: list[str], written: list[str]
) -> None:
    scheduler.start()
    await eventually(lambda: set(looked) == set(DUE))
    assert written == []


async def test_what_is_due_is_written_in_batches(
    scheduler: Scheduler, driver: Driver, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All calendars have a date to open, a hold and a booking that have ended, and old changes at once."""
    monkeypatch.setattr(module, "TRIM_SECONDS", 0.1)
    driver.clock.go(8 * 86_400)
    scheduler.start()

    def is_done() -> bool:
        sync = driver.service
        return not (sync.expiring(0)[0] or sync.unanswered() or sync.behind() or sync.trims())

    await eventually(is_done)
    for number in range(CALENDARS):
        slots = driver.service.snapshot(f"room-{number}", driver.clock.now, driver.clock.now + 8 * 24 * HOUR).slots
        assert len(slots) > 0
    # Three commands for each calendar. On a busy machine four writers take few at once, since they take what they find.
    assert len(written) < 3 * CALENDARS


async def test_an_expired_hold_is_freed_after_a_failure(stack: RoomStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look at the database fails; a later one finds the hold, and the subscribers are told."""
    await stack.service.run(HoldSlot(principal=GUEST, key=new_key(), slot=stack.slot))
    query(stack.sync.url, "UPDATE hold SET expires_at = 1")
    expiring, looks = stack.sync.expiring, list[int]()

    def fail_once(ahead: int) -> tuple[list[ExpireHolds], bool]:
        looks.append(1)
        if len(looks) == 1:
            raise Overloaded
        return expiring(ahead)

    monkeypatch.setattr(type(stack.sync), "expiring", lambda _, ahead: fail_once(ahead))
    connection = RecordingConnection()
    await stack.join(connection)
    leader = Leader(stack.sync)
    scheduler = Scheduler(stack.service, stack.dispatcher, leader)
    leader.start()
    scheduler.start()
    await eventually(lambda: [change["type"] for change in connection.changes] == ["slot.expired"], what="the change")
    await scheduler.close()
    await leader.close()
