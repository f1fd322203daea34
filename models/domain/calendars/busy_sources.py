"""The commands of sources of busy times: staff add and remove them, and the server writes their times."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from msgspec import UNSET
from peewee import fn

from models.contract import answers
from models.contract.changes import NAME_CHARACTERS
from models.contract.commands.background import CheckBusy, FailBusy, SetBusy
from models.contract.commands.calendars import AddBusy, RemoveBusy
from models.contract.errors import BadRequest, LimitExceeded, NotFound
from models.contract.values.ids import new_id
from models.contract.values.text import check_line
from models.contract.values.time import write_time
from models.domain.policy import rules
from models.domain.slots import busy_times
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.tables import BusySource, BusyTime
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

MOST_SOURCES = 20  # of a calendar
ROWS_A_STATEMENT = 200

_PUBLIC = (
    BusySource.id,
    BusySource.calendar,
    BusySource.name,
    BusySource.url,
    BusySource.created_at,
    BusySource.checked_at,
    BusySource.fetched_at,
    BusySource.error,
    BusySource.failing_since,
)
_live = CompiledQuery(
    BusySource.select(BusySource.id).where((BusySource.id == bind("source")) & (BusySource.removed == literal(0)))
)
one = CompiledQuery(BusySource.select(*_PUBLIC).where(BusySource.id == bind("source")))
of_calendar = CompiledQuery(
    BusySource.select(*_PUBLIC)
    .where((BusySource.calendar == bind("calendar")) & (BusySource.removed == literal(0)))
    .order_by(BusySource.created_at, BusySource.id)
)
_count = CompiledQuery(
    BusySource.select(fn.COUNT(BusySource.id)).where(
        (BusySource.calendar == bind("calendar")) & (BusySource.removed == literal(0))
    )
)
_insert = CompiledQuery(
    BusySource.insert(
        {
            BusySource.id: bind("id"),
            BusySource.calendar: bind("calendar"),
            BusySource.name: bind("name"),
            BusySource.url: bind("url"),
            BusySource.body: bind("body"),
            BusySource.etag: "",
            BusySource.modified: "",
            BusySource.created_at: bind("now"),
            BusySource.checked_at: 0,
            BusySource.fetched_at: 0,
            BusySource.expanded_at: 0,
            BusySource.error: "",
        }
    )
)
_remove = CompiledQuery(
    BusySource.update({BusySource.removed: 1, BusySource.url: None, BusySource.body: None}).where(
        BusySource.id == bind("source")
    )
)
_delete_times = CompiledQuery(BusyTime.delete().where(BusyTime.source == bind("source")))
_replace_times = CompiledQuery(
    BusyTime.delete()
    .where((BusyTime.source == bind("source")) & (BusyTime.end > bind("since")))
    .returning(BusyTime.start, BusyTime.end)
)
_check = CompiledQuery(
    BusySource.update({BusySource.checked_at: bind("now")}).where(
        (BusySource.id == bind("source")) & (BusySource.checked_at == bind("checked_at"))
    )
)
_fail = CompiledQuery(
    BusySource.update(
        {
            BusySource.checked_at: bind("now"),
            BusySource.error: bind("error"),
            BusySource.failing_since: fn.COALESCE(BusySource.failing_since, bind("now")),
        }
    ).where(BusySource.id == bind("source"))
)
_done = CompiledQuery(
    BusySource.update(
        {
            BusySource.checked_at: bind("now"),
            BusySource.fetched_at: bind("now"),
            BusySource.expanded_at: fn.COALESCE(bind("expanded_at"), BusySource.expanded_at),
            BusySource.body: fn.COALESCE(bind("body"), BusySource.body),
            BusySource.etag: bind("etag"),
            BusySource.modified: bind("modified"),
            BusySource.error: "",
            BusySource.failing_since: None,
        }
    ).where(BusySource.id == bind("source"))
)


def public(row: tuple[object, ...]) -> answers.BusySource:
    """Return a row of `one` or `of_calendar` for staff. It has only the host of a URL: the rest may be a secret."""
    source, calendar, name, url, created_at, _, fetched_at, error, failing_since = row
    return answers.BusySource(
        id=str(source),
        calendar=str(calendar),
        name=str(name),
        host=(urlsplit(str(url)).hostname or "") if url else UNSET,
        created_at=write_time(_number(created_at)),
        fetched_at=write_time(_number(fetched_at)) if fetched_at else UNSET,
        error=str(error) if error else UNSET,
        failing_since=write_time(_number(failing_since)) if failing_since else UNSET,
    )


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


@handles(AddBusy)
def add_busy(transaction: Transaction, command: AddBusy) -> CommandResult:
    """`busy.add`: note the source. The server reads it at once, and a URL again and again."""
    calendar = transaction.calendar(command.calendar)
    rules.check_in_use(calendar)
    if (command.url is None) == (command.text is None):
        raise BadRequest("A source has a `url` or a `text`, not both.", field="url")
    if _count.rows(transaction.db, calendar=calendar.id)[0][0] >= MOST_SOURCES:
        raise LimitExceeded(f"A calendar has at most {MOST_SOURCES} sources of busy times.", rule="max_sources")
    if command.text is not None and "BEGIN:VCALENDAR" not in command.text[:4_096].upper():
        raise BadRequest("`text` is no iCalendar file.", field="text")
    name = check_line(command.name, "name", most=NAME_CHARACTERS)
    source = new_id(transaction.now)
    _insert.execute(
        transaction.db,
        id=source,
        calendar=calendar.id,
        name=name,
        url=None if command.url is None else checked_url(command.url),
        body=None if command.text is None else command.text.encode(errors="replace"),
        now=transaction.now,
    )
    return CommandResult(calendar.id, "source", public(_found(transaction, source)))


def checked_url(text: str) -> str:
    """Return the URL for fetching; `webcal` stands for `https`."""
    try:
        parts = urlsplit(text.strip())
        _ = parts.port
    except ValueError as error:
        raise BadRequest("`url` is no URL.", field="url") from error
    scheme = {"webcal": "https", "webcals": "https"}.get(parts.scheme.lower(), parts.scheme.lower())
    if scheme not in {"http", "https"} or not parts.hostname or not text.isprintable() or " " in text.strip():
        raise BadRequest("`url` is an http, https or webcal address.", field="url")
    if parts.username is not None or parts.password is not None:
        raise BadRequest("`url` has no user and no password in it.", field="url")
    return urlunsplit((scheme, parts.netloc, parts.path, parts.query, ""))


def _found(transaction: Transaction, source: str) -> tuple[object, ...]:
    row = one.row(transaction.db, source=source)
    if row is None:
        raise NotFound(what="busy")
    return row


@handles(RemoveBusy)
def remove_busy(transaction: Transaction, command: RemoveBusy) -> CommandResult:
    """`busy.remove`: free the slots without a busy time of another source."""
    row = _found(transaction, command.source)
    source = public(row)
    _delete_times.execute(transaction.db, source=source.id)
    _remove.execute(transaction.db, source=source.id)
    busy_times.recount(transaction, source.calendar, 0)
    return CommandResult(source.calendar, "source", source)


@handles(CheckBusy)
def check_busy(transaction: Transaction, command: CheckBusy) -> CommandResult:
    """Take the turn to fetch a source; of several servers one gets it."""
    done = _check.execute(transaction.db, source=command.source, checked_at=command.checked_at, now=transaction.now)
    return CommandResult(command.calendar, "taken", done.rowcount > 0)


@handles(FailBusy)
def fail_busy(transaction: Transaction, command: FailBusy) -> CommandResult:
    """Note the fault of a source. Its last good copy stays in force."""
    _fail.execute(transaction.db, source=command.source, error=command.error, now=transaction.now)
    return CommandResult(command.calendar, "failed", command.error)


@handles(SetBusy)
def set_busy(transaction: Transaction, command: SetBusy) -> CommandResult:
    """Replace the busy times with an end after `since`, and mark the slots. The change is like any other."""
    if _live.row(transaction.db, source=command.source) is None:
        return CommandResult(command.calendar, "changed", 0)  # removed meanwhile
    _done.execute(
        transaction.db,
        source=command.source,
        body=command.body,
        etag=command.etag,
        modified=command.modified,
        expanded_at=None if command.times is None else transaction.now,
        now=transaction.now,
    )
    if command.times is None:
        return CommandResult(command.calendar, "changed", 0)
    times = [(start, end) for start, end in busy_times.merged(command.times) if end > command.since]
    old = _replace_times.rows(transaction.db, source=command.source, since=command.since)
    for place in range(0, len(times), ROWS_A_STATEMENT):
        _insert_times(transaction, command, times[place : place + ROWS_A_STATEMENT])
    since = min([command.since, *(start for start, _ in old)])
    return CommandResult(command.calendar, "changed", busy_times.recount(transaction, command.calendar, since))


def _insert_times(transaction: Transaction, command: SetBusy, times: list[busy_times.Span]) -> None:
    rows = [
        {"calendar": command.calendar, "source": command.source, "start": start, "end": end} for start, end in times
    ]
    sql, values = transaction.db.get_sql_context().sql(BusyTime.insert_many(rows)).query()
    transaction.db.execute_sql(sql, values)
