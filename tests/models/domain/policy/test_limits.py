"""Limits on a customer's bookings: in all and a day, by e-mail address, by token and by address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from models.contract.changes import Customer
from models.contract.commands.bookings import EraseCustomer, ReinstateBooking
from models.contract.commands.calendars import UpdateCalendar
from models.contract.errors import BadRequest, LimitExceeded, Refused
from models.contract.principal import Principal
from models.contract.values.time import DAY, HOUR, read_time
from models.service import Outcome, SlotService
from tests.models.driver import GUEST, STAFF, Driver, booking, code, moving, new_key

_strangers = count(1)


def stranger(name: str = "Ada") -> Customer:
    """Return a customer with an e-mail address of its own."""
    return Customer(name=name, email=f"stranger-{next(_strangers)}@example.org")


def elsewhere() -> Principal:
    """Return a guest from an address of its own."""
    return Principal(address=f"198.51.100.{next(_strangers)}")


def limit(driver: Driver, **policy: Any) -> None:
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy=policy))


def refusal(outcome: Outcome) -> dict[str, Any]:
    return outcome.details if isinstance(outcome, Refused) else {}


def try_book(driver: Driver, slot: str, hold: Any = None, **fields: Any) -> Outcome:
    """Book a slot; return the refusal instead of raising it."""
    try:
        return driver.service.run(booking(slot, hold, **fields))
    except Refused as refused:
        return refused


def test_a_stranger_with_one_hold_at_a_time_does_not_get_every_slot(driver: Driver) -> None:
    """One address holds and books twenty slots in turn, under a new e-mail address each, and gets two."""
    limit(driver, max_holds=1, max_bookings=2)
    slots = driver.open(20)
    for slot in slots[:2]:
        driver.reserve(slot, driver.hold(slot), customer=stranger())
    for slot in slots[2:]:
        with pytest.raises(LimitExceeded) as refused:
            driver.hold(slot)
        expected = {"rule": "max_bookings", "max_bookings": 2, "by": "address"}
        assert refused.value.details == refusal(try_book(driver, slot, customer=stranger())) == expected
    assert sum(slot["bookable"] for slot in driver.slots().values()) == 18
    driver.reserve(slots[-1], customer=stranger(), principal=elsewhere())


def test_commands_at_the_same_time_do_not_pass_the_limit_together(driver: Driver) -> None:
    """Twenty bookings in one batch, and twenty of two services at once, are two of each customer."""
    limit(driver, max_bookings=2)
    slots = driver.open(40)
    outcomes = driver.together([booking(slot, customer=stranger()) for slot in slots[:20]])
    assert [code(one) for one in outcomes].count("ok") == 2
    other = SlotService(driver.service.url, b"a secret of the tests", clock=driver.clock, synchronous="normal")
    other.open()
    customer = stranger("Bob")

    def run(place: int) -> str:
        service = (driver.service, other)[place % 2]
        try:
            service.run(
                booking(slots[20 + place], customer=customer, principal=Principal(address=f"203.0.113.{place}"))
            )
        except LimitExceeded as refused:
            return str(refused.details["by"])
        return "ok"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(run, range(20)))
    other.close()
    assert sorted(found) == ["email"] * 18 + ["ok"] * 2


def test_an_email_address_counts_from_wherever_it_books(driver: Driver) -> None:
    """Its case does not tell two customers from each other; another calendar does not count."""
    limit(driver, max_bookings=1)
    slots = driver.open(4)
    driver.reserve(slots[0], customer=Customer(name="Ada", email="Ada@Example.org"), principal=elsewhere())
    same = Customer(name="A. L.", email=" ada@example.ORG ")
    refused = try_book(driver, slots[1], customer=same, principal=elsewhere())
    assert refusal(refused) == {"rule": "max_bookings", "max_bookings": 1, "by": "email"}
    driver.create("other", max_bookings=1)
    driver.reserve(driver.open()[0], customer=same, principal=elsewhere())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada@example.org", '"ada"@example.org'),
        ('"a\\da"@example.org', "ADA@example.org"),
        ("ada@exämple.org", "Ada@XN--EXMPLE-CUA.org"),
        ("ada@xn--exmple-cua.org", "ada@EXÄMPLE.org"),
        ("ada@exämple.org", "ada@exa\u0308mple.org"),
        ("-@example.org", '"-"@example.org'),
        ("Änne@example.org", "änne@example.org"),
        ("zoé@example.org", "zoe\u0301@example.org"),
        ("ada@example.org", "ada@\uff45xample\u3002org"),
    ],
)
def test_another_spelling_of_an_address_is_no_other_customer(driver: Driver, first: str, second: str) -> None:
    """Quotes, the case and form of letters, and the encoding of the domain make no other customer; a letter does."""
    limit(driver, max_bookings=1)
    slots = driver.open(4)
    driver.reserve(slots[0], customer=Customer(name="Ada", email=first), principal=elsewhere())
    same = try_book(driver, slots[1], customer=Customer(name="Ada", email=second), principal=elsewhere())
    assert refusal(same)["by"] == "email"
    for place, email in ((1, "ada@example.com"), (2, '"adam"@example.org')):
        driver.reserve(slots[place], customer=Customer(name="Ada", email=email), principal=elsewhere())
    driver.reserve(slots[3], customer=Customer(name="Ada"), principal=elsewhere())


def test_a_token_counts_by_its_subject(driver: Driver) -> None:
    """From one address two subjects are two customers, and neither is the address."""
    limit(driver, max_bookings=1)
    slots = driver.open(4)
    for place, subject in enumerate(("ada", "bob")):
        principal = Principal(subject=subject, address=GUEST.address)
        driver.reserve(slots[place], customer=stranger(), principal=principal)
        refused = try_book(driver, slots[3], customer=stranger(), principal=principal)
        assert refusal(refused)["by"] == "sub"
    driver.reserve(slots[2], customer=stranger())


def test_staff_pass_over_the_limits(driver: Driver) -> None:
    """Their bookings count for the customer's e-mail address, and not for themselves."""
    limit(driver, max_bookings=1, max_bookings_per_day=1)
    slots = driver.open(5)
    customer = stranger()
    for slot in slots[:2]:
        driver.reserve(slot, customer=customer, principal=STAFF)
    driver.reserve(slots[2], customer=stranger(), principal=STAFF)
    assert refusal(try_book(driver, slots[3], customer=customer))["by"] == "email"


def test_staff_reinstate_over_the_limits(driver: Driver) -> None:
    """A cancelled booking comes back beside the one that took its place."""
    limit(driver, max_bookings=1)
    first, second = driver.open(2)
    booked = driver.reserve(first)
    driver.cancel(booked)
    driver.reserve(second)
    driver.service.run(ReinstateBooking(principal=STAFF, booking=booked["id"]))
    assert driver.query("SELECT status FROM booking") == [("confirmed",)] * 2


def test_a_booking_that_ended_does_not_count(driver: Driver) -> None:
    """Once it is cancelled another is taken, on the day and in all."""
    limit(driver, max_bookings=1, max_bookings_per_day=1)
    first, second = driver.open(2)
    booked = driver.reserve(first)
    assert refusal(try_book(driver, second))["rule"] == "max_bookings"
    driver.cancel(booked)
    driver.reserve(second)


def test_in_all_counts_until_the_slot_is_over(driver: Driver) -> None:
    """One millisecond before its end a booking counts, at its end it does not."""
    limit(driver, max_bookings=1)
    start = driver.clock.now + HOUR
    (first,) = driver.open(start=start)
    (later,) = driver.open(start=start + 2 * DAY)
    driver.reserve(first)
    driver.clock.now = start + HOUR - 1
    assert refusal(try_book(driver, later))["rule"] == "max_bookings"
    driver.clock.now += 1
    driver.reserve(later)


@pytest.mark.parametrize(("start", "is_same_day"), [("11:59:59.999", False), ("12:00:00", True), ("12:30:00", True)])
def test_a_day_is_the_one_on_the_calendars_clocks_when_the_slot_starts(
    driver: Driver, start: str, *, is_same_day: bool
) -> None:
    """In Auckland 2027-02-02 begins at 11:00Z on the first, in Kiritimati at 10:00Z; in UTC+12 at 12:00Z."""
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", zone="Etc/GMT-12"))
    limit(driver, max_bookings_per_day=1)
    (taken,) = driver.open(start=read_time("2027-02-02T11:59:59.999Z"))
    (other,) = driver.open(start=read_time(f"2027-02-01T{start}Z"))
    driver.reserve(taken)
    expected = {"rule": "max_bookings_per_day", "max_bookings_per_day": 1, "by": "address"} if is_same_day else {}
    assert refusal(try_book(driver, other, customer=stranger())) == expected


def test_a_booking_of_a_slot_that_is_over_counts_on_its_day(driver: Driver) -> None:
    """One a day is one a day, also when the first is over."""
    limit(driver, max_bookings=1, max_bookings_per_day=1)
    (first,), (second,) = driver.open(start=driver.clock.now + HOUR), driver.open(start=driver.clock.now + 5 * HOUR)
    driver.reserve(first)
    driver.clock.now += 3 * HOUR
    assert refusal(try_book(driver, second))["rule"] == "max_bookings_per_day"


def test_a_move_counts_where_it_goes(driver: Driver) -> None:
    """A booking does not stand in its own way, but it does not go to a day or a calendar with enough of them."""
    limit(driver, max_bookings_per_day=1)
    today = driver.open(2)
    tomorrow = driver.open(2, start=driver.clock.now + 2 * DAY)
    booked = driver.reserve(today[0])
    driver.service.run(moving(booked, today[1]))
    driver.reserve(tomorrow[0])
    with pytest.raises(LimitExceeded):
        driver.service.run(moving(booked, tomorrow[1]))
    driver.service.run(moving(booked, tomorrow[1], principal=STAFF))
    driver.create("other", max_bookings=1)
    there = driver.open(2)
    driver.reserve(there[0])
    with pytest.raises(LimitExceeded):
        driver.service.run(moving(booked, there[1]))


def test_a_hold_is_refused_where_its_booking_would_be(driver: Driver) -> None:
    """Whoever may book no more need not fill in a form; a hold taken before books no more either."""
    limit(driver, max_bookings=1)
    first, second, third = driver.open(3)
    hold = driver.hold(second)
    driver.reserve(first)
    with pytest.raises(LimitExceeded):
        driver.hold(third)
    assert refusal(try_book(driver, second, hold, customer=stranger()))["rule"] == "max_bookings"
    assert driver.slot(second)["status"] == "held"


def test_nobody_is_found_by_what_is_stored(driver: Driver) -> None:
    """The row has a keyed hash of the caller, and none once the customer is erased."""
    booked = driver.reserve(driver.open()[0])
    ((caller,),) = driver.query("SELECT booked_by FROM booking")
    assert len(caller) == 32
    assert int(caller, 16)
    assert GUEST.address not in str(driver.query("SELECT * FROM booking"))
    driver.service.run(EraseCustomer(principal=STAFF, booking=booked["id"]))
    assert driver.query("SELECT booked_by, email FROM booking") == [("", None)]


@pytest.mark.parametrize("name", ["max_bookings", "max_bookings_per_day"])
@pytest.mark.parametrize("value", [0, -1, 10_001, True, "2", 1.5])
def test_a_limit_is_a_number_of_bookings(driver: Driver, name: str, value: Any) -> None:
    """Or null for none."""
    with pytest.raises(BadRequest):
        limit(driver, **{name: value})
    for good in (1, 10_000, None):
        limit(driver, **{name: good})


def test_a_repeated_request_counts_once(driver: Driver) -> None:
    """The retry of the booking that reached the limit gets its first answer."""
    limit(driver, max_bookings=1)
    command = booking(driver.open()[0], key=new_key())
    assert driver.service.run(command) == driver.service.run(command)
