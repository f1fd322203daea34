"""The table of HTTP routes: one row a route, for the application, `/openapi.json`, the docs and the clients."""

from __future__ import annotations

from typing import NamedTuple

from models.contract.answers import (
    BlocksAnswer,
    BookingAnswer,
    BookingsAnswer,
    BusyListAnswer,
    CancelledAnswer,
    ErasedAnswer,
    ExportAnswer,
    FeedsAnswer,
    FoundSlotsAnswer,
    HistoryAnswer,
    LinkAnswer,
    Snapshot,
    TicketAnswer,
)
from models.contract.commands.blocks import AddBlock, ListBlocks, RemoveBlock
from models.contract.commands.bookings import (
    BookSlot,
    CancelBooking,
    CancelBookings,
    ConfirmBooking,
    EraseCustomer,
    EraseCustomers,
    ExportCustomer,
    GetBooking,
    ListBookings,
    MarkNoShow,
    ReinstateBooking,
    RejectBooking,
    RescheduleBooking,
    SendCode,
    UpdateBooking,
    VerifyBooking,
)
from models.contract.commands.calendars import (
    AddBusy,
    ArchiveCalendar,
    CreateCalendar,
    CreateFeed,
    GetSchedule,
    ListBusy,
    ListFeeds,
    ListHistory,
    MakeLink,
    RemoveBusy,
    RestoreCalendar,
    RevokeFeed,
    SetSchedule,
    Subscribe,
    Ticket,
    UpdateCalendar,
)
from models.contract.commands.command import Command
from models.contract.commands.holds import ExtendHold, HoldSlot, ReleaseHold
from models.contract.commands.server import ReadServer
from models.contract.commands.slots import CloseSlot, FindSlots, OpenSlots, RemoveSlot, ReopenSlot, UpdateSlot
from models.contract.server_answers import ServerAnswer
from models.contract.values.proof import Challenge
from realtime import answers
from realtime.http.access_routes import ACCESS, SESSION
from realtime.http.read_route import ReadRoute

BOOKING_TOKEN = "Booking-Token"  # noqa: S105 - a header's name
EVENT_STREAM = "text/event-stream"
_CREATED = 201
SWITCHING = 101


class CommandRoute(NamedTuple):
    """A route of a command. The path's `{id}` becomes the command's field `subject`."""

    method: str
    path: str
    command: type[Command]
    subject: str = ""
    status: int = 200


COMMANDS: tuple[CommandRoute, ...] = (
    CommandRoute("POST", "/api/calendars", CreateCalendar, status=_CREATED),
    CommandRoute("PATCH", "/api/calendars/{id}", UpdateCalendar, "id"),
    CommandRoute("DELETE", "/api/calendars/{id}", ArchiveCalendar, "id"),
    CommandRoute("POST", "/api/calendars/{id}/restore", RestoreCalendar, "id"),
    CommandRoute("PUT", "/api/calendars/{id}/schedule", SetSchedule, "calendar"),
    CommandRoute("POST", "/api/calendars/{id}/feeds", CreateFeed, "calendar", _CREATED),
    CommandRoute("POST", "/api/calendars/{id}/busy", AddBusy, "calendar", _CREATED),
    CommandRoute("DELETE", "/api/busy/{id}", RemoveBusy, "source"),
    CommandRoute("POST", "/api/blocks", AddBlock, status=_CREATED),
    CommandRoute("DELETE", "/api/blocks/{id}", RemoveBlock, "block"),
    CommandRoute("DELETE", "/api/feeds/{id}", RevokeFeed, "feed"),
    CommandRoute("POST", "/api/calendars/{id}/slots", OpenSlots, "calendar", _CREATED),
    CommandRoute("PATCH", "/api/slots/{id}", UpdateSlot, "slot"),
    CommandRoute("DELETE", "/api/slots/{id}", RemoveSlot, "slot"),
    CommandRoute("POST", "/api/slots/{id}/close", CloseSlot, "slot"),
    CommandRoute("POST", "/api/slots/{id}/reopen", ReopenSlot, "slot"),
    CommandRoute("POST", "/api/slots/{id}/holds", HoldSlot, "slot", _CREATED),
    CommandRoute("POST", "/api/holds/{id}/extend", ExtendHold, "hold"),
    CommandRoute("POST", "/api/holds/{id}/release", ReleaseHold, "hold"),
    CommandRoute("POST", "/api/slots/{id}/bookings", BookSlot, "slot", _CREATED),
    CommandRoute("PATCH", "/api/bookings/{id}", UpdateBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/cancel", CancelBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/reschedule", RescheduleBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/verify", VerifyBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/code", SendCode, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/confirm", ConfirmBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/reject", RejectBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/no-show", MarkNoShow, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/reinstate", ReinstateBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/erase", EraseCustomer, "booking"),
)


_WINDOW = ("from", "to")
_SEARCH = ("status", "q", "updated_after", "limit", "page")
FOLLOWING = ("after", "at_least", *_WINDOW, "ticket")
READS: tuple[ReadRoute, ...] = (
    ReadRoute(
        "GET",
        "/api/calendars",
        "Lists the calendars visible to the caller; with `archived=1` also archived ones.",
        ("archived",),
        answers.CalendarsAnswer,
    ),
    ReadRoute("GET", "/api/calendars/{id}", "Reads a calendar's info.", ("after",), answers.CalendarAnswer),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/slots",
        "Takes a snapshot of a window.",
        (*_WINDOW, "after"),
        Snapshot,
        headers=("If-None-Match",),
        request=Subscribe,
        subject="calendar",
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/bookings",
        "Lists the bookings of a window's slots, or searches the calendar's bookings. For staff.",
        (*_WINDOW, *_SEARCH, "after"),
        BookingsAnswer,
        request=ListBookings,
        subject="calendar",
    ),
    ReadRoute(
        "GET",
        "/api/bookings",
        "Searches the bookings of all calendars, the latest made first. For staff.",
        ("calendar", *_WINDOW, *_SEARCH, "after"),
        BookingsAnswer,
        request=ListBookings,
    ),
    ReadRoute(
        "GET",
        "/api/slots",
        "Lists the slots of several calendars, by start.",
        ("calendars", *_WINDOW, "bookable", "seats", "limit", "page", "after"),
        FoundSlotsAnswer,
        headers=("If-None-Match",),
        request=FindSlots,
    ),
    ReadRoute(
        "GET",
        "/api/server",
        "Reads the figures of the server. For owners of all calendars.",
        shape=ServerAnswer,
        request=ReadServer,
    ),
    ReadRoute(
        "GET",
        "/api/blocks",
        "Lists the blocks, the newest first. For staff.",
        ("calendar",),
        BlocksAnswer,
        request=ListBlocks,
    ),
    ReadRoute(
        "POST",
        "/api/customers/erase",
        "Erases the customer of every booking with an e-mail address, in all calendars. For staff.",
        shape=ErasedAnswer,
        request=EraseCustomers,
        takes_body=True,
    ),
    ReadRoute(
        "POST",
        "/api/customers/export",
        "Returns all data about the customer with an e-mail address, in all calendars. For staff.",
        shape=ExportAnswer,
        request=ExportCustomer,
        takes_body=True,
    ),
    ReadRoute(
        "POST",
        "/api/bookings/cancel",
        "Cancels the bookings of one customer, in all calendars. For staff.",
        shape=CancelledAnswer,
        request=CancelBookings,
        takes_body=True,
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/schedule",
        "Reads a calendar's opening hours as they were set. For staff.",
        ("after",),
        answers.ScheduleRead,
        request=GetSchedule,
        subject="calendar",
    ),
    ReadRoute(
        "POST",
        "/api/calendars/{id}/links",
        "Makes the token of a link for guests of the calendar. For staff.",
        shape=LinkAnswer,
        status=_CREATED,
        request=MakeLink,
        subject="calendar",
        takes_body=True,
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/busy",
        "Lists the calendar's sources of busy times, with their faults. For staff.",
        ("after",),
        BusyListAnswer,
        request=ListBusy,
        subject="calendar",
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/feeds",
        "Lists the calendar's private feeds, without their keys. For staff.",
        ("after",),
        FeedsAnswer,
        request=ListFeeds,
        subject="calendar",
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/history",
        "Lists who changed what in a calendar, and when. For staff.",
        ("slot", "booking", "before", "limit", "after"),
        HistoryAnswer,
        request=ListHistory,
        subject="calendar",
    ),
    ReadRoute(
        "GET",
        "/api/bookings/{id}.ics",
        "A booking as an iCalendar file, for its holder.",
        ("after",),
        media="text/calendar",
        headers=(BOOKING_TOKEN,),
    ),
    ReadRoute(
        "GET",
        "/api/slots/{id}/explain",
        "Checks each rule for taking a slot, and gives the reasons.",
        ("after",),
        answers.Explanation,
    ),
    ReadRoute(
        "GET",
        "/api/bookings/{id}",
        "Reads a booking, with its customer.",
        ("after",),
        BookingAnswer,
        headers=(BOOKING_TOKEN,),
        request=GetBooking,
        subject="booking",
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/changes",
        "Waits for the changes after a cursor (long poll).",
        ("after", "at_least", "wait", "ticket"),
        answers.Poll,
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/events",
        "Follows a calendar by server-sent events.",
        (*FOLLOWING, "beat"),
        media=EVENT_STREAM,
        headers=("Last-Event-ID",),
    ),
    ReadRoute(
        "GET",
        "/api/events",
        "Follows many calendars by one stream of server-sent events.",
        ("calendars", *FOLLOWING, "beat"),
        media=EVENT_STREAM,
        headers=("Last-Event-ID",),
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/socket",
        "Follows a calendar by a plain WebSocket, which takes every request.",
        (*FOLLOWING, "beat"),
        status=SWITCHING,
    ),
    ReadRoute(
        "GET",
        "/api/socket",
        "A plain WebSocket for any number of calendars and every request; also at `/`.",
        ("ticket", "beat"),
        status=SWITCHING,
    ),
    ReadRoute(
        "POST",
        "/api/tickets",
        "Gets a ticket for a client that can't send a header.",
        shape=TicketAnswer,
        request=Ticket,
        takes_body=True,
    ),
    ReadRoute(
        "GET",
        "/api/challenge",
        "Makes a challenge, whose solution is the `proof` of `slot.hold` and `slot.book`.",
        shape=Challenge,
    ),
    ReadRoute(
        "GET",
        "/calendars/{id}.ics",
        "The calendar as an iCalendar feed.",
        (*_WINDOW, "merge", "whole", "key", "after", "ticket"),
        media="text/calendar",
        headers=("If-None-Match",),
    ),
    ReadRoute("GET", "/healthz", "Says that the process is alive.", shape=answers.StatusAnswer),
    ReadRoute("GET", "/livez", "Says that the process is alive.", shape=answers.StatusAnswer),
    ReadRoute(
        "GET",
        "/readyz",
        "Says if the server can serve: the database and the writer answer, and the clock is right.",
        shape=answers.ReadyAnswer,
    ),
    ReadRoute(
        "GET",
        "/metrics",
        "The metrics, for Prometheus: for this machine, and for staff of all calendars.",
        media="text/plain",
    ),
    ReadRoute("GET", "/openapi.json", "This description.", media="application/json"),
    ReadRoute("GET", "/asyncapi.json", "The messages of Socket.IO and the streams, in AsyncAPI 3.0."),
    *SESSION,
    *ACCESS,
)
