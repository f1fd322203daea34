"""Texts of a SQLite file that are not UTF-8: the audit names them, a repair mends them, and a start survives them."""

from __future__ import annotations

import pytest

from models.contract.values.time import HOUR
from models.service import SlotService
from tests.models.database_audit import spoil
from tests.models.driver import Driver, Viewer
from tests.models.outside import AT

BYTES = "CAST(X'7B2261FF223A317D' AS TEXT)"  # {"a\xff":1}
COLUMNS = (
    "slot.id", "slot.data", "hold.id", "hold.holder", "hold.overridden", "booking.id", "booking.name", "booking.email",
    "booking.phone", "booking.note", "booking.data", "booking.booked_by", "booking.overridden",
)  # fmt: skip


def again(driver: Driver) -> SlotService:
    """Start another server on the database: its triggers are made again."""
    service = SlotService(driver.service.url, b"a secret of the tests", clock=driver.clock)
    service.open()
    return service


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("place", COLUMNS)
def test_an_unreadable_text_is_named_and_mended(driver: Driver, place: str) -> None:
    """One line has the table, the column and the row. After the repair a viewer has what a new one reads."""
    table, column = place.split(".")
    held, booked = driver.open(2)
    driver.hold(held)
    driver.reserve(booked)
    spoil(driver.service.url, f"UPDATE {table} SET {column} = {BYTES} WHERE rowid = 1")
    service = again(driver)
    found = service.audit()
    assert [(one.calendar, one.complaint) for one in found] == [(table, f"its {column} is not UTF-8")]
    service.repair(found)
    service.repair(service.audit())  # rows that referred to an id
    assert service.audit() == []
    viewer = Viewer(service, "room")
    viewer.look()
    viewer.check()
    service.close()


@pytest.mark.only("sqlite")
def test_rows_of_an_unreadable_id_stay_together(driver: Driver) -> None:
    """The same bytes become the same id in every table."""
    (slot,) = driver.open_between(AT, AT + HOUR)
    driver.reserve(slot)
    spoil(
        driver.service.url,
        *(f"UPDATE {table} SET {column} = {BYTES}" for table, column in (("slot", "id"), ("booking", "slot"))),
        *(f"UPDATE {table} SET {column} = {BYTES}" for table, column in (("calendar", "id"), ("slot", "calendar"))),
        f"UPDATE booking SET calendar = {BYTES}",
    )
    service = again(driver)
    service.repair(service.audit())
    service.repair(service.audit())  # the log of the old id
    ((mended, calendar),) = driver.query("SELECT id, calendar FROM slot")
    assert driver.query("SELECT slot, calendar FROM booking") == [(mended, calendar)]
    assert [found.id for found in service.snapshot(calendar, AT, AT + HOUR).slots] == [mended]
    service.close()


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("column", ["name", "zone", "policy", "data"])
def test_a_start_mends_the_calendars(driver: Driver, column: str) -> None:
    """A server reads all calendars at its start, so none is left unreadable."""
    driver.open()
    viewer = Viewer(driver.service, "room")
    spoil(driver.service.url, f"UPDATE calendar SET {column} = {BYTES}")
    service = again(driver)
    for command in service.outside():
        service.run(command)
    assert service.audit() == []
    assert len(service.calendars()) == 1
    viewer.look()
    viewer.check()
    service.close()
