"""The writer: it answers every command once, also while the database is locked and as it closes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from queue import SimpleQueue

import pytest

from models.contract.commands.background import TakeOutside, TrimLog
from models.contract.errors import Refused
from models.service import Outcome, QueuedCommand, SlotService
from tests.models.driver import Driver, FakeClock, booking, code
from tests.models.writing.retry import booked, check_retried, six

pytestmark = pytest.mark.only("sqlite")


def test_a_locked_database_is_overloaded_and_then_works(
    database: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process keeps the lock beyond the time-out: all commands are `overloaded`, and a retry works."""
    monkeypatch.setattr("models.storage.sqlite.BUSY_TIMEOUT_SECONDS", 0.1)
    service = SlotService(database, b"secret", clock=clock)
    service.open()
    driver = Driver(service, clock)
    driver.create()
    commands = six(driver)
    other = sqlite3.connect(driver.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcomes = driver.together(commands)
    assert [code(outcome) for outcome in outcomes] == ["overloaded"] * 6
    assert all(isinstance(outcome, Refused) and outcome.retryable for outcome in outcomes)
    other.execute("ROLLBACK")
    other.close()
    check_retried(driver, commands)
    service.close()


def test_a_failing_change_listener_does_nothing_twice(driver: Driver) -> None:
    """A listener may raise after COMMIT; the commands are done and answered all the same."""

    def crack(_: object) -> None:
        message = "cracked"
        raise RuntimeError(message)

    commands = six(driver)
    driver.service.on_commit = crack
    outcomes = driver.together(commands)
    assert [code(outcome) for outcome in outcomes] == ["ok"] * 6
    assert booked(driver) == 6


def test_a_closed_writer_answers_every_command(database: str, clock: FakeClock) -> None:
    """Commands queued before `close` are done, later ones are `overloaded`; no caller waits for ever."""
    service = SlotService(database, b"secret", clock=clock)
    service.open()
    driver = Driver(service, clock)
    driver.create()
    commands = [booking(slot) for slot in driver.open(200)]
    heard: list[str] = []

    def ask() -> None:
        for command in commands:
            service.submit(command, lambda outcome: heard.append(code(outcome)))

    asking = threading.Thread(target=ask)
    asking.start()
    service.close()
    asking.join()
    assert len(heard) == 200
    assert heard.count("ok") == booked(driver)


def test_a_background_command_comes_after_the_others_and_alone(driver: Driver) -> None:
    """Outside writes of several calendars never make a booking wait for more than one of them, also at the end."""
    slots = driver.open(2)
    entered, guard = threading.Event(), threading.Event()
    done: list[tuple[str, int]] = []
    transactions: list[int] = []
    begin = driver.service._db.begin_write

    def begin_counted(**options: bool) -> None:
        transactions.append(1)
        begin(**options)

    def wait(_: Outcome) -> None:
        entered.set()
        guard.wait(30)

    driver.service._db.begin_write = begin_counted  # type: ignore[method-assign]
    driver.service.submit(booking(slots[0]), wait)
    assert entered.wait(10)
    commands = [
        TakeOutside(calendar="room"),
        TakeOutside(calendar="other"),
        booking(slots[1]),
        TrimLog(calendar="room"),
    ]
    for command in commands:
        name = type(command).__name__
        driver.service.submit(command, lambda _, name=name: done.append((name, len(transactions))))  # type: ignore[misc]
    assert driver.service._writer is not None
    closing = threading.Thread(target=driver.service._writer.close)
    closing.start()
    guard.set()
    closing.join()
    assert done == [("BookSlot", 2), ("TakeOutside", 3), ("TakeOutside", 4), ("TrimLog", 5)]


def test_it_runs_the_commands_of_a_source(driver: Driver, open_service: Callable[..., SlotService]) -> None:
    """On the calling thread, to the source's end: as many at a time as wait, and the end of each batch is told."""
    source: SimpleQueue[QueuedCommand | None] = SimpleQueue()
    outcomes: list[Outcome] = []
    ends: list[int] = []
    slots = driver.open(120)
    for slot in slots:
        source.put(QueuedCommand(booking(slot), outcomes.append, {}))
    source.put(QueuedCommand(TrimLog(calendar="room"), outcomes.append, {}))
    source.put(None)
    open_service(writers=0).write_from(source, lambda: ends.append(len(outcomes)))
    assert [code(outcome) for outcome in outcomes] == ["ok"] * 121
    assert ends[:2] == [120, 121]
    assert booked(driver) == 120
