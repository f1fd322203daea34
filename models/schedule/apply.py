"""Applies a schedule to its calendar: opens, removes and updates slots, and fills the horizon as days go by.

A schedule touches its own slots only, and matches them by their times. A slot with a taken seat is kept. A kept slot
without a place in the schedule is closed, is removed with its last booking, and makes overlapping slots wait
(models/schedule/waiting.py). Dates up to `generated_until` were generated once, so a slot removed there stays removed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import msgspec
from peewee import Database

from models.contract.changes import SLOTS_A_CHANGE, Type
from models.contract.commands.background import FillHorizon
from models.contract.commands.calendars import SetSchedule
from models.contract.errors import Refused
from models.domain.log import change_log
from models.domain.log.public_view import public_slot
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy import rules
from models.domain.slots import overlap, slots
from models.schedule import waiting
from models.schedule.expand import Planned, Schedule, expand, horizon, local_date, next_fill, read_schedule
from models.schedule.schedule import write_data
from models.schedule.waiting import Behind, Obstacles
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind, literal
from models.storage.rows import CalendarRow, Origin, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Calendar, Slot, StoredSchedule
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_logger = logging.getLogger("slotcast.schedules")

_ONE_DAY = timedelta(days=1)

_read = CompiledQuery(
    StoredSchedule.select(StoredSchedule.body, StoredSchedule.generated_until).where(
        StoredSchedule.calendar == bind("calendar")
    )
)
_due = CompiledQuery(
    StoredSchedule.select(StoredSchedule.calendar, StoredSchedule.body)
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
_forget = CompiledQuery(StoredSchedule.delete().where(StoredSchedule.calendar == bind("calendar")))
_insert = CompiledInsert(StoredSchedule)
_coming = CompiledQuery(
    Slot.select(*SLOT_COLUMNS)
    .where((Slot.calendar == bind("calendar")) & (Slot.end > bind("now")) & (Slot.state != literal(SlotState.REMOVED)))
    .order_by(Slot.start, Slot.id)
)


@dataclass(slots=True)
class Plan:
    """The steps from a calendar's slots to those of its schedule."""

    opened: list[Planned] = field(default_factory=list)
    removed: list[SlotRow] = field(default_factory=list)
    updated: list[SlotRow] = field(default_factory=list)
    kept: list[SlotRow] = field(default_factory=list)
    dropped: list[SlotRow] = field(default_factory=list)
    waiting: list[Behind] = field(default_factory=list)

    def numbers(self, calendar: CalendarRow, now: int) -> dict[str, Any]:
        """Return the answer: the number of slots of each step, and the slots kept for their taken seats."""
        return {
            "opened": len(self.opened),
            "removed": len(self.removed),
            "updated": len(self.updated),
            "kept": [public_slot(row, calendar, now) for row in self.kept],
        }


@handles(SetSchedule)
def set_schedule(transaction: Transaction, command: SetSchedule) -> CommandResult:
    """`schedule.set`: make the calendar's coming slots those of the schedule; with `preview`, only count the steps."""
    rules.check_staff(command.principal, command.calendar)
    calendar = transaction.calendar(command.calendar)
    rules.check_in_use(calendar)
    schedule = read_schedule(command.schedule)
    first = max(schedule.from_, _first_date(calendar, transaction.now))
    until = horizon(schedule, calendar.zone, transaction.now)
    wanted = [slot for slot in expand(schedule, calendar.zone, first, until) if slot.start > transaction.now]
    standing = _coming_slots(transaction, calendar.id)
    plan = _plan(wanted, standing, _data_given(transaction, calendar.id), transaction.now)
    answer = plan.numbers(calendar, transaction.now)
    if warnings := _warnings(calendar, wanted, standing):
        answer["warnings"] = warnings
    if not command.preview:
        _remember(transaction, calendar, schedule, until)
        waiting.replace(transaction, calendar.id, plan.waiting)
        _carry_out(transaction, calendar, plan, Type.SCHEDULE_CHANGED)
    return CommandResult(calendar.id, "", answer)


@handles(FillHorizon)
def fill_horizon(transaction: Transaction, command: FillHorizon) -> CommandResult:
    """Open the slots of the dates within the horizon now, and not at its last filling."""
    calendar = transaction.calendar(command.calendar)
    found = _read.row(transaction.db, calendar=calendar.id)
    if found is None or calendar.archived:
        return CommandResult(calendar.id, "opened", 0)
    waiting.note_vacated(transaction, calendar.id)
    plan = Plan(opened=waiting.ready(transaction, calendar.id))
    schedule = read_schedule(msgspec.json.decode(found[0]))
    generated_until = date.fromisoformat(found[1])
    until = horizon(schedule, calendar.zone, transaction.now)
    if until > generated_until:
        first = max(generated_until + _ONE_DAY, _first_date(calendar, transaction.now))
        wanted = [slot for slot in expand(schedule, calendar.zone, first, until) if slot.start > transaction.now]
        standing = _coming_slots(transaction, calendar.id)
        _add_new(plan, wanted, standing, [row for row in standing if row.dropped])
        waiting.keep(transaction, calendar.id, plan.waiting)
    _remember(transaction, calendar, schedule, max(until, generated_until))
    _carry_out(transaction, calendar, plan, Type.SLOT_OPENED)
    return CommandResult(calendar.id, "opened", len(plan.opened))


def _first_date(calendar: CalendarRow, now: int) -> date:
    """Return yesterday's date, as a window of yesterday may last past midnight."""
    return local_date(calendar.zone, now) - _ONE_DAY


def _coming_slots(transaction: Transaction, calendar: str) -> list[SlotRow]:
    return [SlotRow._make(row) for row in _coming.rows(transaction.db, calendar=calendar, now=transaction.now)]


def _data_given(transaction: Transaction, calendar: str) -> frozenset[str | None]:
    """Return the `data` of slots by the present schedule. Other data is the staff's, and stays."""
    found = _read.row(transaction.db, calendar=calendar)
    if found is None or '"data"' not in found[0]:
        return frozenset()
    try:
        schedule = read_schedule(msgspec.json.decode(found[0]))
    except (Refused, msgspec.DecodeError):
        return frozenset()
    return frozenset(write_data(hours.data) for hours in (*schedule.windows, *schedule.extra))


def _plan(wanted: list[Planned], standing: list[SlotRow], given: frozenset[str | None], now: int) -> Plan:
    plan, left = Plan(), {slot.times: slot for slot in wanted}
    in_the_way: list[SlotRow] = []  # a slot that stays with more seats than wanted is in nobody's way
    for row in standing:
        times = (row.start, row.end)
        is_taken = row.held + row.booked > 0
        if row.origin != Origin.SCHEDULE:
            continue
        if row.start <= now:
            in_the_way += [row] if is_taken else []
        elif times in left:
            _match(plan, row, left.pop(times), given)
        elif is_taken:
            plan.kept.append(row)
            in_the_way.append(row)
            if not row.dropped:
                plan.dropped.append(row._replace(state=SlotState.CLOSED, dropped=True))
        else:
            plan.removed.append(row._replace(state=SlotState.REMOVED))
    _add_new(plan, left.values(), standing, in_the_way)
    return plan


def _match(plan: Plan, row: SlotRow, slot: Planned, given: frozenset[str | None]) -> None:
    """Update a kept slot: it gets the new data, and the new capacity or its taken seats."""
    fitting = max(slot.capacity, row.held + row.booked - row.overbooked)
    data = slot.data if slot.data is not None or row.data in given else row.data
    state = SlotState.OPEN if row.dropped else row.state
    changed = row._replace(capacity=fitting, data=data, state=state, dropped=False)
    if changed != row:
        plan.updated.append(changed)
    if fitting != slot.capacity:
        plan.kept.append(row)


def _add_new(plan: Plan, wanted: Iterable[Planned], standing: list[SlotRow], kept: list[SlotRow]) -> None:
    """Open the wanted slots without a twin of the same times; a slot that overlaps a kept one waits."""
    taken = {(row.start, row.end) for row in standing} | {slot.times for slot in plan.opened}
    obstacles = Obstacles(kept)
    for slot in wanted:
        if slot.times in taken:
            continue
        obstacle = obstacles.find(*slot.times)
        if obstacle is None:
            plan.opened.append(slot)
        else:
            plan.waiting.append(Behind(slot, obstacle))


def _warnings(calendar: CalendarRow, wanted: list[Planned], standing: list[SlotRow]) -> list[dict[str, Any]]:
    """Warn of overlapping slots, in a calendar without the rule against them."""
    by_hand = {(row.start, row.end) for row in standing if row.origin != Origin.SCHEDULE}
    return overlap.warnings(calendar, overlap.overlapping(by_hand | {slot.times for slot in wanted}))


def _remember(transaction: Transaction, calendar: CalendarRow, schedule: Schedule, until: date) -> None:
    _forget.execute(transaction.db, calendar=calendar.id)
    body, due_at = msgspec.json.encode(schedule).decode(), next_fill(schedule, calendar.zone, until)
    _insert.run(transaction.db, (calendar.id, body, until.isoformat(), transaction.now, due_at))


def _carry_out(transaction: Transaction, calendar: CalendarRow, plan: Plan, kind: Type) -> None:
    """Carry the plan out, at most 200 slots a change. Removals go first, so that no viewer sees slots overlap."""
    steps: list[SlotRow | Planned] = [*plan.removed, *plan.dropped, *plan.updated, *plan.opened]
    for place in range(0, len(steps), SLOTS_A_CHANGE):
        seq = change_log.next_seq(transaction, calendar.id)
        some = steps[place : place + SLOTS_A_CHANGE]
        for step in some:
            if isinstance(step, SlotRow):
                slots.write(transaction, step, seq)
        waiting.open_planned(transaction, calendar.id, [step for step in some if isinstance(step, Planned)], seq)
        append_slot_changes(transaction, calendar.id, kind)
        transaction.on_progress(min(place + SLOTS_A_CHANGE, len(steps)), len(steps))


def read_body(db: Database, calendar: str) -> bytes | None:
    """Return the calendar's schedule as JSON; None without one."""
    found = _read.row(db, calendar=calendar)
    return None if found is None else str(found[0]).encode()


def due(db: Database, now: int) -> list[str]:
    """Return the calendars with dates to fill. An unreadable schedule is logged, and stops no other."""
    behind: list[str] = []
    for calendar, body in _due.rows(db, now=now):
        try:
            read_schedule(msgspec.json.decode(body))
        except (Refused, msgspec.DecodeError) as error:
            _logger.warning("The schedule of %s can't be read: %s", calendar, error)
        else:
            behind.append(calendar)
    return behind


def note_due(db: Database) -> None:
    """Give the schedules of an older version the times of their next dates, so that the scheduler need not."""
    for calendar, body, generated_until, zone in _undated.rows(db):
        with suppress(Refused, msgspec.DecodeError):
            due_at = next_fill(read_schedule(msgspec.json.decode(body)), zone, date.fromisoformat(generated_until))
            _date.execute(db, calendar=calendar, due_at=due_at)
