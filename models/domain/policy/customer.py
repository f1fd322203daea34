"""Checks the customer of a booking: name, e-mail address, phone number and note."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from models.contract.changes import CUSTOMER_CHARACTERS
from models.contract.commands.bookings import Person
from models.contract.errors import BadRequest
from models.contract.values.text import check_line, check_lines

PHONE_DIGITS = range(3, 16)  # E.164 has 15 at most
# The digits and the plus sign of E.164, and what people write between them.
_PHONE = re.compile(r"\(?\+?[0-9][0-9 ()./-]*", re.ASCII)


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?!-)){0,61}(?<!-)"
# The plain addresses, for which the library's 30 us would be a third of a booking.
_PLAIN_EMAIL = re.compile(
    rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*\.[A-Za-z]{{2,63}}", re.ASCII
)

_ENCODED_WORD = "=?"  # of RFC 2047

# Of the syntax alone: `ada@intranet.local` is an address where it is used.
SPECIAL_USE_DOMAIN_NAMES.clear()


class CheckedCustomer(NamedTuple):
    """The columns of a booking that have its customer."""

    name: str
    email: str | None
    phone: str | None
    note: str | None


def check_customer(customer: Person) -> CheckedCustomer:
    """Return the customer's fields, trimmed and otherwise as typed; BadRequest names the first invalid one."""
    return CheckedCustomer(
        name=check_name(customer.name),
        email=check_detail("email", customer.email),
        phone=check_detail("phone", customer.phone),
        note=check_detail("note", customer.note),
    )


def check_name(value: str) -> str:
    """Return the name, trimmed; BadRequest without one."""
    name = _line("name", value)
    if name is None:
        raise BadRequest("A booking needs a name.", field="customer.name")
    return name


def check_detail(field: Literal["email", "phone", "note"], value: str | None) -> str | None:
    """Return one of the other fields, trimmed, or None for an empty one; BadRequest for an invalid one."""
    if not value:
        return None
    if field == "note":
        return check_lines(value, field, most=CUSTOMER_CHARACTERS[field], field=f"customer.{field}") or None
    text = _line(field, value)
    if text is not None:
        check = _check_email if field == "email" else _check_phone
        check(text)
    return text


def _line(field: str, value: str | None) -> str | None:
    if not value:
        return None
    return check_line(value, field, most=CUSTOMER_CHARACTERS[field], field=f"customer.{field}") or None


def _check_email(email: str) -> None:
    """Check the syntax of RFC 5321 and RFC 6531. No network is asked if the domain exists."""
    if _ENCODED_WORD in email:  # a mail to it would go to the address that it encodes, which is another spelling
        raise BadRequest("`email` is no e-mail address: it has an encoded word.", field="customer.email")
    if _PLAIN_EMAIL.fullmatch(email):
        return
    try:
        validate_email(
            email,
            check_deliverability=False,
            strict=True,  # 64 characters before the @
            globally_deliverable=False,  # `ada@intranet` is an address, too
            allow_quoted_local=True,
            allow_domain_literal=True,
        )
    except EmailNotValidError as error:
        raise BadRequest(f"`email` is no e-mail address: {error}", field="customer.email") from error


def _check_phone(phone: str) -> None:
    digits = sum(character.isdigit() for character in phone)
    if not _PHONE.fullmatch(phone) or digits not in PHONE_DIGITS:
        raise BadRequest(
            "`phone` is a number of 3 to 15 digits, with a + before it and spaces, -, ., / and () in it at most.",
            field="customer.phone",
        )
