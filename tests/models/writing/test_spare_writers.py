"""Spare writers wait for calendars that another process has locked."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from models.service import SlotService
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
