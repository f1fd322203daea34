"""The bound on the work of one schedule."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.contract.commands.background import FillHorizon
from models.contract.commands.calendars import SetSchedule, UpdateCalendar
from models.contract.errors import BadRequest, Forbidden, NotFound, StaleExpansion
from models.contract.principal import Principal, Role
from models.contract.values.time import DAY
from models.schedule.expand import expand, read_schedule
from models.schedule.steps import MOST_STEPS, Steps
from models.storage.cancellation import Cancellation, Cancelled
from tests.models.driver import STAFF, Driver, results
from tests.models.schedule.mornings import MORNINGS, set_schedule, starts

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LONGEST: dict[str, Any] = {
    "windows": [{"days": DAYS, "start": "09:00", "end": "10:00"}] * 32,
    "slot_minutes": 60,
    "from": "1970-01-01",
    "horizon_days": 1_830,
}


def _rules(rule: str) -> dict[str, Any]:
    windows = [{"rrule": f"{rule};COUNT={20_000 - place}", "start": "09:00", "end": "10:00"} for place in range(32)]
    return LONGEST | {"windows": windows, "horizon_days": 90}


def _command(schedule: dict[str, Any], **more: Any) -> SetSchedule:
    return SetSchedule(principal=STAFF, calendar="room", schedule=schedule, **more)


def test_the_longest_horizon_of_every_window_is_within_the_bound() -> None:
    """32 windows on every day of the longest horizon are accepted."""
    steps = Steps()
    first, last = date(2027, 1, 3), date.fromordinal(date(2027, 1, 3).toordinal() + 1_830)
    assert len(expand(read_schedule(LONGEST, steps), "UTC", first, last, steps)) == 1_831
    assert steps.taken < MOST_STEPS


@pytest.mark.parametrize(
    "schedule",
    [
        _rules("FREQ=DAILY"),
        _rules("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO"),
        _rules("FREQ=YEARLY;BYDAY=MO"),
        LONGEST | {"closed": [{"from": "1970-01-01", "until": "2199-12-31"}] * 1_000},
    ],
)
def test_a_schedule_that_takes_too_long_is_refused(driver: Driver, schedule: dict[str, Any]) -> None:
    """The refusal names the bound; rules that count from 1970 and a thousand closed ranges reach it."""
    with pytest.raises(BadRequest) as refusal:
        driver.service.with_expansion(_command(schedule))
    assert refusal.value.details == {"field": "windows", "rule": "steps", "most": MOST_STEPS}


def test_an_expansion_ends_once_nobody_waits_for_it() -> None:
    """The steps of a cancelled read end."""
    cancellation = Cancellation()
    with cancellation.running():
        steps = Steps()
        cancellation.is_cancelled = True
        with pytest.raises(Cancelled):
            expand(read_schedule(LONGEST, steps), "UTC", date(2027, 1, 3), date(2031, 1, 3), steps)


def test_the_writer_takes_the_slots_of_an_expansion(driver: Driver) -> None:
    """A command with an expansion does what the command itself does, and so does its preview."""
    expanded = driver.service.with_expansion(_command(MORNINGS))
    assert driver.service.preview(expanded).result == b'{"opened":4,"removed":0,"updated":0,"kept":[]}'
    assert starts(driver) == []
    driver.service.run(expanded)
    opened = starts(driver)
    assert len(opened) == 4
    assert set_schedule(driver)["opened"] == 0


def test_an_expansion_is_taken_only_while_nothing_has_moved(driver: Driver) -> None:
    """After a change of the zone or the date, the writer and the preview refuse it, so that it is made again."""
    expanded = driver.service.with_expansion(_command(MORNINGS))
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", zone="Asia/Tokyo"))
    for run in (driver.service.run, driver.service.preview):
        with pytest.raises(StaleExpansion):
            run(expanded)
    expanded = driver.service.with_expansion(_command(MORNINGS))
    driver.clock.go(3 * 86_400)
    with pytest.raises(StaleExpansion):
        driver.service.run(expanded)
    assert starts(driver) == []


def test_a_filling_of_another_schedule_opens_nothing(driver: Driver) -> None:
    """The dates of a horizon are those of the schedule that the writer finds."""
    set_schedule(driver, **MORNINGS | {"from": "2027-01-04"})
    driver.clock.go(8 * 86_400)
    (fill,) = driver.service.behind()
    assert isinstance(fill, FillHorizon)
    set_schedule(driver, windows=[{"days": ["wed"], "start": "09:00", "end": "10:00"}])
    before = starts(driver)
    driver.clock.go(DAY // 1_000 * 8)
    with pytest.raises(StaleExpansion):
        driver.service.run(fill)
    assert starts(driver) == before
    (again,) = driver.service.behind()
    assert results(driver.service.run(again)) > 0


def test_no_guest_has_a_schedule_expanded(driver: Driver) -> None:
    """The role is checked before the work."""
    guest = Principal(subject="guest", calendars=frozenset({"room"}))
    with pytest.raises(Forbidden):
        driver.service.with_expansion(SetSchedule(principal=guest, calendar="room", schedule=_rules("FREQ=DAILY")))
    staff = Principal(subject="ada", role=Role.STAFF, calendars=None)
    with pytest.raises(NotFound):
        driver.service.with_expansion(SetSchedule(principal=staff, calendar="none", schedule=MORNINGS))
