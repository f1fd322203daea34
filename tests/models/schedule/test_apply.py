"""Opening hours in the book: a schedule touches its own slots only, keeps what is taken, and fills its horizon."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from models.contract.commands import (
    ArchiveCalendar,
    CloseSlot,
    FillHorizon,
    RemoveSlot,
    ReopenSlot,
    SetSchedule,
    UpdateCalendar,
    UpdateSlot,
)
from models.contract.errors import BadRequest, InvalidTransition, Unauthorized
from models.contract.time import DAY, HOUR, MINUTE, read_time
from models.schedule.schedule import read_schedule
from models.service import SlotService
from tests.models.driver import GUEST, STAFF, START, Driver, FakeClock, Viewer, results

MORNINGS: dict[str, Any] = {
    "windows": [{"days": ["mon", "tue"], "start": "09:00", "end": "11:00"}],
    "slot_minutes": 60,
    "from": "2027-01-04",
    "horizon_days": 7,
}
NINE = START + 9 * HOUR  # on Monday; the calendar's zone is UTC


def set_schedule(
    driver: Driver, schedule: dict[str, Any] | None = None, *, preview: bool = False, **fields: Any
) -> Any:
    """The answer of `schedule.set`, its kept slots by their ids."""
    command = SetSchedule(
        principal=STAFF, calendar=driver.calendar, schedule=(schedule or MORNINGS) | fields, preview=preview
    )
    answer = msgspec.json.decode(driver.service.run(command).result)
    return answer | {"kept": [slot["id"] for slot in answer["kept"]]}


def answer(opened: int = 0, removed: int = 0, updated: int = 0, kept: list[str] | None = None) -> dict[str, Any]:
    return {"opened": opened, "removed": removed, "updated": updated, "kept": kept or []}


def starts(driver: Driver) -> list[int]:
    return sorted(read_time(slot["start"]) for slot in driver.slots().values())


def slot_at(driver: Driver, start: int) -> str:
    (found,) = [name for name, slot in driver.slots().items() if read_time(slot["start"]) == start]
    return found


def test_a_schedule_opens_its_slots(driver: Driver) -> None:
    """Those of its windows within the horizon; a preview says the same and does nothing; a second time does nothing."""
    assert set_schedule(driver, preview=True) == answer(opened=4)
    assert driver.slots() == {}
    assert set_schedule(driver) == answer(opened=4)
    assert starts(driver) == [NINE, NINE + HOUR, NINE + DAY, NINE + DAY + HOUR]
    viewer = Viewer(driver.service, "room")
    assert set_schedule(driver) == answer()
    assert viewer.follow() == []


def test_a_slot_that_has_begun_is_not_opened(driver: Driver) -> None:
    """Nor is one removed that has begun."""
    driver.clock.now = NINE + 30 * MINUTE
    assert set_schedule(driver) == answer(opened=3)
    driver.clock.go(3_600)
    assert set_schedule(driver, windows=[]) == answer(removed=2)
    assert starts(driver) == [NINE + HOUR]


def test_a_window_of_yesterday_lasts_past_midnight(driver: Driver) -> None:
    """Set anew in the middle of it, what is left of it stays; filled in the middle of it, what is left is opened."""
    hours: Any = [{"days": ["mon"], "start": "22:00", "end": "03:00"}]
    night: dict[str, Any] = {"windows": hours, "horizon_days": 1}
    set_schedule(driver, **night)
    driver.clock.now = START + 24 * HOUR + 30 * MINUTE
    assert set_schedule(driver, **night) == answer()
    assert starts(driver) == [START + place * HOUR for place in range(22, 27)]
    driver.clock.go(7 * 86_400)
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 2
    assert starts(driver)[-2:] == [START + 7 * DAY + 25 * HOUR, START + 7 * DAY + 26 * HOUR]


def test_what_was_removed_comes_back_with_the_schedule_alone(driver: Driver) -> None:
    """That is the staff's new word on every slot ahead; the horizon goes on without it."""
    set_schedule(driver)
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot_at(driver, NINE)))
    driver.clock.go(3_600)
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 0
    assert set_schedule(driver) == answer(opened=1)
    assert slot_at(driver, NINE)


def test_another_zone_moves_what_is_opened_from_then_on(driver: Driver) -> None:
    """Slots that were opened keep their times until the schedule is set again."""
    set_schedule(driver)
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", zone="Asia/Tokyo"))
    assert starts(driver) == [NINE, NINE + HOUR, NINE + DAY, NINE + DAY + HOUR]
    assert set_schedule(driver)["removed"] == 4
    assert starts(driver)[0] == NINE + HOUR - 9 * HOUR


def test_a_schedule_touches_its_own_slots_only(driver: Driver) -> None:
    """A slot that staff opened stays as it is, and none is opened beside it at the same times."""
    manual, elsewhere = driver.open(2, start=NINE, capacity=5)
    driver.service.run(UpdateSlot(principal=STAFF, slot=elsewhere, start=NINE + 20 * HOUR, end=NINE + 21 * HOUR))
    before = driver.slots()
    assert set_schedule(driver) == answer(opened=3)
    assert set_schedule(driver, windows=[]) == answer(removed=3)
    assert driver.slots() == before
    assert manual in before


def test_what_the_schedule_drops_goes_unless_it_is_taken(driver: Driver) -> None:
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
    """While somebody has a seat in it, it is only closed: the schedule that has it again opens it."""
    set_schedule(driver)
    slot = slot_at(driver, NINE)
    booked = driver.reserve(slot)
    assert set_schedule(driver, windows=[]) == answer(removed=3, kept=[slot])
    assert set_schedule(driver) == answer(opened=3, updated=1)
    assert driver.slot(slot)["status"] == "booked"
    driver.cancel(booked)
    assert driver.slot(slot)["status"] == "open"


def test_a_dropped_slot_that_staff_reopen_is_theirs_to_keep(driver: Driver) -> None:
    """It does not go with its last booking any more; nor does one that staff closed."""
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


def test_a_new_capacity_never_goes_below_what_is_taken(driver: Driver) -> None:
    """The slot with too many in it gets as little as they leave, and is reported."""
    set_schedule(driver, capacity=5)
    slot = slot_at(driver, NINE)
    driver.reserve(slot, seats=3)
    assert set_schedule(driver, capacity=2) == answer(updated=4, kept=[slot])
    assert {one["capacity"] for one in driver.slots().values()} == {2, 3}
    assert driver.slot(slot)["remaining"] == 0


def test_the_horizon_moves_past_what_was_generated_only(driver: Driver) -> None:
    """Each day opens the slots of the day that has come in sight; what was removed before stays removed."""
    set_schedule(driver)
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot_at(driver, NINE + DAY)))
    assert FillHorizon(calendar="room") not in driver.service.behind()
    driver.clock.go(86_400)
    assert FillHorizon(calendar="room") in driver.service.behind()
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 2
    assert starts(driver)[-2:] == [NINE + 7 * DAY, NINE + 7 * DAY + HOUR]
    assert NINE + DAY not in starts(driver)
    viewer = Viewer(driver.service, "room")
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 0
    assert viewer.follow() == []


def test_a_schedule_that_cannot_be_read_keeps_no_other_from_being_filled(driver: Driver) -> None:
    """Whatever has happened to it, the next calendar's horizon moves on."""
    set_schedule(driver)
    driver.create("broken")
    set_schedule(driver)
    driver.create("torn")
    set_schedule(driver)
    driver.query("UPDATE timetable SET body = '{}' WHERE calendar = 'broken'")
    driver.query("UPDATE timetable SET body = '{' WHERE calendar = 'torn'")
    driver.clock.go(86_400)
    assert driver.service.behind() == [FillHorizon(calendar="room")]


def test_days_nobody_asked_in_are_filled_at_once(driver: Driver) -> None:
    """After the server stood still for a month, from today on, and nothing in the past."""
    set_schedule(driver)
    driver.clock.go(30 * 86_400)
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 4
    assert starts(driver)[-4] > driver.clock.now


def test_what_has_passed_of_a_day_is_not_filled(driver: Driver) -> None:
    """A server that comes back in the middle of a day opens the rest of it."""
    set_schedule(driver, horizon_days=1)
    driver.clock.now = NINE + 7 * DAY + 30 * MINUTE
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 1
    assert starts(driver)[-1] == NINE + 7 * DAY + HOUR


def test_nothing_is_opened_over_a_taken_slot_that_has_begun(driver: Driver) -> None:
    """It is over for the schedule, and not yet for whoever sits in it; an empty one is in nobody's way."""
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


def test_the_horizon_is_not_filled_over_a_slot_that_was_dropped(driver: Driver) -> None:
    """Somebody still has a seat in it, further ahead than the new schedule had reached so far."""
    monday = NINE + 7 * DAY
    set_schedule(driver, horizon_days=14)
    kept = slot_at(driver, monday)
    driver.reserve(kept)
    later = [{"days": ["mon", "tue"], "start": "09:30", "end": "11:30"}]
    assert set_schedule(driver, windows=later, horizon_days=2)["kept"] == [kept]
    driver.clock.now = START + 6 * DAY
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 1
    assert starts(driver)[-2:] == [monday, monday + 90 * MINUTE]


def test_a_schedule_has_an_end(driver: Driver) -> None:
    """The horizon stops at `until`; a calendar without a schedule, or archived, has none."""
    set_schedule(driver, until="2027-01-05")
    driver.clock.go(2 * 86_400)
    assert FillHorizon(calendar="room") not in driver.service.behind()
    assert results(driver.service.run(FillHorizon(calendar="room"))) == 0
    driver.create("bare")
    assert results(driver.service.run(FillHorizon(calendar="bare"))) == 0
    set_schedule(driver, until="2030-01-01")
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar="bare"))
    driver.clock.go(20 * 86_400)
    assert FillHorizon(calendar="bare") not in driver.service.behind()


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
    """As everything that changes slots."""
    with pytest.raises(Unauthorized):
        driver.service.run(SetSchedule(principal=GUEST, calendar="room", schedule=MORNINGS))
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
    with pytest.raises(InvalidTransition):
        set_schedule(driver)
    assert driver.service.schedule("room") is None


def test_a_rule_with_a_weekday_that_no_month_has(driver: Driver) -> None:
    """It is refused where it names nothing else, and else opens the other days, also when the horizon moves on."""
    hours = {"start": "09:00", "end": "10:00"}
    with pytest.raises(BadRequest, match="no date at all"):
        set_schedule(driver, windows=[{**hours, "rrule": "FREQ=YEARLY;BYMONTH=8;BYDAY=53MO"}])
    rule = "FREQ=MONTHLY;BYDAY=1MO,20MO"
    answer = set_schedule(driver, windows=[{**hours, "rrule": rule}], horizon_days=90)
    assert answer["opened"] == 3
    driver.clock.now += 300 * DAY
    (fill,) = driver.service.behind()
    assert msgspec.json.decode(driver.service.run(fill).result)["opened"] > 0


YOGA: dict[str, Any] = {"days": ["tue"], "start": "18:00", "end": "20:00", "capacity": 10, "data": {"title": "Yoga"}}


def at(driver: Driver, start: int) -> Any:
    return driver.slot(slot_at(driver, start))


def test_a_window_has_slots_of_its_own(driver: Driver) -> None:
    """Its own length, step, seats, data and dates; so have extra hours, which come before a window's."""
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
    """Those of no other window; what is taken is never lost, and the slot with too many in it is named."""
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
    """A window without data leaves it; what the schedule itself gave goes when its window has none any more."""
    set_schedule(driver, windows=[*MORNINGS["windows"], YOGA])
    six = START + DAY + 18 * HOUR
    driver.service.run(UpdateSlot(principal=STAFF, slot=slot_at(driver, NINE), data=b'"by hand"'))
    driver.service.run(UpdateSlot(principal=STAFF, slot=slot_at(driver, six), data=b'"mat 7"'))
    plain = {name: value for name, value in YOGA.items() if name != "data"}
    assert set_schedule(driver, windows=[*MORNINGS["windows"], plain]) == answer(updated=1)
    assert [at(driver, start).get("data") for start in (NINE, six, six + HOUR)] == ["by hand", "mat 7", None]


def test_the_same_times_are_those_of_the_window_that_stands_first(driver: Driver) -> None:
    """One slot, and no warning: there is nothing that overlaps."""
    first, second = YOGA, YOGA | {"capacity": 3, "data": "second"}
    assert set_schedule(driver, windows=[first, second]) == answer(opened=2)
    assert at(driver, START + DAY + 18 * HOUR)["capacity"] == 10


def test_a_and_b_weeks_count_from_their_windows_first_dates(driver: Driver) -> None:
    """And go on as the horizon moves."""
    week: dict[str, Any] = {"rrule": "FREQ=WEEKLY;INTERVAL=2", "start": "09:00", "end": "10:00"}
    set_schedule(driver, windows=[week | {"from": "2027-01-04"}, week | {"from": "2027-01-11", "data": "B"}])
    for _ in range(4):
        driver.clock.go(7 * 86_400)
        driver.service.run(FillHorizon(calendar="room"))
    assert starts(driver) == [NINE + 7 * place * DAY for place in range(5)]
    assert [at(driver, NINE + 7 * place * DAY).get("data") for place in range(5)] == [None, "B", None, "B", None]


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
def test_a_schedule_whose_slots_overlap_says_so(driver: Driver, fields: dict[str, Any], count: int, first: str) -> None:
    """In a calendar where both can be taken, in preview too; in one where they block each other there is no need."""
    for calendar, overlap in (("loose", "allow"), ("strict", "reject")):
        driver.create(calendar, overlap=overlap)
        for preview in (True, False):
            warnings = set_schedule(driver, preview=preview, **fields).get("warnings", [])
            expected = [("overlap", count, first)] if count and overlap == "allow" else []
            assert [(one["rule"], one["count"], one["start"]) for one in warnings] == expected


def test_a_schedule_over_slots_that_were_opened_by_hand_says_so(driver: Driver) -> None:
    """They stay, and overlap: one person can be booked twice."""
    driver.create("loose", overlap="allow")
    driver.open_between(NINE + 30 * MINUTE, NINE + HOUR)
    (warning,) = set_schedule(driver)["warnings"]
    assert (warning["count"], warning["start"], warning["end"]) == (1, "2027-01-04T09:30:00Z", "2027-01-04T10:00:00Z")


def test_a_stored_schedule_of_before_reads_the_same(driver: Driver) -> None:
    """As it was written, field by field; and filled as it was."""
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
