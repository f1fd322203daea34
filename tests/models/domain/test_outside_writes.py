"""Outside writes to the tables: each becomes a change once, or the database refuses it."""

from __future__ import annotations

import json

import pytest
from playhouse.migrations import Runner

from models.contract.commands.background import TakeOutside
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.commands.slots import CloseSlot
from models.contract.values.time import DAY, HOUR
from models.service import SlotService
from models.storage.database import MIGRATIONS, open_database
from tests.models.database_audit import asking, audit
from tests.models.driver import STAFF, Driver, Viewer, booking, code, results
from tests.models.outside import AT, Outside, slot_row, take, uuid
from tests.support.outsider import Refused, write


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


def test_an_update_without_a_difference_makes_no_change(outside: Outside) -> None:
    outside.write(slot_row(1))
    assert outside.write("UPDATE slot SET state = state, data = data; UPDATE calendar SET name = name") == []


def test_a_slot_that_is_deleted_or_removed_is_gone(outside: Outside) -> None:
    outside.write(slot_row(1) + slot_row(2, 1))
    (change,) = outside.write(f"DELETE FROM slot WHERE id = '{uuid(1)}'; UPDATE slot SET state = 2")
    assert sorted(change["removed"]) == [uuid(1), uuid(2)]
    assert outside.viewer.slots == {}


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


def test_a_slot_moves_to_another_calendar(outside: Outside) -> None:
    """A slot moves with its holds and bookings; both calendars have a change, and commands still find it."""
    driver = outside.driver
    outside.write(slot_row(1))
    booked = driver.reserve(uuid(1))
    driver.service.run(CreateCalendar(principal=STAFF, calendar="other", name="Other", zone="Etc/UTC"))
    there = Viewer(driver.service, "other")
    outside.viewer.follow()
    (change,) = outside.write("UPDATE slot SET calendar = 'other'")
    assert change["removed"] == [uuid(1)]
    there.follow()
    there.check()
    assert list(there.slots) == [uuid(1)]
    assert driver.query("SELECT calendar FROM booking") == [("other",)]
    assert results(driver.service.run(CloseSlot(principal=STAFF, slot=uuid(1))))["status"] == "closed"
    driver.cancel(booked)
    there.follow()
    there.check()


def test_a_calendar_is_changed_by_hand(outside: Outside) -> None:
    outside.write(slot_row(1))
    (change,) = outside.write(
        """UPDATE calendar SET name = 'Sala', policy = '{"max_holds":3}', visibility = 'private'"""
    )
    assert change["type"] == "calendar.updated"
    assert (change["info"]["name"], change["info"]["policy"]["max_holds"]) == ("Sala", 3)
    (change,) = outside.write("UPDATE calendar SET archived = TRUE")
    assert change["info"]["archived"]
    (change,) = outside.write("UPDATE calendar SET archived = FALSE")
    assert [slot["bookable"] for slot in change["slots"]] == [True]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE calendar SET seq = 0",
        "UPDATE calendar SET seq = 99, nonce = 'mine'",
        (
            "BEGIN; CREATE TEMPORARY TABLE kept AS SELECT * FROM calendar; DELETE FROM calendar;"
            " INSERT INTO calendar (id, name) SELECT id, name FROM kept; COMMIT;"
        ),
    ],
)
def test_the_head_of_a_calendar_is_the_services(driver: Driver, sql: str) -> None:
    """A nonce that others set, or a calendar deleted and put back, continues its history."""
    driver.open()
    driver.query("DELETE FROM slot")
    take(driver.service)
    outside = Outside(driver)
    before = outside.viewer.have
    outside.write(sql)
    driver.open()
    outside.viewer.follow()
    outside.viewer.check()
    assert outside.viewer.have > before


def test_a_calendar_that_is_deleted_leaves_nothing(outside: Outside) -> None:
    """A new calendar of its name has a new history, made by hand or by the service."""
    driver = outside.driver
    driver.open()
    write(driver.service.url, "DELETE FROM slot; DELETE FROM calendar")
    take(driver.service)
    assert driver.query("SELECT COUNT(*) FROM change_log") == [(0,)]
    driver.create()
    driver.open()
    write(driver.service.url, "DELETE FROM slot; DELETE FROM calendar")
    driver.create()  # before anything was taken
    driver.open()
    take(driver.service)
    viewer = Viewer(driver.service, "room")
    driver.open()
    viewer.follow()
    viewer.check()


def test_an_unknown_zone_becomes_the_default(outside: Outside) -> None:
    """The database does not know the zones, and a calendar in none could not be read."""
    (change,) = outside.write("UPDATE calendar SET zone = 'Mars/Olympus'")
    assert change["info"]["zone"] == "Etc/UTC"


def test_a_new_calendar_begins_at_the_beginning(outside: Outside) -> None:
    """Its head is the service's too, whatever is inserted."""
    outside.write("INSERT INTO calendar (id, name, seq, nonce) VALUES ('new', 'New', 9223372036854775807, 'a b')")
    outside.driver.calendar = "new"
    outside.driver.open()
    viewer = Viewer(outside.driver.service, "new")
    assert viewer.have == 2
    outside.write("UPDATE slot SET capacity = 2")
    viewer.follow()
    viewer.check()


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


def test_a_bulk_is_taken_in_small_changes(outside: Outside) -> None:
    """A change of the bulk has at most 100 slots, and the changes are in order."""
    rows = [f"('{uuid(number)}', 'room', {AT + number * HOUR}, {AT + number * HOUR + 1})" for number in range(1, 1_002)]
    changes = outside.write(f'INSERT INTO slot (id, calendar, start, "end") VALUES {", ".join(rows)}')
    assert [len(change["slots"]) for change in changes] == [100] * 10 + [1]
    assert len(outside.viewer.slots) == 1_001
    assert len(outside.write("UPDATE slot SET capacity = 2")) == 11
    assert len(outside.write("DELETE FROM slot")) == 11


def test_a_note_is_taken_once_after_a_restart(database: str) -> None:
    """Two services on one database both look for notes: one change."""
    one, other = (SlotService(database, b"a secret of the tests") for _ in range(2))
    one.open()
    one.run(CreateCalendar(principal=STAFF, calendar="room", name="Room", zone="Etc/UTC"))
    write(database, slot_row(1))
    other.open()
    asked = (one.outside(), other.outside())
    assert asked == ([TakeOutside(calendar="room")],) * 2
    answers = [one.run(asked[0][0]), other.run(asked[1][0])]
    assert [json.loads(answer.result) for answer in answers] == [{"left": False}] * 2
    assert one.snapshot("room", 0, 1 << 52).seq == 1
    one.close()
    other.close()
    audit(database)


def test_a_database_of_the_version_before_is_migrated_in_place(database: str) -> None:
    """Rows from before the triggers are migrated; values that break a CHECK are brought into their bounds."""
    db = open_database(database)
    db.connect()
    with db.changing_schema():
        Runner(db, str(MIGRATIONS)).up("0005_trim")
    db.drop()
    with asking(database) as ask:
        ask(
            "INSERT INTO calendar (id, name, zone, visibility, booking, policy, archived, created_at, seq, nonce)"
            " VALUES ('room', 'Room', 'Etc/UTC', 'public', 'anyone', '{}', FALSE, 0, 0, 'x')"
        )
        for number, capacity in ((1, 1), (2, 0)):
            ask(
                'INSERT INTO slot (id, calendar, start, "end", capacity, held, booked, blocked, state, origin, version)'
                f" VALUES ('{uuid(number)}', 'room', {AT}, {AT + HOUR}, {capacity}, 0, {capacity}, 0, 0, 0, 0)"
            )
        ask(
            "INSERT INTO booking (id, calendar, slot, seats, status, created_at, version)"
            f" VALUES ('{uuid(3)}', 'room', '{uuid(1)}', 1, 'confirmed', 0, 0)"
        )
    service = SlotService(database, b"a secret of the tests")
    assert "0007_outside" in service.open()
    assert [json.loads(slot.body)["capacity"] for slot in service.snapshot("room", 0, 1 << 52).slots] == [1, 1]
    assert take(service) == 0
    write(database, f"UPDATE booking SET status = 'cancelled' WHERE id = '{uuid(3)}'")
    assert take(service) == 1
    service.close()
    audit(database)
