"""Commands that the server sends by itself; none is on the wire."""

from __future__ import annotations

from models.contract.commands.command import Command


class ExpireHolds(Command, frozen=True, kw_only=True):
    """Frees the seats of the calendar's expired holds. The scheduler sends it."""

    calendar: str


class ExpireBookings(Command, frozen=True, kw_only=True):
    """Rejects the calendar's pending bookings that staff have not answered in time. The scheduler sends it."""

    calendar: str


class EraseBookings(Command, frozen=True, kw_only=True):
    """Erases the customer of these bookings where it has the e-mail address. `customer.erase` sends it."""

    calendar: str
    email: str
    bookings: tuple[str, ...]


class FillHorizon(Command, frozen=True, kw_only=True):
    """Opens the slots of new days within the schedule's horizon. The scheduler sends it."""

    calendar: str


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
    """Changes nothing. Its answer shows that the writer runs transactions."""

    needs_calendar = False

    calendar: str = ""  # of none


class UseTicket(Command, frozen=True, kw_only=True):
    """Uses a ticket up. The second time it is refused."""

    needs_calendar = False

    calendar: str = ""  # of none
    ticket: str
    ends_at: int  # milliseconds


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
