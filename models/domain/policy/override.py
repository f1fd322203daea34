"""The rules under an `override` of staff, and the names of the rules broken by a request.

They are the time of a slot, its being closed, its neighbours, busy times and its capacity. All other rules stand.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UnsetType

from models.contract.changes import Policy
from models.contract.errors import Refused
from models.contract.principal import Principal
from models.domain.policy import rules
from models.storage.rows import SlotRow

GUARDED = frozenset({"closed", "overlap", "busy", "capacity"})  # the rules of the SQL predicate


def is_asked(principal: Principal, calendar: str, asked: bool | UnsetType) -> bool:  # noqa: FBT001 - a field of a request
    """Say if the request asks for an override; refuse it to everyone but the calendar's staff."""
    if asked is not True:
        return False
    if not principal.is_staff_of(calendar):
        refusal = type(principal.refusal())
        raise refusal("Only the calendar's staff may override its rules.", rule="override")
    return True


def broken_rules(policy: Policy, slot: SlotRow, now: int, seats: int, *, checks_time: bool = True) -> list[str]:
    """Return the broken rules for these seats of the slot: their names in `details`, in the order of the checks."""
    checks: dict[str, Callable[[], None]] = {
        "closed": lambda: rules.check_open(slot),
        "overlap": lambda: rules.check_unblocked(slot),
        "busy": lambda: rules.check_not_busy(slot),
        "capacity": lambda: rules.check_capacity(slot, seats),
    }
    if checks_time:
        checks = {
            "past": lambda: rules.check_past(slot, now),
            "min_notice": lambda: rules.check_min_notice(policy, slot, now),
            "max_advance": lambda: rules.check_max_advance(policy, slot, now),
        } | checks
    return [name for name, check in checks.items() if _refuses(check)]


def _refuses(check: Callable[[], None]) -> bool:
    try:
        check()
    except Refused:
        return True
    return False
