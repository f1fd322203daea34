"""The verification of a guest's e-mail address: the code, the link, the mails, and who needs none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from models.contract.commands.background import ExpireBookings, NoteMail
from models.contract.commands.bookings import (
    ConfirmBooking,
    NewDetails,
    RescheduleBooking,
    SendCode,
    UpdateBooking,
)
from models.contract.commands.calendars import UpdateCalendar
from models.contract.errors import Forbidden, InvalidTransition, LimitExceeded, PolicyRefused
from models.contract.values.time import SECOND
from models.domain.bookings.mail_order import WAIT_SECONDS
from models.domain.bookings.verification import MAIL_SECONDS, MOST_TRIES, PAUSE_SECONDS
from tests.models.database_audit import query
from tests.models.domain.bookings.verified import book, orders, verify
from tests.models.driver import GUEST, STAFF, Driver, FakeClock, booking, moving, new_key


def _status(driver: Driver, booked: dict[str, Any]) -> str:
    ((status,),) = query(driver.path, f"SELECT status FROM booking WHERE id = '{booked['id']}'")
    return str(status)


def test_a_booking_counts_with_the_code_of_its_mail(mailing: Driver) -> None:
    """It has its seat and is pending; the code confirms it, also if it comes twice."""
    booked = book(mailing)
    assert (booked["status"], booked["verification"]) == ("pending", "email")
    (order,) = orders(mailing)
    assert (order["booking"], order["email"], order["calendar"]) == (booked["id"], "ada@example.org", "Room")
    for _ in range(2):
        told = verify(mailing, booked, order["code"])
        assert (told["verified"], told["booking"]["status"]) == (True, "confirmed")
    assert _status(mailing, booked) == "confirmed"


def test_the_link_of_the_mail_needs_no_token(mailing: Driver) -> None:
    """Whoever has the mail may confirm; without the link and without the token nobody may try a code."""
    booked = book(mailing)
    (order,) = orders(mailing)
    with pytest.raises(Forbidden):
        verify(mailing, booked, order["code"], token="")
    assert verify(mailing, booked, order["link"], token="")["verified"] is True


def test_a_code_has_so_many_tries(mailing: Driver) -> None:
    """Each wrong code counts, also across restarts; then the right one is wrong too, and the link is still good."""
    booked = book(mailing)
    (order,) = orders(mailing)
    wrong = "000000" if order["code"] != "000000" else "111111"
    left = [verify(mailing, booked, wrong)["tries_left"] for _ in range(MOST_TRIES)]
    assert left == list(reversed(range(MOST_TRIES)))
    assert verify(mailing, booked, order["code"])["verified"] is False
    assert _status(mailing, booked) == "pending"
    assert verify(mailing, booked, order["link"])["verified"] is True


def test_without_an_answer_the_booking_ends(mailing: Driver, clock: FakeClock) -> None:
    """Its seat is free half an hour after it, one millisecond before that it is not; then no code revives it."""
    booked = book(mailing)
    (order,) = orders(mailing)
    clock.now += WAIT_SECONDS * SECOND - 1
    mailing.service.run(ExpireBookings(calendar="room"))
    assert _status(mailing, booked) == "pending"
    clock.now += 1
    mailing.service.run(ExpireBookings(calendar="room"))
    assert _status(mailing, booked) == "rejected"
    with pytest.raises(InvalidTransition):
        verify(mailing, booked, order["link"])


def _send_again(driver: Driver, booked: dict[str, Any], **fields: Any) -> dict[str, Any]:
    given = {"principal": GUEST, "key": new_key(), "booking": booked["id"], "token": booked["token"], **fields}
    told: dict[str, Any] = msgspec.json.decode(driver.service.run(SendCode(**given)).result)
    return told


def test_a_code_is_mailed_again(mailing: Driver, clock: FakeClock) -> None:
    """Twice at most, each time a minute after the mail before; the code is the same, and so are the tries."""
    booked = book(mailing, language="de-AT")
    (first,) = orders(mailing)
    mailing.service.run(NoteMail(booking=booked["id"], is_sent=True))
    verify(mailing, booked, "a wrong code")
    for left in (1, 0):
        clock.now += PAUSE_SECONDS * SECOND - 1
        with pytest.raises(LimitExceeded) as caught:
            _send_again(mailing, booked)
        assert caught.value.details["retry_after"] == 1
        assert orders(mailing) == []
        clock.now += 1
        told = _send_again(mailing, booked)
        assert (told["mails_left"], told["wait_seconds"]) == (left, PAUSE_SECONDS)
        assert orders(mailing) == [first]
        mailing.service.run(NoteMail(booking=booked["id"], is_sent=True))
    assert first["language"] == "de-AT"
    clock.now += PAUSE_SECONDS * SECOND
    with pytest.raises(LimitExceeded):
        _send_again(mailing, booked)
    assert verify(mailing, booked, "a wrong code")["tries_left"] == MOST_TRIES - 2
    assert verify(mailing, booked, first["code"])["verified"] is True


def test_a_mail_comes_again_in_another_language(mailing: Driver, clock: FakeClock) -> None:
    """The language is the page's at that time."""
    booked = book(mailing)
    (first,) = orders(mailing)
    clock.now += PAUSE_SECONDS * SECOND
    _send_again(mailing, booked, language="fr")
    (second,) = orders(mailing)
    assert (first["language"], second["language"]) == ("", "fr")


def test_only_the_holder_of_a_waiting_booking_gets_a_mail(mailing: Driver, clock: FakeClock) -> None:
    """A stranger, and whoever has confirmed it, makes the server send nothing."""
    booked = book(mailing)
    (order,) = orders(mailing)
    clock.now += PAUSE_SECONDS * SECOND
    with pytest.raises(Forbidden):
        _send_again(mailing, booked, token="another")
    verify(mailing, booked, order["code"])
    assert _send_again(mailing, booked)["sent"] is False
    assert orders(mailing) == []


def test_staff_may_still_be_asked(mailing: Driver) -> None:
    """With `confirmation: "staff"` a verified booking waits for them, without another end than the policy's."""
    mailing.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"confirmation": "staff"}))
    booked = book(mailing)
    (order,) = orders(mailing)
    told = verify(mailing, booked, order["code"])
    assert (told["verified"], told["booking"]["status"]) == (True, "pending")
    assert verify(mailing, booked, order["code"])["verified"] is True
    mailing.run_as_staff(ConfirmBooking, booked)
    assert _status(mailing, booked) == "confirmed"


def test_a_moved_booking_still_waits_for_its_code(mailing: Driver, clock: FakeClock) -> None:
    """A move makes no booking count, and gives no more time."""
    booked = book(mailing)
    clock.go(60)
    (order,) = orders(mailing)
    (other,) = mailing.open()
    move = RescheduleBooking(principal=GUEST, key=new_key(), booking=booked["id"], slot=other, token=booked["token"])
    mailing.service.run(move)
    ((status, ends_at),) = query(mailing.path, "SELECT status, expires_at FROM booking")
    assert (status, ends_at) == ("pending", clock.now + (WAIT_SECONDS - 60) * SECOND)
    assert verify(mailing, booked, order["code"])["booking"]["status"] == "confirmed"


def _change_email(driver: Driver, booked: dict[str, Any], email: str | None, *, is_staff: bool = False) -> None:
    principal, token = (STAFF, "") if is_staff else (GUEST, booked["token"])
    details = NewDetails(email=email)
    driver.service.run(
        UpdateBooking(principal=principal, key=new_key(), booking=booked["id"], token=token, customer=details)
    )


def test_a_verified_address_is_swapped_for_no_other(mailing: Driver) -> None:
    """Neither before the code, which would mail it to anyone, nor after it. A spelling is no other, and staff may."""
    booked = book(mailing)
    for _ in range(2):
        for email in ("victim@example.org", None):
            with pytest.raises(PolicyRefused) as refused:
                _change_email(mailing, booked, email)
            assert refused.value.details == {"rule": "verification", "field": "customer.email"}
        for order in orders(mailing):
            assert order["email"] == "ada@example.org"
            verify(mailing, booked, order["code"])
    _change_email(mailing, booked, "ADA@example.org")
    _change_email(mailing, booked, "bob@example.org", is_staff=True)


@pytest.mark.parametrize("asked", ["email", "proof"])
def test_no_move_brings_an_unverified_booking_into_a_calendar_that_verifies(mailing: Driver, asked: str) -> None:
    """A guest cancels and books there; staff move it."""
    (there,) = mailing.open()
    mailing.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"verification": asked}))
    mailing.create("open")
    booked = book(mailing)
    with pytest.raises(PolicyRefused) as refused:
        mailing.service.run(moving(booked, there))
    assert refused.value.details == {"rule": "verification", "verification": asked}
    mailing.service.run(moving(booked, there, principal=STAFF))


def test_a_mail_is_sent_until_it_is_noted_as_sent(mailing: Driver, clock: FakeClock) -> None:
    """A server that ends after the claim loses none; a failure comes again later and later, and a sent one never."""
    booked = book(mailing)
    assert len(orders(mailing)) == 1
    assert orders(mailing) == []
    clock.go(61)
    (again,) = orders(mailing)
    assert again["booking"] == booked["id"]
    mailing.service.run(NoteMail(booking=booked["id"], is_sent=False))
    clock.go(MAIL_SECONDS[1] - 1)
    assert orders(mailing) == []
    clock.go(1)
    assert len(orders(mailing)) == 1
    mailing.service.run(NoteMail(booking=booked["id"], is_sent=True))
    clock.go(3_600)
    assert orders(mailing) == []


def test_a_repeated_request_sends_no_second_mail(mailing: Driver) -> None:
    """The key's record answers it, and says as before that a code is awaited."""
    (slot,) = mailing.open()
    command = booking(slot)
    first, again = mailing.service.run(command), mailing.service.run(command)
    assert first.result == again.result
    assert len(orders(mailing)) == 1
