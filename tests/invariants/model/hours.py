"""Opening hours in plain Python, and the slots made from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from models.contract.values.time import DAY, MINUTE

Times = tuple[int, int]


class Planned(NamedTuple):
    """A slot made from hours."""

    start: int
    end: int
    capacity: int
    data: str | None

    @property
    def times(self) -> Times:
        return self.start, self.end


@dataclass
class Hours:
    """Opening hours of every day: slots end to end, and slots of another kind in a second window.

    Days are counted from 1970.
    """

    opening: int  # in minutes
    slots: int
    minutes: int
    capacity: int
    since: int
    horizon_days: int
    own_opening: int = 0
    own_slots: int = 0
    own_minutes: int = 60
    own_capacity: int = 1
    data: str | None = None

    def expand(self, first: int, last: int) -> list[Planned]:
        days = range(max(first, self.since), last + 1)
        found: dict[Times, Planned] = {}
        for opening, slots, minutes, capacity, data in (
            (self.opening, self.slots, self.minutes, self.capacity, None),
            (self.own_opening, self.own_slots, self.own_minutes, self.own_capacity, self.data),
        ):
            for start in (day * DAY + (opening + place * minutes) * MINUTE for day in days for place in range(slots)):
                planned = Planned(start, start + minutes * MINUTE, capacity, data)
                found.setdefault(planned.times, planned)
        return [found[times] for times in sorted(found)]

    def schedule(self) -> dict[str, Any]:
        """Return the hours as a schedule on the wire."""
        window = _window(self.opening, self.slots, self.minutes)
        own = _window(self.own_opening, self.own_slots, self.own_minutes) | {
            "slot_minutes": self.own_minutes,
            "capacity": self.own_capacity,
            "data": self.data,
        }
        return {
            "windows": [*([window] if self.slots else []), *([own] if self.own_slots else [])],
            "slot_minutes": self.minutes,
            "capacity": self.capacity,
            "from": (date(1970, 1, 1) + timedelta(days=self.since)).isoformat(),
            "horizon_days": self.horizon_days,
        }

    def horizon(self, today: int) -> int:
        return max(today, self.since) + self.horizon_days - 1


def _window(opening: int, slots: int, minutes: int) -> dict[str, Any]:
    closing = (opening + slots * minutes) % 1_440
    return {"rrule": "FREQ=DAILY", "start": _clock(opening), "end": _clock(closing)}


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
