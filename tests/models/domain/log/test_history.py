"""The history's entries: what they say, how long they stay, and what an erasure leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.contract.changes import Customer
from models.contract.commands.background import TrimLog
from models.contract.commands.bookings import CancelBooking, EraseCustomer
from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.holds import HoldSlot, ReleaseHold
from models.contract.commands.slots import CloseSlot, UpdateSlot
from models.contract.principal import Principal, Role
from models.contract.values.time import DAY
from models.domain.log import history as log_history
from models.service import Retention, SlotService
from tests.models.driver import GUEST, OTHER, STAFF, Driver, booking, history, moving, new_key, proof, results
from tests.models.outside import Outside, take

ANNA = Principal(subject="anna", role=Role.STAFF, calendars=None)
# A customer with a token of their own, whose `sub` is a name.
MARIE = Principal(subject="marie@example.org", calendars=frozenset({"room", "there"}), address="192.0.2.9")


def _told(driver: Driver, calendar: str = "", **about: Any) -> list[tuple[str, str, str | None]]:
    return [(one["command"], one["actor"], one.get("sub")) for one in history(driver, calendar, **about)]


def _trim(driver: Driver) -> None:
    driver.service.run(TrimLog(calendar=driver.calendar))


def test_an_entry_says_who_did_what_when(driver: Driver) -> None:
    """Staff and customers with a token have their `sub`; a guest and the holder of a token have none."""
    (slot,) = driver.open(capacity=2)
    driver.clock.go(1)
    hold = driver.hold(slot)
    driver.clock.go(1)
    driver.extend(hold)
    booked = driver.reserve(slot, hold)
    driver.cancel(booked)
    driver.reserve(slot, principal=MARIE)
    driver.service.run(CloseSlot(principal=ANNA, slot=slot))
    assert _told(driver, slot=slot) == [
        ("slot.close", "staff", "anna"),
        ("slot.book", "guest", "marie@example.org"),
        ("booking.cancel", "holder", None),
        ("slot.book", "guest", None),
        ("hold.extend", "holder", None),
        ("slot.hold", "guest", None),
        ("slot.open", "staff", "staff"),
    ]
    entries = history(driver, booking=booked["id"])
    assert [entry["command"] for entry in entries] == ["booking.cancel", "slot.book"]
    assert all((entry["slots"], entry["bookings"]) == ([slot], [booked["id"]]) for entry in entries)
    assert [entry["at"] for entry in entries] == ["2027-01-04T00:00:02Z", "2027-01-04T00:00:02Z"]


def test_an_entry_names_the_rules_passed_over(driver: Driver) -> None:
    """An override is in the history with the rules that would have refused, and without it there are none."""
    first, second = driver.open(2)
    driver.reserve(first)
    driver.service.run(CloseSlot(principal=ANNA, slot=first))
    driver.service.run(booking(first, principal=ANNA, override=True))
    driver.service.run(booking(second, principal=ANNA, override=True))
    free, over, *_ = history(driver)
    assert over["overridden"] == ["closed", "capacity"]
    assert "overridden" not in free


def test_an_outside_write_leaves_an_entry(driver: Driver, outside: Outside) -> None:
    """SQL of another program is in the history as `outside`, with its slots and bookings."""
    first, second = driver.open(2)
    outside.write(
        f"UPDATE slot SET capacity = 3 WHERE id = '{first}';"
        f"INSERT INTO booking (calendar, slot, name) VALUES ('room', '{second}', 'Marker');"
    )
    ((made,),) = driver.query("SELECT id FROM booking")
    entry, *_ = history(driver)
    assert (entry["command"], entry["actor"], "sub" in entry) == ("outside.take", "outside", False)
    assert sorted(entry["slots"]) == sorted([first, second])
    assert entry["bookings"] == [made]


def test_the_servers_own_work_is_in_the_history(driver: Driver) -> None:
    """Expired holds and bookings are the server's."""
    driver.create("asked", confirmation="staff", pending_seconds=60)
    first, second = driver.open(2)
    driver.hold(first)
    booked = driver.reserve(second)
    driver.clock.go(301)
    for command in (*driver.service.due(), *driver.service.unanswered()):
        driver.service.run(command)
    rejected, expired, *_ = history(driver)
    assert (rejected["command"], rejected["actor"], rejected["bookings"]) == (
        "booking.expire",
        "server",
        [booked["id"]],
    )
    assert (expired["command"], expired["actor"], expired["slots"]) == ("hold.expire", "server", [first])


def test_the_log_has_no_name(driver: Driver) -> None:
    """The log stays without personal data: a `sub` is in the table of the history alone."""
    (slot,) = driver.open(capacity=3)
    driver.reserve(slot, principal=MARIE)
    assert set(driver.query("SELECT actor FROM change_log")) == {("",)}
    assert driver.query("SELECT COUNT(*) FROM history") == [(2,)]
    for row in driver.query("SELECT * FROM change_log"):
        assert MARIE.subject not in str(row)


def test_customers_data_is_in_no_entry(driver: Driver) -> None:
    """Nothing of a booking's customer is in the log or in the history."""
    (slot,) = driver.open(capacity=3)
    customer = Customer(name="Marker", email="marker@example.org", phone="+43 555 0199277", note="Marker")
    booked = driver.reserve(slot, principal=MARIE, customer=customer, data={"a": "Marker"})
    driver.service.run(moving(booked, driver.open()[0], principal=ANNA))
    _everything_moved(driver)
    for table in ("history", "change_log"):
        for row in driver.query(f"SELECT * FROM {table}"):
            assert "arker" not in str(row)
            assert "0199277" not in str(row)


def _everything_moved(driver: Driver) -> None:
    driver.clock.go(8 * 86_400)
    _trim(driver)
    assert driver.query("SELECT COUNT(*) FROM change_log") == [(0,)]


def test_the_log_hands_its_entries_on(driver: Driver) -> None:
    """After the trim of the log the history is the same."""
    (slot,) = driver.open(capacity=9)
    for place in range(5):
        driver.reserve(slot, principal=(GUEST, MARIE)[place % 2])
    before = history(driver)
    assert len(before) == 6
    _everything_moved(driver)
    assert history(driver) == before


def test_the_trim_of_all_logs_hands_their_entries_on(driver: Driver) -> None:
    """Old changes of all calendars are deleted together, and their entries stay."""
    slots = driver.open(2)
    for slot in slots:
        driver.reserve(slot)
    before = history(driver)
    assert sorted(before[-1]["slots"]) == sorted(slots)
    driver.clock.go(8 * 86_400)
    while due := driver.service.trims():
        for command in due:
            driver.service.run(command)
    assert driver.query("SELECT COUNT(*) FROM change_log") == [(0,)]
    assert history(driver) == before


def test_entries_go_at_the_end_of_their_retention(driver: Driver) -> None:
    """An entry stays for the history's days, to the millisecond, and one beyond them goes at the next trim."""
    (slot,) = driver.open(capacity=2)
    driver.reserve(slot)
    _everything_moved(driver)
    driver.clock.now += 82 * DAY
    assert driver.service.trims() == []
    driver.clock.now += 1
    assert driver.service.trims() == [TrimLog(calendar=driver.calendar)]
    _trim(driver)
    assert history(driver) == []
    assert driver.service.trims() == []


def test_the_history_is_as_long_as_the_log(driver: Driver, open_service: Callable[..., SlotService]) -> None:
    """A shorter retention than the log's is that of the log."""
    driver.service.close()
    driver.service = open_service(retention=Retention(log_seconds=2 * 86_400, history_seconds=60))
    driver.open()
    driver.clock.now += 2 * DAY
    _trim(driver)
    assert len(history(driver)) == 1
    driver.clock.now += 1
    _trim(driver)
    assert history(driver) == []


def _erase(driver: Driver, booked: dict[str, Any]) -> None:
    driver.service.run(EraseCustomer(principal=ANNA, booking=booked["id"]))


@pytest.mark.parametrize("is_old", [False, True], ids=["in the log", "trimmed"])
def test_an_erasure_leaves_no_name(driver: Driver, *, is_old: bool) -> None:
    """The `sub` of the customer goes from the booking's entries, from the holds', and from those of other calendars."""
    slot, other = driver.open(2, capacity=2)
    kept = driver.service.run(HoldSlot(principal=MARIE, key=new_key(), slot=other))
    driver.service.run(ReleaseHold(principal=MARIE, key=new_key(), **proof(results(kept))))
    hold = results(driver.service.run(HoldSlot(principal=MARIE, key=new_key(), slot=slot)))
    booked = driver.reserve(slot, principal=MARIE, hold=hold)
    driver.create("there")
    (there,) = driver.open()
    driver.service.run(moving(booked, there, principal=ANNA))
    token = booked["token"]
    driver.service.run(CancelBooking(principal=MARIE, key=new_key(), booking=booked["id"], token=token))
    if is_old:
        for calendar in ("room", "there"):
            driver.calendar = calendar
            driver.clock.go(8 * 86_400)
            _trim(driver)
    assert MARIE.subject in str(driver.query("SELECT * FROM history"))
    _erase(driver, booked)
    assert MARIE.subject not in str(driver.query("SELECT * FROM history"))
    assert _told(driver, "there", booking=booked["id"]) == [
        ("booking.erase", "staff", "anna"),
        ("booking.cancel", "holder", None),
        ("booking.reschedule", "staff", "anna"),
    ]
    assert [entry["actor"] for entry in history(driver, "room")].count("guest") == 3


def test_an_erasure_leaves_the_names_of_others(driver: Driver) -> None:
    """The staff, other customers, and the customer's other bookings keep their `sub`."""
    (slot,) = driver.open(capacity=9)
    john = Principal(subject="john", calendars=frozenset({"room"}))
    first, _, _ = (driver.reserve(slot, principal=principal) for principal in (MARIE, MARIE, john))
    _erase(driver, first)
    assert [entry.get("sub") for entry in history(driver)] == ["anna", "john", MARIE.subject, None, "staff"]


@pytest.mark.only("sqlite")
def test_an_erasure_reads_the_entries_of_the_customer_only(driver: Driver) -> None:
    """An erasure finds its entries by an index, however many others there are."""
    for statement in (log_history._customers, log_history._erase):
        sql = statement.sql(driver.service._db)
        plan = driver.query(f"EXPLAIN QUERY PLAN {sql}", *["x"] * sql.count("?"))
        assert "USING INDEX history_customer" in str(plan).replace("COVERING ", "")


def test_a_deleted_calendar_takes_its_history_along(driver: Driver) -> None:
    """A new calendar with the id of a deleted one has a history of its own."""
    (slot,) = driver.open()
    driver.service.run(UpdateSlot(principal=ANNA, slot=slot, capacity=2))
    driver.query("DELETE FROM slot")
    driver.query("DELETE FROM calendar")
    take(driver.service)
    driver.service.run(CreateCalendar(principal=STAFF, calendar=driver.calendar, name="New", zone="UTC"))
    assert history(driver) == []


def test_a_log_that_begins_anew_leaves_the_history(driver: Driver) -> None:
    """Lost triggers begin another history of changes, and who did what stays."""
    (slot,) = driver.open(capacity=3)
    driver.reserve(slot)
    before = history(driver)
    driver.service.close()
    if driver.path.startswith("postgresql:"):
        sql = "SELECT tgname || ' ON slot' FROM pg_trigger WHERE tgname LIKE 'outside%' AND tgrelid = 'slot'::regclass"
    else:
        sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'outside*' LIMIT 1"
    driver.query(f"DROP TRIGGER {driver.query(sql)[0][0]}")
    driver.service.open()
    assert driver.query("SELECT COUNT(*) FROM change_log") == [(0,)]
    assert history(driver) == before
    driver.hold(slot, principal=OTHER)
    assert len(history(driver)) == len(before) + 1
