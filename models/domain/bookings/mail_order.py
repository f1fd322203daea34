"""The orders to mail a guest: a booking counts once its code, or the link of its mail, came back.

The row of a booking is written with it, and says when to try next until the mail is sent. The code and the link are
HMACs of the booking's id, so neither is stored. The row has pseudonyms of the caller and of the address, so that one
address gets few mails without an answer.
"""

from __future__ import annotations

from peewee import fn

from models.contract.errors import BadRequest, LimitExceeded
from models.contract.principal import Principal
from models.contract.values.canonical_email import mailbox_of
from models.contract.values.time import SECOND
from models.domain.policy import rules
from models.domain.policy.booking_states import State
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind
from models.storage.rows import BookingRow, CalendarRow, SlotRow, VerificationRow
from models.storage.tables import Verification
from models.transaction.transaction import Transaction

MOST_OF_EMAIL = 3  # bookings of one mailbox without an answer, in all calendars: each is a mail
MOST_OF_CALLER = 30  # many people may share the address of a guest
WAIT_SECONDS = 1_800  # for the answer, unless the policy has `pending_seconds`
MOST_WAIT_SECONDS = 86_400

_insert = CompiledInsert(Verification)
_read = CompiledQuery(Verification.select(Verification.tries).where(Verification.booking == bind("booking")))
_count = {
    column: CompiledQuery(Verification.select(fn.COUNT(Verification.booking)).where(column == bind("value")))
    for column in (Verification.caller, Verification.email)
}


def is_needed(principal: Principal, calendar: CalendarRow) -> bool:
    """Whether a booking of this caller counts only with the answer to a mail. A token's holder is known."""
    return rules.policy_of(calendar).verification == "email" and not principal.is_named(calendar.id)


def check(transaction: Transaction, caller: str, email: str | None, language: str) -> VerificationRow:
    """Return the row of a new booking, without its id. Refuse one without an address, and one mail too many."""
    if not email:
        raise BadRequest("A booking here needs an e-mail address, for a code.", field="customer.email")
    address = transaction.tokens.pseudonym("verification", mailbox_of(email))
    db = transaction.db_with(Verification)
    for column, value, most in (
        (Verification.email, address, MOST_OF_EMAIL),
        (Verification.caller, caller, MOST_OF_CALLER),
    ):
        if _count[column].rows(db, value=value)[0][0] >= most:
            raise LimitExceeded("Too many bookings wait for the answer to their mail.", rule="unverified", most=most)
    return VerificationRow("", caller, address, 0, 0, transaction.now, transaction.now, language)


def begin(transaction: Transaction, booking: BookingRow, slot: SlotRow, row: VerificationRow) -> BookingRow:
    """Return the new booking as pending, and write the order to send its mail."""
    transaction.insert(_insert, row._replace(booking=booking.id))
    policy = rules.policy_of(transaction.calendar(booking.calendar))
    seconds = min(policy.pending_seconds or WAIT_SECONDS, MOST_WAIT_SECONDS)
    return booking._replace(status=State.PENDING.value, expires_at=min(slot.start, transaction.now + seconds * SECOND))


def tries(transaction: Transaction, booking: str) -> int | None:
    """Return the number of wrong codes so far; None for a booking that waits for no answer to a mail."""
    found = _read.rows(transaction.db_with(Verification), booking=booking)
    return found[0][0] if found else None


def is_waited_for(transaction: Transaction, row: BookingRow) -> bool:
    """Whether the booking still waits for the answer to its mail. Only a pending one can."""
    return row.status == State.PENDING and tries(transaction, row.id) is not None
