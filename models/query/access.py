"""Reads accounts and credentials: the rights in force for the server's memory, and the lists for owners."""

from __future__ import annotations

from typing import NamedTuple

from peewee import SQL

from models.contract.access_answers import Account as PublicAccount
from models.contract.access_answers import Credential as PublicCredential
from models.contract.request import FIRST_MOMENT, LAST_MOMENT
from models.contract.values.text import is_storable
from models.contract.values.time import write_time
from models.domain.access import accounts
from models.domain.access.grants import Scope, is_within, read_grants
from models.query import blocks
from models.query.blocks import LiveBlock
from models.storage.access_tables import Account, AccountRow, Credential, CredentialRow
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import columns

_live_sessions = CompiledQuery(
    Credential.select(Credential.digest, Credential.id, Account.id, Account.name, Account.roles, Credential.ends_at)
    .join(Account, on=(Credential.account == Account.id))
    .where(
        (Credential.kind == SQL("'session'")) & (Credential.ends_at > bind("now")) & (Account.disabled == literal(0))
    )
)
_revoked = CompiledQuery(Credential.select(Credential.id).where(Credential.revoked_at.is_null(is_null=False)))
_accounts = CompiledQuery(Account.select(*columns(Account)).order_by(Account.folded))
_any = CompiledQuery(Account.select(Account.id).limit(1))
_named = CompiledQuery(Account.select(*columns(Account)).where(Account.folded == bind("folded")))
_credentials = CompiledQuery(
    Credential.select(*columns(Credential))
    .where(Credential.kind == bind("kind"))
    .order_by(Credential.made_at.desc(), Credential.id)
)


class LiveSession(NamedTuple):
    """A session in force, with its account's name and roles as they are now; `ends_at` in milliseconds."""

    id: str
    account: str
    name: str
    roles: tuple[tuple[str, str], ...]
    ends_at: int


class AccessState(NamedTuple):
    """The sessions in force by their digests, the ids of revoked tokens and links, and the blocks in force."""

    sessions: dict[str, LiveSession]
    revoked: frozenset[str]
    blocks: tuple[LiveBlock, ...] = ()


def read_state(db: Dialect, now: int) -> AccessState:
    """Return the rights in force."""
    with reading(db):
        sessions = _live_sessions.rows(db, now=now)
        revoked = _revoked.rows(db)
        in_force = blocks.read_live(db, now)
    return AccessState(
        {
            digest: LiveSession(session, account, name, tuple(sorted(read_grants(roles).items())), ends_at)
            for digest, session, account, name, roles, ends_at in sessions
        },
        frozenset(row[0] for row in revoked),
        in_force,
    )


def read_accounts(db: Dialect, scope: Scope) -> list[PublicAccount]:
    """Return the accounts with rights in these calendars only, by name."""
    with reading(db):
        rows = [AccountRow._make(row) for row in _accounts.rows(db)]
    return [accounts.public(row) for row in rows if is_within(scope, read_grants(row.roles))]


def has_accounts(db: Dialect) -> bool:
    """Say if there is any account."""
    with reading(db):
        return bool(_any.rows(db))


def find_account(db: Dialect, folded: str) -> AccountRow | None:
    """Return the account with this folded name."""
    if not is_storable(folded):
        return None
    with reading(db):
        found = _named.row(db, folded=folded)
    return None if found is None else AccountRow._make(found)


def read_credentials(db: Dialect, kind: str, scope: Scope, now: int) -> list[PublicCredential]:
    """Return the credentials of a kind that have not ended, the newest first, with rights in these calendars only."""
    with reading(db):
        rows = [CredentialRow._make(row) for row in _credentials.rows(db, kind=kind)]
    return [
        _public(row)
        for row in rows
        if (row.ends_at is None or row.ends_at > now) and is_within(scope, read_grants(row.roles))
    ]


def _public(row: CredentialRow) -> PublicCredential:
    def moment(at: int | None) -> str | None:
        return None if at is None else write_time(min(max(at, FIRST_MOMENT), LAST_MOMENT))

    return PublicCredential(
        id=row.id,
        subject=row.subject,
        roles=read_grants(row.roles),
        made_by=row.made_by,
        made_at=moment(row.made_at) or "",
        expires_at=moment(row.ends_at),
        used_at=moment(row.used_at),
        revoked_at=moment(row.revoked_at),
    )
