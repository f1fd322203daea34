"""The calendars hidden from a principal, and the roles of reads.

A private calendar and an unknown one are refused alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import UNSET

from models.contract.errors import NotFound
from models.contract.principal import Principal, Role
from models.contract.request import Request


@contextmanager
def hiding(calendar: str, principal: Principal) -> Iterator[None]:
    """Run a read of the calendar; refuse an unknown calendar in the way of a private one.

    A principal gets NotFound if its token names the calendar.
    """
    try:
        yield
    except NotFound as error:
        if error.details.get("what") == "calendar":
            raise principal.unknown(calendar) from error
        raise


def check_read(request: Request, principal: Principal) -> tuple[str, ...] | None:
    """Check the role of a read, in one place for all of them, and return its calendars; None for all.

    They are the read's own one, or all in which the principal has the role.
    """
    role, calendar = request.wire.role, getattr(request, "calendar", UNSET)
    if role is Role.GUEST:
        return ()
    if isinstance(calendar, str):
        principal.check_role(role, calendar)
        return (calendar,)
    return principal.scope_of(role)
