"""The refusal of calendars that a principal may not see: a private one and one that does not exist look the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
