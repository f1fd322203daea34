"""The windows of a schedule, each with its own seats, data and dates, and the warning of overlaps."""

from __future__ import annotations

from typing import Any

import pytest

from models.contract.commands.background import FillHorizon
from models.contract.commands.slots import UpdateSlot
from models.contract.values.time import DAY, HOUR, MINUTE
from tests.models.driver import STAFF, START, Driver, Viewer
from tests.models.schedule.mornings import MORNINGS, NINE, answer, at, set_schedule, slot_at, starts

YOGA: dict[str, Any] = {"days": ["tue"], "start": "18:00", "end": "20:00", "capacity": 10, "data": {"title": "Yoga"}}
MEETING: dict[str, Any] = {
    "windows": [
        {"days": ["mon"], "start": "09:00", "end": "10:00"},
        {"days": ["mon"], "start": "10:00", "end": "11:00"},
    ]
}
CROSSING: dict[str, Any] = {
    "windows": [
        {"days": ["mon"], "start": "09:00", "end": "11:00"},
        {"days": ["mon"], "start": "10:30", "end": "11:30", "data": "the second"},
    ]
}


def test_a_window_has_slots_of_its_own(driver: Driver) -> None:
    """A window has its own length, step, seats, data and dates; so have extra hours, which come first."""
    extra = {"date": "2027-01-05", "start": "19:00", "end": "20:00", "capacity": 4, "data": [1]}
    windows = [*MORNINGS["windows"], YOGA | {"slot_minutes": 30, "step_minutes": 60, "until": "2027-01-05"}]
    hours: dict[str, Any] = {"windows": windows, "horizon_days": 14, "extra": [extra | {"slot_minutes": 30}]}
    assert set_schedule(driver, preview=True, **hours)["opened"] == 8 + 3
    assert set_schedule(driver, **hours)["opened"] == 8 + 3
    six = START + DAY + 18 * HOUR
    assert starts(driver)[4:7] == [six, six + HOUR, six + HOUR + 30 * MINUTE]
    assert [at(driver, start)["capacity"] for start in (NINE, six, six + HOUR)] == [1, 10, 4]
    assert [at(driver, start)["data"] for start in (six, six + HOUR)] == [{"title": "Yoga"}, [1]]
    assert "data" not in at(driver, NINE)
    assert set_schedule(driver, **hours) == answer()


def test_new_seats_and_data_of_a_window_reach_its_standing_slots(driver: Driver) -> None:
    """Slots of other windows stay; taken seats are never lost, and a slot with too many of them is named."""
    set_schedule(driver, windows=[*MORNINGS["windows"], YOGA])
    six = START + DAY + 18 * HOUR
    full = slot_at(driver, six)
    driver.reserve(full, seats=6)
    fewer: dict[str, Any] = {"windows": [*MORNINGS["windows"], YOGA | {"capacity": 5, "data": "Yoga"}]}
    assert set_schedule(driver, preview=True, **fewer) == answer(updated=2, kept=[full])
    viewer = Viewer(driver.service, "room")
    assert set_schedule(driver, **fewer) == answer(updated=2, kept=[full])
    (change,) = viewer.follow()
    assert [(slot["capacity"], slot["data"]) for slot in change["slots"]] == [(6, "Yoga"), (5, "Yoga")]
    viewer.check()
    assert at(driver, NINE)["capacity"] == 1


def test_data_that_staff_wrote_is_not_the_schedule_s_to_clear(driver: Driver) -> None:
    """A window without data keeps the staff's data; the schedule's own data goes with the window's."""
    set_schedule(driver, windows=[*MORNINGS["windows"], YOGA])
    six = START + DAY + 18 * HOUR
    driver.service.run(UpdateSlot(principal=STAFF, slot=slot_at(driver, NINE), data=b'"by hand"'))
    driver.service.run(UpdateSlot(principal=STAFF, slot=slot_at(driver, six), data=b'"mat 7"'))
    plain = {name: value for name, value in YOGA.items() if name != "data"}
    assert set_schedule(driver, windows=[*MORNINGS["windows"], plain]) == answer(updated=1)
    assert [at(driver, start).get("data") for start in (NINE, six, six + HOUR)] == ["by hand", "mat 7", None]


def test_the_same_times_are_those_of_the_window_that_stands_first(driver: Driver) -> None:
    """Two windows with the same times open one slot, without a warning: nothing overlaps."""
    first, second = YOGA, YOGA | {"capacity": 3, "data": "second"}
    assert set_schedule(driver, windows=[first, second]) == answer(opened=2)
    assert at(driver, START + DAY + 18 * HOUR)["capacity"] == 10


def test_a_and_b_weeks_count_from_their_windows_first_dates(driver: Driver) -> None:
    """The weeks go on as the horizon moves."""
    week: dict[str, Any] = {"rrule": "FREQ=WEEKLY;INTERVAL=2", "start": "09:00", "end": "10:00"}
    set_schedule(driver, windows=[week | {"from": "2027-01-04"}, week | {"from": "2027-01-11", "data": "B"}])
    for _ in range(4):
        driver.clock.go(7 * 86_400)
        driver.service.run(FillHorizon(calendar="room"))
    assert starts(driver) == [NINE + 7 * place * DAY for place in range(5)]
    assert [at(driver, NINE + 7 * place * DAY).get("data") for place in range(5)] == [None, "B", None, "B", None]


@pytest.mark.parametrize(
    ("fields", "count", "first"),
    [
        ({"step_minutes": 30}, 4, "2027-01-04T09:30:00Z"),
        (CROSSING, 1, "2027-01-04T10:30:00Z"),
        ({"extra": [{"date": "2027-01-05", "start": "08:30", "end": "09:30"}]}, 1, "2027-01-05T09:00:00Z"),
        (MEETING, 0, ""),
        ({}, 0, ""),
    ],
)
def test_overlapping_slots_cause_a_warning(driver: Driver, fields: dict[str, Any], count: int, first: str) -> None:
    """A calendar with bookable overlaps gets a warning, in preview too; one with blocked overlaps needs none."""
    for calendar, overlap in (("loose", "allow"), ("strict", "reject")):
        driver.create(calendar, overlap=overlap)
        for preview in (True, False):
            warnings = set_schedule(driver, preview=preview, **fields).get("warnings", [])
            expected = [("overlap", count, first)] if count and overlap == "allow" else []
            assert [(one["rule"], one["count"], one["start"]) for one in warnings] == expected


def test_overlaps_with_slots_of_staff_cause_a_warning(driver: Driver) -> None:
    """They stay, and overlap: one person can be booked twice."""
    driver.create("loose", overlap="allow")
    driver.open_between(NINE + 30 * MINUTE, NINE + HOUR)
    (warning,) = set_schedule(driver)["warnings"]
    assert (warning["count"], warning["start"], warning["end"]) == (1, "2027-01-04T09:30:00Z", "2027-01-04T10:00:00Z")
