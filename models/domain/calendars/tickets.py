"""Tickets are used once, whichever server issued them."""

from __future__ import annotations

from typing import Any

from models.contract.commands.background import UseTicket
from models.contract.errors import Unauthorized
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.tables import UsedTicket
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_insert = CompiledQuery(
    UsedTicket.insert({UsedTicket.id: bind("ticket"), UsedTicket.ends_at: bind("ends_at")}).on_conflict_ignore()
)
_IS_OVER = UsedTicket.ends_at < bind("now")
_forget = CompiledQuery(UsedTicket.delete().where(_IS_OVER))
# A frozen server may have such rows locked, and no ticket of the others waits for it.
_free: Any = UsedTicket.select(UsedTicket.id).where(_IS_OVER)
_forget_free = CompiledQuery(UsedTicket.delete().where(UsedTicket.id.in_(_free.for_update("FOR UPDATE SKIP LOCKED"))))


def use(transaction: Transaction, ticket: str, ends_at: int) -> bool:
    """Write what is good once down, and forget those that have ended; return False if it was used."""
    db = transaction.seats_db
    (_forget_free if db.locks_rows else _forget).execute(db, now=transaction.now)
    return bool(_insert.execute(db, ticket=ticket, ends_at=ends_at).rowcount)


@handles(UseTicket)
def use_ticket(transaction: Transaction, command: UseTicket) -> CommandResult:
    """Write the ticket down."""
    if not use(transaction, command.ticket, command.ends_at):
        raise Unauthorized("The ticket was used, or has ended.")
    return CommandResult("", "ticket", command.ticket)
