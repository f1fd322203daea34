"""The principal of a request: the caller as far as the server has authenticated it, and its rights."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from msgspec import Struct

from models.contract.errors import Forbidden, NotFound, Refused, Unauthorized


class Role(IntEnum):
    """The rights in a calendar. Each role has the rights of those before it.

    A viewer reads what staff read and changes nothing. An owner also gives rights to others.
    """

    GUEST = 0
    VIEWER = 1
    STAFF = 2
    OWNER = 3


class Viewable(Protocol):
    """A calendar, as a table row or as its public info."""

    @property
    def id(self) -> str: ...
    @property
    def visibility(self) -> str: ...


class Principal(Struct, frozen=True, kw_only=True):
    """The caller of a command or query.

    `subject` is the token's `sub`, or "" without a token. `address` is the peer's IP address; it counts the holds of
    a caller without a token. `calendars` are the calendars that the token or the account names, None for all of them,
    and `role` is the role in each of them. `roles` are the higher roles in some of them. `blocked_in` are the calendars
    in which staff have blocked the caller, or the customer whom the command names; "*" stands for all.
    """

    subject: str = ""
    address: str = ""
    role: Role = Role.GUEST
    calendars: frozenset[str] | None = frozenset()
    roles: tuple[tuple[str, Role], ...] = ()
    blocked_in: tuple[str, ...] = ()

    @property
    def holder(self) -> str:
        """Return the name under which the principal's holds are counted."""
        return f"sub:{self.subject}" if self.subject else f"address:{self.address}"

    def is_named(self, calendar: str) -> bool:
        """Say if the principal's token names the calendar."""
        return bool(self.subject) and (self.calendars is None or calendar in self.calendars)

    @property
    def highest_role(self) -> Role:
        """The highest role in any calendar."""
        return max(self.role, *(role for _, role in self.roles)) if self.roles else self.role

    def role_in(self, calendar: str) -> Role:
        """Return the role in a calendar."""
        if not self.is_named(calendar):
            return Role.GUEST
        if not self.roles:  # three times in each command
            return self.role
        return max(self.role, *(role for name, role in self.roles if name == calendar), Role.GUEST)

    def is_blocked_in(self, calendar: str) -> bool:
        """Say if the calendar takes no seats from the caller. Nobody blocks its staff."""
        blocked = self.blocked_in
        return bool(blocked) and ("*" in blocked or calendar in blocked) and not self.is_staff_of(calendar)

    def is_staff_of(self, calendar: str) -> bool:
        return self.role_in(calendar) >= Role.STAFF

    def is_viewer_of(self, calendar: str) -> bool:
        return self.role_in(calendar) >= Role.VIEWER

    def check_role(self, role: Role, calendar: str) -> None:
        """Raise the refusal of a principal with a lower role in the calendar."""
        if self.role_in(calendar) < role:
            raise self.refusal()

    def scope_of(self, role: Role) -> tuple[str, ...] | None:
        """Return the calendars with this role, in order; None for all. Raise the refusal where there is none."""
        if self.role >= role and self.subject:
            if self.calendars is None:
                return None
            found = self.calendars
        else:
            found = frozenset(name for name, given in self.roles if given >= role)
        if not found:
            raise self.refusal()
        return tuple(sorted(found))

    def may_view(self, calendar: Viewable) -> bool:
        return calendar.visibility == "public" or self.is_named(calendar.id)

    def refusal(self) -> Unauthorized | Forbidden:
        """Return the refusal of a missing right."""
        return Forbidden() if self.subject else Unauthorized()

    def unknown(self, calendar: str) -> Refused:
        """Return the refusal for an unknown calendar: that of a private one, unless the token names it."""
        return NotFound(what="calendar") if self.is_named(calendar) else self.refusal()


ANONYMOUS = Principal()
# The server itself and its command line.
OPERATOR = Principal(subject="operator", role=Role.OWNER, calendars=None)
