"""The rules of booking: rights, the policy of a calendar, and the reasons why a slot can't be taken.

A check passes, or raises a refusal with its rule in `details`. The rule that decides between two commands is
the SQL predicate of models/storage/seat_guard; the last checks here say why it refused.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from models.contract.changes import Policy
from models.contract.errors import (
    BadRequest,
    Blocked,
    CapacityExceeded,
    InvalidTransition,
    LimitExceeded,
    OutsideCancellationWindow,
    Refused,
    SlotUnavailable,
    TooFar,
    TooSoon,
)
from models.contract.principal import Principal
from models.contract.values.time import SECOND, write_time
from models.domain.policy.intake import with_checked_intake
from models.storage.rows import CalendarRow, SlotRow, SlotState

# Other customers get the seats of an expired hold this much later, so that the holder's last request still succeeds.
GRACE = SECOND // 2
HOLD_SECONDS = range(30, 1801)
LONGEST_POLICY_SECONDS = 366 * 86_400
MOST_SEATS = 10_000
NEW_POLICY = Policy(overlap="reject")  # of a calendar made from now on; one stored without the field allows overlaps
LEAST_PENDING = 60  # seconds
NEVER = 1 << 62

_policy_decoder = msgspec.json.Decoder(Policy)


def is_bookable(slot: SlotRow, calendar: CalendarRow, now: int) -> bool:
    """Say if the slot is listed as bookable: it has a free seat, its calendar is in use, and it has not begun.

    The notice and the advance of the policy are left out: each client applies them to its list by its clock.
    """
    return bool(slot.bookable) and slot.start > bookable_after(calendar, now)


def bookable_after(calendar: CalendarRow, now: int) -> int:
    """Return the time after which a slot with a free seat starts if it is listed as bookable."""
    return NEVER if calendar.archived else now


def refusal_of(slot: SlotRow, calendar: CalendarRow, now: int, seats: int = 1) -> Refused | None:
    """Return the refusal of so many seats in the slot for whoever has the right to them; None for a free slot.

    Holding, booking and explaining run these checks, in their order.
    """
    try:
        check_in_use(calendar)
        check_notice(policy_of(calendar), slot, now)
        check_free(slot, seats)
    except Refused as refusal:
        return refusal
    return None


def boundaries(slot: SlotRow, policy: Policy) -> list[int]:
    """Return the moments of the slot's changes by the clock alone, in milliseconds."""
    moments = [slot.start]
    if policy.min_notice:
        moments.append(slot.start - policy.min_notice * SECOND + 1)
    if policy.max_advance is not None:
        moments.append(slot.start - policy.max_advance * SECOND)
    return moments


@lru_cache(maxsize=4_096)
def read_policy(text: str) -> Policy:
    return _policy_decoder.decode(text)


def policy_of(calendar: CalendarRow) -> Policy:
    return read_policy(calendar.policy)


def merged_policy(policy: Policy, given: dict[str, Any]) -> Policy:
    """Return the policy with the given fields replaced; BadRequest names the first invalid field."""
    unknown = set(given) - set(Policy.__struct_fields__)
    if unknown:
        raise BadRequest(f"There is no policy `{min(unknown)}`.", field=f"policy.{min(unknown)}")
    try:
        merged = msgspec.convert({**msgspec.to_builtins(policy), **given}, Policy)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The policy is not valid: {error}", field="policy") from error
    if merged.hold_seconds not in HOLD_SECONDS:
        raise BadRequest("`hold_seconds` is 30 to 1800.", field="policy.hold_seconds")
    for name in ("min_notice", "max_advance", "cancel_notice", "buffer_before", "buffer_after"):
        if not 0 <= (getattr(merged, name) or 0) <= LONGEST_POLICY_SECONDS:
            raise BadRequest(f"`{name}` is seconds, from 0 to a year.", field=f"policy.{name}")
    if not 1 <= merged.max_holds <= MOST_SEATS:
        raise BadRequest(f"`max_holds` is 1 to {MOST_SEATS}.", field="policy.max_holds")
    for name in ("max_bookings", "max_bookings_per_day"):
        if not 1 <= (1 if (value := getattr(merged, name)) is None else value) <= MOST_SEATS:
            raise BadRequest(f"`{name}` is 1 to {MOST_SEATS}, or null for no limit.", field=f"policy.{name}")
    if merged.pending_seconds is not None and not LEAST_PENDING <= merged.pending_seconds <= LONGEST_POLICY_SECONDS:
        raise BadRequest("`pending_seconds` is null, or 60 to a year of seconds.", field="policy.pending_seconds")
    return replace(merged, **with_checked_intake(merged, given))


def check_view(principal: Principal, calendar: CalendarRow) -> None:
    if not principal.may_view(calendar):
        raise principal.refusal()


def check_book(principal: Principal, calendar: CalendarRow) -> None:
    check_view(principal, calendar)
    check_may_book(principal, calendar)
    check_in_use(calendar)


def check_may_book(principal: Principal, calendar: CalendarRow) -> None:
    if calendar.booking != "anyone" and not principal.is_named(calendar.id):
        raise principal.refusal()


def check_not_blocked(principal: Principal, calendar: str) -> None:
    if principal.is_blocked_in(calendar):
        raise Blocked


def check_in_use(calendar: CalendarRow) -> None:
    if calendar.archived:
        raise InvalidTransition("The calendar is archived.", rule="archived")


def check_notice(policy: Policy, slot: SlotRow, now: int) -> None:
    """Check the time between now and the slot's start."""
    check_past(slot, now)
    check_min_notice(policy, slot, now)
    check_max_advance(policy, slot, now)


def check_past(slot: SlotRow, now: int) -> None:
    if slot.start <= now:
        raise TooSoon("The slot has begun.", rule="past")


def check_begun(slot: SlotRow, now: int) -> None:
    """Refuse a no-show before the slot has begun."""
    if slot.start > now:
        raise InvalidTransition("The slot has not begun.", rule="not_begun", start=write_time(slot.start))


def check_min_notice(policy: Policy, slot: SlotRow, now: int) -> None:
    if policy.min_notice and slot.start - now < policy.min_notice * SECOND:
        raise TooSoon(rule="min_notice", min_notice=policy.min_notice)


def check_max_advance(policy: Policy, slot: SlotRow, now: int) -> None:
    if policy.max_advance is not None and slot.start - now > policy.max_advance * SECOND:
        raise TooFar(rule="max_advance", max_advance=policy.max_advance)


def check_max_holds(policy: Policy, count: int) -> None:
    if count >= policy.max_holds:
        raise LimitExceeded(rule="max_holds", max_holds=policy.max_holds)


def check_cancel(policy: Policy, slot: SlotRow, now: int) -> None:
    ahead = slot.start - now
    if ahead <= 0 or ahead < policy.cancel_notice * SECOND:
        raise OutsideCancellationWindow(rule="cancel_notice", cancel_notice=policy.cancel_notice)


# The reasons why the SQL predicate refused, checked on the slot as it is in the same transaction.


def check_open(slot: SlotRow) -> None:
    if slot.state != SlotState.OPEN:
        raise SlotUnavailable("The slot is closed.", rule="closed")


def check_unblocked(slot: SlotRow) -> None:
    if slot.blocked:
        raise SlotUnavailable("A neighbouring booking leaves no room for it.", rule="overlap")


def check_not_busy(slot: SlotRow) -> None:
    if slot.busy:
        raise SlotUnavailable("A busy time of another calendar leaves no room for it.", rule="busy")


def check_capacity(slot: SlotRow, seats: int) -> None:
    if slot.remaining >= seats:
        return
    if seats > slot.capacity or slot.remaining > 0:
        raise CapacityExceeded(rule="capacity", capacity=slot.capacity, remaining=slot.remaining)
    raise SlotUnavailable("The slot is full.", rule="capacity", remaining=0)


def check_free(slot: SlotRow, seats: int) -> None:
    check_open(slot)
    check_unblocked(slot)
    check_not_busy(slot)
    check_capacity(slot, seats)
