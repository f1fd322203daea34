"""A command without an effect, for the health check."""

from __future__ import annotations

from models.contract.commands.background import CheckWriter
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction


@handles(CheckWriter)
def check_writer(transaction: Transaction, command: CheckWriter) -> CommandResult:
    """Return the time of the transaction."""
    return CommandResult(command.calendar, "now", transaction.now)
