"""A schedule touches its own slots only, keeps taken ones, and fills its horizon."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from models.contract.commands.background import FillHorizon
from models.contract.commands.calendars import ArchiveCalendar, SetSchedule, UpdateCalendar
from models.contract.commands.slots import CloseSlot, RemoveSlot, ReopenSlot, UpdateSlot
from models.contract.errors import BadRequest, InvalidTransition, Unauthorized
from models.contract.values.time import DAY, HOUR, MINUTE
from models.schedule.schedule import read_schedule
from models.service import SlotService
from tests.models.driver import GUEST, STAFF, START, Driver, FakeClock, Viewer, results
from tests.models.schedule.mornings import MORNINGS, NINE, answer, set_schedule, slot_at, starts


def test_a_schedule_opens_its_slots(driver: Driver) -> None:
    """The slots are those of its windows within the horizon; a preview and a second time change nothing."""
    assert set_schedule(driver, preview=True) == answer(opened=4)
    assert driver.slots() == {}
    assert set_schedule(driver) == answer(opened=4)
    assert starts(driver) == [NINE, NINE + HOUR, NINE + DAY, NINE + DAY + HOUR]
    viewer = Viewer(driver.service, "room")
    assert set_schedule(driver) == answer()
    assert viewer.follow() == []


def test_a_slot_that_has_begun_is_not_opened(driver: Driver) -> None:
    """A slot that has begun is neither opened nor removed."""
    driver.clock.now = NINE + 30 * MINUTE
    assert set_schedule(driver) == answer(opened=3)
    driver.clock.go(3_600)
    assert set_schedule(driver, windows=[]) == answer(removed=2)
    assert starts(driver) == [NINE + HOUR]


def test_a_window_of_yesterday_lasts_past_midnight(driver: Driver) -> None:
    """A schedule set within the window keeps the rest of it; one filled within the window opens the rest."""
    hours: Any = [{"days": ["mon"], "start": "22:00", "end": "03:00"}]
    night: dict[str, Any] = {"windows": hours, "horizon_days": 1}
    set_schedule(driver, **night)
    driver.clock.now = START + 24 * HOUR + 30 * MINUTE
    assert set_schedule(driver, **night) == answer()
    assert starts(driver) == [START + place * HOUR for place in range(22, 27)]
    driver.clock.go(7 * 86_400)
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 2
    assert starts(driver)[-2:] == [START + 7 * DAY + 25 * HOUR, START + 7 * DAY + 26 * HOUR]


def test_a_removed_slot_opens_again_only_when_the_schedule_is_set(driver: Driver) -> None:
    """Setting a schedule opens every slot ahead again; the horizon goes on without a removed slot."""
    set_schedule(driver)
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot_at(driver, NINE)))
    driver.clock.go(3_600)
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 0
    assert set_schedule(driver) == answer(opened=1)
    assert slot_at(driver, NINE)


def test_a_new_zone_moves_slots_opened_from_then_on(driver: Driver) -> None:
    """Opened slots keep their times until the schedule is set again."""
    set_schedule(driver)
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", zone="Asia/Tokyo"))
    assert starts(driver) == [NINE, NINE + HOUR, NINE + DAY, NINE + DAY + HOUR]
    assert set_schedule(driver)["removed"] == 4
    assert starts(driver)[0] == NINE + HOUR - 9 * HOUR


def test_a_schedule_touches_its_own_slots_only(driver: Driver) -> None:
    """A slot of staff stays as it is, and none is opened beside it at the same times."""
    manual, elsewhere = driver.open(2, start=NINE, capacity=5)
    driver.service.run(UpdateSlot(principal=STAFF, slot=elsewhere, start=NINE + 20 * HOUR, end=NINE + 21 * HOUR))
    before = driver.slots()
    assert set_schedule(driver) == answer(opened=3)
    assert set_schedule(driver, windows=[]) == answer(removed=3)
    assert driver.slots() == before
    assert manual in before


def test_a_dropped_slot_is_removed_unless_it_is_taken(driver: Driver) -> None:
    """A held or booked slot is closed, reported, and goes with the last seat in it; nothing is opened over it."""
    set_schedule(driver, capacity=2)
    booked_slot, held_slot = slot_at(driver, NINE), slot_at(driver, NINE + DAY)
    booked, also = driver.reserve(booked_slot), driver.reserve(booked_slot)
    hold = driver.hold(held_slot)
    later: dict[str, Any] = {"windows": [{"days": ["mon", "tue"], "start": "09:30", "end": "11:30"}]}
    expected = answer(opened=2, removed=2, kept=[booked_slot, held_slot])
    assert set_schedule(driver, preview=True, **later) == expected
    assert set_schedule(driver, **later) == expected
    assert starts(driver) == [NINE, NINE + 90 * MINUTE, NINE + DAY, NINE + DAY + 90 * MINUTE]
    assert driver.slot(booked_slot)["status"] == "closed"
    driver.cancel(booked)
    assert booked_slot in driver.slots()
    viewer = Viewer(driver.service, "room")
    driver.cancel(also)
    driver.release(hold)
    assert [change["removed"] for change in viewer.follow()] == [[booked_slot], [held_slot]]
    viewer.check()


def test_a_dropped_slot_comes_back_with_its_schedule(driver: Driver) -> None:
    """A slot with a taken seat is only closed: a schedule with it opens it again."""
    set_schedule(driver)
    slot = slot_at(driver, NINE)
    booked = driver.reserve(slot)
    assert set_schedule(driver, windows=[]) == answer(removed=3, kept=[slot])
    assert set_schedule(driver) == answer(opened=3, updated=1)
    assert driver.slot(slot)["status"] == "booked"
    driver.cancel(booked)
    assert driver.slot(slot)["status"] == "open"


def test_a_dropped_slot_that_staff_reopen_is_theirs_to_keep(driver: Driver) -> None:
    """The slot stays after its last booking; so does a slot closed by staff."""
    set_schedule(driver)
    slot, closed = slot_at(driver, NINE), slot_at(driver, NINE + HOUR)
    booked = driver.reserve(slot)
    driver.service.run(CloseSlot(principal=STAFF, slot=closed))
    set_schedule(driver)
    assert driver.slot(closed)["status"] == "closed"
    set_schedule(driver, windows=[])
    driver.service.run(ReopenSlot(principal=STAFF, slot=slot))
    driver.cancel(booked)
    assert driver.slot(slot)["status"] == "open"


def test_a_new_capacity_covers_the_taken_seats(driver: Driver) -> None:
    """The slot with too many in it gets as little as they leave, and is reported."""
    set_schedule(driver, capacity=5)
    slot = slot_at(driver, NINE)
    driver.reserve(slot, seats=3)
    assert set_schedule(driver, capacity=2) == answer(updated=4, kept=[slot])
    assert {one["capacity"] for one in driver.slots().values()} == {2, 3}
    assert driver.slot(slot)["remaining"] == 0


def test_nothing_is_opened_over_a_taken_slot_that_has_begun(driver: Driver) -> None:
    """A slot that has begun is over for the schedule. With a taken seat it blocks new slots, an empty one does not."""
    for calendar, is_taken in (("room", True), ("empty", False)):
        driver.clock.now = START
        if not is_taken:
            driver.create(calendar)
        set_schedule(driver, slot_minutes=120)
        if is_taken:
            driver.reserve(slot_at(driver, NINE))
        driver.clock.now = NINE + 30 * MINUTE
        set_schedule(driver, until="2027-01-04", windows=[{"days": ["mon"], "start": "09:00", "end": "12:00"}])
        opened = [NINE + 2 * HOUR] if is_taken else [NINE + HOUR, NINE + 2 * HOUR]
        assert starts(driver) == [NINE, *opened]


def test_where_slots_may_not_overlap_new_ones_know_their_neighbours(driver: Driver) -> None:
    """A generated slot beside a taken one is blocked from the start."""
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"overlap": "reject"}))
    (manual,) = driver.open(start=NINE + 30 * MINUTE)
    driver.reserve(manual)
    set_schedule(driver)
    assert [slot["bookable"] for slot in sorted(driver.slots().values(), key=lambda slot: slot["start"])] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_a_year_is_set_within_a_second(driver: Driver) -> None:
    """4,000 slots and more, none of its changes with more than 200 of them."""
    viewer = Viewer(driver.service, "room")
    days = ["mon", "tue", "wed", "thu", "fri"]
    begun = time.process_time()
    year = set_schedule(
        driver, windows=[{"days": days, "start": "09:00", "end": "17:00"}], slot_minutes=30, horizon_days=366
    )
    assert time.process_time() - begun < 1
    assert year["opened"] >= 4_000
    changes = viewer.follow()
    assert max(len(change["slots"]) for change in changes) == 200
    viewer.check()


def test_setting_a_schedule_reports_its_progress(database: str, clock: FakeClock) -> None:
    """After each of its changes: so many slots of so many; a preview has no way to go."""
    steps: list[tuple[int, int]] = []
    service = SlotService(database, b"a secret of the tests", clock=clock, on_progress=lambda *step: steps.append(step))
    service.open()
    driver = Driver(service, clock)
    driver.create()
    days = [{"rrule": "FREQ=DAILY", "start": "00:00", "end": "24:00"}]
    hours: dict[str, Any] = {"windows": days, "horizon_days": 20}
    set_schedule(driver, preview=True, **hours)
    assert steps == []
    assert set_schedule(driver, **hours)["opened"] == 479
    assert steps == [(200, 479), (400, 479), (479, 479)]
    service.close()


@pytest.mark.parametrize(
    "schedule",
    [
        {},
        {"windows": "always"},
        MORNINGS | {"slot_minutes": 0},
        MORNINGS | {"unheard": 1},
        MORNINGS | {"from": "\ud800"},
        MORNINGS | {"capacity": 1 << 80},
        MORNINGS
        | {"slot_minutes": 1, "windows": [{"days": ["mon"], "start": "00:00", "end": "24:00"}], "horizon_days": 999},
    ],
)
def test_a_schedule_that_cannot_be_changes_nothing(driver: Driver, schedule: dict[str, Any]) -> None:
    """It is a bad request, and the one before it stands."""
    set_schedule(driver)
    before = driver.slots()
    with pytest.raises(BadRequest):
        driver.service.run(SetSchedule(principal=STAFF, calendar="room", schedule=schedule))
    assert driver.slots() == before
    kept = driver.service.schedule("room")
    assert kept is not None
    assert msgspec.json.decode(kept) == MORNINGS


def test_only_staff_set_a_schedule_of_a_calendar_in_use(driver: Driver) -> None:
    """Setting a schedule has the rights of every change of slots."""
    with pytest.raises(Unauthorized):
        driver.service.run(SetSchedule(principal=GUEST, calendar="room", schedule=MORNINGS))
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
    with pytest.raises(InvalidTransition):
        set_schedule(driver)
    assert driver.service.schedule("room") is None


def test_a_rule_with_a_weekday_that_no_month_has(driver: Driver) -> None:
    """The rule is refused without another weekday; otherwise it opens the other days, also as the horizon moves."""
    hours = {"start": "09:00", "end": "10:00"}
    with pytest.raises(BadRequest, match="no date at all"):
        set_schedule(driver, windows=[{**hours, "rrule": "FREQ=YEARLY;BYMONTH=8;BYDAY=53MO"}])
    rule = "FREQ=MONTHLY;BYDAY=1MO,20MO"
    answer = set_schedule(driver, windows=[{**hours, "rrule": rule}], horizon_days=90)
    assert answer["opened"] == 3
    driver.clock.now += 300 * DAY
    (fill,) = driver.service.behind()
    assert msgspec.json.decode(driver.service.run(fill).result)["opened"] > 0


def test_a_stored_schedule_of_before_reads_the_same(driver: Driver) -> None:
    """It reads field by field as it was written, and is filled as before."""
    set_schedule(driver)
    body = (
        b'{"windows":[{"start":"09:00","end":"11:00","days":["mon","tue"]},'
        b'{"start":"22:00","end":"02:00","rrule":"FREQ=MONTHLY;BYDAY=1SA"}],"slot_minutes":60,"capacity":2,'
        b'"from":"2027-01-04","horizon_days":7,"closed":["2027-01-12",{"from":"2027-02-01","until":"2027-02-03"}]}'
    )
    driver.query("UPDATE timetable SET body = ?", body.decode())
    assert driver.service.schedule("room") == body
    driver.clock.go(7 * 86_400)
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 2
    assert msgspec.json.encode(read_schedule(msgspec.json.decode(body))) == body


def test_a_slot_that_stays_is_in_nobodys_way(driver: Driver) -> None:
    """It has more seats taken than the new hours want, but it is in them, and what overlaps it opens at once."""
    set_schedule(driver, capacity=2)
    driver.reserve(slot_at(driver, NINE), seats=2)
    windows = [*MORNINGS["windows"], {"days": ["mon"], "start": "09:30", "end": "10:30"}]
    done = set_schedule(driver, windows=windows, capacity=1)
    assert (done["opened"], done["kept"]) == (1, [slot_at(driver, NINE)])
