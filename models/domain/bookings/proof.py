"""The proof of work of a guest who takes seats: good once, in the transaction that takes them."""

from __future__ import annotations

from msgspec import UnsetType

from models.contract.errors import PolicyRefused
from models.contract.principal import Principal
from models.contract.values.proof import read_proof
from models.domain.calendars import tickets
from models.domain.policy import rules
from models.storage.rows import CalendarRow
from models.transaction.transaction import Transaction


def use(transaction: Transaction, principal: Principal, calendar: CalendarRow, given: str | UnsetType) -> None:
    """Use the proof up, if the calendar needs one of this caller. Refuse a missing, wrong or used one."""
    if rules.policy_of(calendar).verification != "proof" or principal.is_named(calendar.id):
        return
    solved = None if isinstance(given, UnsetType) else read_proof(transaction.tokens, given, transaction.now)
    if solved is None or not tickets.use(transaction, f"proof:{solved[0]}", solved[1]):
        raise PolicyRefused(
            "This calendar asks for a proof of work: solve a challenge of `/api/challenge` for each request.",
            rule="proof",
        )
