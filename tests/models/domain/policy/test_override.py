"""Staff may pass over the rules of time and of free seats; nobody else may, and all that is kept."""

from typing import Any

import msgspec
import pytest

from models.contract.changes import Customer
from models.contract.commands.bookings import CancelBooking, ReinstateBooking, RescheduleBooking
from models.contract.commands.command import WithToken
from models.contract.commands.holds import HoldSlot
from models.contract.commands.slots import CloseSlot, UpdateSlot
from models.contract.errors import (
    CapacityExceeded,
    Forbidden,
    InvalidTransition,
    Refused,
    SlotUnavailable,
    Unauthorized,
)
from models.contract.principal import Principal, Role
from models.contract.values.time import HOUR
from tests.models.database_audit import audit
from tests.models.driver import GUEST, STAFF, Driver, Viewer, booking, new_key, results


def answer_of(driver: Driver, command: Any) -> Any:
    return msgspec.json.decode(driver.service.run(command).result)


def walk_in(slot: str, **fields: Any) -> Any:
    return booking(slot, principal=STAFF, override=True, **fields)


def over(driver: Driver, slot: str) -> int:
    return int(driver.query("SELECT overbooked FROM slot WHERE id = ?", slot)[0][0])


def break_rule(driver: Driver, rule: str, slot: str, start: int) -> None:
    """Let the slot, which starts then, break one rule. The rules of notice are broken by their policy."""
    match rule:
        case "past":
            driver.clock.go(3_600)
        case "closed":
            driver.service.run(CloseSlot(principal=STAFF, slot=slot))
        case "capacity":
            driver.reserve(slot)
        case "overlap":
            driver.reserve(driver.open_between(start + HOUR // 2, start + 2 * HOUR)[0])
        case "busy":
            driver.keep_busy(start + HOUR // 2, start + 2 * HOUR)


@pytest.mark.parametrize(
    ("rule", "policy"),
    [
        ("past", {}),
        ("min_notice", {"min_notice": 7_200}),
        ("max_advance", {"max_advance": 60}),
        ("closed", {}),
        ("capacity", {}),
        ("overlap", {"overlap": "reject"}),
        ("busy", {}),
    ],
)
@pytest.mark.parametrize("how", ["book", "hold", "move"])
def test_staff_pass_over_one_rule(driver: Driver, rule: str, policy: dict[str, Any], how: str) -> None:
    """Without `override` they are refused by it; with it, the answer names this rule alone."""
    driver.create("ruled", **policy)
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + HOUR)
    booked: dict[str, Any] = {}
    if how == "move":
        (other,) = driver.open_between(start + 9 * HOUR, start + 10 * HOUR)
        booked = results(driver.service.run(walk_in(other)))
    break_rule(driver, rule, slot, start)

    def ask(**more: Any) -> Any:
        match how:
            case "book":
                return booking(slot, principal=STAFF, **more)
            case "hold":
                return HoldSlot(principal=STAFF, key=new_key(), slot=slot, **more)
        return RescheduleBooking(principal=STAFF, key=new_key(), booking=booked["id"], slot=slot, **more)

    with pytest.raises(Refused) as refused:
        driver.service.run(ask())
    assert refused.value.details["rule"] == rule
    viewer = Viewer(driver.service, "ruled")
    answer = answer_of(driver, ask(override=True))
    assert answer["overridden"] == [rule]
    viewer.follow()
    viewer.check()
    assert driver.slot(slot)["remaining"] == 0
    if how != "hold":
        name = answer["booking"]["id"]
        assert driver.service.bookings_by_id([name])[name].overridden == [rule]


def test_nothing_is_passed_over_where_nothing_refuses(driver: Driver) -> None:
    """The answer says so by an empty list."""
    (slot,) = driver.open()
    assert answer_of(driver, walk_in(slot))["overridden"] == []
    assert over(driver, slot) == 0


@pytest.mark.parametrize(
    ("principal", "refusal"),
    [
        (GUEST, Unauthorized),
        (Principal(subject="guest", calendars=None), Forbidden),
        (Principal(subject="s", role=Role.STAFF, calendars=frozenset({"other"})), Forbidden),
    ],
)
def test_nobody_else_overrides(driver: Driver, principal: Principal, refusal: type[Refused]) -> None:
    """Whoever sends it is told, also where it would not be needed, and nothing is done."""
    slot, other = driver.open(2)
    booked = driver.reserve(other)
    token = {"booking": booked["id"], "token": booked["token"]}
    for command in (
        booking(slot, principal=principal, override=True),
        HoldSlot(principal=principal, key=new_key(), slot=slot, override=True),
        RescheduleBooking(principal=principal, key=new_key(), slot=slot, override=True, **token),
    ):
        with pytest.raises(refusal) as refused:
            driver.service.run(command)
        assert refused.value.details == {"rule": "override"}
    assert driver.slot(slot)["remaining"] == 1


def test_staff_lower_the_capacity_below_the_taken_seats(driver: Driver) -> None:
    """By an override only: the seats over it count as overbooked, and the answer names `capacity`."""
    (slot,) = driver.open(capacity=3)
    first, *_ = [driver.reserve(slot) for _ in range(3)]
    fewer = UpdateSlot(principal=STAFF, slot=slot, capacity=1)
    with pytest.raises(CapacityExceeded):
        driver.service.run(fewer)
    viewer = Viewer(driver.service, "room")
    assert answer_of(driver, msgspec.structs.replace(fewer, override=True))["overridden"] == ["capacity"]
    viewer.follow()
    viewer.check()
    assert (driver.slot(slot)["capacity"], driver.slot(slot)["remaining"], over(driver, slot)) == (1, 0, 2)
    driver.cancel(first, principal=STAFF)
    assert (driver.slot(slot)["remaining"], over(driver, slot)) == (0, 1)
    with pytest.raises(SlotUnavailable):
        driver.reserve(slot)


def test_a_full_slot_takes_more_by_staff_only(driver: Driver) -> None:
    """`remaining` stays 0, a guest is refused, and seats given back are first those over the capacity."""
    (slot,) = driver.open(capacity=2)
    first, *_ = [driver.reserve(slot) for _ in range(2)]
    second, third = (results(driver.service.run(walk_in(slot))) for _ in range(2))
    assert (driver.slot(slot)["remaining"], driver.slot(slot)["status"], over(driver, slot)) == (0, "booked", 2)
    for booked, left in ((first, 1), (second, 0)):
        driver.cancel(booked, principal=STAFF)
        assert (driver.slot(slot)["remaining"], over(driver, slot)) == (0, left)
        with pytest.raises(SlotUnavailable):
            driver.reserve(slot)
    driver.cancel(third, principal=STAFF)
    assert (driver.slot(slot)["remaining"], over(driver, slot)) == (1, 0)
    driver.reserve(slot)


def test_the_check_still_guards_everybody_else(driver: Driver) -> None:
    """An outside writer and a plain UPDATE take no more seats than staff have let in."""
    (slot,) = driver.open()
    driver.reserve(slot)
    driver.service.run(walk_in(slot))
    for sql in (
        "UPDATE slot SET booked = booked + 1 WHERE id = ?",
        "UPDATE slot SET capacity = 0 WHERE id = ?",
        "INSERT INTO booking (calendar, slot, name) VALUES ('room', ?, 'Eve')",
        "INSERT INTO hold (calendar, slot) VALUES ('room', ?)",
    ):
        with pytest.raises(Exception, match=r"(?i)check|more seats"):
            driver.query(sql, slot)


def test_an_outside_writer_gives_an_overbooked_seat_back(driver: Driver) -> None:
    """The triggers count it off at once, and more capacity too."""
    (slot,) = driver.open()
    driver.reserve(slot)
    two = [results(driver.service.run(walk_in(slot))) for _ in range(2)]
    assert over(driver, slot) == 2
    driver.query("UPDATE booking SET status = 'cancelled' WHERE id = ?", two[0]["id"])
    assert over(driver, slot) == 1
    driver.query("UPDATE slot SET capacity = 2 WHERE id = ?", slot)
    assert over(driver, slot) == 0
    driver.query("UPDATE slot SET overbooked = 5 WHERE id = ?", slot)
    assert over(driver, slot) == 0
    for command in driver.service.outside():
        driver.service.run(command)
    audit(driver.path)


def test_more_capacity_is_for_who_is_over(driver: Driver) -> None:
    """Less than what is taken is refused, but other fields of an overbooked slot can be changed."""
    (slot,) = driver.open()
    driver.reserve(slot)
    driver.service.run(walk_in(slot))
    driver.service.run(UpdateSlot(principal=STAFF, slot=slot, data=b"1"))
    driver.service.run(UpdateSlot(principal=STAFF, slot=slot, capacity=2))
    assert (over(driver, slot), driver.slot(slot)["remaining"]) == (0, 0)
    with pytest.raises(CapacityExceeded):
        driver.service.run(UpdateSlot(principal=STAFF, slot=slot, capacity=1))


def test_a_booking_of_an_overriding_hold_keeps_its_rules(driver: Driver) -> None:
    """And so does a repetition of the answer."""
    (slot,) = driver.open()
    driver.reserve(slot)
    hold = results(driver.service.run(HoldSlot(principal=STAFF, key=new_key(), slot=slot, override=True)))
    command = booking(slot, hold, principal=STAFF, override=True)
    answer = answer_of(driver, command)
    assert answer["overridden"] == ["capacity"]
    assert answer_of(driver, command) == answer
    assert over(driver, slot) == 1


def test_an_override_makes_no_exception_for_an_archived_calendar(driver: Driver) -> None:
    """It is restored first."""
    (slot,) = driver.open()
    driver.query("UPDATE calendar SET archived = TRUE")
    for command in driver.service.outside():
        driver.service.run(command)
    with pytest.raises(InvalidTransition):
        driver.service.run(walk_in(slot))


def test_a_reinstated_booking_may_be_over(driver: Driver) -> None:
    """Staff send `override` if the seats are gone."""
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    driver.cancel(booked)
    driver.reserve(slot)
    with pytest.raises(SlotUnavailable):
        driver.service.run(ReinstateBooking(principal=STAFF, booking=booked["id"]))
    answer = answer_of(driver, ReinstateBooking(principal=STAFF, booking=booked["id"], override=True))
    assert (answer["booking"]["status"], answer["overridden"]) == ("confirmed", ["capacity"])
    assert over(driver, slot) == 1


def test_a_booking_is_reinstated_over_a_busy_time(driver: Driver) -> None:
    """Only by an override."""
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + HOUR)
    booked = driver.reserve(slot)
    driver.cancel(booked)
    driver.keep_busy(start, start + 1)
    with pytest.raises(SlotUnavailable) as refused:
        driver.service.run(ReinstateBooking(principal=STAFF, booking=booked["id"]))
    assert refused.value.details == {"rule": "busy"}
    command = ReinstateBooking(principal=STAFF, booking=booked["id"], override=True)
    assert answer_of(driver, command)["overridden"] == ["busy"]


def test_overdue_holds_are_not_passed_over(driver: Driver) -> None:
    """They expire, and no rule is broken."""
    (slot,) = driver.open()
    driver.hold(slot)
    driver.clock.go(301)
    assert answer_of(driver, walk_in(slot))["overridden"] == []
    assert over(driver, slot) == 0


def test_the_holder_does_not_learn_what_was_passed_over(driver: Driver) -> None:
    """It is the staff's affair."""
    (slot,) = driver.open()
    driver.reserve(slot)
    booked = results(driver.service.run(walk_in(slot, customer=Customer(name="Ada"))))
    asked = WithToken(principal=GUEST, booking=booked["id"], token=booked["token"])
    assert not driver.service.booking(asked).overridden
    driver.service.run(CancelBooking(principal=STAFF, key=new_key(), booking=booked["id"]))
