"""Applies a schedule to its calendar: opens, removes and updates slots, and fills the horizon as days go by.

A schedule touches its own slots only, and matches them by their times. A slot with a taken seat is kept. A kept slot
without a place in the schedule is closed, is removed with its last booking, and makes overlapping slots wait
(models/schedule/waiting.py). Dates up to `generated_until` were generated once, so a slot removed there stays removed.

To expand a schedule may take half a second, so a reading thread does it before the writer's turn (`with_expansion`).
The writer takes the slots if the zone, the dates and the schedule are still the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import msgspec
from peewee import Database

from models.contract.changes import SLOTS_A_CHANGE, Type
from models.contract.commands.background import FillHorizon
from models.contract.commands.calendars import SetSchedule
from models.contract.commands.expansion import Expansion
from models.contract.errors import Refused, StaleExpansion
from models.domain.log import change_log
from models.domain.log.public_view import public_slot
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy import rules
from models.domain.slots import overlap, slots
from models.domain.slots.planned import Planned
from models.schedule import waiting
from models.schedule.expand import Schedule, expand, first_date, horizon, next_fill, read_schedule
from models.schedule.schedule import convert_schedule, write_data
from models.schedule.steps import Steps
from models.schedule.waiting import Behind, Obstacles
from models.storage.cancellation import checked
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind, literal
from models.storage.dialect import Dialect
from models.storage.rows import CalendarRow, Origin, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Slot, StoredSchedule
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_ONE_DAY = timedelta(days=1)

_read = CompiledQuery(
    StoredSchedule.select(StoredSchedule.body, StoredSchedule.generated_until).where(
        StoredSchedule.calendar == bind("calendar")
    )
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
    calendar = transaction.calendar(command.calendar)
    plan, answer = _planned(transaction.db, calendar, command, transaction.now)
    if not command.preview:
        schedule = convert_schedule(command.schedule)
        _remember(transaction, calendar, schedule, horizon(schedule, calendar.zone, transaction.now))
        waiting.replace(transaction, calendar.id, plan.waiting)
        _carry_out(transaction, calendar, plan, Type.SCHEDULE_CHANGED)
    return CommandResult(calendar.id, "", answer)


def with_expansion(calendar: CalendarRow, command: SetSchedule, now: int) -> SetSchedule:
    """Return the command with the slots of its schedule. For a reading thread; BadRequest for too dear a schedule."""
    steps = Steps()
    schedule = read_schedule(command.schedule, steps)
    first, last = _dates(schedule, calendar.zone, now)
    slots = tuple(expand(schedule, calendar.zone, first, last, steps))
    expansion = Expansion(zone=calendar.zone, first=first, last=last, slots=slots)
    return msgspec.structs.replace(command, expansion=expansion)


def preview(db: Dialect, calendar: CalendarRow, command: SetSchedule, now: int) -> dict[str, Any]:
    """Return the answer that the command would get now."""
    return _planned(db, calendar, command, now)[1]


def _planned(db: Dialect, calendar: CalendarRow, command: SetSchedule, now: int) -> tuple[Plan, dict[str, Any]]:
    rules.check_in_use(calendar)
    schedule = read_schedule(command.schedule) if command.expansion is None else convert_schedule(command.schedule)
    dates = _dates(schedule, calendar.zone, now)
    planned = _wanted(command.expansion, schedule, calendar.zone, dates)
    wanted = [slot for slot in planned if slot.start > now]
    standing = _coming_slots(db, calendar.id, now)
    plan = _plan(wanted, standing, _data_given(db, calendar.id), now)
    answer = plan.numbers(calendar, now)
    if warnings := _warnings(calendar, wanted, standing):
        answer["warnings"] = warnings
    return plan, answer


def _dates(schedule: Schedule, zone: str, now: int) -> tuple[date, date]:
    """Return the first and the last date of a schedule that is set now."""
    return max(schedule.from_, first_date(zone, now)), horizon(schedule, zone, now)


def _wanted(
    expansion: Expansion | None, schedule: Schedule, zone: str, dates: tuple[date, date], body: str = ""
) -> list[Planned]:
    """Return the slots of these dates: those of the expansion, if it is still right."""
    if expansion is None:
        return expand(schedule, zone, *dates)
    if (expansion.zone, expansion.first, expansion.last, expansion.body) != (zone, *dates, body):
        raise StaleExpansion
    return [Planned._make(slot) for slot in expansion.slots]


@handles(FillHorizon)
def fill_horizon(transaction: Transaction, command: FillHorizon) -> CommandResult:
    """Open the slots of the dates within the horizon now, and not at its last filling."""
    calendar = transaction.calendar(command.calendar)
    found = _read.row(transaction.db, calendar=calendar.id)
    if found is None or calendar.archived:
        return CommandResult(calendar.id, "opened", 0)
    waiting.note_vacated(transaction, calendar.id)
    plan = Plan(opened=waiting.ready(transaction, calendar.id))
    schedule = convert_schedule(msgspec.json.decode(found[0]))
    generated_until = date.fromisoformat(found[1])
    until = horizon(schedule, calendar.zone, transaction.now)
    if until > generated_until:
        dates = max(generated_until + _ONE_DAY, first_date(calendar.zone, transaction.now)), until
        planned = _wanted(command.expansion, schedule, calendar.zone, dates, found[0])
        wanted = [slot for slot in planned if slot.start > transaction.now]
        standing = _coming_slots(transaction.db, calendar.id, transaction.now)
        _add_new(plan, wanted, standing, [row for row in standing if row.dropped])
        waiting.keep(transaction, calendar.id, plan.waiting)
    _remember(transaction, calendar, schedule, max(until, generated_until))
    _carry_out(transaction, calendar, plan, Type.SLOT_OPENED)
    return CommandResult(calendar.id, "opened", len(plan.opened))


def _coming_slots(db: Dialect, calendar: str, now: int) -> list[SlotRow]:
    return [SlotRow._make(row) for row in checked(_coming.rows(db, calendar=calendar, now=now))]


def _data_given(db: Dialect, calendar: str) -> frozenset[str | None]:
    """Return the `data` of slots by the present schedule. Other data is the staff's, and stays."""
    found = _read.row(db, calendar=calendar)
    if found is None or '"data"' not in found[0]:
        return frozenset()
    try:
        schedule = convert_schedule(msgspec.json.decode(found[0]))
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
