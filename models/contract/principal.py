"""The principal of a request: the caller as far as the server has authenticated it, and its rights."""

from __future__ import annotations

from msgspec import Struct

from models.contract.changes import Info
from models.contract.errors import Forbidden, Unauthorized


class Principal(Struct, frozen=True, kw_only=True):
    """Who asks, as far as the server has made sure of it.

    `subject` is the token's `sub`, or "" without a token; `address` is the peer's, for holders without one.
    `calendars` are those the token names, None for all of them.
    """

    subject: str = ""
    address: str = ""
    is_staff: bool = False
    calendars: frozenset[str] | None = frozenset()

    @property
    def holder(self) -> str:
        """Under whose name holds are counted."""
        return f"sub:{self.subject}" if self.subject else f"address:{self.address}"

    def is_named(self, calendar: str) -> bool:
        """Whether the asker's token names the calendar."""
        return bool(self.subject) and (self.calendars is None or calendar in self.calendars)

    def is_staff_of(self, calendar: str) -> bool:
        return self.is_staff and self.is_named(calendar)

    def may_view(self, info: Info) -> bool:
        return info.visibility == "public" or self.is_named(info.id)

    def may_book(self, info: Info) -> bool:
        return self.may_view(info) and (info.booking == "anyone" or self.is_named(info.id))

    def refusal(self) -> Unauthorized | Forbidden:
        """How to refuse this asker what its token, or its having none, does not allow."""
        return Forbidden() if self.subject else Unauthorized()


ANONYMOUS = Principal()
# The server itself, and whoever sits at its command line.
OPERATOR = Principal(subject="operator", is_staff=True, calendars=None)
