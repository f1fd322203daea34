"""Limits on the bookings of one customer in one calendar: in all, and on one day.

A booking counts for its e-mail address, and for its caller: the token's `sub`, or the address of a guest. Only a keyed
hash of the address is stored. The booking's own transaction counts under the calendar's lock, so commands at
the same time cannot pass a limit together. Staff pass over the limits.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from peewee import Database, fn

from models.contract.changes import Policy
from models.contract.errors import LimitExceeded
from models.contract.principal import Principal
from models.contract.values.canonical_email import canonical_email, plain_beginning
from models.contract.values.time import DAY
from models.contract.values.tokens import Tokens
from models.contract.values.zones import first_moment, open_zone, wall_of
from models.domain.policy import booking_states, rules
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.rows import CalendarRow, SlotRow
from models.storage.tables import Booking, Slot
from models.transaction.transaction import Transaction

_NOBODY = "-"  # no pseudonym and no e-mail address
_CACHED = 4_096  # pseudonyms of callers, 4 us each

# The same plain beginning in SQL, and the same address in Python: no database knows the forms of a domain, the cases of
# all letters (SQLite: ASCII only), or a quoted local part.
# From the slots to their bookings: an index by customer would cost every booking two pages, also without a limit.
_of_customer = CompiledQuery(
    Booking.select(
        Booking.id,
        Booking.booked_by == bind("caller"),
        Booking.email,
        Slot.start,
        Slot.end,
    )
    .join(Slot, on=(Booking.slot == Slot.id))
    .where(
        (Slot.calendar == bind("calendar"))
        & (Slot.end > bind("since"))
        & (Slot.booked > literal(0))
        & Booking.status.in_(sorted(booking_states.SEATED))
        & (
            (Booking.booked_by == bind("caller"))
            | (fn.LOWER(fn.SUBSTR(Booking.email, 1, bind("length"))) == bind("beginning"))
            | (fn.SUBSTR(Booking.email, 1, 1) == bind("quote"))
        )
    )
)


class Booker(NamedTuple):
    """The customer of a booking: the pseudonym of its caller, and its e-mail address. "" stands for none."""

    caller: str
    email: str


class Tally(NamedTuple):
    """The number of a customer's bookings: up to the end of their slots, and on the day of a slot."""

    in_all: int = 0
    on_day: int = 0


@lru_cache(maxsize=_CACHED)
def _pseudonym(tokens: Tokens, holder: str) -> str:
    return tokens.pseudonym("holder", holder)


def pseudonym(tokens: Tokens, principal: Principal) -> str:
    """Return the pseudonym of a caller: of its token's subject, or of its address. It reveals neither."""
    return _pseudonym(tokens, principal.holder)


def identify(tokens: Tokens, principal: Principal, calendar: str, email: str | None) -> Booker:
    """Return the customer of a new booking. Staff book for others, so their own name does not count."""
    caller = "" if principal.is_staff_of(calendar) else pseudonym(tokens, principal)
    return Booker(caller, email or "")


def kind_of(principal: Principal) -> str:
    """Return the kind of a caller's count: by its token's `sub`, or by its address."""
    return "sub" if principal.subject else "address"


def is_limited(policy: Policy) -> bool:
    return policy.max_bookings is not None or policy.max_bookings_per_day is not None


def day_of(calendar: CalendarRow, moment: int) -> tuple[int, int]:
    """Return the day of this moment in the calendar's zone, as `[begin, end)` in milliseconds."""
    zone = open_zone(calendar.zone)
    day = wall_of(zone, moment).date()
    begin = first_moment(zone, day, 0)
    return begin, begin + DAY if day == date.max else first_moment(zone, day + timedelta(days=1), 0)


def check(
    transaction: Transaction,
    principal: Principal,
    calendar: CalendarRow,
    slot: SlotRow,
    booker: Booker,
    *,
    moving: str = "",
) -> None:
    """Refuse one more booking of the customer on the slot's day, or in all. `moving` is a changed booking."""
    policy = rules.policy_of(calendar)
    if not is_limited(policy) or principal.is_staff_of(calendar.id):
        return
    tallies = count(transaction.db_with(Booking), calendar, slot, transaction.now, booker, besides=moving)
    for by, tally in zip((kind_of(principal), "email"), tallies, strict=True):
        if slot.end > transaction.now:
            check_max_bookings(policy, tally, by)
        check_max_bookings_per_day(policy, tally, by)


def count(
    db: Database, calendar: CalendarRow, slot: SlotRow, now: int, booker: Booker, *, besides: str = ""
) -> tuple[Tally, Tally]:
    """Count the bookings of the customer in a calendar with limits: by its caller, and by its e-mail address."""
    if not any(booker) or not is_limited(rules.policy_of(calendar)):
        return Tally(), Tally()
    begin, end = day_of(calendar, slot.start)
    email = canonical_email(booker.email) if booker.email else _NOBODY
    beginning = plain_beginning(email)
    rows = _of_customer.rows(
        db,
        calendar=calendar.id,
        since=min(now, begin),
        caller=booker.caller or _NOBODY,
        beginning=beginning,
        length=len(beginning),
        quote='"',
    )
    others = [row for row in rows if row[0] != besides]
    by_email = [row for row in others if row[2] is not None and canonical_email(row[2]) == email]
    tallies = []
    for counted in ([row for row in others if row[1]], by_email):
        spans = [row[3:] for row in counted]
        tallies.append(
            Tally(
                in_all=sum(finish > now for _, finish in spans),
                on_day=sum(begin <= start < end for start, _ in spans),
            )
        )
    return tallies[0], tallies[1]


def check_max_bookings(policy: Policy, tally: Tally, by: str) -> None:
    if policy.max_bookings is not None and tally.in_all >= policy.max_bookings:
        raise LimitExceeded(
            "You have as many bookings here as this calendar allows.",
            rule="max_bookings",
            max_bookings=policy.max_bookings,
            by=by,
        )


def check_max_bookings_per_day(policy: Policy, tally: Tally, by: str) -> None:
    if policy.max_bookings_per_day is not None and tally.on_day >= policy.max_bookings_per_day:
        raise LimitExceeded(
            "You have as many bookings on this day as this calendar allows.",
            rule="max_bookings_per_day",
            max_bookings_per_day=policy.max_bookings_per_day,
            by=by,
        )
