"""A slot that the schedule has, and that a taken slot keeps out, comes when that one goes."""

from __future__ import annotations

from typing import Any

import msgspec

from models.clock import DAY, HOUR, MINUTE
from models.commands import (
    ArchiveCalendar,
    FillHorizon,
    LapseHolds,
    RemoveSlot,
    ReopenSlot,
    SetSchedule,
    UpdateCalendar,
    UpdateSlot,
)
from tests.book.desk import STAFF, START, Desk, Viewer, results
from tests.book.test_schedules import slot_at, starts

TEN = START + 10 * HOUR  # on Monday; the calendar's zone is UTC
HALF = 30 * MINUTE
AT_TEN: dict[str, Any] = {
    "windows": [{"days": ["mon"], "start": "10:00", "end": "11:00"}],
    "slot_minutes": 60,
    "from": "2027-01-04",
    "horizon_days": 7,
}
AROUND: dict[str, Any] = AT_TEN | {"windows": [{"days": ["mon"], "start": "09:30", "end": "11:30", "data": "new"}]}


def set_hours(desk: Desk, schedule: dict[str, Any]) -> Any:
    command = SetSchedule(asker=STAFF, calendar=desk.calendar, schedule=schedule)
    return msgspec.json.decode(desk.book.run(command).result)


def taken_at_ten(desk: Desk, **fields: Any) -> Any:
    """The booking of the slot at ten, which the hours set after it have no place for."""
    set_hours(desk, AT_TEN)
    booked = desk.reserve(slot_at(desk, TEN))
    set_hours(desk, AROUND | fields)
    assert starts(desk) == [TEN]
    return booked


def test_what_a_taken_slot_kept_out_comes_when_it_is_cancelled(desk: Desk) -> None:
    """In the same change: 10:00 goes, 09:30 and 10:30 come, with their window's seats and data."""
    booked = taken_at_ten(desk, capacity=3)
    viewer = Viewer(desk.book, "room")
    desk.cancel(booked)
    (change,) = viewer.follow()
    assert change["removed"] == [booked["slot"]]
    assert starts(desk) == [TEN - HALF, TEN + HALF]
    assert [(slot["capacity"], slot["data"]) for slot in change["slots"]] == [(3, "new")] * 2
    viewer.check()
    assert set_hours(desk, AROUND | {"capacity": 3})["opened"] == 0


def test_it_comes_when_a_hold_lapses(desk: Desk) -> None:
    """However the last seat is given back."""
    set_hours(desk, AT_TEN)
    desk.hold(slot_at(desk, TEN))
    set_hours(desk, AROUND)
    desk.clock.go(301)
    desk.book.run(LapseHolds(calendar="room"))
    assert starts(desk) == [TEN - HALF, TEN + HALF]


def test_one_that_is_still_kept_out_by_another_waits_on(desk: Desk) -> None:
    """Until the last taken slot in its way is gone."""
    set_hours(desk, AT_TEN | {"windows": [{"days": ["mon"], "start": "10:00", "end": "12:00"}]})
    ten, eleven = desk.reserve(slot_at(desk, TEN)), desk.reserve(slot_at(desk, TEN + HOUR))
    set_hours(desk, AT_TEN | {"windows": [{"days": ["mon"], "start": "09:30", "end": "12:30"}]})
    assert starts(desk) == [TEN, TEN + HOUR]
    desk.cancel(ten)
    assert starts(desk) == [TEN - HALF, TEN + HOUR]
    desk.cancel(eleven)
    assert starts(desk) == [TEN - HALF, TEN + HALF, TEN + HOUR + HALF]


def test_one_behind_the_later_of_two_comes_with_it(desk: Desk) -> None:
    """In whatever order they go."""
    set_hours(desk, AT_TEN | {"windows": [{"days": ["mon"], "start": "10:00", "end": "12:00"}]})
    ten, eleven = desk.reserve(slot_at(desk, TEN)), desk.reserve(slot_at(desk, TEN + HOUR))
    set_hours(desk, AT_TEN | {"windows": [{"days": ["mon"], "start": "10:30", "end": "11:30"}]})
    desk.cancel(eleven)
    assert starts(desk) == [TEN]
    desk.cancel(ten)
    assert starts(desk) == [TEN + HALF]


def test_what_the_horizon_could_not_open_waits_too(desk: Desk) -> None:
    """A taken slot further ahead than the new hours had reached keeps out what the horizon brings."""
    set_hours(desk, AT_TEN | {"horizon_days": 14})
    booked = desk.reserve(slot_at(desk, TEN + 7 * DAY))
    set_hours(desk, AROUND | {"horizon_days": 2})
    desk.clock.now = START + 6 * DAY
    assert results(desk.book.run(FillHorizon(calendar="room"))) == 0
    desk.cancel(booked)
    assert starts(desk)[-2:] == [TEN + 7 * DAY - HALF, TEN + 7 * DAY + HALF]


def test_only_what_has_not_begun_comes(desk: Desk) -> None:
    """Of a slot that goes after its start, the later half hour."""
    booked = taken_at_ten(desk)
    desk.clock.now = TEN + 10 * MINUTE
    desk.cancel(booked, asker=STAFF)
    assert starts(desk) == [TEN + HALF]


def test_a_slot_that_has_begun_gives_way_as_well(desk: Desk) -> None:
    """It is over for the schedule, and kept out what overlaps it only as long as somebody sat in it."""
    set_hours(desk, AT_TEN | {"slot_minutes": 120, "windows": [{"days": ["mon"], "start": "10:00", "end": "12:00"}]})
    booked = desk.reserve(slot_at(desk, TEN))
    desk.clock.now = TEN + 30 * MINUTE
    set_hours(desk, AT_TEN | {"windows": [{"days": ["mon"], "start": "10:00", "end": "13:00"}]})
    assert starts(desk) == [TEN, TEN + 2 * HOUR]
    desk.cancel(booked, asker=STAFF)
    assert starts(desk) == [TEN, TEN + HOUR, TEN + 2 * HOUR]


def test_a_slot_that_staff_reopened_gives_way_when_they_remove_or_move_it(desk: Desk) -> None:
    """It does not go with its last booking; what waits comes when it leaves its place."""
    for calendar in ("room", "other"):
        desk.clock.now = START
        if calendar != "room":
            desk.create(calendar)
        booked = taken_at_ten(desk)
        desk.book.run(ReopenSlot(asker=STAFF, slot=booked["slot"]))
        desk.cancel(booked)
        assert starts(desk) == [TEN]
        if calendar == "room":
            desk.book.run(RemoveSlot(asker=STAFF, slot=booked["slot"]))
            assert starts(desk) == [TEN - HALF, TEN + HALF]
        else:
            desk.book.run(UpdateSlot(asker=STAFF, slot=booked["slot"], start=TEN + DAY, end=TEN + DAY + HOUR))
            assert starts(desk) == [TEN - HALF, TEN + HALF, TEN + DAY]


def test_what_staff_removed_since_does_not_come(desk: Desk) -> None:
    """Only what was never opened waits: 09:00, which stood beside the taken slot, stays away once it is removed."""
    hours: Any = {"windows": [{"days": ["mon"], "start": "09:00", "end": "11:00"}], "step_minutes": 30}
    set_hours(desk, AT_TEN | hours)
    booked = desk.reserve(slot_at(desk, TEN - HALF))
    set_hours(desk, AT_TEN | hours | {"step_minutes": 60})
    desk.book.run(RemoveSlot(asker=STAFF, slot=slot_at(desk, TEN)))
    assert starts(desk) == [TEN - HOUR, TEN - HALF]
    desk.cancel(booked)
    assert starts(desk) == [TEN - HOUR]


def test_a_new_schedule_forgets_what_waited(desk: Desk) -> None:
    """What is not its own does not come any more; a preview forgets nothing."""
    booked = taken_at_ten(desk)
    desk.book.run(SetSchedule(asker=STAFF, calendar="room", schedule=AROUND | {"windows": []}, preview=True))
    set_hours(desk, AROUND | {"windows": []})
    desk.cancel(booked)
    assert starts(desk) == []


def test_another_zone_does_not_move_what_waits(desk: Desk) -> None:
    """As it moves no slot before the schedule is set again."""
    booked = taken_at_ten(desk)
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", zone="Asia/Tokyo"))
    desk.cancel(booked)
    assert starts(desk) == [TEN - HALF, TEN + HALF]


def test_what_was_opened_by_hand_meanwhile_is_not_opened_twice(desk: Desk) -> None:
    """Nor is anything opened in a calendar that is archived."""
    booked = taken_at_ten(desk)
    (manual,) = desk.open_between(TEN + HALF, TEN + HALF + HOUR)
    desk.cancel(booked)
    assert starts(desk) == [TEN - HALF, TEN + HALF]
    assert manual in desk.slots()
    desk.create("shut")
    booked = taken_at_ten(desk)
    desk.clock.now = TEN + 2 * HOUR  # over: an archived calendar has nobody in what is ahead
    desk.book.run(ArchiveCalendar(asker=STAFF, calendar="shut"))
    desk.cancel(booked, asker=STAFF)
    assert starts(desk) == []


def test_what_comes_knows_its_neighbours(desk: Desk) -> None:
    """Where slots may not overlap, a slot that waited is blocked by a taken one beside it."""
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", policy={"buffer_after": 3_600}))
    (manual,) = desk.open_between(TEN + 2 * HOUR, TEN + 3 * HOUR)
    set_hours(desk, AT_TEN)
    first = desk.reserve(slot_at(desk, TEN))
    desk.reserve(manual)
    set_hours(desk, AROUND)
    desk.cancel(first)
    bookable = {slot["start"]: slot["bookable"] for slot in desk.slots().values()}
    assert bookable == {
        "2027-01-04T09:30:00Z": True,
        "2027-01-04T10:30:00Z": False,
        "2027-01-04T12:00:00Z": False,
    }
