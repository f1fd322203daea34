"""A command without an effect, for the health check."""

from __future__ import annotations

from models.contract.commands.background import CheckWriter
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.tables import UsedTicket
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_ROW = "check"  # the id of no ticket
_insert = CompiledQuery(UsedTicket.insert({UsedTicket.id: bind("id"), UsedTicket.ends_at: 0}).on_conflict_ignore())
_delete = CompiledQuery(UsedTicket.delete().where(UsedTicket.id == bind("id")))


@handles(CheckWriter)
def check_writer(transaction: Transaction, command: CheckWriter) -> CommandResult:
    """Return the time of the transaction. If asked to, write a row that does not stay: a full disk refuses that."""
    if command.writes:
        _insert.execute(transaction.db, id=_ROW)
        _delete.execute(transaction.db, id=_ROW)
    return CommandResult(command.calendar, "now", transaction.now)
