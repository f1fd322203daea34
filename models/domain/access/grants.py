"""Grants: the role of an account or token in each calendar, and the limits of those who give them.

The text in the database is JSON, `{"room-1": "staff"}`; "*" stands for every calendar.
"""

from __future__ import annotations

import json

from models.contract.errors import Forbidden
from models.contract.principal import Role

EVERY_CALENDAR = "*"
Grants = tuple[tuple[str, str], ...]
Scope = tuple[str, ...] | None  # the calendars of an owner; None for all


def write_grants(grants: Grants) -> str:
    return json.dumps(dict(sorted(grants)), separators=(",", ":"))


def read_grants(text: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(text)
    return found


def is_within(scope: Scope, calendars: dict[str, str]) -> bool:
    """Say if all these calendars are in the scope."""
    return scope is None or (bool(calendars) and set(calendars) <= set(scope))


def check_within(scope: Scope, calendars: dict[str, str]) -> None:
    """Refuse an owner of some calendars who would give or take a right in another one."""
    if not is_within(scope, calendars):
        raise Forbidden("This gives or takes a right in a calendar that is not yours.", rule="scope")


def is_owner_of_all(grants: dict[str, str]) -> bool:
    return grants.get(EVERY_CALENDAR) == Role.OWNER.name.lower()
