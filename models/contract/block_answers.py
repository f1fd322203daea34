"""A block, as the answers to requests have it."""

from __future__ import annotations

from msgspec import Struct

from models.contract.values.blocked_value import BlockKind


class BlockOutcome(Struct, kw_only=True):
    """A block after a request about it. It has nothing of the person, since answers to commands are kept for a day."""

    id: str
    calendar: str
    kind: BlockKind
    made_at: str
    expires_at: str | None


class Block(BlockOutcome, kw_only=True):
    """A block, for the staff of its calendar. After an erasure `value` is null, and the block is still in force.

    `calendar` is `*` for all calendars. `made_by` is the account or the `sub` that has made it.
    """

    value: str | None
    reason: str
    made_by: str
