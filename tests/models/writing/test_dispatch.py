"""The way of a command to its answer: routed, looked up by its key, then handled."""

from __future__ import annotations

import pytest

from models.contract.commands.background import ExpireHolds
from models.contract.commands.calendars import UpdateCalendar
from models.contract.commands.command import Command
from models.contract.errors import BadRequest, IdempotencyMismatch, NotFound, Unauthorized
from models.contract.values.ids import new_id
from tests.models.driver import GUEST, STAFF, Driver, booking, code, new_key


class Unhandled(Command, frozen=True, kw_only=True):
    """A command without a handler."""

    calendar: str


def test_a_command_without_a_handler_is_refused(driver: Driver) -> None:
    """It is a bad request, and no other command of its batch fails."""
    outcomes = driver.together([Unhandled(calendar="room"), ExpireHolds(calendar="room")])
    assert [code(outcome) for outcome in outcomes] == ["bad_request", "ok"]


def test_a_command_about_nothing_says_what_is_missing(driver: Driver) -> None:
    """A slot is not found; a calendar that is not there is refused as a private one."""
    with pytest.raises(NotFound) as refused:
        driver.service.run(booking(new_id(driver.clock.now)))
    assert refused.value.details["what"] == "slot"
    with pytest.raises(NotFound):
        driver.service.run(UpdateCalendar(principal=STAFF, calendar="none", name="None"))
    with pytest.raises(Unauthorized):
        driver.service.run(UpdateCalendar(principal=GUEST, calendar="none", name="None"))


def test_a_repeated_command_gets_its_first_answer(driver: Driver) -> None:
    """Also in the batch of the first one; another command under its key is refused, and so is one without a key."""
    slots = driver.open(2)
    first = booking(slots[0], key=new_key())
    answers = driver.together([first, first])
    assert answers[0] == answers[1]
    assert driver.query("SELECT COUNT(*) FROM booking") == [(1,)]
    with pytest.raises(IdempotencyMismatch):
        driver.service.run(booking(slots[1], key=first.key))
    with pytest.raises(BadRequest):
        driver.service.run(type(first)(principal=GUEST, slot=slots[1], customer=first.customer))
