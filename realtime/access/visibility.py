"""The calendars that a principal may not see, and those of its staff's requests.

A private calendar and one that does not exist are refused alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import UnsetType

from models.contract.errors import NotFound
from models.contract.principal import Principal


@contextmanager
def hiding(calendar: str, principal: Principal) -> Iterator[None]:
    """Run a read of the calendar; refuse one that does not exist as a private one is refused to this principal.

    A principal whose token names the calendar is told that it is not found.
    """
    try:
        yield
    except NotFound as error:
        if error.details.get("what") == "calendar":
            raise principal.unknown(calendar) from error
        raise


def staff_scope(principal: Principal, calendar: str | UnsetType) -> tuple[str, ...] | None:
    """Return the calendars that a request of staff is about: the one it names, or all of the principal's.

    None stands for all calendars. Raise the refusal of a principal that is no staff of them.
    """
    if isinstance(calendar, str):
        if not principal.is_staff_of(calendar):
            raise principal.refusal()
        return (calendar,)
    if not principal.is_staff or not (principal.calendars is None or principal.calendars):
        raise principal.refusal()
    return None if principal.calendars is None else tuple(sorted(principal.calendars))
