"""The shapes of all other messages that the server writes: changes for staff, HTTP reads, and refusals.

The answers to requests are in `models/contract/answers.py`. No object of these classes is built while the server runs.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from models.contract.changes import Booking, Change, Info
from models.service import Schedule


class StaffChange(Change, kw_only=True):
    """A change for staff, with its bookings as they are at the time of sending.

    `bookings_gone` are ids of bookings no longer in the database.
    """

    bookings: list[Booking]
    bookings_gone: list[str] | UnsetType = UNSET


class Poll(Struct, kw_only=True):
    """A long poll's answer. `more` says that the next poll returns at once."""

    changes: list[Change]
    seq: int
    cursor: str
    more: bool
    server_time: str


class CalendarAnswer(Struct, kw_only=True):
    info: Info


class CalendarsAnswer(Struct, kw_only=True):
    calendars: list[Info]


class ScheduleRead(Struct, kw_only=True):
    """The opening hours as they were set, or null."""

    schedule: Schedule | None


class Rule(Struct, kw_only=True):
    """The verdict of one rule on a slot, with its numbers, and its code and message if it refuses."""

    rule: str
    ok: bool
    code: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    booking: Literal["anyone", "token"] | UnsetType = UNSET
    min_notice: int | UnsetType = UNSET
    max_advance: int | UnsetType | None = UNSET
    max_holds: int | UnsetType = UNSET
    holds: int | UnsetType = UNSET
    max_bookings: int | UnsetType | None = UNSET
    max_bookings_per_day: int | UnsetType | None = UNSET
    bookings: int | UnsetType = UNSET
    capacity: int | UnsetType = UNSET
    remaining: int | UnsetType = UNSET


class Explanation(Struct, kw_only=True):
    """The verdict of every rule on a slot, in the order of evaluation."""

    bookable: bool
    rules: list[Rule]


class ReadyAnswer(Struct, kw_only=True):
    """`degraded` names the parts that work more slowly than they should."""

    status: str
    degraded: list[str]


class StatusAnswer(Struct, kw_only=True):
    status: str


class Error(Struct, kw_only=True):
    """The reason of a refusal. `details` names the field or the rule, and its numbers."""

    code: str
    message: str
    retryable: bool
    details: dict[str, Any] | UnsetType = UNSET


class Problem(Error, kw_only=True):
    """A refusal over HTTP (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
