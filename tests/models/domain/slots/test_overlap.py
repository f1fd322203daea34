"""Overlapping slots: rejected by default, told where they are allowed, and never the same twice by accident."""

from typing import Any

import msgspec
import pytest

from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.commands.slots import NewSlot, OpenSlots, RemoveSlot, UpdateSlot
from models.contract.errors import AlreadyExists, SlotUnavailable
from models.contract.values.time import HOUR, write_time
from tests.models.driver import STAFF, START, Driver, Viewer, new_key

TEN = START + 10 * HOUR


def opened(driver: Driver, *times: tuple[int, int], **fields: Any) -> Any:
    """Return the answer to opening these slots."""
    slots = tuple(NewSlot(start=start, end=end) for start, end in times)
    command = OpenSlots(principal=STAFF, key=new_key(), calendar=driver.calendar, slots=slots, **fields)
    return msgspec.json.decode(driver.service.run(command).result)


def test_a_new_calendar_rejects_overlaps(driver: Driver) -> None:
    """By the API and by SQL; one that is stored without the field still allows them."""
    command = CreateCalendar(principal=STAFF, calendar="new", name="New", zone="UTC")
    assert msgspec.json.decode(driver.service.run(command).result)["info"]["policy"]["overlap"] == "reject"
    driver.query("INSERT INTO calendar (id, name) VALUES ('outside', 'Outside')")
    driver.query("UPDATE calendar SET policy = '{}' WHERE id = 'room'")
    while asked := driver.service.outside():
        for one in asked:
            driver.service.run(one)
    assert {info.id: info.policy.overlap for info in driver.service.calendars()} == {
        "new": "reject",
        "outside": "reject",
        "room": "allow",
    }
    driver.calendar = "new"
    first, second = (
        slot["id"] for slot in opened(driver, (TEN, TEN + HOUR), (TEN + HOUR // 2, TEN + 2 * HOUR))["slots"]
    )
    driver.reserve(first)
    with pytest.raises(SlotUnavailable):
        driver.reserve(second)


def test_the_same_time_twice_is_refused(driver: Driver) -> None:
    """In one request and in two, with a buffer too; asked for, it is opened, and a removed slot is in nobody's way."""
    driver.create("strict", overlap="reject")
    (slot,) = opened(driver, (TEN, TEN + HOUR))["slots"]
    viewer = Viewer(driver.service, "strict")
    for times in ([(TEN, TEN + HOUR)], [(TEN - HOUR, TEN), (TEN - HOUR, TEN)]):
        with pytest.raises(AlreadyExists) as refused:
            opened(driver, *times)
        assert refused.value.details == {"what": "slot", "rule": "duplicate", "field": f"slots[{len(times) - 1}]"}
    assert viewer.follow() == []
    opened(driver, (TEN, TEN + HOUR + 1), (TEN + 1, TEN + HOUR))
    opened(driver, (TEN, TEN + HOUR), duplicates=True)
    for other in [name for name in driver.slots() if name != slot["id"]]:
        driver.service.run(RemoveSlot(principal=STAFF, slot=other))
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot["id"]))
    opened(driver, (TEN, TEN + HOUR))
    driver.create("buffered", buffer_after=60)
    opened(driver, (TEN, TEN + HOUR))
    with pytest.raises(AlreadyExists):
        opened(driver, (TEN, TEN + HOUR))


def test_an_overlap_is_told(driver: Driver) -> None:
    """With the slots that stand, with one another, and after a move; slots that only touch do not overlap."""
    assert "warnings" not in opened(driver, (TEN, TEN + HOUR), (TEN + HOUR, TEN + 2 * HOUR))
    answer = opened(driver, (TEN + HOUR // 2, TEN + HOUR), (TEN + 5 * HOUR, TEN + 6 * HOUR))
    (warning,) = answer["warnings"]
    assert (warning["rule"], warning["count"]) == ("overlap", 1)
    assert (warning["start"], warning["end"]) == (write_time(TEN + HOUR // 2), write_time(TEN + HOUR))
    (twins,) = opened(driver, (TEN + 8 * HOUR, TEN + 9 * HOUR), (TEN + 8 * HOUR, TEN + 9 * HOUR))["warnings"]
    assert twins["count"] == 2
    later = answer["slots"][1]["id"]
    move = UpdateSlot(principal=STAFF, slot=later, start=TEN + 8 * HOUR, end=TEN + 9 * HOUR)
    assert msgspec.json.decode(driver.service.run(move).result)["warnings"][0]["count"] == 1
    away = UpdateSlot(principal=STAFF, slot=later, start=TEN + 18 * HOUR, end=TEN + 19 * HOUR)
    assert "warnings" not in msgspec.json.decode(driver.service.run(away).result)
    driver.create("strict", overlap="reject")
    assert "warnings" not in opened(driver, (TEN, TEN + HOUR), (TEN + HOUR // 2, TEN + HOUR))


def test_a_policy_that_allows_overlaps_tells_of_them(driver: Driver) -> None:
    """Once, when it is set; slots that are over do not count."""
    driver.create("strict", overlap="reject")
    opened(driver, (START - 2 * HOUR, START), (START - 2 * HOUR, START - 1), (TEN, TEN + HOUR), (TEN + 1, TEN + HOUR))
    for count in (1, 0):
        command = UpdateCalendar(principal=STAFF, calendar="strict", policy={"overlap": "allow"})
        answer = msgspec.json.decode(driver.service.run(command).result)
        assert [warning["count"] for warning in answer.get("warnings", [])] == [1] * count


def test_a_repeated_opening_warns_again(driver: Driver) -> None:
    """It is answered as before."""
    slots = (NewSlot(start=TEN, end=TEN + HOUR), NewSlot(start=TEN, end=TEN + HOUR))
    command = OpenSlots(principal=STAFF, key=new_key(), calendar="room", slots=slots)
    assert driver.service.run(command) == driver.service.run(command)
    assert b"warnings" in driver.service.run(command).result
    assert len(driver.slots()) == 2
