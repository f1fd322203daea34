"""Explains rule by rule if a principal can take a slot, with the same checks that taking it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.contract.changes import Policy
from models.contract.errors import NotFound, Refused
from models.contract.principal import Principal
from models.contract.values.ids import UUID
from models.contract.values.tokens import Tokens
from models.domain.bookings import holds
from models.domain.policy import limits, rules
from models.domain.slots import capacity
from models.query.calendars import read_calendar_row
from models.storage.database import reading
from models.storage.dialect import Dialect

Explanation = list[dict[str, Any]]


def explain(db: Dialect, tokens: Tokens, principal: Principal, slot: str, now: int) -> Explanation:
    """Return `{rule, ok}` for each rule of holding the slot, in the order of the checks, with the refusal if any.

    Booking checks the same rules but `max_holds`, and the limits of bookings for the e-mail address too. Raises the
    refusal if the principal may not see the slot. The seats of an expired hold count as held until the scheduler frees
    them.
    """
    if not UUID.fullmatch(slot):
        raise NotFound(what="slot")
    with reading(db):
        row = capacity.read(db, slot)
        calendar = read_calendar_row(db, row.calendar)
        booker = limits.identify(tokens, principal, calendar.id, None)
        tally = limits.count(db, calendar, row, now, booker)[0]
        held = holds.count_active(db, row.calendar, holds.pseudonym(tokens, principal), now)
    rules.check_view(principal, calendar)
    policy = rules.policy_of(calendar)
    return [
        _asked("booking", lambda: rules.check_may_book(principal, calendar), booking=calendar.booking),
        _asked("archived", lambda: rules.check_in_use(calendar)),
        _asked("blocked", lambda: rules.check_not_blocked(principal, calendar.id)),
        _asked("past", lambda: rules.check_past(row, now)),
        _asked("min_notice", lambda: rules.check_min_notice(policy, row, now), min_notice=policy.min_notice),
        _asked("max_advance", lambda: rules.check_max_advance(policy, row, now), max_advance=policy.max_advance),
        _asked("max_holds", lambda: rules.check_max_holds(policy, held), max_holds=policy.max_holds, holds=held),
        *_limits(policy, tally, principal),
        _asked("closed", lambda: rules.check_open(row)),
        _asked("overlap", lambda: rules.check_unblocked(row)),
        _asked("busy", lambda: rules.check_not_busy(row)),
        _asked("capacity", lambda: rules.check_capacity(row, 1), capacity=row.capacity, remaining=row.remaining),
    ]


def _limits(policy: Policy, tally: limits.Tally, principal: Principal) -> Explanation:
    by = limits.kind_of(principal)
    return [
        _asked(
            "max_bookings",
            lambda: limits.check_max_bookings(policy, tally, by),
            max_bookings=policy.max_bookings,
            bookings=tally.in_all,
        ),
        _asked(
            "max_bookings_per_day",
            lambda: limits.check_max_bookings_per_day(policy, tally, by),
            max_bookings_per_day=policy.max_bookings_per_day,
            bookings=tally.on_day,
        ),
    ]


def is_bookable(explained: Explanation) -> bool:
    """Say if the principal could book the slot. `max_holds` limits holds only."""
    return all(one["ok"] or one["rule"] == "max_holds" for one in explained)


def _asked(rule: str, check: Callable[[], None], **numbers: Any) -> dict[str, Any]:
    try:
        check()
    except Refused as refusal:
        return {"rule": rule, "ok": False, "code": refusal.code, "message": refusal.message, **numbers}
    return {"rule": rule, "ok": True, **numbers}
