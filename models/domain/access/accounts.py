"""The accounts of staff: made, changed and removed by owners and by the command line."""

from __future__ import annotations

from peewee import fn

from models.contract.access_answers import Account as PublicAccount
from models.contract.commands.background import AddAccount, ChangeAccount, RemoveAccount
from models.contract.errors import AlreadyExists, BadRequest, InvalidTransition, LimitExceeded, NotFound
from models.contract.values.fold import fold
from models.contract.values.ids import new_id
from models.contract.values.text import check_line, is_storable
from models.contract.values.time import write_time
from models.domain.access.grants import check_within, is_owner_of_all, read_grants, write_grants
from models.domain.access.notice import announce
from models.storage.access_tables import Account, AccountRow, Credential
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind, literal
from models.storage.tables import columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

MOST_ACCOUNTS = 1_000
LONGEST_NAME = 64

_read = CompiledQuery(Account.select(*columns(Account)).where(Account.id == bind("account")))
_named = CompiledQuery(Account.select(Account.id).where(Account.folded == bind("folded")))
_count = CompiledQuery(Account.select(fn.COUNT(Account.id)))
_others = CompiledQuery(
    Account.select(Account.roles).where((Account.disabled == literal(0)) & (Account.id != bind("account")))
)
_insert = CompiledInsert(Account)
_update = CompiledQuery(
    Account.update(
        {
            Account.name: bind("name"),
            Account.folded: bind("folded"),
            Account.password: bind("password"),
            Account.roles: bind("roles"),
            Account.disabled: bind("disabled"),
        }
    ).where(Account.id == bind("account"))
)
_delete = CompiledQuery(Account.delete().where(Account.id == bind("account")))
_end_sessions = CompiledQuery(
    Credential.delete().where((Credential.account == bind("account")) & (Credential.id != bind("kept")))
)


def public(row: AccountRow) -> PublicAccount:
    return PublicAccount(
        id=row.id,
        name=row.name,
        roles=read_grants(row.roles),
        created_at=write_time(row.created_at),
        disabled=bool(row.disabled),
    )


def clean_name(name: str, field: str = "name") -> str:
    """Return a name with single spaces; BadRequest for an empty or a long one, or for control characters."""
    cleaned = check_line(" ".join(name.split()), field, most=LONGEST_NAME)
    if not cleaned:
        raise BadRequest(f"`{field}` has 1 to {LONGEST_NAME} characters.", field=field)
    return cleaned


@handles(AddAccount)
def add_account(transaction: Transaction, command: AddAccount) -> CommandResult:
    """Add an account under a name that no other one has, in any case of letters."""
    name = clean_name(command.name)
    check_within(command.scope, dict(command.roles))
    _check_free(transaction, fold(name), "")
    if _count.rows(transaction.db)[0][0] >= MOST_ACCOUNTS:
        raise LimitExceeded(f"There are at most {MOST_ACCOUNTS} accounts.", rule="max_accounts")
    roles = write_grants(command.roles)
    row = AccountRow(new_id(transaction.now), name, fold(name), command.password, roles, transaction.now, 0)
    _insert.run(transaction.db, row)
    announce(transaction)
    return CommandResult("", "account", public(row))


@handles(ChangeAccount)
def change_account(transaction: Transaction, command: ChangeAccount) -> CommandResult:
    """Change an account. A new password ends its other sessions, and being disabled ends all."""
    old = _find(transaction, command.account)
    check_within(command.scope, read_grants(old.roles))
    row = old
    if command.name is not None:
        name = clean_name(command.name)
        _check_free(transaction, fold(name), old.id)
        row = row._replace(name=name, folded=fold(name))
    if command.roles is not None:
        check_within(command.scope, dict(command.roles))
        row = row._replace(roles=write_grants(command.roles))
    if command.password is not None:
        row = row._replace(password=command.password)
    if command.disabled is not None:
        row = row._replace(disabled=int(command.disabled))
    if row.disabled or not is_owner_of_all(read_grants(row.roles)):
        _check_not_last(transaction, old)
    fields = {"name": row.name, "folded": row.folded, "password": row.password, "roles": row.roles}
    _update.execute(transaction.db, account=row.id, disabled=row.disabled, **fields)
    if row.disabled or command.password is not None:
        _end_sessions.execute(transaction.db, account=row.id, kept="" if row.disabled else command.kept_session)
    announce(transaction)
    return CommandResult("", "account", public(row))


@handles(RemoveAccount)
def remove_account(transaction: Transaction, command: RemoveAccount) -> CommandResult:
    """Remove an account and end its sessions."""
    row = _find(transaction, command.account)
    check_within(command.scope, read_grants(row.roles))
    _check_not_last(transaction, row)
    _delete.execute(transaction.db, account=row.id)
    _end_sessions.execute(transaction.db, account=row.id, kept="")
    announce(transaction)
    return CommandResult("", "account", public(row))


def _find(transaction: Transaction, account: str) -> AccountRow:
    found = _read.row(transaction.db, account=account) if is_storable(account) else None
    if found is None:
        raise NotFound(what="account")
    return AccountRow._make(found)


def _check_free(transaction: Transaction, folded: str, account: str) -> None:
    found = _named.row(transaction.db, folded=folded)
    if found is not None and found[0] != account:
        raise AlreadyExists("There is an account with this name.", what="account")


def _check_not_last(transaction: Transaction, row: AccountRow) -> None:
    """Refuse to take the last owner of all calendars away: only the command line could make another one."""
    if row.disabled or not is_owner_of_all(read_grants(row.roles)):
        return
    others = _others.rows(transaction.db, account=row.id)
    if not any(is_owner_of_all(read_grants(roles)) for (roles,) in others):
        raise InvalidTransition("This is the last owner of all calendars.", rule="last_owner")
