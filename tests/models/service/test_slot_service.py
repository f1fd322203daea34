"""The life of a service: opened, asked, and closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.slots import CloseSlot
from models.contract.errors import NotFound, Overloaded
from models.contract.principal import OPERATOR
from models.contract.values.ids import new_id
from models.service import SlotService, UnusableDatabase
from tests.models.driver import STAFF, Driver


def test_a_command_is_answered_or_refused_to_its_caller(driver: Driver) -> None:
    """`run` returns the answer and raises the refusal; afterwards nothing is queued."""
    (slot,) = driver.open()
    assert driver.service.run(CloseSlot(principal=STAFF, slot=slot)).seq == 2
    with pytest.raises(NotFound):
        driver.service.run(CloseSlot(principal=STAFF, slot=new_id(driver.clock.now)))
    assert driver.service.queued == 0


def test_a_closed_service_refuses_commands(database: str) -> None:
    """The caller may repeat it at another server."""
    service = SlotService(database, b"a secret of the tests")
    service.open()
    service.close()
    with pytest.raises(Overloaded) as refused:
        service.run(CreateCalendar(principal=OPERATOR, calendar="room", name="Room", zone="UTC"))
    assert refused.value.retryable


@pytest.mark.only("sqlite")
def test_an_operator_learns_why_nothing_is_written(driver: Driver) -> None:
    """A command of the command line, or the start of a server, on a full disk: "overloaded" alone helps nobody."""
    # SQLite takes the present size instead, so the file can't grow.
    driver.together([], arm=lambda connection: connection.execute("PRAGMA max_page_count = 1"))

    def fill() -> None:
        for place in range(200):
            driver.service.run(CreateCalendar(principal=OPERATOR, calendar=f"room-{place}", name="R" * 200, zone="UTC"))

    with pytest.raises(Overloaded, match="The database can't be written: database or disk is full"):
        fill()


@pytest.mark.only("sqlite")
def test_a_check_of_the_secret_makes_no_file(tmp_path: Path, database: str) -> None:
    """`check_secret` leaves nothing behind, and tells another secret from the database's."""
    SlotService(database, b"one secret of the tests").check_secret()
    assert list(tmp_path.iterdir()) == []
    service = SlotService(database, b"one secret of the tests")
    service.open()
    service.close()
    SlotService(database, b"one secret of the tests").check_secret()
    with pytest.raises(UnusableDatabase):
        SlotService(database, b"another secret of the tests").check_secret()


def test_a_listener_gets_the_rows_of_each_commit(driver: Driver) -> None:
    """They are those of the log, and it may be set while the service is open."""
    heard: list[str] = []
    driver.service.on_commit = lambda rows: heard.extend(f"{row.calendar} {row.seq} {row.type}" for row in rows)
    driver.open()
    driver.service.check()
    driver.open()
    assert heard[:1] == ["room 1 slot.opened"]
