"""Commands that the server sends by itself; none is on the wire."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from models.contract.commands.command import Command
from models.contract.commands.expansion import Expansion
from models.contract.principal import Role
from models.contract.request import Wire


class ExpireHolds(Command, frozen=True, kw_only=True):
    """Frees the seats of the calendar's expired holds. The scheduler sends it."""

    calendar: str


class ExpireBookings(Command, frozen=True, kw_only=True):
    """Rejects the calendar's pending bookings that staff have not answered in time. The scheduler sends it."""

    calendar: str


class EraseBookings(Command, frozen=True, kw_only=True):
    """Erases the customer of these bookings where it has the e-mail address. `customer.erase` sends it."""

    wire = Wire("", "", (), Role.STAFF)

    calendar: str
    email: str
    bookings: tuple[str, ...]


class CancelMany(Command, frozen=True, kw_only=True):
    """Cancels those of these bookings that have the e-mail address, or the caller. `booking.cancel_all` sends it."""

    wire = Wire("", "", (), Role.STAFF)

    calendar: str
    bookings: tuple[str, ...]
    email: str = ""
    caller: str = ""  # a pseudonym


class TrimHolds(Command, frozen=True, kw_only=True):
    """Deletes a batch of the holds that ended before their retention. The scheduler sends it."""

    needs_calendar = False
    is_background = True

    calendar: str = ""


class ErasePastBookings(Command, frozen=True, kw_only=True):
    """Erases the customer of those of these bookings that ended before a time. The scheduler sends it."""

    calendar: str
    bookings: tuple[str, ...]
    ended_before: int  # milliseconds


class FillHorizon(Command, frozen=True, kw_only=True):
    """Opens the slots of new days within the schedule's horizon. The scheduler sends it."""

    calendar: str
    expansion: Expansion | None = None


class TrimLog(Command, frozen=True, kw_only=True):
    """Deletes changes and idempotency records past their retention. The scheduler sends it."""

    is_background = True

    calendar: str


class TrimOldest(Command, frozen=True, kw_only=True):
    """Deletes a batch of the oldest changes and idempotency records of all calendars. The scheduler sends it."""

    needs_calendar = False
    is_background = True

    calendar: str = ""


class CheckBusy(Command, frozen=True, kw_only=True):
    """Takes the turn to read a source of busy times. The importer sends it."""

    calendar: str
    source: str
    checked_at: int


class SetBusy(Command, frozen=True, kw_only=True):
    """Writes the busy times of a source that end after `since`; None for no other ones. The importer sends it."""

    is_background = True

    calendar: str
    source: str
    since: int = 0
    times: tuple[tuple[int, int], ...] | None = None
    body: bytes | None = None
    etag: str = ""
    modified: str = ""


class FailBusy(Command, frozen=True, kw_only=True):
    """Notes the fault of a source of busy times. The importer sends it."""

    calendar: str
    source: str
    error: str


class RaiseFeedFloor(Command, frozen=True, kw_only=True):
    """Raises the SEQUENCE of a calendar's feed; "" for every calendar. The server sends it at its start."""

    needs_calendar = False

    calendar: str


class CheckWriter(Command, frozen=True, kw_only=True):
    """Changes nothing. Its answer shows that the writer runs transactions; with `writes`, also that it can write."""

    needs_calendar = False

    calendar: str = ""  # of none
    writes: bool = False


class UseTicket(Command, frozen=True, kw_only=True):
    """Uses a ticket up. The second time it is refused."""

    needs_calendar = False

    calendar: str = ""  # of none
    ticket: str
    ends_at: int  # milliseconds


class ClaimMails(Command, frozen=True, kw_only=True):
    """Claims the mails that are to be sent now. The outbox sends it."""

    needs_calendar = False

    calendar: str = ""  # of none


class NoteMail(Command, frozen=True, kw_only=True):
    """Notes the outcome of sending a booking's mail. The outbox sends it."""

    needs_calendar = False

    calendar: str = ""  # of none
    booking: str
    is_sent: bool


class AccessCommand(Command, frozen=True, kw_only=True):
    """A command about accounts or credentials. `scope` are the calendars of the owner who asks; None for all."""

    needs_calendar = False

    calendar: str = ""  # of none
    scope: tuple[str, ...] | None = None


class AddAccount(AccessCommand, frozen=True, kw_only=True):
    """Adds an account. `password` is a hash."""

    name: str
    password: str
    roles: tuple[tuple[str, str], ...]


class ChangeAccount(AccessCommand, frozen=True, kw_only=True):
    """Changes what is given of an account. A new password ends its sessions, except `kept_session`."""

    account: str
    name: str | None = None
    password: str | None = None
    roles: tuple[tuple[str, str], ...] | None = None
    disabled: bool | None = None
    kept_session: str = ""


class RemoveAccount(AccessCommand, frozen=True, kw_only=True):
    """Removes an account."""

    account: str


class AddCredential(AccessCommand, frozen=True, kw_only=True):
    """Notes a session of an account, or a token or a link that the server has made."""

    credential: str
    kind: Literal["session", "token", "link"]
    subject: str
    roles: tuple[tuple[str, str], ...]
    made_by: str
    account: str = ""
    digest: str = ""
    ends_at: int | None = None  # milliseconds


class RevokeCredential(AccessCommand, frozen=True, kw_only=True):
    """Ends a credential of one of these kinds."""

    credential: str
    kinds: tuple[str, ...]


class Use(Struct, frozen=True, kw_only=True):
    """A use of a credential. That of a token has what its claims say; times are in milliseconds."""

    id: str
    used_at: int
    is_token: bool = False
    subject: str = ""
    roles: tuple[tuple[str, str], ...] = ()
    made_by: str = ""
    made_at: int = 0
    ends_at: int | None = None


class NoteUses(AccessCommand, frozen=True, kw_only=True):
    """Notes the last uses of credentials. The server sends it now and then."""

    is_background = True

    uses: tuple[Use, ...]


class EraseBlocks(AccessCommand, frozen=True, kw_only=True):
    """Takes the e-mail address from its blocks; they stay in force. `customer.erase` sends it."""

    email: str


class TrimBlocks(Command, frozen=True, kw_only=True):
    """Deletes the blocks that have ended. The scheduler sends it."""

    needs_calendar = False
    is_background = True

    calendar: str = ""  # of none


class TakeOutside(Command, frozen=True, kw_only=True):
    """Appends the changes of other writers to the calendar's log. The watch on the database sends it."""

    needs_calendar = False
    is_background = True

    calendar: str


class RepairCalendar(Command, frozen=True, kw_only=True):
    """Repairs the findings of an audit, (kind, id) each. The audit sends it."""

    needs_calendar = False

    calendar: str
    wrong: tuple[tuple[str, str], ...]
