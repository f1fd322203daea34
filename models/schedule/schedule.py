"""The types of a schedule: opening hours in local time, as staff write them. `read_schedule` checks them."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from models.contract.errors import BadRequest
from models.domain.policy.rules import MOST_SEATS
from models.schedule.recurrence import check_rule
from models.schedule.recurrence_text import FIRST_DATE, LAST_DATE
from models.schedule.steps import Steps

MINUTES_A_DAY = 1_440
DATA_BYTES = 4_096  # as a slot's
LONGEST_NAME = 200  # characters

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# max_length as well, because a pattern's `$` matches before a final line end.
Start = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]
End = Annotated[str, Meta(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", max_length=5)]
Minutes = Annotated[int, Meta(ge=1, le=MINUTES_A_DAY)]
Capacity = Annotated[int, Meta(ge=1, le=MOST_SEATS)]


class Hours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Hours from `start` to `end` on the calendar's clocks. An end before the start is on the next date.

    The schedule gives the slot length, step and capacity that the hours leave out. Each slot gets `data`, any JSON.
    """

    start: Start
    end: End
    slot_minutes: Minutes | None = None
    step_minutes: Minutes | None = None
    capacity: Capacity | None = None
    data: Any = None

    @property
    def minutes(self) -> tuple[int, int]:
        """Return start and end as minutes of wall time after the date's midnight."""
        start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (self.start, self.end))
        return start, end if end > start else end + MINUTES_A_DAY


class Window(Hours, frozen=True, kw_only=True, omit_defaults=True):
    """Hours that recur on `days` or on the dates of `rrule`, within the schedule's dates."""

    days: Annotated[tuple[Day, ...], Meta(min_length=1, max_length=7)] | UnsetType = UNSET
    rrule: str | UnsetType = UNSET
    from_: date | None = msgspec.field(name="from", default=None)
    until: date | None = None


class ExtraWindow(Hours, frozen=True, kw_only=True, omit_defaults=True):
    """Hours of one date, even of a closed date."""

    date: date


class ClosedRange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Dates on which no window begins, the last one included. `name` gives staff the reason."""

    from_: date = msgspec.field(name="from")
    until: date
    name: str | None = None


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Opening hours between two dates, both included, cut into slots. `closed` applies to all windows but `extra`."""

    windows: Annotated[tuple[Window, ...], Meta(max_length=32)]
    slot_minutes: Minutes
    step_minutes: Minutes | None = None
    capacity: Capacity = 1
    from_: date = msgspec.field(name="from")
    until: date | None = None
    horizon_days: Annotated[int, Meta(ge=1, le=1_830)] = 90
    closed: Annotated[tuple[date | ClosedRange, ...], Meta(max_length=1_000)] = ()
    extra: Annotated[tuple[ExtraWindow, ...], Meta(max_length=1_000)] = ()


_TIME_OF_DAY = 'a time of day, like "09:00"'
_DATE = f'a date, like "2027-01-31", from {FIRST_DATE} to {LAST_DATE}'
# The meaning of each field, for the refusal of another value.
_MEANING = {
    "schedule": "an object with windows, slot_minutes and from",
    "windows": "a list of at most 32 objects with days or rrule, start and end",
    "days": "a list of mon, tue, wed, thu, fri, sat and sun",
    "rrule": 'a recurrence rule, like "FREQ=MONTHLY;BYDAY=1MO"',
    "start": _TIME_OF_DAY,
    "end": f'{_TIME_OF_DAY}, or "24:00"',
    "slot_minutes": f"a whole number of minutes, 1 to {MINUTES_A_DAY}",
    "step_minutes": f"a whole number of minutes, 1 to {MINUTES_A_DAY}",
    "capacity": f"a whole number, 1 to {MOST_SEATS}",
    "from": _DATE,
    "until": _DATE,
    "date": _DATE,
    "horizon_days": "a whole number of days, 1 to 1830",
    "closed": "a list of at most 1000 dates or objects with from and until",
    "extra": "a list of at most 1000 objects with date, start and end",
    "name": f"a text of one line, 1 to {LONGEST_NAME} characters",
    "data": f"any JSON, up to {DATA_BYTES} bytes",
}
_ENTRY = {
    "windows": "an object with days or rrule, start and end",
    "days": "one of mon, tue, wed, thu, fri, sat and sun",
    "closed": "a date or an object with from and until",
    "extra": "an object with date, start and end",
}
_PLACE = re.compile(r" - at `\$\.?([^`]*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `|$)", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*?)`")


def convert_schedule(given: Any) -> Schedule:
    """Return a schedule that `read_schedule` has passed before, without the checks that may take long."""
    try:
        return msgspec.convert(given, Schedule)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from error


def read_schedule(given: Any, steps: Steps | None = None) -> Schedule:
    """Return the schedule of a decoded JSON object; BadRequest names the first invalid field, or too many `steps`."""
    schedule = convert_schedule(given)
    _check_range("from", "until", schedule.from_, schedule.until or LAST_DATE)
    for place, window in enumerate(schedule.windows):
        _check_window(f"windows[{place}]", window, schedule.from_, steps)
    for place, closed in enumerate(schedule.closed):
        where = f"closed[{place}]"
        if isinstance(closed, ClosedRange):
            _check_range(f"{where}.from", f"{where}.until", closed.from_, closed.until)
            _check_name(f"{where}.name", closed.name)
        else:
            _check_range(where, where, closed, closed)
    for place, extra in enumerate(schedule.extra):
        _check_hours(f"extra[{place}]", extra)
        _check_range(f"extra[{place}].date", f"extra[{place}].date", extra.date, extra.date)
    return schedule


def write_data(data: Any) -> str | None:
    """Return a window's `data` as one line of JSON, as its slots have it."""
    return None if data is None else msgspec.json.encode(data).decode()


def _check_window(where: str, window: Window, start: date, steps: Steps | None) -> None:
    _check_hours(where, window)
    first, last = window.from_ or FIRST_DATE, window.until or LAST_DATE
    _check_range(f"{where}.from", f"{where}.until", first, last)
    if (window.days is UNSET) == (window.rrule is UNSET):
        raise BadRequest(f"`{where}` has days or rrule: one of the two.", field=where)
    if window.rrule is not UNSET:
        try:
            looked = check_rule(window.rrule, window.from_ or start)
        except ValueError as error:
            raise BadRequest(f"`{where}.rrule` is not a rule for dates: {error}.", field=f"{where}.rrule") from error
        if steps is not None:
            steps.take(looked)


def _check_hours(where: str, hours: Hours) -> None:
    if hours.start == hours.end:
        raise BadRequest(f'`{where}.end` is not its start; a whole day ends at "24:00".', field=f"{where}.end")
    try:
        size = len((write_data(hours.data) or "").encode())
    except (ValueError, OverflowError, RecursionError, TypeError) as error:
        raise BadRequest(f"`{where}.data` is not JSON: {error}.", field=f"{where}.data") from error
    if size > DATA_BYTES:
        raise BadRequest(f"`{where}.data` is {_MEANING['data']}.", field=f"{where}.data")


def _check_name(field: str, name: str | None) -> None:
    if name is not None and not (name.strip() and len(name) <= LONGEST_NAME and name.isprintable()):
        raise BadRequest(f"`{field}` is {_MEANING['name']}.", field=field)


def _check_range(from_field: str, until_field: str, first: date, last: date) -> None:
    for field, day in ((from_field, first), (until_field, last)):
        if not FIRST_DATE <= day <= LAST_DATE:
            raise BadRequest(f"`{field}` is {_DATE}.", field=field)
    if last < first:
        raise BadRequest(f"`{until_field}` is not before `{from_field}`.", field=until_field)


def _refusal(error: str) -> BadRequest:
    """Translate msgspec's error into a refusal that names the field and its meaning."""
    place = _PLACE.search(error)
    where = place.group(1) if place else ""
    if unknown := _UNKNOWN.search(error):
        field = ".".join(filter(None, (where, unknown.group(1)[:64]))) or "schedule"
        return BadRequest(f"There is no field `{field}` in a schedule.", field=field)
    if missing := _MISSING.search(error):
        where = f"{where}.{missing.group(1)}" if where else missing.group(1)
    leaf = re.sub(r"\[[0-9]+\]", "", where).rpartition(".")[2]
    field = where if leaf in _MEANING else "schedule"
    meaning = _ENTRY[leaf] if where.endswith("]") and leaf in _ENTRY else _MEANING.get(leaf, _MEANING["schedule"])
    verb = "is missing: it is" if missing else "is"
    return BadRequest(f"`{field}` {verb} {meaning}.", field=field)
