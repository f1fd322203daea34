"""The commands of `server.py account`: accounts of staff, also for an owner who is locked out."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from cli.admin import command_group, opened_service, run_command
from cli.settings import BadSetting
from models.contract.commands.background import AddAccount, ChangeAccount, RemoveAccount
from models.contract.errors import NotFound
from models.service import SlotService
from realtime.access.credentials import ROLES
from realtime.access.passwords import hash_password

app = command_group("Make, list and change the accounts of staff.")
LEAST_CHARACTERS = 8

Calendars = Annotated[str, typer.Option(help="Ids separated by commas, or * for all.")]


@app.command("create")
def create_account(
    context: typer.Context,
    name: str,
    *,
    role: Annotated[str, typer.Option(help="owner, staff or viewer.")] = "owner",
    calendars: Calendars = "*",
) -> None:
    """Make an account. The password is asked for; without a terminal one is made and printed."""
    roles = _roles(role, calendars)
    password = _ask_for_password()
    command = AddAccount(name=name, password=hash_password(password), roles=roles)
    print(run_command(context, command)["account"]["id"])


@app.command("list")
def list_accounts(context: typer.Context) -> None:
    """List the accounts: id, name, roles, and if it is disabled."""
    with opened_service(context) as service:
        for account in service.accounts(None):
            roles = ",".join(f"{calendar}={role}" for calendar, role in account.roles.items())
            print(f"{account.id}\t{account.name}\t{roles}\t{'disabled' if account.disabled else ''}".rstrip())


@app.command("password")
def set_password(context: typer.Context, name: str) -> None:
    """Give an account a new password, and end its sessions."""
    account = _find(context, name)
    run_command(context, ChangeAccount(account=account, password=hash_password(_ask_for_password())))


@app.command("roles")
def set_roles(
    context: typer.Context,
    name: str,
    *,
    role: Annotated[str, typer.Option(help="owner, staff or viewer.")],
    calendars: Calendars = "*",
) -> None:
    """Give an account this role in these calendars, and no other one."""
    run_command(context, ChangeAccount(account=_find(context, name), roles=_roles(role, calendars)))


@app.command("disable")
def disable_account(context: typer.Context, name: str) -> None:
    """Disable an account, and end its sessions."""
    run_command(context, ChangeAccount(account=_find(context, name), disabled=True))


@app.command("enable")
def enable_account(context: typer.Context, name: str) -> None:
    """Let a disabled account sign in again."""
    run_command(context, ChangeAccount(account=_find(context, name), disabled=False))


@app.command("remove")
def remove_account(context: typer.Context, name: str) -> None:
    """Remove an account, and end its sessions."""
    run_command(context, RemoveAccount(account=_find(context, name)))


def _find(context: typer.Context, name: str) -> str:
    """Return the id of the account with this name."""
    with opened_service(context) as service:
        return _id_of(service, name)


def _id_of(service: SlotService, name: str) -> str:
    found = service.account(name)
    if found is None:
        raise NotFound(what="account")
    return found.id


def _roles(role: str, calendars: str) -> tuple[tuple[str, str], ...]:
    if role not in ROLES:
        raise BadSetting(f"--role is owner, staff or viewer, not {role!r}")
    named = [part.strip() for part in calendars.split(",") if part.strip()]
    if not named:
        raise BadSetting("--calendars names at least one calendar, or * for all")
    return tuple((calendar, role) for calendar in named)


def _ask_for_password() -> str:
    """Ask for a password twice on a terminal; elsewhere make one, and print it on standard error."""
    if not sys.stdin.isatty():
        made = secrets.token_urlsafe(12)
        print(f"password: {made}", file=sys.stderr)
        return made
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < LEAST_CHARACTERS:
        raise BadSetting(f"a password has at least {LEAST_CHARACTERS} characters")
    return password
