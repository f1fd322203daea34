"""Calendars: who may see them, who may book, and by which policy."""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from peewee import fn

from models import log, rules, seats
from models.batch import Batch, Done
from models.change import Policy, Type
from models.clock import SECOND
from models.commands import ArchiveCalendar, CreateCalendar, TrimLog, UpdateCalendar
from models.dialect import Duplicate
from models.errors import AlreadyExists, BadRequest, InvalidTransition
from models.identity import SLUG, new_nonce
from models.place import Outrun
from models.receipts import forget
from models.statement import Insertion, Statement, bind, literal
from models.tables import Calendar, CalendarRow, Slot, SlotState
from models.zone import open_zone

NAME_CHARACTERS = 200

_insert = Insertion(Calendar)
_update = Statement(
    Calendar.update(
        {
            Calendar.name: bind("name"),
            Calendar.zone: bind("zone"),
            Calendar.visibility: bind("visibility"),
            Calendar.booking: bind("booking"),
            Calendar.policy: bind("policy"),
            Calendar.archived: bind("archived"),
        }
    ).where(Calendar.id == bind("id"))
)
_count_taken = Statement(
    Slot.select(fn.COUNT(Slot.id)).where(
        (Slot.calendar == bind("calendar"))
        & (Slot.end > bind("now"))
        & (Slot.held + Slot.booked > literal(0))
        & (Slot.state != literal(SlotState.REMOVED))
    )
)


def create_calendar(batch: Batch, command: CreateCalendar) -> Done:
    """`calendar.create`: begins its history at seq 0, which no change tells of."""
    if not SLUG.fullmatch(command.calendar):
        raise BadRequest("A calendar's id is a slug: a-z, 0-9 and -, up to 63 characters.", field="id")
    rules.check_staff(command.asker, command.calendar)
    if command.calendar in batch.calendars:
        raise AlreadyExists(what="calendar")
    row = CalendarRow(
        id=command.calendar,
        name=_checked_name(command.name),
        zone=_checked_zone(command.zone),
        visibility=command.visibility,
        booking=command.booking,
        policy=msgspec.json.encode(rules.merged_policy(Policy(), command.policy)).decode(),
        archived=False,
        created_at=batch.now,
        seq=0,
        nonce=new_nonce(),
    )
    log.forget(batch, row.id)  # of one with this id that somebody has deleted by hand
    try:
        _insert.run(batch.db, row)
    except Duplicate as error:  # another process makes the same one: there was no row to lock yet
        raise Outrun from error
    batch.calendars[row.id] = row
    return Done(row.id, "info", rules.info_of(row))


def update_calendar(batch: Batch, command: UpdateCalendar) -> Done:
    """`calendar.update`: what is given replaces what there is; the policy is merged field by field."""
    rules.check_staff(command.asker, command.calendar)
    row = batch.calendar(command.calendar)
    rules.check_in_use(row)
    given = {
        name: value
        for name in ("name", "zone", "visibility", "booking")
        if (value := getattr(command, name)) is not UNSET
    }
    if "name" in given:
        given["name"] = _checked_name(given["name"])
    if "zone" in given:
        _checked_zone(given["zone"])
    if command.policy:
        policy = rules.merged_policy(rules.policy_of(row), command.policy)
        given["policy"] = msgspec.json.encode(policy).decode()
    changed = row._replace(**given)
    return Done(
        row.id, "info", rules.info_of(row if changed == row else _written(batch, changed, Type.CALENDAR_UPDATED))
    )


def archive_calendar(batch: Batch, command: ArchiveCalendar) -> Done:
    """`calendar.archive`: final. Refused while someone has a seat in a slot that is not over."""
    rules.check_staff(command.asker, command.calendar)
    row = batch.calendar(command.calendar)
    if row.archived:
        return Done(row.id, "info", rules.info_of(row))
    taken = _count_taken.row(batch.db, calendar=row.id, now=batch.now)
    if taken and taken[0]:
        raise InvalidTransition("Somebody has a seat in a slot that is not over.", rule="taken", slots=taken[0])
    return Done(row.id, "info", rules.info_of(_written(batch, row._replace(archived=True), Type.CALENDAR_ARCHIVED)))


def _written(batch: Batch, row: CalendarRow, kind: Type) -> CalendarRow:
    _update.execute(
        batch.db,
        id=row.id,
        name=row.name,
        zone=row.zone,
        visibility=row.visibility,
        booking=row.booking,
        policy=row.policy,
        archived=row.archived,
    )
    before = batch.calendar(row.id)
    is_pressed_anew = _pressing(row) != _pressing(before)
    batch.calendars[row.id] = row
    seq = log.next_seq(batch, row.id)
    if is_pressed_anew:
        seats.press_anew(batch, row, seq)
    if row.archived and not before.archived:
        seats.shut(batch, row.id, seq)
    seats.tell(batch, row.id, kind, info=rules.info_of(row))
    return batch.calendars[row.id]


def _pressing(row: CalendarRow) -> tuple[bool, int]:
    """What of the policy says which slots stand in one another's way."""
    policy = rules.policy_of(row)
    return policy.rejects_overlap, policy.buffer_before + policy.buffer_after


def trim_log(batch: Batch, command: TrimLog) -> Done:
    """Forgets old changes and receipts; who comes with an older cursor gets a snapshot."""
    forget.execute(batch.db, calendar=command.calendar, before=batch.now - batch.keeping.receipt_seconds * SECOND)
    return Done(command.calendar, "trimmed", log.trim(batch, command.calendar))


def _checked_name(name: str) -> str:
    text = name.strip()
    if not 1 <= len(text) <= NAME_CHARACTERS or "\0" in text:
        raise BadRequest(f"`name` has 1 to {NAME_CHARACTERS} characters.", field="name")
    return text


def _checked_zone(zone: str) -> str:
    open_zone(zone)
    return zone
