"""The slots of a schedule, made on a reading thread before the writer's turn."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec import Struct


class Expansion(Struct, frozen=True, kw_only=True):
    """The slots that a schedule has on the dates from `first` to `last` in a zone, both included.

    `slots` are (start, end, capacity, data), sorted. `body` is the stored schedule, or "" for that of the command.
    The writer takes the slots only while its zone, dates and schedule are these.
    """

    zone: str
    first: date
    last: date
    slots: tuple[tuple[Any, ...], ...]
    body: str = ""
