"""The command `server.py token`: prints a token for staff or for a guest."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli.secret import secret_file
from cli.settings import BadSetting
from realtime.access.auth import Auth


def print_token(
    context: typer.Context,
    *,
    scope: Annotated[str, typer.Option(help="staff, or nothing for a guest.")] = "",
    calendars: Annotated[str, typer.Option(help="Ids separated by commas, or * for all.")] = "",
    subject: Annotated[str, typer.Option(help="Name of the person or program with the token.")] = "",
    ttl: Annotated[int, typer.Option(help="Lifetime in seconds.", min=1)] = 86_400,
) -> None:
    """Print a token (JWT)."""
    if scope not in {"", "staff"}:
        raise BadSetting(f"--scope is staff or nothing, not {scope!r}")
    named: list[str] | str = [part.strip() for part in calendars.split(",") if part.strip()]
    if "*" in named or (scope == "staff" and not named):
        named = "*"
    if context.obj.is_secret_new:
        made = secret_file(context.obj.database)
        print(f"slotcast: made a secret, {made}; a server with another one will refuse this token", file=sys.stderr)
    service = context.obj.service()
    service.check_secret()
    holder = subject or scope or "guest"
    print(Auth(context.obj.secret, service.clock).write_token(holder, scope=scope, calendars=named, seconds=ttl))
