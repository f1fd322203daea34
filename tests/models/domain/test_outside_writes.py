"""What other writers than the service do to the tables: it becomes changes, once, or the database refuses it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playhouse.migrations import Runner

from models.contract.commands import CloseSlot, CreateCalendar, RescheduleBooking, TakeOutside, UpdateCalendar
from models.contract.time import DAY, HOUR
from models.service import SlotService
from models.storage.database import MIGRATIONS, open_database
from tests.models.audit import asking, audit
from tests.models.driver import GUEST, STAFF, START, Driver, Viewer, booking, code, new_key, results
from tests.support.outsider import Refused, write

AT = START + 30 * DAY


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def slot_row(number: int, at: int = 0, *, calendar: str = "room") -> str:
    start = AT + at * HOUR
    return (
        'INSERT INTO slot (id, calendar, start, "end")'
        f" VALUES ('{uuid(number)}', '{calendar}', {start}, {start + HOUR});"
    )


def take(service: SlotService) -> int:
    """Takes all that was noted; how many commands that took."""
    count = 0
    while commands := service.outside():
        for command in commands:
            service.run(command)
            count += 1
    return count


class Outside:
    """A driver, a viewer of its calendar, and a writer outside of the service."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.viewer = Viewer(driver.service, driver.calendar)

    def write(self, sql: str) -> list[dict[str, Any]]:
        """The changes that it leads to; the viewer, with nothing but these, has what there is."""
        write(self.driver.service.url, sql)
        take(self.driver.service)
        changes = self.viewer.follow()
        self.viewer.check()
        audit(self.driver.path)
        return changes


@pytest.fixture
def outside(driver: Driver) -> Outside:
    return Outside(driver)


def test_four_columns_are_enough_for_a_slot(outside: Outside) -> None:
    """It is open, has one seat, and can be booked like any other."""
    (change,) = outside.write(slot_row(1))
    assert [slot["id"] for slot in change["slots"]] == [uuid(1)]
    assert change["slots"][0]["bookable"]
    assert change["slots"][0]["version"] == change["seq"]
    outside.driver.reserve(uuid(1))


def test_every_column_but_what_only_the_writer_knows_has_a_default(outside: Outside) -> None:
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
        ("held = 1", "held", 0),
        ("version = 99", "bookable", True),
    ],
)
def test_an_inserted_slot_is_a_change_with_right_counters(
    outside: Outside, sql: str, field: str, value: object
) -> None:
    """Counters are those of holds and bookings, whatever somebody sets them to."""
    outside.write(slot_row(1))
    (change,) = outside.write(f"UPDATE slot SET {sql}")
    assert change["slots"][0][field] == value


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


def test_what_happens_to_a_booking_frees_or_takes_its_seat(outside: Outside) -> None:
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
    """They are held until they say, and swept like any other."""
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
    """Where a calendar lets no slots overlap: a booking, a move in time and a deletion by hand count as any other."""
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
    """With its holds and bookings; both calendars tell, and a command that knew it in the old one finds it."""
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
    """Whoever sets it, also by deleting the calendar and putting it back: history goes on where it was."""
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
    """And another of its name begins its history anew, made by hand or by the service."""
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


REFUSED = {
    "end before start": f'UPDATE slot SET "end" = {AT - 1}',
    "no seats": "UPDATE slot SET capacity = 0",
    "fewer seats than are taken": "UPDATE slot SET capacity = 1",
    "removed with seats taken": "UPDATE slot SET state = 2",
    "no such state": "UPDATE slot SET state = 5",
    "before 1970": "UPDATE slot SET start = -1",
    "after 9999": f'UPDATE slot SET start = {1 << 50}, "end" = {(1 << 50) + 1}',
    "longer than a year": f'UPDATE slot SET "end" = {AT + 400 * DAY}',
    "no JSON": "UPDATE slot SET data = '{x'",
    "too much JSON": f"""UPDATE slot SET data = '"{"x" * 5_000}"'""",
    "no calendar": slot_row(9, calendar="nowhere"),
    "no UUID": f"INSERT INTO slot (id, calendar, start, \"end\") VALUES ('x', 'room', {AT}, {AT + 1})",
    "a booking of no slot": f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(9)}')",
    "a booking without UUID": f"INSERT INTO booking (id, calendar, slot) VALUES ('x', 'room', '{uuid(1)}')",
    "an overfull slot": f"INSERT INTO booking (calendar, slot, seats) VALUES ('room', '{uuid(1)}', 2)",
    "an overfull slot by holds": f"INSERT INTO hold (calendar, slot, seats) VALUES ('room', '{uuid(1)}', 2)",
    "no seats booked": "UPDATE booking SET seats = 0",
    "no such status": "UPDATE booking SET status = 'gone'",
    "a policy that is none": "UPDATE calendar SET policy = '[]'",
    "no such policy": """UPDATE calendar SET policy = '{"hold_minutes":5}'""",
    "a policy out of bounds": """UPDATE calendar SET policy = '{"hold_seconds":5}'""",
    "no limit of bookings": """UPDATE calendar SET policy = '{"max_bookings":0}'""",
    "too many bookings a day": """UPDATE calendar SET policy = '{"max_bookings_per_day":10001}'""",
    "no number": """UPDATE calendar SET policy = '{"max_holds":"many"}'""",
    "a strange id": "INSERT INTO calendar (id, name) VALUES ('A calendar', 'x')",
    "no such visibility": "UPDATE calendar SET visibility = 'hidden'",
    "a slot with seats taken is deleted": "DELETE FROM slot",
    "a calendar with slots is deleted": "DELETE FROM calendar",
}


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED)
def test_an_invalid_row_is_refused(outside: Outside, sql: str) -> None:
    """By the database, in the writer's own transaction, with nothing told."""
    outside.write(slot_row(1) + "UPDATE slot SET capacity = 3")
    outside.write(
        f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}');"
        f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}')"
    )
    with pytest.raises(Refused):
        write(outside.driver.service.url, ("PRAGMA foreign_keys = ON;" if is_sqlite(outside) else "") + sql)
    assert take(outside.driver.service) == 0


def is_sqlite(outside: Outside) -> bool:
    return outside.driver.service.url.startswith("sqlite:")


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("recursive", ["OFF", "ON"])
def test_a_row_that_is_replaced_counts_as_deleted(outside: Outside, recursive: str) -> None:
    """INSERT OR REPLACE fires no trigger for what it puts out: nothing of that is missed, whatever the pragma says."""
    driver = outside.driver
    pragma = f"PRAGMA recursive_triggers = {recursive};"
    outside.write(slot_row(1) + slot_row(2, 1))
    booked = driver.reserve(uuid(1))["id"]
    outside.viewer.follow()
    outside.write(
        f"{pragma}INSERT OR REPLACE INTO booking (id, calendar, slot) VALUES ('{booked}', 'room', '{uuid(2)}')"
    )
    assert [outside.viewer.slots[uuid(number)]["remaining"] for number in (1, 2)] == [1, 0]
    outside.write(f"{pragma}UPDATE slot SET state = 1 WHERE id = '{uuid(1)}'")
    outside.write(pragma + slot_row(1, 7).replace("INSERT", "INSERT OR REPLACE"))
    assert outside.viewer.slots[uuid(1)]["bookable"]
    driver.service.run(CreateCalendar(principal=STAFF, calendar="other", name="Other", zone="Etc/UTC"))
    outside.write(pragma + slot_row(1, 7, calendar="other").replace("INSERT", "INSERT OR REPLACE"))
    assert uuid(1) not in outside.viewer.slots
    outside.write(f"{pragma}INSERT OR REPLACE INTO calendar (id, name) VALUES ('room', 'Sala')")
    assert outside.viewer.info["name"] == "Sala"
    outside.write(f"{pragma}UPDATE calendar SET seq = 0, nonce = ''")
    outside.write(f"{pragma}UPDATE slot SET booked = 0, held = 1")


def test_rows_copied_back_with_their_versions_are_told(outside: Outside) -> None:
    """A dump of one table is restored: what is in it is what is there, also where it says a version that was."""
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
    delete = "DELETE FROM slot" if is_sqlite(outside) else "DELETE FROM booking; DELETE FROM slot"
    outside.write(f'{delete}; INSERT INTO slot (id, calendar, start, "end", state, version) VALUES {values}')
    assert {slot["status"] for slot in outside.viewer.slots.values()} <= {"open", "booked"}
    assert outside.viewer.slots[slots[1]]["bookable"]
    assert outside.viewer.slots[slots[0]]["bookable"] is not is_sqlite(outside)


@pytest.mark.only("postgres")
def test_truncate_and_copy_are_told(outside: Outside) -> None:
    """And what a replica's role writes, which fires no ordinary trigger."""
    driver = outside.driver
    driver.reserve(driver.open(2)[0])
    driver.hold(list(driver.slots())[1])
    outside.viewer.follow()
    outside.write("TRUNCATE hold")
    outside.write("TRUNCATE booking")
    assert all(slot["bookable"] for slot in outside.viewer.slots.values())
    outside.write(f'COPY slot (id, calendar, start, "end") FROM stdin;\n{uuid(1)}\troom\t{AT}\t{AT + 1}\n\\.\n')
    assert uuid(1) in outside.viewer.slots
    outside.write(f"SET session_replication_role = replica; {slot_row(2)}")
    assert uuid(2) in outside.viewer.slots
    outside.write("TRUNCATE slot CASCADE")
    assert outside.viewer.slots == {}


def test_own_writes_are_not_noted(driver: Driver) -> None:
    """Not one of them, whatever it writes: else each would be told twice."""
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"overlap": "reject"}))
    slots = driver.open(3, capacity=2)
    driver.reserve(slots[0], driver.hold(slots[0]))
    driver.release(driver.hold(slots[1]))
    booked = driver.reserve(slots[1])
    moved = RescheduleBooking(
        principal=GUEST, key=new_key(), booking=booked["id"], token=booked["token"], slot=slots[2]
    )
    driver.service.run(moved)
    driver.cancel(booked)
    assert driver.query("SELECT COUNT(*) FROM touched") == [(0,)]


def test_a_bulk_is_taken_in_small_changes(outside: Outside) -> None:
    """Of at most 200 slots each, in order."""
    rows = [f"('{uuid(number)}', 'room', {AT + number * HOUR}, {AT + number * HOUR + 1})" for number in range(1, 1_002)]
    changes = outside.write(f'INSERT INTO slot (id, calendar, start, "end") VALUES {", ".join(rows)}')
    assert [len(change["slots"]) for change in changes] == [100] * 10 + [1]
    assert len(outside.viewer.slots) == 1_001
    assert len(outside.write("UPDATE slot SET capacity = 2")) == 11
    assert len(outside.write("DELETE FROM slot")) == 11


def test_a_note_is_taken_once_after_a_restart(database: str) -> None:
    """Two books on one database, both of which ask: one change."""
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
    """With all that is in it; what somebody had written that no CHECK would let be is brought within them."""
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
