"""The queries of a service: what is due, and reads of one instant."""

from __future__ import annotations

import pytest

from models.contract.commands.background import ExpireBookings, ExpireHolds, FillHorizon, TakeOutside, TrimOldest
from models.contract.commands.calendars import SetSchedule
from models.contract.errors import NotFound
from models.contract.values.time import DAY, HOUR
from models.domain.policy.rules import GRACE
from models.query.page import EVERY
from tests.models.driver import EVER, STAFF, Driver
from tests.models.outside import Outside, slot_row
from tests.support.databases.outsider import write

HOURS = {"windows": [{"days": ["mon"], "start": "09:00", "end": "11:00"}], "slot_minutes": 60, "from": "2027-01-01"}


def test_a_hold_is_due_after_its_grace(driver: Driver) -> None:
    """One command a calendar expires all of its overdue holds."""
    slots = driver.open(2)
    for slot in slots:
        driver.hold(slot)
    driver.clock.go(300)
    assert driver.service.due() == []
    driver.clock.now += GRACE
    assert driver.service.due() == [ExpireHolds(calendar="room")]


def test_background_commands_are_due_where_there_is_work(driver: Driver, outside: Outside) -> None:
    """A calendar without work has no command; each kind of work has its own."""
    service = driver.service
    assert [*service.unanswered(), *service.behind(), *service.outside(), *service.trims()] == []
    write(service.url, slot_row(1))
    assert service.outside() == [TakeOutside(calendar="room")]
    outside.write(slot_row(2, 1))
    service.run(SetSchedule(principal=STAFF, calendar="room", schedule=HOURS))
    driver.create("asked", confirmation="staff")
    driver.reserve(driver.open(start=driver.clock.now + HOUR)[0])
    driver.clock.now += DAY
    assert service.unanswered() == [ExpireBookings(calendar="asked")]
    (fill,) = service.behind()
    assert isinstance(fill, FillHorizon)
    assert fill.calendar == "room"
    driver.clock.now += 30 * DAY
    assert service.trims() == [TrimOldest()]


@pytest.mark.parametrize("most", [1, 2, EVERY])
def test_a_page_of_a_snapshot_ends_between_two_starts(driver: Driver, most: int) -> None:
    """Page by page every slot comes once; the snapshot of an unknown calendar is not found."""
    slots = driver.open(3)
    begin, found = -EVER, []
    while begin < EVER:
        page = driver.service.snapshot("room", begin, EVER, most=most)
        found += [slot.id for slot in page.slots]
        begin = page.finish
    assert found == slots
    with pytest.raises(NotFound):
        driver.service.snapshot("none", -EVER, EVER)
