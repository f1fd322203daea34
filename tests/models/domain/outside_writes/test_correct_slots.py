"""Rows of outside writers: the service counts and stamps them as its own."""

from __future__ import annotations

import pytest

from models.contract.commands.calendars import UpdateCalendar
from models.contract.commands.slots import CloseSlot
from models.contract.values.time import DAY, HOUR
from tests.models.database_audit import audit
from tests.models.driver import STAFF, booking, code
from tests.models.outside import AT, Outside, slot_row, take, uuid
from tests.support.databases.outsider import Refused, write


def test_four_columns_are_enough_for_a_slot(outside: Outside) -> None:
    """It is open, has one seat, and can be booked like any other."""
    (change,) = outside.write(slot_row(1))
    assert [slot["id"] for slot in change["slots"]] == [uuid(1)]
    assert change["slots"][0]["bookable"]
    assert change["slots"][0]["version"] == change["seq"]
    outside.driver.reserve(uuid(1))


def test_every_column_has_a_default_unless_only_the_writer_knows_it(outside: Outside) -> None:
    """A slot needs its calendar and times; a hold and a booking their slot; a calendar its id and name."""
    url = outside.driver.service.url
    write(url, "INSERT INTO calendar (id, name) VALUES ('by-hand', 'By hand')")
    write(url, f"INSERT INTO slot (calendar, start, \"end\") VALUES ('by-hand', {AT}, {AT + HOUR})")
    write(url, "INSERT INTO booking (calendar, slot) SELECT calendar, id FROM slot")
    write(url, "UPDATE slot SET capacity = 2; INSERT INTO hold (calendar, slot) SELECT calendar, id FROM slot")
    take(outside.driver.service)
    (slot,) = outside.driver.slots("by-hand").values()
    assert (slot["capacity"], slot["held"], slot["remaining"], slot["status"]) == (2, 1, 0, "held")
    audit(outside.driver.path)


@pytest.mark.parametrize(
    ("sql", "field", "value"),
    [
        ("state = 1", "status", "closed"),
        ("capacity = 3", "remaining", 3),
        (f"start = {AT - HOUR}", "start", "2027-02-02T23:00:00Z"),
        ("data = '{\"a\":\n 1}'", "data", {"a": 1}),
        ("blocked = 4", "bookable", True),
        ("busy = 1", "bookable", True),
        ("held = 1", "held", 0),
        ("version = 99", "bookable", True),
    ],
)
def test_an_inserted_slot_is_a_change_with_right_counters(
    outside: Outside, sql: str, field: str, value: object
) -> None:
    """Counters are those of holds and bookings, whatever an outside writer sets."""
    outside.write(slot_row(1))
    (change,) = outside.write(f"UPDATE slot SET {sql}")
    assert change["slots"][0][field] == value


def test_a_time_of_a_change_is_that_of_its_own_change(outside: Outside) -> None:
    """Whatever an outside writer sets; the feed has the time of the last change."""
    outside.write(slot_row(1))
    outside.write(f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}')")
    outside.driver.clock.go(60)
    outside.write("UPDATE slot SET changed_at = 5")
    outside.write("UPDATE booking SET changed_at = 5")
    for table in ("slot", "booking"):
        assert outside.driver.query(f"SELECT changed_at FROM {table}") == [(outside.driver.clock.now,)]


def test_seats_that_others_take_are_counted_at_once(outside: Outside) -> None:
    """Before anything was taken into the log, the service refuses the seat, and so does the database."""
    driver = outside.driver
    outside.write(slot_row(1))
    write(driver.service.url, f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}')")
    assert code(driver.together([booking(uuid(1))])[0]) == "slot_unavailable"
    for verb in ("INSERT", "INSERT OR IGNORE" if driver.service.url.startswith("sqlite") else "INSERT"):
        with pytest.raises(Refused, match="more seats"):
            write(driver.service.url, f"{verb} INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}')")
    (change,) = outside.write("UPDATE booking SET name = 'Ada'")
    assert change["slots"][0]["status"] == "booked"
    assert len(driver.service.bookings("room", 0, AT + DAY)[0]) == 1


def test_a_change_of_a_booking_frees_or_takes_its_seat(outside: Outside) -> None:
    outside.write(slot_row(1) + slot_row(2, 1) + f"UPDATE slot SET capacity = 2 WHERE id = '{uuid(1)}'")
    outside.write(f"INSERT INTO booking (id, calendar, slot, seats) VALUES ('{uuid(7)}', 'room', '{uuid(1)}', 2)")
    assert outside.viewer.slots[uuid(1)]["remaining"] == 0
    outside.write("UPDATE booking SET seats = 1")
    assert outside.viewer.slots[uuid(1)]["remaining"] == 1
    outside.write(f"UPDATE booking SET slot = '{uuid(2)}'")
    assert [outside.viewer.slots[uuid(number)]["remaining"] for number in (1, 2)] == [2, 0]
    outside.write("UPDATE booking SET status = 'cancelled'")
    assert outside.viewer.slots[uuid(2)]["remaining"] == 1
    outside.write("UPDATE booking SET status = 'pending'")
    (change,) = outside.write("DELETE FROM booking")
    assert change["slots"][0]["remaining"] == 1


def test_holds_of_outside_writers_expire(outside: Outside) -> None:
    """Inserted holds last until their time, and expire like any other."""
    outside.write(slot_row(1))
    until = outside.driver.clock.now + 30_000
    outside.write(f"INSERT INTO hold (calendar, slot, expires_at) VALUES ('room', '{uuid(1)}', {until})")
    assert outside.viewer.slots[uuid(1)]["held_until"] == "2027-01-04T00:00:30Z"
    outside.driver.clock.go(31)
    for command in outside.driver.service.due():
        outside.driver.service.run(command)
    outside.viewer.follow()
    assert outside.viewer.slots[uuid(1)]["bookable"]
    outside.write(f"INSERT INTO hold (calendar, slot) VALUES ('room', '{uuid(1)}')")
    outside.write("DELETE FROM hold")
    assert outside.viewer.slots[uuid(1)]["bookable"]


def test_neighbours_are_blocked(outside: Outside) -> None:
    """In a calendar without overlaps an inserted booking, a moved slot and a deletion count as the service's own."""
    driver = outside.driver
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"overlap": "reject"}))
    half = HOUR // 2
    outside.write(slot_row(1) + slot_row(2, 5) + slot_row(3, 9))
    outside.write(f"UPDATE slot SET start = {AT + half}, \"end\" = {AT + 3 * half} WHERE id = '{uuid(2)}'")
    outside.write(f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}')")
    assert [outside.viewer.slots[uuid(number)]["bookable"] for number in (1, 2, 3)] == [False, False, True]
    outside.write(f"UPDATE slot SET start = {AT}, \"end\" = {AT + HOUR} WHERE id = '{uuid(3)}'")
    assert not outside.viewer.slots[uuid(3)]["bookable"]
    outside.write(f"UPDATE slot SET start = {AT + DAY}, \"end\" = {AT + DAY + HOUR} WHERE id = '{uuid(1)}'")
    assert all(outside.viewer.slots[uuid(number)]["bookable"] for number in (2, 3))
    outside.write("DELETE FROM booking")
    outside.write("UPDATE calendar SET policy = '{}'")


def test_a_version_that_no_client_can_count_to_is_the_services_again(outside: Outside) -> None:
    outside.write(slot_row(1))
    largest = (1 << 63) - 1
    outside.write(
        f"INSERT INTO booking (calendar, slot, version) VALUES ('room', '{uuid(1)}', {largest});"
        f"UPDATE slot SET version = {largest}"
    )
    head = outside.viewer.have
    assert outside.driver.query("SELECT version FROM booking UNION SELECT version FROM slot") == [(head,)]


def test_rows_copied_back_with_their_versions_are_changes(outside: Outside) -> None:
    """A restored dump of one table becomes the state, also with an older version in its rows."""
    driver = outside.driver
    slots = driver.open(3)
    driver.reserve(slots[0])
    outside.viewer.follow()
    rows = driver.query('SELECT id, start, "end", state, version FROM slot ORDER BY id')
    driver.service.run(CloseSlot(principal=STAFF, slot=slots[1]))
    outside.viewer.follow()
    values = ", ".join(
        f"('{name}', 'room', {start}, {end}, {state}, {version})" for name, start, end, state, version in rows
    )
    delete = "DELETE FROM slot" if outside.is_sqlite else "DELETE FROM booking; DELETE FROM slot"
    outside.write(f'{delete}; INSERT INTO slot (id, calendar, start, "end", state, version) VALUES {values}')
    assert {slot["status"] for slot in outside.viewer.slots.values()} <= {"open", "booked"}
    assert outside.viewer.slots[slots[1]]["bookable"]
    assert outside.viewer.slots[slots[0]]["bookable"] is not outside.is_sqlite
