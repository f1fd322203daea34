"""Blocks: staff keep an e-mail address, a phone number, a network or a `sub` from taking seats.

Each server keeps the blocks in memory and reads them again after a notice, as it does with revoked tokens. A command
comes with the calendars in which it is blocked, so a block costs a hold no statement. The value is stored for staff
to see. Its hash stays after an erasure, so that whoever is blocked does not come back by asking for the erasure.
"""

from __future__ import annotations

from peewee import fn

from models.contract.block_answers import Block as PublicBlock
from models.contract.block_answers import BlockOutcome
from models.contract.commands.background import EraseBlocks, TrimBlocks
from models.contract.commands.blocks import AddBlock, RemoveBlock
from models.contract.errors import BadRequest, LimitExceeded, NotFound
from models.contract.principal import Principal, Role
from models.contract.values.blocked_value import SHORTEST_PREFIX, BlockKind, canonical_value
from models.contract.values.ids import UUID, new_id
from models.contract.values.text import check_line, is_storable
from models.contract.values.time import write_time
from models.contract.values.tokens import Tokens
from models.domain.access.grants import EVERY_CALENDAR, Scope
from models.domain.access.notice import announce
from models.domain.policy.customer import check_detail
from models.storage.access_tables import Block, BlockRow
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind
from models.storage.dialect import Dialect
from models.storage.tables import columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

MOST_BLOCKS = 10_000
REASON_CHARACTERS = 200

_read = CompiledQuery(Block.select(*columns(Block)).where(Block.id == bind("block")))
_of_digest = CompiledQuery(
    Block.select(*columns(Block)).where((Block.calendar == bind("calendar")) & (Block.digest == bind("digest")))
)
_count = CompiledQuery(Block.select(fn.COUNT(Block.id)))
_insert = CompiledInsert(Block)
_delete = CompiledQuery(Block.delete().where(Block.id == bind("block")))
_valued = CompiledQuery(
    Block.select(Block.id, Block.kind, Block.value, Block.digest).where(Block.value.is_null(is_null=False))
)
_set_digest = CompiledQuery(Block.update({Block.digest: bind("digest")}).where(Block.id == bind("block")))
_trim = CompiledQuery(Block.delete().where(Block.ends_at <= bind("now")))
_is_of_digest = (Block.digest == bind("digest")) & Block.value.is_null(is_null=False)
_forget = CompiledQuery(Block.update({Block.value: None, Block.reason: ""}).where(_is_of_digest))
_forget_in = CompiledQuery(
    Block.update({Block.value: None, Block.reason: ""}).where(_is_of_digest & (Block.calendar == bind("calendar")))
)


def digest_of(tokens: Tokens, kind: BlockKind, canonical: str) -> str:
    """Return the hash of a value by which its block is known after an erasure."""
    return tokens.pseudonym("block", kind, canonical)


def renew_digests(db: Dialect, tokens: Tokens) -> None:
    """Hash the known values by the present secret: an erasure finds them by it when the previous one is gone."""
    with db.changing_schema():
        for block, kind, value, digest in list(_valued.rows(db)):
            renewed = digest_of(tokens, kind, canonical_value(kind, value))
            if renewed != digest:
                _set_digest.execute(db, block=block, digest=renewed)


def outcome(row: BlockRow) -> BlockOutcome:
    kind: BlockKind = row.kind  # type: ignore[assignment]  # the table checks it
    ends_at = None if row.ends_at is None else write_time(row.ends_at)
    return BlockOutcome(
        id=row.id, calendar=row.calendar, kind=kind, made_at=write_time(row.made_at), expires_at=ends_at
    )


def public(row: BlockRow) -> PublicBlock:
    made = outcome(row)
    return PublicBlock(
        id=made.id,
        calendar=made.calendar,
        kind=made.kind,
        made_at=made.made_at,
        expires_at=made.expires_at,
        value=row.value,
        reason=row.reason,
        made_by=row.made_by,
    )


@handles(AddBlock)
def add_block(transaction: Transaction, command: AddBlock) -> CommandResult:
    """`block.add`: block the value in the calendar, or give its block there another reason and end."""
    _check_right(transaction, command.principal, command.calendar)
    value = _checked(command.kind, command.value)
    if command.expires_at is not None and command.expires_at <= transaction.now:
        raise BadRequest("`expires_at` is in the future.", field="expires_at")
    canonical = canonical_value(command.kind, value)
    row = BlockRow(
        id=new_id(transaction.now),
        calendar=command.calendar,
        kind=command.kind,
        value=canonical if command.kind == "address" else value,
        digest=digest_of(transaction.tokens, command.kind, canonical),
        reason=check_line(command.reason, "reason", most=REASON_CHARACTERS),
        made_by=command.principal.subject,
        made_at=transaction.now,
        ends_at=command.expires_at,
    )
    _trim.execute(transaction.db, now=transaction.now)
    for tokens in transaction.tokens.every:
        digest = digest_of(tokens, command.kind, canonical)
        for found in _of_digest.rows(transaction.db, calendar=row.calendar, digest=digest):
            row = row._replace(id=found[0])
            _delete.execute(transaction.db, block=row.id)
    if _count.rows(transaction.db)[0][0] >= MOST_BLOCKS:
        raise LimitExceeded(f"There are at most {MOST_BLOCKS} blocks.", rule="max_blocks")
    _insert.run(transaction.db, row)
    announce(transaction)
    return _done(row)


@handles(RemoveBlock)
def remove_block(transaction: Transaction, command: RemoveBlock) -> CommandResult:
    """`block.remove`: end the block."""
    found = _read.row(transaction.db, block=command.block) if UUID.fullmatch(command.block) else None
    if found is None:
        raise NotFound(what="block")
    row = BlockRow._make(found)
    _check_right(transaction, command.principal, row.calendar)
    _delete.execute(transaction.db, block=row.id)
    announce(transaction)
    return _done(row)


def _done(row: BlockRow) -> CommandResult:
    return CommandResult("" if row.calendar == EVERY_CALENDAR else row.calendar, "block", outcome(row))


def _check_right(transaction: Transaction, principal: Principal, calendar: str) -> None:
    """Refuse a block of all calendars to everybody but their owners. The dispatcher has checked that of a calendar."""
    if calendar == EVERY_CALENDAR:
        principal.check_role(Role.OWNER, EVERY_CALENDAR)
    else:
        transaction.calendar(calendar)


def _checked(kind: BlockKind, value: str) -> str:
    """Return the value, trimmed; BadRequest for one that no guest can have."""
    if kind == "sub":
        checked = check_line(value, "value", most=len(value))
    elif kind == "address":
        checked = _checked_network(value)
    else:
        try:
            checked = check_detail(kind, value) or ""
        except BadRequest as error:
            raise BadRequest(error.message.replace(f"`{kind}`", "`value`"), field="value") from error
    if not checked or not is_storable(checked):
        raise BadRequest("`value` has a text.", field="value")
    return checked


def _checked_network(value: str) -> str:
    try:
        return canonical_value("address", value)
    except ValueError as error:
        least = " or ".join(f"{bits} (IPv{version})" for version, bits in SHORTEST_PREFIX.items())
        message = f"`value` is an IP address, or a prefix like 192.0.2.0/24 of at least {least} bits."
        raise BadRequest(message, field="value") from error


@handles(EraseBlocks)
def erase_blocks(transaction: Transaction, command: EraseBlocks) -> CommandResult:
    """Take the e-mail address from its blocks in these calendars."""
    forget(transaction, command.scope, command.email, None)
    return CommandResult("", "erased", 0)


def forget(transaction: Transaction, scope: Scope, email: str | None, phone: str | None) -> None:
    """Take an erased customer's details from the blocks in these calendars; None for all. Their hashes stay."""
    given: tuple[tuple[BlockKind, str | None], ...] = (("email", email), ("phone", phone))
    for kind, value in given:
        if not value:
            continue
        for tokens in transaction.tokens.every:
            digest = digest_of(tokens, kind, canonical_value(kind, value))
            if scope is None:
                _forget.execute(transaction.db, digest=digest)
            for calendar in scope or ():
                _forget_in.execute(transaction.db, digest=digest, calendar=calendar)


@handles(TrimBlocks)
def trim_blocks(transaction: Transaction, command: TrimBlocks) -> CommandResult:
    """Delete the blocks that have ended. The servers know their ends, so none needs a notice."""
    return CommandResult(command.calendar, "trimmed", _trim.execute(transaction.db, now=transaction.now).rowcount)
