"""The principal of a request: the caller as far as the server has authenticated it, and its rights."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from models.contract.errors import Forbidden, NotFound, Refused, Unauthorized


class Viewable(Protocol):
    """A calendar, as a table row or as its public info."""

    @property
    def id(self) -> str: ...
    @property
    def visibility(self) -> str: ...


class Principal(Struct, frozen=True, kw_only=True):
    """The caller of a command or query.

    `subject` is the token's `sub`, or "" without a token. `address` is the peer's IP address; it counts the holds of
    a caller without a token. `calendars` are the calendars that the token names, None for all of them.
    """

    subject: str = ""
    address: str = ""
    is_staff: bool = False
    calendars: frozenset[str] | None = frozenset()

    @property
    def holder(self) -> str:
        """Return the name under which the principal's holds are counted."""
        return f"sub:{self.subject}" if self.subject else f"address:{self.address}"

    def is_named(self, calendar: str) -> bool:
        """Say if the principal's token names the calendar."""
        return bool(self.subject) and (self.calendars is None or calendar in self.calendars)

    def is_staff_of(self, calendar: str) -> bool:
        return self.is_staff and self.is_named(calendar)

    def may_view(self, calendar: Viewable) -> bool:
        return calendar.visibility == "public" or self.is_named(calendar.id)

    def refusal(self) -> Unauthorized | Forbidden:
        """Return the refusal of a right that the principal does not have."""
        return Forbidden() if self.subject else Unauthorized()

    def unknown(self, calendar: str) -> Refused:
        """Return the refusal for a calendar that does not exist: that of a private one, unless the token names it."""
        return NotFound(what="calendar") if self.is_named(calendar) else self.refusal()


ANONYMOUS = Principal()
# The server itself and its command line.
OPERATOR = Principal(subject="operator", is_staff=True, calendars=None)
