"""The way of a command to its answer, in the writer's transaction: routing, idempotency, then its handler.

One statement each reads the needs of a whole batch: the calendars of its commands, their rows, its records.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from models.audit import repair
from models.contract.commands.command import Answer, Command
from models.contract.errors import BadRequest, NotFound, Refused
from models.contract.values.ids import UUID
from models.domain.access import accounts, blocks, credentials
from models.domain.bookings import (
    bookings,
    cancel_bookings,
    erase_bookings,
    expire_bookings,
    holds,
    reschedule,
    trim_holds,
    update_booking,
    verification,
)
from models.domain.calendars import busy_sources, calendars, feeds, tickets
from models.domain.log import change_log
from models.domain.outside_writes import take_outside
from models.domain.slots import capacity, slots
from models.schedule import apply
from models.storage.compiled_query import CompiledListQuery
from models.storage.rows import CalendarRow
from models.storage.tables import Calendar, columns
from models.transaction import idempotency
from models.transaction.handlers import HANDLERS
from models.transaction.idempotency import IdempotencyRecord
from models.transaction.pending_rows import PendingRows
from models.transaction.routing import (
    Locked,
    Routes,
    StaleRoute,
    Subject,
    calendars_of,
    is_permanent,
    read_routes,
    subjects,
)
from models.transaction.transaction import CommandResult, Transaction
from models.writing import check_writer

# Importing a module registers its handlers.
HANDLER_MODULES = (
    accounts,
    apply,
    blocks,
    bookings,
    busy_sources,
    calendars,
    cancel_bookings,
    erase_bookings,
    expire_bookings,
    feeds,
    holds,
    check_writer,
    credentials,
    repair,
    reschedule,
    slots,
    take_outside,
    tickets,
    trim_holds,
    update_booking,
    verification,
)


def _calendars(ids: list[Any]) -> Any:
    return Calendar.select(*columns(Calendar)).where(Calendar.id.in_(ids)).order_by(Calendar.id)


_read_calendars = CompiledListQuery(_calendars)
# An outside writer's new slot takes KEY SHARE on its calendar, and does not conflict with this lock.
# The locks are taken in the order of ids; in order of arrival, two writers of the same calendars would deadlock.
_lock_calendars = CompiledListQuery(lambda ids: _calendars(ids).for_update("FOR NO KEY UPDATE"))
_lock_free_calendars = CompiledListQuery(lambda ids: _calendars(ids).for_update("FOR NO KEY UPDATE SKIP LOCKED"))


class RoutedCommand(NamedTuple):
    """A command, its calendar ("" for none), and its idempotency records: the key and the fingerprint of each."""

    command: Command
    calendar: str
    marks: tuple[tuple[str, str], ...] = ()
    refusal: Refused | StaleRoute | Locked | None = None


def lock_calendars(
    transaction: Transaction, asked: Sequence[Command], routes: Routes, *, skips_locked: bool = False
) -> tuple[Routes, set[str]]:
    """Take the locks of a batch's calendars; return all routes, and the calendars locked by other processes.

    `routes` are the routes already known. With `skips_locked`, the locks of other processes are not waited for.
    """
    wanted = {subject for command in asked for subject in subjects(command)}
    if not transaction.seats_db.locks_rows:  # else an outside writer may change a slot until it is read again
        slots_asked = [name for kind, name in wanted if kind == "slot" and UUID.fullmatch(name)]
        routes = routes | {("slot", row.id): row.calendar for row in capacity.prefetch(transaction, slots_asked)}
    routes = routes | read_routes(transaction.seats_db, wanted - routes.keys())
    return routes, _lock(transaction, sorted(set(routes.values())), skips_locked=skips_locked)


def prepare(
    transaction: Transaction, asked: Sequence[Command], routes: Routes, locked: set[str]
) -> list[RoutedCommand]:
    """Place the commands of a batch in their calendars. All checks come after the locks.

    The time is read after the locks, in the statement for the idempotency records, at no extra cost.

    A malformed command fails no other one. A command of a calendar in `locked` is refused at once.
    """
    moved = _moved(transaction, routes)
    placed = []
    for command in asked:
        some = subjects(command)
        its_calendars = calendars_of(routes, some)
        if locked.intersection(its_calendars):
            locked |= its_calendars  # whatever follows in these waits for it, or it would be overtaken
            placed.append(RoutedCommand(command, "", refusal=Locked()))
        elif moved.intersection(some):
            placed.append(RoutedCommand(command, "", refusal=StaleRoute()))
        else:
            placed.append(_place(transaction, command, some, routes.get(some[0], "")))
    marks = [mark for one in placed for mark, _ in one.marks]
    if transaction.clock is None:
        found, transaction.now = idempotency.find_now(transaction.seats_db, marks)
    else:
        found, transaction.now = idempotency.find(transaction.seats_db, marks), transaction.clock()
    transaction.records = {row[0]: IdempotencyRecord(*row[1:]) for row in found}
    if len(asked) > 1:
        transaction.pending = PendingRows()
    return placed


def _lock(transaction: Transaction, known: list[str], *, skips_locked: bool) -> set[str]:
    """Lock the calendars and read them. Return those locked by others."""
    statement = _read_calendars
    if transaction.seats_db.locks_rows:
        statement = _lock_free_calendars if skips_locked else _lock_calendars
    transaction.calendars = {row[0]: CalendarRow._make(row) for row in statement.rows(transaction.seats_db, known)}
    missing = [name for name in known if name not in transaction.calendars] if skips_locked else []
    return {row[0] for row in _read_calendars.rows(transaction.seats_db, missing)}


def _moved(transaction: Transaction, routes: Routes) -> set[Subject]:
    """Return the subjects with another route under the locks than before them."""
    unsettled = [subject for subject in routes if not is_permanent(subject)] if transaction.seats_db.locks_rows else []
    found = read_routes(transaction.seats_db, unsettled)
    return {subject for subject in unsettled if found.get(subject) != routes[subject]}


def _place(transaction: Transaction, command: Command, some: Sequence[Subject], calendar: str) -> RoutedCommand:
    try:
        idempotency.check_key(command, is_required=command.wire.needs_key)
        if not command.key or not calendar:
            return RoutedCommand(command, calendar)
        # The scopes of the key: the calendar, and the booking, also after its move to another calendar.
        scopes = [calendar, *[f"booking:{name}" for kind, name in some if kind == "booking"]]
        # While one secret replaces another, two servers may sign with different ones: each finds the other's records.
        marks = [
            (idempotency.identify(tokens, scope, command), fingerprint)
            for tokens in transaction.tokens.every
            for fingerprint in (idempotency.fingerprint(tokens, command),)
            for scope in scopes
        ]
        return RoutedCommand(command, calendar, tuple(marks))
    except Refused as refusal:
        return RoutedCommand(command, calendar, refusal=refusal)
    except (UnicodeEncodeError, RecursionError) as error:
        return RoutedCommand(command, calendar, refusal=BadRequest(f"The command can't be written down: {error}"))


def execute(transaction: Transaction, placed: RoutedCommand) -> Answer:
    """Run the command, or repeat its first answer. Raise its refusal."""
    command, calendar, marks, refusal = placed
    if refusal is not None:
        raise refusal
    if type(command) not in HANDLERS:
        raise BadRequest("This command is not supported.")
    if not calendar and command.needs_calendar:
        raise _missing(command)
    command.principal.check_role(command.wire.role, calendar)  # the one check of a role for all commands
    transaction.command = command
    if not marks:
        return _answer(transaction, _handle(transaction, command))[0]
    for mark, fingerprint in marks:
        if mark in transaction.records:
            idempotency.check_same(transaction.records[mark], fingerprint)
            return _repeated(transaction, transaction.records[mark])
    answer, public = _answer(transaction, _handle(transaction, command))
    for mark, fingerprint in marks:
        kept = IdempotencyRecord(answer.calendar, fingerprint, answer.seq, answer.cursor, public)
        transaction.insert(idempotency.insert, (mark, *kept, transaction.now))
        transaction.records[mark] = kept
    return answer


def _handle(transaction: Transaction, command: Command) -> CommandResult:
    """Run the handler. Raise StaleRoute if it has written a slot that is in none of its changes.

    An outside writer has moved that slot to another calendar since it was read.
    """
    done = HANDLERS[type(command)](transaction, command)
    if transaction.touched:
        raise StaleRoute
    return done


def _missing(command: Command) -> Refused:
    """Return the refusal of a command about nothing that there is.

    A calendar that there is not is refused as a private one to a principal that could see neither.
    """
    kind, name = subjects(command)[0]
    is_asked = bool(command.wire.name)
    return command.principal.unknown(name) if kind == "calendar" and is_asked else NotFound(what=kind)


_BLANK = b'"token":""'  # no string has it inside: there its quotes would be escaped
# Only these have a token; what staff have written of a slot, its `data`, may look like one.
_WITH_TOKEN = re.compile(rb'\{"(hold|booking|feed)":\{"id":"([^"]+)"')


def _answer(transaction: Transaction, done: CommandResult) -> tuple[Answer, bytes]:
    """Return the answer, and its result with a blank token for the idempotency record."""
    head = transaction.calendars.get(done.calendar)
    if done.token:
        done.value.token = ""
    result = blank = msgspec.json.encode(done.fields())
    if done.token:
        result = _filled(blank, transaction.tokens.token(done.token, done.value.id))
    if head is None:  # what a deleted calendar has left was taken
        return Answer(calendar=done.calendar, seq=0, cursor="", result=result), blank
    answer = Answer(calendar=head.id, seq=head.seq, cursor=change_log.head_cursor(head), result=result)
    return _with_left(transaction, done, answer) if done.left else (answer, blank)


def _with_left(transaction: Transaction, done: CommandResult, answer: Answer) -> tuple[Answer, bytes]:
    """Return the answer of a booking from another calendar, with the cursor of that calendar."""
    head = transaction.calendar(done.left)
    left = {"calendar": head.id, "cursor": change_log.head_cursor(head)}
    result = msgspec.json.encode({**done.fields(), "left": left})
    return msgspec.structs.replace(answer, result=result), result


def _filled(blank: bytes, token: str) -> bytes:
    return blank.replace(_BLANK, b'"token":"%b"' % token.encode())


def _repeated(transaction: Transaction, kept: IdempotencyRecord) -> Answer:
    """Return the first answer again, with its token recomputed."""
    result = kept.result
    found = _WITH_TOKEN.match(result)
    if found and _BLANK in result:
        result = _filled(result, transaction.tokens.token(found[1].decode(), found[2].decode()))
    return Answer(calendar=kept.calendar, seq=kept.seq, cursor=kept.cursor, result=result)
