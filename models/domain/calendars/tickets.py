"""Tickets are used once, whichever server issued them."""

from __future__ import annotations

from models.contract.commands.background import UseTicket
from models.contract.errors import Unauthorized
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.tables import UsedTicket
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_insert = CompiledQuery(
    UsedTicket.insert({UsedTicket.id: bind("ticket"), UsedTicket.ends_at: bind("ends_at")}).on_conflict_ignore()
)
_forget = CompiledQuery(UsedTicket.delete().where(UsedTicket.ends_at < bind("now")))


@handles(UseTicket)
def use_ticket(transaction: Transaction, command: UseTicket) -> CommandResult:
    """Write the ticket down, and forget those that have ended."""
    _forget.execute(transaction.db, now=transaction.now)
    if not _insert.execute(transaction.db, ticket=command.ticket, ends_at=command.ends_at).rowcount:
        raise Unauthorized("The ticket was used, or has ended.")
    return CommandResult("", "ticket", command.ticket)
