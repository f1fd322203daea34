"""The calendars of a command, by the slot, hold, booking or calendar that it names."""

from __future__ import annotations

import pytest

from models.contract.commands.bookings import CancelBooking, RescheduleBooking
from models.contract.commands.calendars import UpdateCalendar
from models.contract.commands.command import Command
from models.contract.commands.holds import ReleaseHold
from models.contract.commands.slots import CloseSlot
from models.transaction.routing import Subject, calendars_of, read_routes, subjects
from tests.models.driver import STAFF, Driver


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (UpdateCalendar(principal=STAFF, calendar="room"), (("calendar", "room"),)),
        (CloseSlot(principal=STAFF, slot="s"), (("slot", "s"),)),
        (ReleaseHold(principal=STAFF, hold="h", token="t"), (("hold", "h"),)),
        (CancelBooking(principal=STAFF, booking="b"), (("booking", "b"),)),
        (RescheduleBooking(principal=STAFF, booking="b", slot="s"), (("slot", "s"), ("booking", "b"))),
    ],
)
def test_a_command_names_its_subjects(command: Command, expected: tuple[Subject, ...]) -> None:
    """The first one is the place of the idempotency record."""
    assert subjects(command) == expected


def test_routes_are_read_for_existing_subjects_only(driver: Driver) -> None:
    """An unknown id, and a text that is no id, have no route."""
    (slot,) = driver.open(capacity=2)
    hold, booked = driver.hold(slot), driver.reserve(slot)
    known: list[Subject] = [("slot", slot), ("hold", hold["id"]), ("booking", booked["id"]), ("calendar", "other")]
    unknown: list[Subject] = [("slot", hold["id"]), ("booking", "x"), ("hold", ""), ("calendar", "Not a slug")]
    routes = read_routes(driver.service._db, [*known, *unknown])
    assert routes.keys() == set(known)
    assert calendars_of(routes, [*known, *unknown]) == {"room", "other"}
