"""Sources of busy times: added and removed by staff, and their times written as changes of slots."""

from __future__ import annotations

from typing import Any

import pytest

from models.contract.commands.background import CheckBusy, FailBusy, SetBusy
from models.contract.commands.calendars import AddBusy, RemoveBusy, UpdateCalendar
from models.contract.commands.slots import RemoveSlot, UpdateSlot
from models.contract.errors import BadRequest, LimitExceeded, SlotUnavailable, Unauthorized
from models.contract.values.time import DAY, HOUR, MINUTE
from models.domain.calendars import busy_sources
from tests.models.database_audit import query
from tests.models.driver import GUEST, STAFF, START, Driver, Viewer, new_key, results

TEXT = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
FIRST = START + 24 * HOUR  # where the driver opens its slots


def add(driver: Driver, **fields: Any) -> dict[str, Any]:
    fields = fields or {"text": TEXT}
    added: dict[str, Any] = results(
        driver.service.run(AddBusy(principal=STAFF, calendar="room", name="Own", key=new_key(), **fields))
    )
    return added


def keep_busy(driver: Driver, source: str, *times: tuple[int, int], since: int = START) -> int:
    command = SetBusy(calendar="room", source=source, since=since, times=times)
    changed: int = results(driver.service.run(command))
    return changed


def free(driver: Driver) -> list[bool]:
    return [slot["bookable"] for slot in sorted(driver.slots().values(), key=lambda slot: str(slot["start"]))]


def test_a_busy_time_blocks_the_slots_that_it_overlaps(driver: Driver) -> None:
    """Slots that only touch it stay free; what changes is pushed, and is free again without the source."""
    slots = driver.open(4)
    viewer = Viewer(driver.service, "room")
    source = add(driver)["id"]
    assert keep_busy(driver, source, (FIRST + HOUR, FIRST + 2 * HOUR), (FIRST + 2 * HOUR, FIRST + 2 * HOUR + 1)) == 2
    assert free(driver) == [True, False, False, True]
    (change,) = viewer.follow()
    assert (change["type"], len(change["slots"])) == ("slot.updated", 2)
    with pytest.raises(SlotUnavailable) as refused:
        driver.reserve(slots[1])
    assert refused.value.details["rule"] == "busy"
    explained = {one["rule"]: one["ok"] for one in driver.service.explain(GUEST, slots[1])}
    assert (explained["busy"], explained["overlap"]) == (False, True)
    assert [slot.status for slot in driver.service.feed("room", 0, 1 << 50, most=9).slots][1] == "blocked"
    assert keep_busy(driver, source, (FIRST, FIRST + MINUTE)) == 3
    assert free(driver) == [False, True, True, True]
    driver.service.run(RemoveBusy(principal=STAFF, source=source))
    assert free(driver) == [True] * 4
    viewer.follow()
    viewer.check()
    assert query(driver.path, "SELECT COUNT(*) FROM busy") == [(0,)]


def test_new_and_moved_slots_know_the_busy_times(driver: Driver) -> None:
    """A slot is marked where it stands, whoever puts it there."""
    source = add(driver)["id"]
    keep_busy(driver, source, (FIRST, FIRST + HOUR))
    first, second = driver.open(2)
    assert free(driver) == [False, True]
    driver.service.run(UpdateSlot(principal=STAFF, slot=second, start=FIRST + 30 * MINUTE, end=FIRST + 90 * MINUTE))
    assert free(driver) == [False, False]
    driver.service.run(UpdateSlot(principal=STAFF, slot=first, start=FIRST + 2 * HOUR, end=FIRST + 3 * HOUR))
    assert free(driver) == [False, True]
    driver.service.run(RemoveSlot(principal=STAFF, slot=second))
    query_outside(driver, f"INSERT INTO slot (calendar, start, \"end\") VALUES ('room', {FIRST}, {FIRST + 1})")
    assert free(driver) == [False, True]


@pytest.mark.parametrize(("before", "after"), [(600, 0), (0, 600), (300, 300)])
def test_a_buffer_keeps_room_around_a_busy_time(driver: Driver, before: int, after: int) -> None:
    """A slot that ends or begins at the buffer's distance is free, and one a millisecond nearer is not."""
    buffer = 10 * MINUTE
    driver.service.run(
        UpdateCalendar(principal=STAFF, calendar="room", policy={"buffer_before": before, "buffer_after": after})
    )
    source = add(driver)["id"]
    driver.open(3)
    keep_busy(driver, source, (FIRST + HOUR + buffer, FIRST + 2 * HOUR - buffer))
    assert free(driver) == [True, False, True]
    keep_busy(driver, source, (FIRST + HOUR + buffer - 1, FIRST + 2 * HOUR - buffer + 1))
    assert free(driver) == [False, False, False]
    driver.open_between(FIRST + 3 * HOUR, FIRST + 4 * HOUR)
    (late,) = driver.open_between(FIRST + 2 * HOUR + 1, FIRST + 3 * HOUR)
    assert driver.slot(late)["bookable"]
    driver.service.run(UpdateSlot(principal=STAFF, slot=late, start=FIRST + 2 * HOUR, end=FIRST + 3 * HOUR))
    assert not driver.slot(late)["bookable"]


def test_a_new_buffer_counts_at_once(driver: Driver) -> None:
    """A change of the policy, also by an outside writer, marks and frees slots by a change."""
    driver.open(3)
    source = add(driver)["id"]
    keep_busy(driver, source, (FIRST + HOUR, FIRST + 2 * HOUR))
    viewer = Viewer(driver.service, "room")
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"buffer_after": 1}))
    assert free(driver) == [False] * 3
    assert [change["type"] for change in viewer.follow()] == ["calendar.updated", "slot.updated"]
    query_outside(driver, "UPDATE calendar SET policy = '{}'")
    assert free(driver) == [True, False, True]
    viewer.follow()
    viewer.check()


def test_a_slot_under_way_keeps_its_mark(driver: Driver) -> None:
    """A busy time that is over still marks the slot in which it was, whatever is imported later."""
    driver.open_between(FIRST, FIRST + 4 * HOUR)
    source = add(driver)["id"]
    keep_busy(driver, source, (FIRST + HOUR, FIRST + 2 * HOUR))
    driver.clock.now = FIRST + 3 * HOUR
    assert keep_busy(driver, source, since=driver.clock.now) == 0


def query_outside(driver: Driver, sql: str) -> None:
    """Write as an outside writer, and have the service take it."""
    query(driver.path, sql)
    for command in driver.service.outside():
        driver.service.run(command)


def test_two_sources_keep_a_slot_busy_until_both_are_gone(driver: Driver) -> None:
    """A slot is free when nothing of any source overlaps it; a booking in it stands all the time."""
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    one, two = (add(driver)["id"] for _ in range(2))
    keep_busy(driver, one, (FIRST, FIRST + HOUR))
    keep_busy(driver, two, (FIRST - HOUR, FIRST + 1))
    driver.service.run(RemoveBusy(principal=STAFF, source=one))
    driver.cancel(booked)
    assert free(driver) == [False]
    driver.service.run(RemoveBusy(principal=STAFF, source=two))
    assert free(driver) == [True]


def test_what_is_over_stays_as_it_was(driver: Driver) -> None:
    """A later reading says nothing of the times before its window, and the audit agrees."""
    driver.open(2)
    source = add(driver)["id"]
    keep_busy(driver, source, (FIRST, FIRST + HOUR), (FIRST + HOUR, FIRST + 2 * HOUR))
    assert free(driver) == [False, False]
    keep_busy(driver, source, since=FIRST + 5 * DAY)
    assert free(driver) == [False, False]
    keep_busy(driver, source, since=FIRST + HOUR + 1)
    assert free(driver) == [True, True]


def test_many_slots_change_at_most_200_at_a_time(driver: Driver) -> None:
    """A day off in a full calendar is several changes."""
    driver.open(250)
    viewer = Viewer(driver.service, "room")
    keep_busy(driver, add(driver)["id"], (FIRST, FIRST + 300 * HOUR))
    assert [len(change["slots"]) for change in viewer.follow()] == [200, 50]
    viewer.check()


def test_a_fault_is_told_and_the_last_good_copy_stays(driver: Driver) -> None:
    """Staff see since when a source fails; the next good reading ends it. A turn is taken once."""
    driver.open()
    source = add(driver, url="webcal://calendar.example/private-secret/basic.ics#x")
    assert (source["host"], "secret" in str(source)) == ("calendar.example", False)
    (due,) = driver.service.due_sources(1_000)
    assert due.url == "https://calendar.example/private-secret/basic.ics"
    turn = CheckBusy(calendar="room", source=due.id, checked_at=due.checked_at)
    assert [results(driver.service.run(turn)) for _ in range(2)] == [True, False]
    assert driver.service.due_sources(1_000) == []
    keep_busy(driver, due.id, (FIRST, FIRST + HOUR))
    for _ in range(2):
        driver.clock.go(60)
        driver.service.run(FailBusy(calendar="room", source=due.id, error="It can't be reached."))
    (told,) = driver.service.busy_sources("room")
    assert (told.error, told.failing_since) == ("It can't be reached.", "2027-01-04T00:01:00Z")
    assert free(driver) == [False]
    driver.service.run(SetBusy(calendar="room", source=due.id))
    (told,) = driver.service.busy_sources("room")
    assert (bool(told.error), bool(told.failing_since)) == (False, False)
    assert free(driver) == [False]


def test_another_zone_has_the_sources_read_again(driver: Driver) -> None:
    """Whole days are days of the calendar's zone."""
    keep_busy(driver, add(driver)["id"], (FIRST, FIRST + HOUR))
    assert driver.service.due_sources(0) == []
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", zone="Europe/Vienna"))
    assert [(source.zone, source.is_stale) for source in driver.service.due_sources(0)] == [("Europe/Vienna", True)]


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://example.org/a.ics"},
        {"url": "https://user:password@example.org/a.ics"},
        {"url": "https:///a.ics"},
        {"url": "http://[::1/a.ics"},
        {"url": "file:///etc/passwd"},
        {"text": "<html>"},
        {"url": "https://example.org", "text": TEXT},
        {"name": "neither"},
        {"text": TEXT, "name": "two\nlines"},
    ],
)
@pytest.mark.only("sqlite")
def test_what_is_no_source_is_refused(driver: Driver, fields: dict[str, str]) -> None:
    """Only http and https addresses without a password, or a text that may be iCalendar."""
    with pytest.raises(BadRequest):
        driver.service.run(AddBusy(principal=STAFF, calendar="room", key=new_key(), **fields))  # type: ignore[arg-type]


@pytest.mark.only("sqlite")
def test_only_staff_add_sources_and_so_many(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest adds and removes none, and a calendar has at most MOST_SOURCES."""
    monkeypatch.setattr(busy_sources, "MOST_SOURCES", 1)
    source = add(driver)["id"]
    for command in (
        AddBusy(principal=GUEST, calendar="room", key=new_key(), text=TEXT),
        RemoveBusy(principal=GUEST, source=source, key=new_key()),
    ):
        with pytest.raises(Unauthorized):
            driver.service.run(command)
    with pytest.raises(LimitExceeded):
        add(driver)
