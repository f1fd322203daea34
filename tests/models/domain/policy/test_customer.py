"""A customer's fields are what they say: one line each but the note, an e-mail address, a phone number."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from models.contract.changes import Customer
from models.contract.commands.bookings import Person
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.commands.command import WithToken
from models.contract.errors import BadRequest
from models.domain.policy.customer import _PLAIN_EMAIL, check_customer
from tests.models.driver import STAFF, Driver

ADDRESSES = [
    "ada@example.org", "ada+tag@example.org", "a.b-c_d@sub.example.co.uk", "o'hara@example.org", "ada@localhost",
    "ada@intranet.local", '"a b"@example.org', "ada@[192.0.2.1]", "ada@[IPv6:2001:db8::1]", "münchen@bücher.example",
    "用户@例え.jp", "user@xn--bcher-kva.example", f"{'a' * 64}@example.org", f"ada@{'x' * 63}.org", "ADA@EXAMPLE.ORG",
]  # fmt: skip
NO_ADDRESSES = [
    "ada", "@", "ada@", "@example.org", "a@b@example.org", "a b@example.org", "a..b@example.org", ".a@example.org",
    "a.@example.org", "a@-example.org", "a@example-.org", "a@example..org", "a@.org", "a@example.org.",
    "a@exa mple.org", "Ada <ada@example.org>", "ada@example.org, bob@example.org", "ada@ex_ample.org",
    "ada@[192.0.2.999]",
    f"{'a' * 65}@example.org", f"ada@{'x' * 64}.org", "mailto:ada@example.org@", "ada@xn--a.org", "ada@example.org;",
]  # fmt: skip
PHONES = ["112", "+43 1 234 56 78", "(01) 234-5678", "+1.415.555.0199", "0043/1/2345678", "(+43) 1 234", "1" * 15]
NO_PHONES = [
    "12", "1" * 16, "+", "call me", "+43 1 CALL", "++43 1 234", "43+1234", "1234 ext. 5", "٠١٢٣٤٥", "+43\u00a01234",
]  # fmt: skip
CONTROLS = ["\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066"]


def person(**fields: Any) -> Person:
    return Person(**{"name": "Ada", **fields})


@pytest.mark.parametrize("email", ADDRESSES)
def test_an_address_is_what_the_rfcs_say(email: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 5321 and RFC 6531 decide, the address stays as typed, and no network is asked."""
    monkeypatch.setattr(socket, "socket", None)
    assert check_customer(person(email=f" {email} ")).email == email


@pytest.mark.parametrize("email", NO_ADDRESSES)
def test_what_is_no_address_is_refused(email: str) -> None:
    """The refusal names the field."""
    with pytest.raises(BadRequest) as refused:
        check_customer(person(email=email))
    assert refused.value.details == {"field": "customer.email"}
    assert not _PLAIN_EMAIL.fullmatch(email)


@pytest.mark.parametrize("local", ["=?utf-8?q?eve?=", "=?utf-8?b?ZXZl?=", '"=?utf-8?q?eve=40evil.example?="'])
def test_an_encoded_word_is_no_spelling_of_an_address(local: str) -> None:
    """The mail would go to the decoded address, past a block and past the limits of that address."""
    with pytest.raises(BadRequest):
        check_customer(person(email=f"{local}@example.org"))


@pytest.mark.parametrize("phone", PHONES)
def test_a_phone_number_stays_as_typed(phone: str) -> None:
    """Digits and a plus, with what people write between them."""
    assert check_customer(person(phone=phone)).phone == phone


@pytest.mark.parametrize("phone", NO_PHONES)
def test_what_is_no_phone_number_is_refused(phone: str) -> None:
    """E.164 has 15 digits at most; other characters have no place in it."""
    with pytest.raises(BadRequest) as refused:
        check_customer(person(phone=phone))
    assert refused.value.details == {"field": "customer.phone"}


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("field", ["name", "email", "phone"])
@pytest.mark.parametrize("form", ["{0}1", "1{0}2", "1{0}"])
def test_a_line_has_no_control_characters(field: str, control: str, form: str) -> None:
    """A control character is refused inside a line and at its ends, although the ends are trimmed."""
    with pytest.raises(BadRequest) as refused:
        check_customer(person(**{field: form.format(control)}))
    assert refused.value.details == {"field": f"customer.{field}"}


def test_a_note_has_lines() -> None:
    """Line breaks and tabs are a note's; other control characters are not."""
    assert check_customer(person(note="a\r\nb\tc\n")).note == "a\r\nb\tc"
    for control in set(CONTROLS) - {"\n", "\r", "\t", "\u2028", "\u2029"}:
        with pytest.raises(BadRequest):
            check_customer(person(note=f"a{control}b"))


def test_what_was_taken_is_read_back(driver: Driver) -> None:
    """On each database, letter by letter."""
    customer = Customer(name="Zoë 用户 👩‍👧", email="münchen@bücher.example", phone="(+43) 1/234", note="a\nb")
    booked = driver.reserve(driver.open()[0], customer=customer)
    assert driver.service.booking(WithToken(principal=STAFF, booking=booked["id"])).customer == customer


@pytest.mark.parametrize("control", CONTROLS)
def test_a_calendars_name_is_one_line(driver: Driver, control: str) -> None:
    """The check runs for a new calendar and for a changed one."""
    for command in (
        CreateCalendar(principal=STAFF, calendar="other", name=f"a{control}b", zone="Etc/UTC"),
        UpdateCalendar(principal=STAFF, calendar="room", name=f"a{control}"),
    ):
        with pytest.raises(BadRequest) as refused:
            driver.service.run(command)
        assert refused.value.details == {"field": "name"}
