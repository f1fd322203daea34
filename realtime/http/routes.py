"""The table of HTTP routes: one row a route, for the application, `/openapi.json`, the docs and the clients."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from models.contract import commands
from models.contract.answers import (
    BookingAnswer,
    BookingsAnswer,
    BusyListAnswer,
    FeedsAnswer,
    LinkAnswer,
    Snapshot,
    TicketAnswer,
)
from models.contract.commands import Command
from models.contract.request import Request
from realtime import answers

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
    CommandRoute("POST", "/api/calendars", commands.CreateCalendar, status=_CREATED),
    CommandRoute("PATCH", "/api/calendars/{id}", commands.UpdateCalendar, "id"),
    CommandRoute("DELETE", "/api/calendars/{id}", commands.ArchiveCalendar, "id"),
    CommandRoute("POST", "/api/calendars/{id}/restore", commands.RestoreCalendar, "id"),
    CommandRoute("PUT", "/api/calendars/{id}/schedule", commands.SetSchedule, "calendar"),
    CommandRoute("POST", "/api/calendars/{id}/feeds", commands.CreateFeed, "calendar", _CREATED),
    CommandRoute("POST", "/api/calendars/{id}/busy", commands.AddBusy, "calendar", _CREATED),
    CommandRoute("DELETE", "/api/busy/{id}", commands.RemoveBusy, "source"),
    CommandRoute("DELETE", "/api/feeds/{id}", commands.RevokeFeed, "feed"),
    CommandRoute("POST", "/api/calendars/{id}/slots", commands.OpenSlots, "calendar", _CREATED),
    CommandRoute("PATCH", "/api/slots/{id}", commands.UpdateSlot, "slot"),
    CommandRoute("DELETE", "/api/slots/{id}", commands.RemoveSlot, "slot"),
    CommandRoute("POST", "/api/slots/{id}/close", commands.CloseSlot, "slot"),
    CommandRoute("POST", "/api/slots/{id}/reopen", commands.ReopenSlot, "slot"),
    CommandRoute("POST", "/api/slots/{id}/holds", commands.HoldSlot, "slot", _CREATED),
    CommandRoute("POST", "/api/holds/{id}/extend", commands.ExtendHold, "hold"),
    CommandRoute("POST", "/api/holds/{id}/release", commands.ReleaseHold, "hold"),
    CommandRoute("POST", "/api/slots/{id}/bookings", commands.BookSlot, "slot", _CREATED),
    CommandRoute("PATCH", "/api/bookings/{id}", commands.UpdateBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/cancel", commands.CancelBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/reschedule", commands.RescheduleBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/confirm", commands.ConfirmBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/reject", commands.RejectBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/no-show", commands.MarkNoShow, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/reinstate", commands.ReinstateBooking, "booking"),
    CommandRoute("POST", "/api/bookings/{id}/erase", commands.EraseCustomer, "booking"),
)


class ReadRoute(NamedTuple):
    """A route without a command: its query, its headers, its body and its answer.

    `request` is the request of Socket.IO that it answers over HTTP, with the path's `{id}` as its field `subject`.
    """

    method: str
    path: str
    summary: str
    query: tuple[str, ...] = ()
    shape: type[Struct] | None = None
    media: str = "application/json"
    status: int = 200
    headers: tuple[str, ...] = ()
    request: type[Request] | None = None
    subject: str = ""
    takes_body: bool = False


_WINDOW = ("from", "to")
FOLLOWING = ("after", "at_least", *_WINDOW, "ticket")
READS: tuple[ReadRoute, ...] = (
    ReadRoute("GET", "/api/calendars", "Lists the calendars visible to the caller.", shape=answers.CalendarsAnswer),
    ReadRoute("GET", "/api/calendars/{id}", "Reads a calendar's info.", ("after",), answers.CalendarAnswer),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/slots",
        "Takes a snapshot of a window.",
        (*_WINDOW, "after"),
        Snapshot,
        headers=("If-None-Match",),
        request=commands.Subscribe,
        subject="calendar",
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/bookings",
        "Lists the bookings of a window's slots. For staff.",
        (*_WINDOW, "after"),
        BookingsAnswer,
        request=commands.ListBookings,
        subject="calendar",
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/schedule",
        "Reads a calendar's opening hours as they were set. For staff.",
        ("after",),
        answers.ScheduleRead,
    ),
    ReadRoute(
        "POST",
        "/api/calendars/{id}/links",
        "Makes the token of a link for guests of the calendar. For staff.",
        shape=LinkAnswer,
        status=_CREATED,
        request=commands.MakeLink,
        subject="calendar",
        takes_body=True,
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/busy",
        "Lists the calendar's sources of busy times, with their faults. For staff.",
        ("after",),
        BusyListAnswer,
        request=commands.ListBusy,
        subject="calendar",
    ),
    ReadRoute(
        "GET",
        "/api/calendars/{id}/feeds",
        "Lists the calendar's private feeds, without their keys. For staff.",
        ("after",),
        FeedsAnswer,
        request=commands.ListFeeds,
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
        request=commands.GetBooking,
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
        "/api/calendars/{id}/socket",
        "Follows a calendar by a plain WebSocket.",
        FOLLOWING,
        status=SWITCHING,
    ),
    ReadRoute(
        "POST",
        "/api/tickets",
        "Gets a ticket for a client that can't send a header.",
        shape=TicketAnswer,
        request=commands.Ticket,
        takes_body=True,
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
    ReadRoute(
        "GET", "/readyz", "Says if the database answers and the server accepts connections.", shape=answers.StatusAnswer
    ),
    ReadRoute("GET", "/metrics", "The metrics, for Prometheus.", media="text/plain"),
    ReadRoute("GET", "/openapi.json", "This description.", media="application/json"),
    ReadRoute("GET", "/asyncapi.json", "The messages of Socket.IO and the streams, in AsyncAPI 3.0."),
)
