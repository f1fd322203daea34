"""Credentials: sessions of accounts, tokens of staff, and private links; they are noted, listed and revoked.

A token is noted at its first use, whoever has made it. So every token in use can be revoked.
"""

from __future__ import annotations

from peewee import SQL, fn

from models.contract.commands.background import AddCredential, NoteUses, RevokeCredential
from models.contract.errors import LimitExceeded, NotFound
from models.contract.values.text import is_storable
from models.contract.values.time import DAY
from models.domain.access.grants import check_within, read_grants, write_grants
from models.domain.access.notice import announce
from models.storage.access_tables import Credential, CredentialRow
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind
from models.storage.tables import columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

MOST_SESSIONS = 20  # of one account; a further one ends the oldest
MOST_CREDENTIALS = 10_000
KEPT_AFTER_END = DAY

_insert = CompiledInsert(Credential, is_optional=True)
_read = CompiledQuery(Credential.select(*columns(Credential)).where(Credential.id == bind("credential")))
_count = CompiledQuery(Credential.select(fn.COUNT(Credential.id)))
_sessions = CompiledQuery(
    Credential.select(Credential.id).where(Credential.account == bind("account")).order_by(Credential.made_at)
)
_use = CompiledQuery(
    Credential.update({Credential.used_at: bind("used_at")}).where(Credential.id == bind("credential"))
)
_revoke = CompiledQuery(
    Credential.update({Credential.revoked_at: bind("now")}).where(
        (Credential.id == bind("credential")) & Credential.revoked_at.is_null()
    )
)
_delete = CompiledQuery(Credential.delete().where(Credential.id == bind("credential")))
_forget = CompiledQuery(Credential.delete().where(Credential.ends_at < bind("before")))
_oldest_tokens = CompiledQuery(
    Credential.select(Credential.id)
    .where((Credential.kind == SQL("'token'")) & Credential.revoked_at.is_null())
    .order_by(Credential.used_at, Credential.id)
    .limit(bind("most"))
)


@handles(AddCredential)
def add_credential(transaction: Transaction, command: AddCredential) -> CommandResult:
    """Note a new session, token or link, and forget those that ended a day ago."""
    _forget.execute(transaction.db, before=transaction.now - KEPT_AFTER_END)
    _make_room(transaction, command)
    row = CredentialRow(
        id=command.credential,
        kind=command.kind,
        account=command.account or None,
        digest=command.digest or None,
        subject=command.subject,
        roles=write_grants(command.roles),
        made_by=command.made_by,
        made_at=transaction.now,
        ends_at=command.ends_at,
        used_at=transaction.now if command.kind == "session" else None,
        revoked_at=None,
    )
    _insert.run(transaction.db, row)
    if command.kind == "session":
        announce(transaction)
    return CommandResult("", "credential", row.id)


def _make_room(transaction: Transaction, command: AddCredential) -> None:
    if command.account:
        sessions = _sessions.rows(transaction.db, account=command.account)
        for (session,) in sessions[: max(0, len(sessions) + 1 - MOST_SESSIONS)]:
            _delete.execute(transaction.db, credential=session)
    elif _count.rows(transaction.db)[0][0] >= MOST_CREDENTIALS:
        raise LimitExceeded(f"There are at most {MOST_CREDENTIALS} tokens and links.", rule="max_tokens")


@handles(RevokeCredential)
def revoke_credential(transaction: Transaction, command: RevokeCredential) -> CommandResult:
    """End a session, a token or a link. A revoked one stays in the list until its own end."""
    found = _read.row(transaction.db, credential=command.credential) if is_storable(command.credential) else None
    row = None if found is None else CredentialRow._make(found)
    if row is None or row.kind not in command.kinds:
        raise NotFound(what=command.kinds[0])
    check_within(command.scope, read_grants(row.roles))
    if row.kind == "session":
        _delete.execute(transaction.db, credential=row.id)
    else:
        _revoke.execute(transaction.db, credential=row.id, now=transaction.now)
    announce(transaction)
    return CommandResult("", row.kind, row.id)


@handles(NoteUses)
def note_uses(transaction: Transaction, command: NoteUses) -> CommandResult:
    """Note the last uses of credentials, and each token that was used for the first time."""
    for use in command.uses:
        if _use.execute(transaction.db, credential=use.id, used_at=use.used_at).rowcount or not use.is_token:
            continue
        row = CredentialRow(
            use.id, "token", None, None, use.subject, write_grants(use.roles), use.made_by, use.made_at, use.ends_at,
            use.used_at, None,
        )  # fmt: skip
        _insert.run(transaction.db, row)
    _forget.execute(transaction.db, before=transaction.now - KEPT_AFTER_END)
    over = _count.rows(transaction.db)[0][0] - MOST_CREDENTIALS
    if over > 0:  # a program that makes a token for each request
        for (token,) in _oldest_tokens.rows(transaction.db, most=over):
            _delete.execute(transaction.db, credential=token)
    return CommandResult("", "uses", len(command.uses))
