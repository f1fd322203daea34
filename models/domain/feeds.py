"""The commands of iCalendar feeds."""

from __future__ import annotations

from peewee import EXCLUDED

from models.contract.commands import RaiseFeedFloor
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.tables import FeedFloor
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_raise_floor = CompiledQuery(
    FeedFloor.insert({FeedFloor.calendar: bind("calendar"), FeedFloor.at: bind("at")}).on_conflict(
        conflict_target=[FeedFloor.calendar], update={FeedFloor.at: EXCLUDED.at}, where=(EXCLUDED.at > FeedFloor.at)
    )
)


@handles(RaiseFeedFloor)
def raise_floor(transaction: Transaction, command: RaiseFeedFloor) -> CommandResult:
    """Raise the SEQUENCE of every event: a restored database may have events older than those already served."""
    _raise_floor.execute(transaction.db, calendar=command.calendar, at=transaction.now)
    return CommandResult(command.calendar, "floor", transaction.now)
