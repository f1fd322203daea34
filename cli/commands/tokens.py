"""The commands of `server.py token`: prints a token for staff or for a guest; lists and revokes tokens of staff."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from cli.admin import opened_service, run_command
from cli.secret import secret_file
from cli.settings import BadSetting
from models.contract.commands.background import RevokeCredential
from models.contract.values.ids import SLUG
from models.contract.values.text import is_storable
from realtime.access.auth import LONGEST_SUBJECT, Auth
from realtime.access.credentials import ROLES

app = typer.Typer(invoke_without_command=True)


@app.callback()
def print_token(
    context: typer.Context,
    *,
    scope: Annotated[str, typer.Option(help="owner, staff or viewer, or nothing for a guest.")] = "",
    calendars: Annotated[str, typer.Option(help="Ids separated by commas, or * for all.")] = "",
    subject: Annotated[str, typer.Option(help="Name of the person or program with the token; unset, a new one.")] = "",
    ttl: Annotated[int, typer.Option(help="Lifetime in seconds.", min=1)] = 86_400,
) -> None:
    """Print a token (JWT); or list and revoke those of staff."""
    if context.invoked_subcommand is not None:
        return
    if scope and scope not in ROLES:
        raise BadSetting(f"--scope is owner, staff, viewer or nothing, not {scope!r}")
    named: list[str] | str = [part.strip() for part in calendars.split(",") if part.strip()]
    if "*" in named or (scope and not named):
        named = "*"
    _check(named, subject)
    if context.obj.is_secret_new:
        made = secret_file(context.obj.database)
        print(f"slotcast: made a secret, {made}; a server with another one will refuse this token", file=sys.stderr)
    longest = context.obj.token_seconds
    if longest and ttl > longest:
        raise BadSetting(f"--ttl is at most {longest} seconds, by SLOTCAST_TOKEN_DAYS")
    service = context.obj.service()
    service.check_secret()
    holder = subject or f"{scope or 'guest'}-{secrets.token_hex(4)}"  # two tokens are two people
    auth = Auth(context.obj.secret, service.clock)
    print(auth.write_token(holder, scope=scope, calendars=named, seconds=ttl, made_by="server.py"))


def _check(calendars: list[str] | str, subject: str) -> None:
    """Refuse names that would make a token without use."""
    for name in calendars if isinstance(calendars, list) else []:
        if not SLUG.fullmatch(name):
            raise BadSetting(f"--calendars has ids of calendars, like room-1, and not {name!r}")
    if len(subject) > LONGEST_SUBJECT or not is_storable(subject):
        raise BadSetting(f"--subject is text of at most {LONGEST_SUBJECT} characters")


@app.command("list")
def list_tokens(context: typer.Context) -> None:
    """List the tokens of staff in use: id, subject, roles, the time made, the end, and if it is revoked."""
    with opened_service(context) as service:
        for token in service.credentials("token", None):
            roles = ",".join(f"{calendar}={role}" for calendar, role in token.roles.items())
            state = "revoked" if token.revoked_at else ""
            line = f"{token.id}\t{token.subject}\t{roles}\t{token.made_at}\t{token.expires_at or 'never'}\t{state}"
            print(line.rstrip())


@app.command("revoke")
def revoke_token(context: typer.Context, token: str) -> None:
    """Revoke a token by its id; its connections end at once."""
    run_command(context, RevokeCredential(credential=token, kinds=("token",)))
    print(token)
