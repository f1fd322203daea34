"""Requests about calendars: subscription, settings, feeds, busy times and the schedule."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from models.contract import answers
from models.contract.commands.command import Command
from models.contract.commands.expansion import Expansion
from models.contract.request import Id, Json, Label, Request, Slug, Time, Token, Version, Wire, public, staff, viewer


class Subscribe(Request, frozen=True, kw_only=True):
    wire = public("calendar.subscribe", "Joins the calendar's room.", answers.SnapshotAnswer, answers.ResumedAnswer)

    calendar: Slug
    after: str | None = None
    at_least: str | None = None
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None


class Unsubscribe(Request, frozen=True, kw_only=True):
    wire = public("calendar.unsubscribe", "Leaves the room.", answers.Nothing)

    calendar: Slug


class RefreshToken(Request, frozen=True, kw_only=True):
    wire = public("auth.refresh", "Gives the connection a fresh token.", answers.Nothing)

    token: Token


class Ticket(Request, frozen=True, kw_only=True):
    """Over HTTP only."""

    wire = Wire("ticket", "Gets a ticket for what can't send a header.", (answers.TicketAnswer,), is_http_only=True)

    calendars: Annotated[list[Slug], Meta(min_length=1, max_length=100)]


class CreateCalendar(Command, frozen=True, kw_only=True):
    wire = staff("calendar.create", "Makes a calendar.", answers.InfoAnswer)
    needs_calendar = False

    calendar: Slug = msgspec.field(name="id")
    name: str
    zone: str
    visibility: Literal["public", "private"] = "public"
    booking: Literal["anyone", "token"] = "anyone"
    policy: dict[str, Any] = msgspec.field(default_factory=dict)
    data: Json | UnsetType | None = UNSET


class UpdateCalendar(Command, frozen=True, kw_only=True):
    wire = staff("calendar.update", "Changes a calendar; its policy is merged field by field.", answers.InfoAnswer)

    calendar: Slug = msgspec.field(name="id")
    name: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    visibility: Literal["public", "private"] | UnsetType = UNSET
    booking: Literal["anyone", "token"] | UnsetType = UNSET
    policy: dict[str, Any] = msgspec.field(default_factory=dict)
    data: Json | UnsetType | None = UNSET


class ArchiveCalendar(Command, frozen=True, kw_only=True):
    wire = staff("calendar.archive", "Ends a calendar; it takes nothing more.", answers.InfoAnswer)

    calendar: Slug = msgspec.field(name="id")


class RestoreCalendar(Command, frozen=True, kw_only=True):
    wire = staff("calendar.restore", "Brings an archived calendar back.", answers.InfoAnswer)

    calendar: Slug = msgspec.field(name="id")


class ListHistory(Request, frozen=True, kw_only=True):
    """Newest first; `before` is the `next` of the page before. `slot` and `booking` limit it to entries about them."""

    wire = viewer("history.list", "Lists who changed what in a calendar, and when.", answers.HistoryAnswer)

    calendar: Slug
    slot: Id | None = None
    booking: Id | None = None
    before: Version | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class MakeLink(Request, frozen=True, kw_only=True):
    """Makes a guest's token for a private calendar, or for one with bookings by token only."""

    wire = staff(
        "calendar.link",
        "Makes the token of a link for guests of the calendar.",
        answers.LinkAnswer,
    )

    calendar: Slug
    lifetime_seconds: Annotated[int, Meta(ge=60, le=366 * 86_400)] = 30 * 86_400


class CreateFeed(Command, frozen=True, kw_only=True):
    """Makes a feed with its own key. Its scope is its content: the public slots, or the bookings."""

    wire = staff("feed.create", "Makes a private address of the calendar's iCalendar feed.", answers.OwnFeedAnswer)

    calendar: Slug
    name: Label = ""
    scope: Literal["slots", "bookings"] = "slots"


class ListFeeds(Request, frozen=True, kw_only=True):
    wire = viewer("feed.list", "Lists the calendar's private feeds, without their keys.", answers.FeedsAnswer)

    calendar: Slug


class RevokeFeed(Command, frozen=True, kw_only=True):
    wire = staff("feed.revoke", "Ends a private feed and its address.", answers.FeedAnswer)

    feed: Id


class AddBusy(Command, frozen=True, kw_only=True):
    """Imports busy times from a URL or from the text of a file. The server fetches a URL again and again."""

    wire = staff("busy.add", "Imports the busy times of another calendar; they block slots.", answers.BusyAnswer)

    calendar: Slug
    name: Label = ""
    url: Annotated[str, Meta(max_length=2_000)] | None = None
    text: Annotated[str, Meta(max_length=900_000)] | None = None


class ListBusy(Request, frozen=True, kw_only=True):
    wire = viewer("busy.list", "Lists the calendar's sources of busy times, with their faults.", answers.BusyListAnswer)

    calendar: Slug


class RemoveBusy(Command, frozen=True, kw_only=True):
    wire = staff("busy.remove", "Removes a source of busy times; its slots are free again.", answers.BusyAnswer)

    source: Id


class GetSchedule(Request, frozen=True, kw_only=True):
    """Over HTTP only."""

    wire = viewer("schedule.get", "Reads a calendar's opening hours as they were set.", is_http_only=True)

    calendar: Slug


class SetSchedule(Command, frozen=True, kw_only=True):
    wire = staff("schedule.set", "Sets the opening hours, or previews the outcome.", answers.ScheduleAnswer)

    of_server = Command.of_server | {"expansion"}

    calendar: Slug
    schedule: dict[str, Any]
    preview: bool = False
    expansion: Expansion | None = None
