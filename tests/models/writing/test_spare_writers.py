"""Spare writers wait for calendars that another process has locked."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import psycopg
import pytest

from models.contract.commands.holds import ReleaseHold
from models.contract.errors import BadRequest, Overloaded
from models.service import SlotService
from models.transaction.routing import Locked
from models.writing.batch import BatchRunner, Result, _Abandoned
from models.writing.command_queue import QueuedCommand
from models.writing.spare_writers import Spares
from models.writing.writer import Writer
from tests.models.crowd import Crowd
from tests.models.database_audit import audit
from tests.models.driver import Driver, FakeClock, Viewer, booking, code

pytestmark = pytest.mark.only("postgres")


def test_a_lock_that_is_not_let_go_is_overloaded(
    open_service: Callable[..., SlotService], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process locks a calendar: its commands are `overloaded` in time, those of other calendars are done."""
    monkeypatch.setattr("models.storage.postgres.LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr("models.writing.batch.PATIENCE_SECONDS", 0.5)
    service = open_service(writers=1)
    driver = Driver(service, clock)
    driver.create("free")
    (free,) = driver.open()
    driver.create("room")
    slots = driver.open(20)
    with psycopg.connect(service.url) as other:
        other.execute("SELECT * FROM calendar WHERE id = 'room' FOR UPDATE")
        codes = [code(outcome) for outcome in driver.together([booking(free), *[booking(slot) for slot in slots]])]
    assert codes == ["ok", *["overloaded"] * 20]
    assert driver.reserve(slots[0])["status"] == "confirmed"
    audit(driver.path)


def test_a_locked_calendar_s_commands_keep_their_order(
    open_service: Callable[..., SlotService], clock: FakeClock
) -> None:
    """They wait apart from the same writer's other calendars, and those are done meanwhile, in order."""
    service = open_service(writers=1)
    driver = Driver(service, clock)
    free: list[str] = []
    for number in range(5):
        driver.create(f"free-{number}")
        free += driver.open(4)
    driver.create("room")
    slots = driver.open(120)
    crowd, others = Crowd(), Crowd()
    with psycopg.connect(service.url) as other:
        other.execute("SELECT * FROM calendar WHERE id = 'room' FOR UPDATE")
        for place, slot in enumerate(slots):
            crowd.ask(service, booking(slot))
            if place % 6 == 0:
                others.ask(service, booking(free[place // 6]))
                others.wait()
        assert others.codes == {"ok": 20}
        assert not crowd.codes
    crowd.wait()
    assert crowd.codes == {"ok": 120}
    viewer = Viewer(service, "room")
    assert [viewer.slots[slot]["version"] for slot in slots] == list(range(2, 122))


_COMMAND = ReleaseHold(hold="", token="")


class _Waiting:
    """A spare with commands that wait."""

    pending = 1

    def start(self) -> None: ...
    def queue(self, asked: QueuedCommand) -> None: ...
    def close(self) -> None: ...


def _about(*calendars: str) -> QueuedCommand:
    return QueuedCommand(_COMMAND, lambda _: None, {("calendar", name): name for name in calendars})


def test_what_joins_a_batch_fits_it() -> None:
    """A batch has no more commands than one may have, also when it runs again, and none that a spare must get."""
    writer = Writer(cast("BatchRunner", None), most=3)
    writer._spares = Spares(lambda _: _Waiting())
    writer._spares.take(_about("b"))
    for calendar in "baaaa":
        writer.queue(_about(calendar))
    asked = [_about("a", "b")]
    join = writer._join(asked)
    asked += join({"a", "b"})
    assert [one.calendars for one in asked[1:]] == [{"a"}, {"a"}]
    assert not join({"a", "b"})


def test_a_command_behind_one_that_waits_for_a_lock_waits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when an abandoned batch is tried command by command, and the lock is free again."""
    tried: list[set[str]] = []

    def attempt(_: BatchRunner, asked: list[QueuedCommand], *_others: object) -> list[Result]:
        if len(asked) > 1:
            raise _Abandoned(Overloaded())
        tried.append(asked[0].calendars)
        return [Locked() if len(tried) == 1 else BadRequest()]

    monkeypatch.setattr(BatchRunner, "_attempt", attempt)
    outcomes = BatchRunner.__new__(BatchRunner).run([_about("a"), _about("a"), _about("b")])
    assert list(map(type, outcomes)) == [Locked, Locked, BadRequest]
    assert tried == [{"a"}, {"b"}]
