"""The verification of a guest's e-mail address, by the code or the link of a mail, and the mails to send.

`mail_order` has the rows.
"""

from __future__ import annotations

import hmac

from msgspec import Struct

from models.contract.commands.background import ClaimMails, NoteMail
from models.contract.commands.bookings import SendCode, VerifyBooking
from models.contract.errors import Forbidden, LimitExceeded, NotFound
from models.contract.values.ids import UUID
from models.contract.values.time import SECOND
from models.contract.values.tokens import Tokens
from models.domain.bookings import bookings, mail_order
from models.domain.policy.booking_states import State, is_done
from models.domain.slots import capacity
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.rows import BookingRow
from models.storage.tables import Booking, Calendar, Slot, Verification
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

CODE_DIGITS = 6
MOST_TRIES = 5  # of the code; afterwards only the link opens the booking
MOST_REPEATS = 2  # mails beside the first one
PAUSE_SECONDS = 60  # from a mail to the next one that its guest asks for
KEPT_SECONDS = 2 * 86_400
MAIL_SECONDS = (5, 15, 60, 120, 300, 600, 1_200, 2_400)  # from a try to send a mail to the next one
MAILS_AT_ONCE = 20
_CLAIM_SECONDS = 60  # a mail whose server has ended meanwhile is sent again after so long

_read_mails = CompiledQuery(Verification.select(Verification.mails).where(Verification.booking == bind("booking")))
_count_try = CompiledQuery(
    Verification.update({Verification.tries: Verification.tries + 1}).where(Verification.booking == bind("booking"))
)
_delete = CompiledQuery(Verification.delete().where(Verification.booking == bind("booking")))
_forget = CompiledQuery(Verification.delete().where(Verification.created_at < bind("before")))
_due = CompiledQuery(
    Verification.select(Verification.booking, Verification.mails, Verification.language)
    .where(Verification.mail_at.is_null(is_null=False) & (Verification.mail_at <= bind("now")))
    .order_by(Verification.mail_at)
    .limit(literal(MAILS_AT_ONCE))
)
_set_mail = CompiledQuery(
    Verification.update({Verification.mail_at: bind("mail_at"), Verification.mails: bind("mails")}).where(
        Verification.booking == bind("booking")
    )
)
_read_order = CompiledQuery(
    Verification.select(
        Verification.repeats, Verification.asked_at, Verification.created_at, Verification.language
    ).where(Verification.booking == bind("booking"))
)
_ask_again = CompiledQuery(
    Verification.update(
        {
            Verification.mail_at: bind("now"),
            Verification.mails: 0,
            Verification.repeats: bind("repeats"),
            Verification.asked_at: bind("now"),
            Verification.language: bind("language"),
        }
    ).where(Verification.booking == bind("booking"))
)
_to_mail = CompiledQuery(
    Booking.select(Booking.email, Booking.status, Calendar.name, Calendar.zone, Slot.start)
    .join(Slot, on=(Slot.id == Booking.slot))
    .join(Calendar, on=(Calendar.id == Booking.calendar))
    .where(Booking.id == bind("booking"))
)


class Verified(Struct, kw_only=True):
    """The outcome of a code: a wrong one leaves the booking as it was, and `tries_left` further tries."""

    verified: bool
    tries_left: int
    booking: bookings.PublicBooking


class MailOrder(Struct, kw_only=True):
    """A mail to send. Only the answer of `ClaimMails` has it, and nothing keeps that."""

    booking: str
    email: str
    calendar: str
    zone: str
    start: int
    code: str
    link: str
    language: str


class SentCode(Struct, kw_only=True):
    """Whether a mail was ordered; so many more can be, and the next one after so many seconds."""

    sent: bool
    mails_left: int
    wait_seconds: int
    booking: bookings.PublicBooking


def code_of(tokens: Tokens, booking: str) -> str:
    """Return the digits that the mail of a booking has."""
    number = int.from_bytes(tokens.token("code", booking).encode()[:16]) % 10**CODE_DIGITS
    return f"{number:0{CODE_DIGITS}}"


def link_of(tokens: Tokens, booking: str) -> str:
    """Return the secret part of the link in the mail of a booking."""
    return tokens.token("verification", booking)


@handles(VerifyBooking)
def verify_booking(transaction: Transaction, command: VerifyBooking) -> CommandResult:
    """`booking.verify`: compare the code, and confirm the booking or pass it on to staff. A wrong one is counted.

    A refusal would take the count back, so a wrong code is an answer.
    """
    row = bookings.read(transaction, command.booking) if UUID.fullmatch(command.booking) else None
    if row is None:
        raise NotFound(what="booking")
    tokens = transaction.tokens
    is_link = tokens.is_token(command.code, "verification", row.id)
    if not is_link and not tokens.is_token(command.token, "booking", row.id):
        raise Forbidden("This token is not the booking's.")
    tries = mail_order.tries(transaction, row.id)
    if tries is None or row.status != State.PENDING:  # verified already, or ended
        is_right = row.status == State.PENDING or is_done(row.status, "confirm")
        return _outcome(row, is_verified=is_right, tries=tries or 0)
    if not is_link and (tries >= MOST_TRIES or not any(_is_same(one, row.id, command.code) for one in tokens.every)):
        _count_try.execute(transaction.db, booking=row.id)
        return _outcome(row, is_verified=False, tries=tries + 1)
    _delete.execute(transaction.db, booking=row.id)
    verified = row._replace(status=bookings.new_status(transaction.calendar(row.calendar)))
    verified = bookings.with_expiry(transaction, verified, capacity.find(transaction, row.slot))
    bookings.write_alone(transaction, verified, row)
    return _outcome(verified, is_verified=True, tries=tries)


def _outcome(row: BookingRow, *, is_verified: bool, tries: int) -> CommandResult:
    left = max(0, MOST_TRIES - tries)
    return CommandResult(
        row.calendar, "", Verified(verified=is_verified, tries_left=left, booking=bookings.public(row))
    )


def _is_same(tokens: Tokens, booking: str, code: str) -> bool:
    return hmac.compare_digest(code.strip().encode(errors="replace"), code_of(tokens, booking).encode())


@handles(SendCode, checks_first=True)
def send_code(transaction: Transaction, command: SendCode) -> CommandResult:
    """`booking.send_code`: order the booking's mail again, with a pause between two and few in all."""
    row = bookings.read(transaction, command.booking)
    if row is None:
        raise NotFound(what="booking")
    if not transaction.tokens.is_token(command.token, "booking", row.id):
        raise Forbidden("This token is not the booking's.")
    found = _read_order.rows(transaction.db_with(Verification), booking=row.id)
    if not found or row.status != State.PENDING:
        nothing = SentCode(sent=False, mails_left=0, wait_seconds=0, booking=bookings.public(row))
        return CommandResult(row.calendar, "", nothing)
    repeats, asked_at, created_at, language = found[0]
    if repeats >= MOST_REPEATS:
        raise LimitExceeded("The mail was sent as often as it is.", rule="mails", most=1 + MOST_REPEATS)
    wait = (asked_at or created_at) + PAUSE_SECONDS * SECOND - transaction.now
    if wait > 0:
        raise LimitExceeded("The mail was sent a moment ago.", rule="mails", retry_after=-(-wait // SECOND))
    if isinstance(command.language, str):
        language = command.language
    _ask_again.execute(transaction.db, booking=row.id, now=transaction.now, repeats=repeats + 1, language=language)
    left = MOST_REPEATS - repeats - 1
    sent = SentCode(sent=True, mails_left=left, wait_seconds=PAUSE_SECONDS, booking=bookings.public(row))
    return CommandResult(row.calendar, "", sent)


@handles(ClaimMails)
def claim_mails(transaction: Transaction, command: ClaimMails) -> CommandResult:
    """Return the mails to send now. One that is not noted as sent comes again, so the end of a server loses none."""
    _forget.execute(transaction.db, before=transaction.now - KEPT_SECONDS * SECOND)
    orders = []
    for booking, mails, language in _due.rows(transaction.db, now=transaction.now):
        found = _to_mail.rows(transaction.db, booking=booking)
        email, status, name, zone, start = found[0] if found else (None, "", "", "", 0)
        if email is None or status != State.PENDING or mails >= len(MAIL_SECONDS):
            _set_mail.execute(transaction.db, booking=booking, mail_at=None, mails=mails)
            continue
        at = transaction.now + max(MAIL_SECONDS[mails], _CLAIM_SECONDS) * SECOND
        _set_mail.execute(transaction.db, booking=booking, mail_at=at, mails=mails + 1)
        code, link = code_of(transaction.tokens, booking), link_of(transaction.tokens, booking)
        orders.append(
            MailOrder(
                booking=booking,
                email=email,
                calendar=name,
                zone=zone,
                start=start,
                code=code,
                link=link,
                language=language,
            )
        )
    return CommandResult(command.calendar, "mails", orders)


@handles(NoteMail)
def note_mail(transaction: Transaction, command: NoteMail) -> CommandResult:
    """Note a mail as sent, or when to try next after a failure."""
    found = _read_mails.rows(transaction.db, booking=command.booking)
    mails = found[0][0] if found else 0
    at = None if command.is_sent else transaction.now + MAIL_SECONDS[min(mails, len(MAIL_SECONDS)) - 1] * SECOND
    _set_mail.execute(transaction.db, booking=command.booking, mail_at=at, mails=mails)
    return CommandResult(command.calendar, "booking", command.booking)
