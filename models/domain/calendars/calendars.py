"""The commands of calendars: make, update and archive one, and trim its log."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from peewee import fn

from models.contract.changes import NAME_CHARACTERS, Policy, Type
from models.contract.commands.background import TrimLog, TrimOldest
from models.contract.commands.calendars import ArchiveCalendar, CreateCalendar, RestoreCalendar, UpdateCalendar
from models.contract.errors import AlreadyExists, BadRequest, InvalidTransition
from models.contract.values.ids import SLUG, new_nonce
from models.contract.values.text import check_line
from models.contract.values.time import SECOND
from models.contract.values.zones import open_zone
from models.domain.calendars import due_schedule
from models.domain.log import change_log, history, slot_changes
from models.domain.log.public_view import calendar_info
from models.domain.policy import booking_states, rules
from models.domain.policy.metadata import check_json
from models.domain.slots import busy_times, neighbours, overlap
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind, literal
from models.storage.dialect import Duplicate
from models.storage.rows import CalendarRow, SlotState
from models.storage.tables import Booking, Calendar, Slot
from models.transaction.handlers import handles
from models.transaction.idempotency import forget, forget_oldest
from models.transaction.routing import StaleRoute
from models.transaction.transaction import CommandResult, Transaction

OLDEST_AT_ONCE = 2_000  # changes or records; some 20 ms, for which other commands wait

_insert = CompiledInsert(Calendar)
_update = CompiledQuery(
    Calendar.update(
        {
            Calendar.name: bind("name"),
            Calendar.zone: bind("zone"),
            Calendar.visibility: bind("visibility"),
            Calendar.booking: bind("booking"),
            Calendar.policy: bind("policy"),
            Calendar.archived: bind("archived"),
            Calendar.data: bind("data"),
        }
    ).where(Calendar.id == bind("id"))
)
_live_booking = Booking.select(Booking.id).where(
    (Booking.slot == Slot.id) & Booking.status.in_(sorted(booking_states.LIVE))
)
_count_taken = CompiledQuery(
    Slot.select(fn.COUNT(Slot.id)).where(
        (Slot.calendar == bind("calendar"))
        & (Slot.end > bind("now"))
        & ((Slot.held > literal(0)) | fn.EXISTS(_live_booking))
        & (Slot.state != literal(SlotState.REMOVED))
    )
)


@handles(CreateCalendar)
def create_calendar(transaction: Transaction, command: CreateCalendar) -> CommandResult:
    """`calendar.create`: begin the calendar's history at seq 0, without a change."""
    if not SLUG.fullmatch(command.calendar):
        raise BadRequest("A calendar's id is a slug: a-z, 0-9 and -, up to 63 characters.", field="id")
    if command.calendar in transaction.calendars:
        raise AlreadyExists(what="calendar")
    row = CalendarRow(
        id=command.calendar,
        name=_checked_name(command.name),
        zone=_checked_zone(command.zone),
        visibility=command.visibility,
        booking=command.booking,
        policy=_checked_policy(transaction, rules.NEW_POLICY, command.policy),
        archived=False,
        created_at=transaction.now,
        seq=0,
        nonce=new_nonce(),
        data=None if isinstance(command.data, UnsetType) else check_json(command.data, "data"),
    )
    change_log.forget(transaction, row.id)  # of an earlier calendar with this id, deleted by an outside writer
    history.forget(transaction, row.id)
    try:
        _insert.run(transaction.db, row)
    except Duplicate as error:  # another process makes the same calendar; there was no row to lock yet
        raise StaleRoute from error
    transaction.calendars[row.id] = row
    return CommandResult(row.id, "info", calendar_info(row))


@handles(UpdateCalendar)
def update_calendar(transaction: Transaction, command: UpdateCalendar) -> CommandResult:
    """`calendar.update`: replace the given fields, and merge the policy field by field."""
    row = transaction.calendar(command.calendar)
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
        given["policy"] = _checked_policy(transaction, rules.policy_of(row), command.policy)
    if not isinstance(command.data, UnsetType):
        given["data"] = check_json(command.data, "data")
    changed = row._replace(**given)
    written = row if changed == row else _write(transaction, changed, Type.CALENDAR_UPDATED)
    is_now_allowed = _neighbourhood(row)[0] and not _neighbourhood(written)[0]
    found = overlap.coming(transaction, row.id) if is_now_allowed else []
    return CommandResult(row.id, "info", calendar_info(written), warnings=overlap.warnings(written, found))


@handles(ArchiveCalendar)
def archive_calendar(transaction: Transaction, command: ArchiveCalendar) -> CommandResult:
    """`calendar.archive`: refused while a seat is taken, up to the end of its slot; a no-show's seat does not count."""
    row = transaction.calendar(command.calendar)
    if row.archived:
        return CommandResult(row.id, "info", calendar_info(row))
    taken = _count_taken.row(transaction.db, calendar=row.id, now=transaction.now)
    if taken and taken[0]:
        raise InvalidTransition("Somebody has a seat in a slot that is not over.", rule="taken", slots=taken[0])
    return CommandResult(
        row.id, "info", calendar_info(_write(transaction, row._replace(archived=True), Type.CALENDAR_ARCHIVED))
    )


@handles(RestoreCalendar)
def restore_calendar(transaction: Transaction, command: RestoreCalendar) -> CommandResult:
    """`calendar.restore`: take an archived calendar back into use; idempotent."""
    row = transaction.calendar(command.calendar)
    if row.archived:
        row = _write(transaction, row._replace(archived=False), Type.CALENDAR_RESTORED)
    return CommandResult(row.id, "info", calendar_info(row))


def _checked_policy(transaction: Transaction, policy: Policy, given: dict[str, Any]) -> str:
    """Return the JSON of the policy with the given fields. A code by mail needs a server that sends mail."""
    merged = rules.merged_policy(policy, given)
    if merged.verification == "email" and policy.verification != "email" and not transaction.sends_mail:
        raise BadRequest(
            "This server sends no mail: set SLOTCAST_SMTP_URL and SLOTCAST_MAIL_FROM first.",
            field="policy.verification",
        )
    return msgspec.json.encode(merged).decode()


def _write(transaction: Transaction, row: CalendarRow, kind: Type) -> CalendarRow:
    _update.execute(
        transaction.db,
        id=row.id,
        name=row.name,
        zone=row.zone,
        visibility=row.visibility,
        booking=row.booking,
        policy=row.policy,
        archived=row.archived,
        data=row.data,
    )
    before = transaction.calendar(row.id)
    (_, buffer), (_, buffer_before) = _neighbourhood(row), _neighbourhood(before)
    is_recounted = _neighbourhood(row) != _neighbourhood(before)
    transaction.calendars[row.id] = row
    seq = change_log.next_seq(transaction, row.id)
    if row.zone != before.zone:
        busy_times.expand_again(transaction, row.id)
        due_schedule.look_again(transaction, row.id)
    if is_recounted:
        neighbours.recount_calendar(transaction, row, seq)
    if bool(row.archived) != bool(before.archived):
        slot_changes.note_bookable(transaction, row.id, seq)
    slot_changes.append_slot_changes(transaction, row.id, kind, info=calendar_info(row))
    if buffer != buffer_before:
        busy_times.recount(transaction, row.id, 0)
    return transaction.calendars[row.id]


def _neighbourhood(row: CalendarRow) -> tuple[bool, int]:
    """Return the part of the policy about slots blocking one another."""
    policy = rules.policy_of(row)
    return policy.rejects_overlap, neighbours.buffer_of(policy)


@handles(TrimOldest)
def trim_oldest(transaction: Transaction, _command: TrimOldest) -> CommandResult:
    """Delete a batch of the oldest changes and idempotency records of all calendars, if they are too old."""
    before = transaction.now - transaction.retention.receipt_seconds * SECOND
    records = forget_oldest(transaction.db, before, OLDEST_AT_ONCE)
    return CommandResult("", "trimmed", max(records, change_log.trim_oldest(transaction, OLDEST_AT_ONCE)))


@handles(TrimLog)
def trim_log(transaction: Transaction, command: TrimLog) -> CommandResult:
    """Delete old changes, entries of the history and idempotency records.

    A client with an older cursor gets a snapshot.
    """
    forget.execute(
        transaction.db,
        calendar=command.calendar,
        before=transaction.now - transaction.retention.receipt_seconds * SECOND,
    )
    history.trim(transaction, command.calendar)
    return CommandResult(command.calendar, "trimmed", change_log.trim(transaction, command.calendar))


def _checked_name(name: str) -> str:
    text = check_line(name, "name", most=NAME_CHARACTERS)
    if not text:
        raise BadRequest(f"`name` has 1 to {NAME_CHARACTERS} characters.", field="name")
    return text


def _checked_zone(zone: str) -> str:
    open_zone(zone)
    return zone
