"""Deletes holds that ended long ago. Their ids have the time of their making, so no index is needed to find them."""

from __future__ import annotations

from typing import Any

from models.contract.commands.background import TrimHolds
from models.contract.values.ids import first_id
from models.contract.values.time import SECOND
from models.domain.policy.rules import HOLD_SECONDS
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.rows import HoldState
from models.storage.tables import Hold
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Retention, Transaction

HOLDS_AT_ONCE = 1_000
_LONGEST_SECONDS = 2 * HOLD_SECONDS[-1]

IS_OLD_HOLD = (Hold.id < bind("first")) & (Hold.state != literal(HoldState.ACTIVE)) & (Hold.expires_at < bind("before"))
_old = Hold.select(Hold.id).where(IS_OLD_HOLD).order_by(Hold.id).limit(literal(HOLDS_AT_ONCE))
_trim = CompiledQuery(Hold.delete().where(Hold.id.in_(_old)))


def old_holds(now: int, retention: Retention) -> dict[str, Any]:
    """Return the values of `IS_OLD_HOLD`: a hold is kept as long as the answer to its request."""
    before = now - retention.receipt_seconds * SECOND
    return {"first": first_id(before - _LONGEST_SECONDS * SECOND), "before": before}


@handles(TrimHolds)
def trim_holds(transaction: Transaction, command: TrimHolds) -> CommandResult:
    """Delete the holds that ended before the retention of idempotency records. The answer has their number."""
    deleted = _trim.execute(transaction.db, **old_holds(transaction.now, transaction.retention)).rowcount
    return CommandResult(command.calendar, "trimmed", deleted)
