"""Opening hours in the book: a schedule touches its own slots only, keeps what is taken, and fills its horizon."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from models.clock import DAY, HOUR, MINUTE, read_time
from models.commands import (
    ArchiveCalendar,
    CloseSlot,
    FillHorizon,
    RemoveSlot,
    ReopenSlot,
    SetSchedule,
    UpdateCalendar,
    UpdateSlot,
)
from models.errors import BadRequest, InvalidTransition, Unauthorized
from models.opening_hours import read_schedule
from models.service import Book
from tests.book.desk import GUEST, STAFF, START, Desk, FakeClock, Viewer, results

MORNINGS: dict[str, Any] = {
    "windows": [{"days": ["mon", "tue"], "start": "09:00", "end": "11:00"}],
    "slot_minutes": 60,
    "from": "2027-01-04",
    "horizon_days": 7,
}
NINE = START + 9 * HOUR  # on Monday; the calendar's zone is UTC


def set_schedule(desk: Desk, schedule: dict[str, Any] | None = None, *, preview: bool = False, **fields: Any) -> Any:
    """The answer of `schedule.set`, its kept slots by their ids."""
    command = SetSchedule(
        asker=STAFF, calendar=desk.calendar, schedule=(schedule or MORNINGS) | fields, preview=preview
    )
    answer = msgspec.json.decode(desk.book.run(command).result)
    return answer | {"kept": [slot["id"] for slot in answer["kept"]]}


def answer(opened: int = 0, removed: int = 0, updated: int = 0, kept: list[str] | None = None) -> dict[str, Any]:
    return {"opened": opened, "removed": removed, "updated": updated, "kept": kept or []}


def starts(desk: Desk) -> list[int]:
    return sorted(read_time(slot["start"]) for slot in desk.slots().values())


def slot_at(desk: Desk, start: int) -> str:
    (found,) = [name for name, slot in desk.slots().items() if read_time(slot["start"]) == start]
    return found


def test_a_schedule_opens_its_slots(desk: Desk) -> None:
    """Those of its windows within the horizon; a preview says the same and does nothing; a second time does nothing."""
    assert set_schedule(desk, preview=True) == answer(opened=4)
    assert desk.slots() == {}
    assert set_schedule(desk) == answer(opened=4)
    assert starts(desk) == [NINE, NINE + HOUR, NINE + DAY, NINE + DAY + HOUR]
    viewer = Viewer(desk.book, "room")
    assert set_schedule(desk) == answer()
    assert viewer.follow() == []


def test_a_slot_that_has_begun_is_not_opened(desk: Desk) -> None:
    """Nor is one removed that has begun."""
    desk.clock.now = NINE + 30 * MINUTE
    assert set_schedule(desk) == answer(opened=3)
    desk.clock.go(3_600)
    assert set_schedule(desk, windows=[]) == answer(removed=2)
    assert starts(desk) == [NINE + HOUR]


def test_a_window_of_yesterday_lasts_past_midnight(desk: Desk) -> None:
    """Set anew in the middle of it, what is left of it stays; filled in the middle of it, what is left is opened."""
    hours: Any = [{"days": ["mon"], "start": "22:00", "end": "03:00"}]
    night: dict[str, Any] = {"windows": hours, "horizon_days": 1}
    set_schedule(desk, **night)
    desk.clock.now = START + 24 * HOUR + 30 * MINUTE
    assert set_schedule(desk, **night) == answer()
    assert starts(desk) == [START + place * HOUR for place in range(22, 27)]
    desk.clock.go(7 * 86_400)
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 2
    assert starts(desk)[-2:] == [START + 7 * DAY + 25 * HOUR, START + 7 * DAY + 26 * HOUR]


def test_what_was_removed_comes_back_with_the_schedule_alone(desk: Desk) -> None:
    """That is the staff's new word on every slot ahead; the horizon goes on without it."""
    set_schedule(desk)
    desk.book.run(RemoveSlot(asker=STAFF, slot=slot_at(desk, NINE)))
    desk.clock.go(3_600)
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 0
    assert set_schedule(desk) == answer(opened=1)
    assert slot_at(desk, NINE)


def test_another_zone_moves_what_is_opened_from_then_on(desk: Desk) -> None:
    """Slots that were opened keep their times until the schedule is set again."""
    set_schedule(desk)
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", zone="Asia/Tokyo"))
    assert starts(desk) == [NINE, NINE + HOUR, NINE + DAY, NINE + DAY + HOUR]
    assert set_schedule(desk)["removed"] == 4
    assert starts(desk)[0] == NINE + HOUR - 9 * HOUR


def test_a_schedule_touches_its_own_slots_only(desk: Desk) -> None:
    """A slot that staff opened stays as it is, and none is opened beside it at the same times."""
    manual, elsewhere = desk.open(2, start=NINE, capacity=5)
    desk.book.run(UpdateSlot(asker=STAFF, slot=elsewhere, start=NINE + 20 * HOUR, end=NINE + 21 * HOUR))
    before = desk.slots()
    assert set_schedule(desk) == answer(opened=3)
    assert set_schedule(desk, windows=[]) == answer(removed=3)
    assert desk.slots() == before
    assert manual in before


def test_what_the_schedule_drops_goes_unless_it_is_taken(desk: Desk) -> None:
    """A held or booked slot is closed, reported, and goes with the last seat in it; nothing is opened over it."""
    set_schedule(desk, capacity=2)
    booked_slot, held_slot = slot_at(desk, NINE), slot_at(desk, NINE + DAY)
    booked, also = desk.reserve(booked_slot), desk.reserve(booked_slot)
    hold = desk.hold(held_slot)
    later: dict[str, Any] = {"windows": [{"days": ["mon", "tue"], "start": "09:30", "end": "11:30"}]}
    expected = answer(opened=2, removed=2, kept=[booked_slot, held_slot])
    assert set_schedule(desk, preview=True, **later) == expected
    assert set_schedule(desk, **later) == expected
    assert starts(desk) == [NINE, NINE + 90 * MINUTE, NINE + DAY, NINE + DAY + 90 * MINUTE]
    assert desk.slot(booked_slot)["status"] == "closed"
    desk.cancel(booked)
    assert booked_slot in desk.slots()
    viewer = Viewer(desk.book, "room")
    desk.cancel(also)
    desk.release(hold)
    assert [change["removed"] for change in viewer.follow()] == [[booked_slot], [held_slot]]
    viewer.check()


def test_a_dropped_slot_comes_back_with_its_schedule(desk: Desk) -> None:
    """While somebody has a seat in it, it is only closed: the schedule that has it again opens it."""
    set_schedule(desk)
    slot = slot_at(desk, NINE)
    booked = desk.reserve(slot)
    assert set_schedule(desk, windows=[]) == answer(removed=3, kept=[slot])
    assert set_schedule(desk) == answer(opened=3, updated=1)
    assert desk.slot(slot)["status"] == "booked"
    desk.cancel(booked)
    assert desk.slot(slot)["status"] == "open"


def test_a_dropped_slot_that_staff_reopen_is_theirs_to_keep(desk: Desk) -> None:
    """It does not go with its last booking any more; nor does one that staff closed."""
    set_schedule(desk)
    slot, closed = slot_at(desk, NINE), slot_at(desk, NINE + HOUR)
    booked = desk.reserve(slot)
    desk.book.run(CloseSlot(asker=STAFF, slot=closed))
    set_schedule(desk)
    assert desk.slot(closed)["status"] == "closed"
    set_schedule(desk, windows=[])
    desk.book.run(ReopenSlot(asker=STAFF, slot=slot))
    desk.cancel(booked)
    assert desk.slot(slot)["status"] == "open"


def test_a_new_capacity_never_goes_below_what_is_taken(desk: Desk) -> None:
    """The slot with too many in it gets as little as they leave, and is reported."""
    set_schedule(desk, capacity=5)
    slot = slot_at(desk, NINE)
    desk.reserve(slot, seats=3)
    assert set_schedule(desk, capacity=2) == answer(updated=4, kept=[slot])
    assert {one["capacity"] for one in desk.slots().values()} == {2, 3}
    assert desk.slot(slot)["remaining"] == 0


def test_the_horizon_moves_past_what_was_generated_only(desk: Desk) -> None:
    """Each day opens the slots of the day that has come in sight; what was removed before stays removed."""
    set_schedule(desk)
    desk.book.run(RemoveSlot(asker=STAFF, slot=slot_at(desk, NINE + DAY)))
    assert FillHorizon(calendar="room") not in desk.book.behind()
    desk.clock.go(86_400)
    assert FillHorizon(calendar="room") in desk.book.behind()
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 2
    assert starts(desk)[-2:] == [NINE + 7 * DAY, NINE + 7 * DAY + HOUR]
    assert NINE + DAY not in starts(desk)
    viewer = Viewer(desk.book, "room")
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 0
    assert viewer.follow() == []


def test_a_schedule_that_cannot_be_read_keeps_no_other_from_being_filled(desk: Desk) -> None:
    """Whatever has happened to it, the next calendar's horizon moves on."""
    set_schedule(desk)
    desk.create("broken")
    set_schedule(desk)
    desk.create("torn")
    set_schedule(desk)
    desk.query("UPDATE timetable SET body = '{}' WHERE calendar = 'broken'")
    desk.query("UPDATE timetable SET body = '{' WHERE calendar = 'torn'")
    desk.clock.go(86_400)
    assert desk.book.behind() == [FillHorizon(calendar="room")]


def test_days_nobody_asked_in_are_filled_at_once(desk: Desk) -> None:
    """After the server stood still for a month, from today on, and nothing in the past."""
    set_schedule(desk)
    desk.clock.go(30 * 86_400)
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 4
    assert starts(desk)[-4] > desk.clock.now


def test_what_has_passed_of_a_day_is_not_filled(desk: Desk) -> None:
    """A server that comes back in the middle of a day opens the rest of it."""
    set_schedule(desk, horizon_days=1)
    desk.clock.now = NINE + 7 * DAY + 30 * MINUTE
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 1
    assert starts(desk)[-1] == NINE + 7 * DAY + HOUR


def test_nothing_is_opened_over_a_taken_slot_that_has_begun(desk: Desk) -> None:
    """It is over for the schedule, and not yet for whoever sits in it; an empty one is in nobody's way."""
    for calendar, is_taken in (("room", True), ("empty", False)):
        desk.clock.now = START
        if not is_taken:
            desk.create(calendar)
        set_schedule(desk, slot_minutes=120)
        if is_taken:
            desk.reserve(slot_at(desk, NINE))
        desk.clock.now = NINE + 30 * MINUTE
        set_schedule(desk, until="2027-01-04", windows=[{"days": ["mon"], "start": "09:00", "end": "12:00"}])
        opened = [NINE + 2 * HOUR] if is_taken else [NINE + HOUR, NINE + 2 * HOUR]
        assert starts(desk) == [NINE, *opened]


def test_the_horizon_is_not_filled_over_a_slot_that_was_dropped(desk: Desk) -> None:
    """Somebody still has a seat in it, further ahead than the new schedule had reached so far."""
    monday = NINE + 7 * DAY
    set_schedule(desk, horizon_days=14)
    kept = slot_at(desk, monday)
    desk.reserve(kept)
    later = [{"days": ["mon", "tue"], "start": "09:30", "end": "11:30"}]
    assert set_schedule(desk, windows=later, horizon_days=2)["kept"] == [kept]
    desk.clock.now = START + 6 * DAY
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 1
    assert starts(desk)[-2:] == [monday, monday + 90 * MINUTE]


def test_a_schedule_has_an_end(desk: Desk) -> None:
    """The horizon stops at `until`; a calendar without a schedule, or archived, has none."""
    set_schedule(desk, until="2027-01-05")
    desk.clock.go(2 * 86_400)
    assert FillHorizon(calendar="room") not in desk.book.behind()
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 0
    desk.create("bare")
    assert results(desk.book.run(FillHorizon(calendar="bare"))) == 0
    set_schedule(desk, until="2030-01-01")
    desk.book.run(ArchiveCalendar(asker=STAFF, calendar="bare"))
    desk.clock.go(20 * 86_400)
    assert FillHorizon(calendar="bare") not in desk.book.behind()


def test_where_slots_may_not_overlap_new_ones_know_their_neighbours(desk: Desk) -> None:
    """A generated slot beside a taken one is blocked from the start."""
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", policy={"overlap": "reject"}))
    (manual,) = desk.open(start=NINE + 30 * MINUTE)
    desk.reserve(manual)
    set_schedule(desk)
    assert [slot["bookable"] for slot in sorted(desk.slots().values(), key=lambda slot: slot["start"])] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_a_year_is_set_within_a_second(desk: Desk) -> None:
    """4,000 slots and more, none of its changes with more than 200 of them."""
    viewer = Viewer(desk.book, "room")
    days = ["mon", "tue", "wed", "thu", "fri"]
    begun = time.process_time()
    year = set_schedule(
        desk, windows=[{"days": days, "start": "09:00", "end": "17:00"}], slot_minutes=30, horizon_days=366
    )
    assert time.process_time() - begun < 1
    assert year["opened"] >= 4_000
    changes = viewer.follow()
    assert max(len(change["slots"]) for change in changes) == 200
    viewer.check()


def test_how_far_a_schedule_has_come_is_told(database: str, clock: FakeClock) -> None:
    """After each of its changes: so many slots of so many; a preview has no way to go."""
    steps: list[tuple[int, int]] = []
    book = Book(database, b"a secret of the tests", clock=clock, on_step=lambda *step: steps.append(step))
    book.open()
    desk = Desk(book, clock)
    desk.create()
    days = [{"rrule": "FREQ=DAILY", "start": "00:00", "end": "24:00"}]
    hours: dict[str, Any] = {"windows": days, "horizon_days": 20}
    set_schedule(desk, preview=True, **hours)
    assert steps == []
    assert set_schedule(desk, **hours)["opened"] == 479
    assert steps == [(200, 479), (400, 479), (479, 479)]
    book.close()


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
def test_a_schedule_that_cannot_be_changes_nothing(desk: Desk, schedule: dict[str, Any]) -> None:
    """It is a bad request, and the one before it stands."""
    set_schedule(desk)
    before = desk.slots()
    with pytest.raises(BadRequest):
        desk.book.run(SetSchedule(asker=STAFF, calendar="room", schedule=schedule))
    assert desk.slots() == before
    kept = desk.book.schedule("room")
    assert kept is not None
    assert msgspec.json.decode(kept) == MORNINGS


def test_only_staff_set_a_schedule_of_a_calendar_in_use(desk: Desk) -> None:
    """As everything that changes slots."""
    with pytest.raises(Unauthorized):
        desk.book.run(SetSchedule(asker=GUEST, calendar="room", schedule=MORNINGS))
    desk.book.run(ArchiveCalendar(asker=STAFF, calendar="room"))
    with pytest.raises(InvalidTransition):
        set_schedule(desk)
    assert desk.book.schedule("room") is None


def test_a_rule_with_a_weekday_that_no_month_has(desk: Desk) -> None:
    """It is refused where it names nothing else, and else opens the other days, also when the horizon moves on."""
    hours = {"start": "09:00", "end": "10:00"}
    with pytest.raises(BadRequest, match="no date at all"):
        set_schedule(desk, windows=[{**hours, "rrule": "FREQ=YEARLY;BYMONTH=8;BYDAY=53MO"}])
    rule = "FREQ=MONTHLY;BYDAY=1MO,20MO"
    answer = set_schedule(desk, windows=[{**hours, "rrule": rule}], horizon_days=90)
    assert answer["opened"] == 3
    desk.clock.now += 300 * DAY
    (fill,) = desk.book.behind()
    assert msgspec.json.decode(desk.book.run(fill).result)["opened"] > 0


YOGA: dict[str, Any] = {"days": ["tue"], "start": "18:00", "end": "20:00", "capacity": 10, "data": {"title": "Yoga"}}


def at(desk: Desk, start: int) -> Any:
    return desk.slot(slot_at(desk, start))


def test_a_window_has_slots_of_its_own(desk: Desk) -> None:
    """Its own length, step, seats, data and dates; so have extra hours, which come before a window's."""
    extra = {"date": "2027-01-05", "start": "19:00", "end": "20:00", "capacity": 4, "data": [1]}
    windows = [*MORNINGS["windows"], YOGA | {"slot_minutes": 30, "step_minutes": 60, "until": "2027-01-05"}]
    hours: dict[str, Any] = {"windows": windows, "horizon_days": 14, "extra": [extra | {"slot_minutes": 30}]}
    assert set_schedule(desk, preview=True, **hours)["opened"] == 8 + 3
    assert set_schedule(desk, **hours)["opened"] == 8 + 3
    six = START + DAY + 18 * HOUR
    assert starts(desk)[4:7] == [six, six + HOUR, six + HOUR + 30 * MINUTE]
    assert [at(desk, start)["capacity"] for start in (NINE, six, six + HOUR)] == [1, 10, 4]
    assert [at(desk, start)["data"] for start in (six, six + HOUR)] == [{"title": "Yoga"}, [1]]
    assert "data" not in at(desk, NINE)
    assert set_schedule(desk, **hours) == answer()


def test_new_seats_and_data_of_a_window_reach_its_standing_slots(desk: Desk) -> None:
    """Those of no other window; what is taken is never lost, and the slot with too many in it is named."""
    set_schedule(desk, windows=[*MORNINGS["windows"], YOGA])
    six = START + DAY + 18 * HOUR
    full = slot_at(desk, six)
    desk.reserve(full, seats=6)
    fewer: dict[str, Any] = {"windows": [*MORNINGS["windows"], YOGA | {"capacity": 5, "data": "Yoga"}]}
    assert set_schedule(desk, preview=True, **fewer) == answer(updated=2, kept=[full])
    viewer = Viewer(desk.book, "room")
    assert set_schedule(desk, **fewer) == answer(updated=2, kept=[full])
    (change,) = viewer.follow()
    assert [(slot["capacity"], slot["data"]) for slot in change["slots"]] == [(6, "Yoga"), (5, "Yoga")]
    viewer.check()
    assert at(desk, NINE)["capacity"] == 1


def test_data_that_staff_wrote_is_not_the_schedule_s_to_clear(desk: Desk) -> None:
    """A window without data leaves it; what the schedule itself gave goes when its window has none any more."""
    set_schedule(desk, windows=[*MORNINGS["windows"], YOGA])
    six = START + DAY + 18 * HOUR
    desk.book.run(UpdateSlot(asker=STAFF, slot=slot_at(desk, NINE), data=b'"by hand"'))
    desk.book.run(UpdateSlot(asker=STAFF, slot=slot_at(desk, six), data=b'"mat 7"'))
    plain = {name: value for name, value in YOGA.items() if name != "data"}
    assert set_schedule(desk, windows=[*MORNINGS["windows"], plain]) == answer(updated=1)
    assert [at(desk, start).get("data") for start in (NINE, six, six + HOUR)] == ["by hand", "mat 7", None]


def test_the_same_times_are_those_of_the_window_that_stands_first(desk: Desk) -> None:
    """One slot, and no warning: there is nothing that overlaps."""
    first, second = YOGA, YOGA | {"capacity": 3, "data": "second"}
    assert set_schedule(desk, windows=[first, second]) == answer(opened=2)
    assert at(desk, START + DAY + 18 * HOUR)["capacity"] == 10


def test_a_and_b_weeks_count_from_their_windows_first_dates(desk: Desk) -> None:
    """And go on as the horizon moves."""
    week: dict[str, Any] = {"rrule": "FREQ=WEEKLY;INTERVAL=2", "start": "09:00", "end": "10:00"}
    set_schedule(desk, windows=[week | {"from": "2027-01-04"}, week | {"from": "2027-01-11", "data": "B"}])
    for _ in range(4):
        desk.clock.go(7 * 86_400)
        desk.book.run(FillHorizon(calendar="room"))
    assert starts(desk) == [NINE + 7 * place * DAY for place in range(5)]
    assert [at(desk, NINE + 7 * place * DAY).get("data") for place in range(5)] == [None, "B", None, "B", None]


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
def test_a_schedule_whose_slots_overlap_says_so(desk: Desk, fields: dict[str, Any], count: int, first: str) -> None:
    """In a calendar where both can be taken, in preview too; in one where they block each other there is no need."""
    for calendar, overlap in (("loose", "allow"), ("strict", "reject")):
        desk.create(calendar, overlap=overlap)
        for preview in (True, False):
            warnings = set_schedule(desk, preview=preview, **fields).get("warnings", [])
            expected = [("overlap", count, first)] if count and overlap == "allow" else []
            assert [(one["rule"], one["count"], one["start"]) for one in warnings] == expected


def test_a_schedule_over_slots_that_were_opened_by_hand_says_so(desk: Desk) -> None:
    """They stay, and overlap: one person can be booked twice."""
    desk.create("loose", overlap="allow")
    desk.open_between(NINE + 30 * MINUTE, NINE + HOUR)
    (warning,) = set_schedule(desk)["warnings"]
    assert (warning["count"], warning["start"], warning["end"]) == (1, "2027-01-04T09:30:00Z", "2027-01-04T10:00:00Z")


def test_a_stored_schedule_of_before_reads_the_same(desk: Desk) -> None:
    """As it was written, field by field; and filled as it was."""
    set_schedule(desk)
    body = (
        b'{"windows":[{"start":"09:00","end":"11:00","days":["mon","tue"]},'
        b'{"start":"22:00","end":"02:00","rrule":"FREQ=MONTHLY;BYDAY=1SA"}],"slot_minutes":60,"capacity":2,'
        b'"from":"2027-01-04","horizon_days":7,"closed":["2027-01-12",{"from":"2027-02-01","until":"2027-02-03"}]}'
    )
    desk.query("UPDATE timetable SET body = ?", body.decode())
    assert desk.book.schedule("room") == body
    desk.clock.go(7 * 86_400)
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 2
    assert msgspec.json.encode(read_schedule(msgspec.json.decode(body))) == body
