"""Requests about slots."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from models.contract import answers
from models.contract.commands.command import Command
from models.contract.request import (
    Count,
    Id,
    Json,
    Moment,
    Override,
    PageMark,
    Request,
    Slug,
    Time,
    Version,
    public,
    staff,
)


class NewSlot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A slot to open, `[start, end)`; `data` is JSON for the public."""

    start: Moment
    end: Moment
    capacity: Count = 1
    data: Json | None = None


class FindSlots(Request, frozen=True, kw_only=True):
    """`bookable` leaves out every slot that can't be taken now, `seats` those that don't have so many seats.

    `after` is as with `GetBooking`.
    """

    wire = public("slot.list", "Lists the slots of several calendars, by start.", answers.FoundSlotsAnswer)

    calendars: Annotated[tuple[Slug, ...], Meta(min_length=1, max_length=50)]
    from_: Time | None = msgspec.field(name="from", default=None)
    to: Time | None = None
    bookable: bool = False
    seats: Count | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 200
    page: PageMark | UnsetType = UNSET
    after: str | None = None

    @property
    def wanted_seats(self) -> int:
        """The number of seats that a slot must have for the caller; 0 for any slot."""
        return int(self.bookable) if isinstance(self.seats, UnsetType) else self.seats


class OpenSlots(Command, frozen=True, kw_only=True):
    """`duplicates` opens a slot at exactly the times of another one, where only one of them can be taken."""

    wire = staff("slot.open", "Opens slots, all or none.", answers.SlotsAnswer, needs_key=True)

    calendar: Slug
    slots: Annotated[tuple[NewSlot, ...], Meta(min_length=1, max_length=200)]
    duplicates: bool | UnsetType = UNSET


class UpdateSlot(Command, frozen=True, kw_only=True):
    """With `with_bookings` the times of a slot with taken seats change, and all who have them move along."""

    wire = staff("slot.update", "Changes a slot's time, capacity or data.", answers.SlotAnswer)

    slot: Id
    start: Moment | UnsetType = UNSET
    end: Moment | UnsetType = UNSET
    capacity: Count | UnsetType = UNSET
    data: Json | UnsetType | None = UNSET
    if_version: Version | None = None
    with_bookings: bool | UnsetType = UNSET
    override: Override = UNSET


class CloseSlot(Command, frozen=True, kw_only=True):
    wire = staff("slot.close", "Closes a slot to new holds and bookings.", answers.SlotAnswer)

    slot: Id
    if_version: Version | None = None


class ReopenSlot(Command, frozen=True, kw_only=True):
    wire = staff("slot.reopen", "Opens a closed slot again.", answers.SlotAnswer)

    slot: Id
    if_version: Version | None = None


class RemoveSlot(Command, frozen=True, kw_only=True):
    wire = staff("slot.remove", "Removes a slot without taken seats.", answers.SlotAnswer)

    slot: Id
    if_version: Version | None = None
