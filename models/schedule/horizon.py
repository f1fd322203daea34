"""Finds the schedules whose next dates are due, and expands these dates before the writer's turn."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import msgspec
from peewee import Database

from models.contract.commands.background import FillHorizon
from models.contract.commands.expansion import Expansion
from models.contract.errors import Refused
from models.schedule.expand import expand, first_date, horizon, next_fill, read_schedule
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.tables import Calendar, StoredSchedule

_logger = logging.getLogger("slotcast.schedules")

_ONE_DAY = timedelta(days=1)

_due = CompiledQuery(
    StoredSchedule.select(StoredSchedule.calendar, StoredSchedule.body, StoredSchedule.generated_until, Calendar.zone)
    .join(Calendar, on=(StoredSchedule.calendar == Calendar.id))
    .where((StoredSchedule.due_at <= bind("now")) & ~Calendar.archived)
    .order_by(StoredSchedule.due_at)
)
_undated = CompiledQuery(
    StoredSchedule.select(StoredSchedule.calendar, StoredSchedule.body, StoredSchedule.generated_until, Calendar.zone)
    .join(Calendar, on=(StoredSchedule.calendar == Calendar.id))
    .where(StoredSchedule.due_at == literal(0))
)
_date = CompiledQuery(
    StoredSchedule.update({StoredSchedule.due_at: bind("due_at")}).where(StoredSchedule.calendar == bind("calendar"))
)


def read_due(db: Database, now: int) -> list[tuple[Any, ...]]:
    """Return the calendars with dates to fill, for `fills`."""
    return _due.rows(db, now=now)


def fills(due: list[tuple[Any, ...]], now: int) -> list[FillHorizon]:
    """Return the commands that fill them. An unreadable schedule is logged, and stops no other."""
    commands: list[FillHorizon] = []
    for calendar, body, generated_until, zone in due:
        try:
            schedule = read_schedule(msgspec.json.decode(body))
            first = max(date.fromisoformat(generated_until) + _ONE_DAY, first_date(zone, now))
            last = horizon(schedule, zone, now)
            slots = tuple(expand(schedule, zone, first, last))
        except (Refused, msgspec.DecodeError) as error:
            _logger.warning("The schedule of %s can't be read: %s", calendar, error)
        else:
            expansion = Expansion(zone=zone, first=first, last=last, slots=slots, body=body)
            commands.append(FillHorizon(calendar=calendar, expansion=expansion))
    return commands


def note_due(db: Database) -> None:
    """Give the schedules of an older version the times of their next dates, so that the scheduler need not."""
    for calendar, body, generated_until, zone in _undated.rows(db):
        with suppress(Refused, msgspec.DecodeError):
            due_at = next_fill(read_schedule(msgspec.json.decode(body)), zone, date.fromisoformat(generated_until))
            _date.execute(db, calendar=calendar, due_at=due_at)
