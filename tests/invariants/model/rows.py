"""Calendars, slots, holds and bookings in plain Python, without any cached number."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.contract.values.time import SECOND
from tests.invariants.model.hours import Hours, Planned, Times


@dataclass
class Calendar:
    overlap: str = "allow"
    buffer_before: int = 0
    buffer_after: int = 0
    confirmation: str = "none"
    max_holds: int = 10
    min_notice: int = 0
    max_advance: int | None = None
    cancel_notice: int = 0
    max_bookings: int | None = None
    max_bookings_per_day: int | None = None
    pending_seconds: int | None = None
    is_archived: bool = False
    hours: Hours | None = None
    generated_until: int = 0
    # The waiting slots, each with the slot in its way.
    waiting: dict[Times, tuple[Planned, str]] = field(default_factory=dict)

    @property
    def buffer(self) -> int:
        return (self.buffer_before + self.buffer_after) * SECOND

    @property
    def is_strict(self) -> bool:
        return self.overlap == "reject" or self.buffer > 0


@dataclass
class Slot:
    calendar: str
    start: int
    end: int
    capacity: int
    state: str = "open"
    is_scheduled: bool = False
    is_dropped: bool = False
    data: str | None = None


@dataclass
class Hold:
    slot: str
    seats: int
    holder: str
    created: int
    expires: int
    state: str = "active"
    overridden: tuple[str, ...] = ()


@dataclass
class Booking:
    """A booking. `caller` and `email` are what it counts for, "" for nothing.

    `expires` is the time at which a pending booking expires, `overridden` what staff passed over for it.
    """

    slot: str
    seats: int
    status: str
    caller: str = ""
    email: str = ""
    overridden: tuple[str, ...] = ()
    expires: int | None = None


class No(Exception):
    """The model refuses."""
