"""Codes by mail: the guests that need one, and the bound on the mails of one address."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.contract.commands.bookings import Person
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.errors import BadRequest, LimitExceeded
from models.contract.principal import Principal
from models.contract.values.time import HOUR
from models.domain.bookings.mail_order import MOST_OF_EMAIL
from models.domain.bookings.verification import KEPT_SECONDS
from models.service import SlotService
from tests.models.domain.bookings.verified import book, orders, verify
from tests.models.driver import STAFF, Driver, FakeClock


def test_who_has_a_token_needs_no_mail(mailing: Driver) -> None:
    """Staff, and a customer whom a token of the calendar names, book at once and get no mail."""
    named = Principal(subject="ada", calendars=frozenset({"room"}))
    for principal in (STAFF, named):
        booked = book(mailing, principal=principal)
        assert (booked["status"], "verification" in booked) == ("confirmed", False)
    assert orders(mailing) == []


def test_a_guest_without_an_address_is_refused(mailing: Driver) -> None:
    """There is nowhere to send the code to."""
    with pytest.raises(BadRequest) as refused:
        mailing.reserve(mailing.open()[0], customer=Person(name="Ada"))
    assert refused.value.details["field"] == "customer.email"


def test_one_address_gets_few_mails(mailing: Driver, clock: FakeClock) -> None:
    """Bookings without an answer count, also ended ones; a verified one does not, and two days later none does."""
    slots = mailing.open(MOST_OF_EMAIL + 2)
    first, *_ = [book(mailing, slot) for slot in slots[:MOST_OF_EMAIL]]
    with pytest.raises(LimitExceeded) as refused:
        book(mailing, slots[-1])
    assert refused.value.details["rule"] == "unverified"
    order = next(order for order in orders(mailing) if order["booking"] == first["id"])
    verify(mailing, first, order["code"])
    book(mailing, slots[-2])
    with pytest.raises(LimitExceeded):
        book(mailing, slots[-1])
    clock.go(KEPT_SECONDS + 1)
    orders(mailing)
    book(mailing, mailing.open(start=clock.now + HOUR)[0])


def test_tags_bring_one_mailbox_no_more_mails(mailing: Driver) -> None:
    """A stranger who books for `ada+1@`, `ada+2@` … sends as many mails to Ada as for `ada@`."""
    slots = mailing.open(MOST_OF_EMAIL + 1)
    people = [Person(name="Ada", email=f"ada+{number}@example.org") for number in range(MOST_OF_EMAIL + 1)]
    for slot, person in zip(slots[:-1], people[:-1], strict=True):
        mailing.reserve(slot, customer=person)
    with pytest.raises(LimitExceeded) as refused:
        mailing.reserve(slots[-1], customer=people[-1])
    assert refused.value.details["rule"] == "unverified"


def test_without_mail_the_policy_is_refused(open_service: Callable[..., SlotService], clock: FakeClock) -> None:
    """A server without SLOTCAST_SMTP_URL says so, to a new calendar and to a change of one."""
    driver = Driver(open_service(), clock)
    driver.create()
    policy = {"verification": "email"}
    commands = (
        CreateCalendar(principal=STAFF, calendar="other", name="Other", zone="Etc/UTC", policy=policy),
        UpdateCalendar(principal=STAFF, calendar="room", policy=policy),
    )
    for command in commands:
        with pytest.raises(BadRequest, match="SLOTCAST_SMTP_URL") as refused:
            driver.service.run(command)
        assert refused.value.details["field"] == "policy.verification"
