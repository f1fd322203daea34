"""Outside writes to the tables: each becomes a change, or the database refuses it."""

from __future__ import annotations

import pytest

from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.slots import CloseSlot
from tests.models.driver import STAFF, Driver, Viewer, results
from tests.models.outside import Outside, slot_row, sql, take, uuid
from tests.support.databases.outsider import write


def test_a_slot_that_is_deleted_or_removed_is_gone(outside: Outside) -> None:
    outside.write(slot_row(1) + slot_row(2, 1))
    (change,) = outside.write(f"DELETE FROM slot WHERE id = '{uuid(1)}'; UPDATE slot SET state = 2")
    assert sorted(change["removed"]) == [uuid(1), uuid(2)]
    assert outside.viewer.slots == {}


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


@pytest.mark.parametrize(
    "moved",
    [
        "UPDATE booking SET slot = <9>, version = 0",
        "DELETE FROM booking; INSERT INTO booking (id, calendar, slot) SELECT id, 'other', <9> FROM kept",
    ],
)
def test_a_version_does_not_fall_in_another_calendar(outside: Outside, moved: str) -> None:
    """A booking moves by hand to a calendar with a lower seq, which is the first to take its note."""
    driver = outside.driver
    outside.write(slot_row(1))
    booked = driver.reserve(uuid(1))["id"]
    outside.write("UPDATE booking SET version = 500")
    driver.service.run(CreateCalendar(principal=STAFF, calendar="other", name="Other", zone="Etc/UTC"))
    outside.write(slot_row(9, calendar="other"))
    there = Viewer(driver.service, "other")
    before = outside.viewer.bookings[booked]["version"]
    kept = "CREATE TEMPORARY TABLE kept AS SELECT * FROM booking; "
    write(driver.service.url, f"BEGIN; {kept}{sql(moved)}; COMMIT;")
    for command in driver.service.outside():  # in order of the calendars' ids
        driver.service.run(command)
        there.follow()
        if booked in there.bookings:
            assert there.bookings[booked]["version"] > before
    take(driver.service)
    there.follow()
    outside.viewer.follow()
    there.check()
    outside.viewer.check()
    assert there.bookings[booked]["version"] > before


def test_a_pending_booking_ends_with_an_earlier_start(outside: Outside) -> None:
    """Its slot is moved by hand: the change has the booking with its new end, in a new version."""
    driver = outside.driver
    outside.write(slot_row(1) + """; UPDATE calendar SET policy = '{"confirmation":"staff"}'""")
    booked = driver.reserve(uuid(1))
    outside.viewer.follow()
    before = outside.viewer.bookings[booked["id"]]
    assert before["status"] == "pending"
    outside.write("UPDATE slot SET start = start - 1800000")
    outside.viewer.check()
    after = outside.viewer.bookings[booked["id"]]
    assert after["expires_at"] < before["expires_at"]
    assert after["version"] > before["version"]


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
