"""Reads blocks: those in force for the server's memory, the list for staff, and those of one person."""

from __future__ import annotations

from typing import NamedTuple

from models.contract.block_answers import Block as PublicBlock
from models.contract.values.blocked_value import BlockKind, canonical_value
from models.contract.values.tokens import Tokens
from models.domain.access import blocks
from models.domain.access.grants import Scope
from models.storage.access_tables import Block, BlockRow
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import columns

BLOCKS_A_LIST = 1_000

_in_force = Block.ends_at.is_null() | (Block.ends_at > bind("now"))
_live = CompiledQuery(
    Block.select(Block.calendar, Block.kind, Block.value, Block.digest, Block.ends_at).where(_in_force)
)
_newest = Block.select(*columns(Block)).where(_in_force)
_listed = CompiledQuery(_newest.order_by(Block.made_at.desc(), Block.id).limit(literal(BLOCKS_A_LIST)))
_of_calendar = CompiledQuery(
    _newest.where(Block.calendar == bind("calendar"))
    .order_by(Block.made_at.desc(), Block.id)
    .limit(literal(BLOCKS_A_LIST))
)
_of_digest = CompiledQuery(_newest.where(Block.digest == bind("digest")))


class LiveBlock(NamedTuple):
    """A block in force. Without a `value`, which an erasure takes, the hash alone tells whom it is about."""

    calendar: str
    kind: BlockKind
    value: str | None
    digest: str
    ends_at: int | None


def read_live(db: Dialect, now: int) -> tuple[LiveBlock, ...]:
    """Return the blocks in force, inside of a read."""
    return tuple(LiveBlock._make(row) for row in _live.rows(db, now=now))


def read_blocks(db: Dialect, scope: Scope, now: int) -> list[PublicBlock]:
    """Return the newest blocks of these calendars; None for all, with the blocks of all calendars."""
    with reading(db):
        if scope is None:
            rows = _listed.rows(db, now=now)
        else:
            rows = [row for calendar in scope for row in _of_calendar.rows(db, now=now, calendar=calendar)]
    found = [BlockRow._make(row) for row in rows]
    found.sort(key=lambda row: (-row.made_at, row.id))
    return [blocks.public(row) for row in found[:BLOCKS_A_LIST]]


def read_of_person(db: Dialect, tokens: Tokens, email: str, scope: Scope, now: int) -> list[PublicBlock]:
    """Return the blocks of an e-mail address in these calendars, for the person's copy of their data."""
    canonical = canonical_value("email", email)
    with reading(db):
        digests = [blocks.digest_of(one, "email", canonical) for one in tokens.every]
        rows = [BlockRow._make(row) for digest in digests for row in _of_digest.rows(db, now=now, digest=digest)]
    return [blocks.public(row) for row in rows if scope is None or row.calendar in scope]
