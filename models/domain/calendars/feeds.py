"""The commands of iCalendar feeds: staff make and revoke private ones, and the server raises their SEQUENCE."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType
from peewee import EXCLUDED, fn

from models.contract.changes import NAME_CHARACTERS
from models.contract.commands.background import RaiseFeedFloor
from models.contract.commands.calendars import CreateFeed, RevokeFeed
from models.contract.errors import LimitExceeded, NotFound
from models.contract.values.ids import new_id
from models.contract.values.text import check_line
from models.contract.values.time import write_time
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind, literal
from models.storage.rows import FeedRow
from models.storage.tables import FeedFloor, PrivateFeed, columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

MOST_FEEDS = 100  # of a calendar

_read = CompiledQuery(PrivateFeed.select(*columns(PrivateFeed)).where(PrivateFeed.id == bind("feed")))
_count = CompiledQuery(
    PrivateFeed.select(fn.COUNT(PrivateFeed.id)).where(
        (PrivateFeed.calendar == bind("calendar")) & (PrivateFeed.revoked == literal(0))
    )
)
_insert = CompiledInsert(PrivateFeed)
_revoke = CompiledQuery(PrivateFeed.update({PrivateFeed.revoked: 1}).where(PrivateFeed.id == bind("feed")))
_raise_floor = CompiledQuery(
    FeedFloor.insert({FeedFloor.calendar: bind("calendar"), FeedFloor.at: bind("at")}).on_conflict(
        conflict_target=[FeedFloor.calendar], update={FeedFloor.at: EXCLUDED.at}, where=(EXCLUDED.at > FeedFloor.at)
    )
)


class PublicFeed(Struct, kw_only=True):
    """A private feed, for its calendar's staff. Only the answer to `feed.create` has its token."""

    id: str
    calendar: str
    name: str
    scope: str
    created_at: str
    token: str | UnsetType = UNSET


def public(row: FeedRow) -> PublicFeed:
    return PublicFeed(
        id=row.id, calendar=row.calendar, name=row.name, scope=row.scope, created_at=write_time(row.created_at)
    )


@handles(CreateFeed)
def create_feed(transaction: Transaction, command: CreateFeed) -> CommandResult:
    """`feed.create`: the token is made of the feed's id, and is not stored."""
    calendar = transaction.calendar(command.calendar)
    if _count.rows(transaction.db, calendar=calendar.id)[0][0] >= MOST_FEEDS:
        raise LimitExceeded(f"A calendar has at most {MOST_FEEDS} private feeds.", rule="max_feeds")
    name = check_line(command.name, "name", most=NAME_CHARACTERS)
    row = FeedRow(new_id(transaction.now), calendar.id, name, command.scope, transaction.now, 0)
    _insert.run(transaction.db, row)
    return CommandResult(calendar.id, "feed", public(row), token="feed")


@handles(RevokeFeed)
def revoke_feed(transaction: Transaction, command: RevokeFeed) -> CommandResult:
    """`feed.revoke`: end the feed and its address."""
    found = _read.row(transaction.db, feed=command.feed)
    if found is None:
        raise NotFound(what="feed")
    row = FeedRow._make(found)
    _revoke.execute(transaction.db, feed=row.id)
    return CommandResult(row.calendar, "feed", public(row))


@handles(RaiseFeedFloor)
def raise_floor(transaction: Transaction, command: RaiseFeedFloor) -> CommandResult:
    """Raise the SEQUENCE of every event: a restored database may have events older than those already served."""
    _raise_floor.execute(transaction.db, calendar=command.calendar, at=transaction.now)
    return CommandResult(command.calendar, "floor", transaction.now)
