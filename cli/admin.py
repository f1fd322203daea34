"""Opens the service layer for a command that acts on the database and ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from cli.settings import BadSetting
from models.contract.commands.command import Command
from models.service import OnProgress, SlotService, no_progress

MOST_CHARACTERS = 254  # of an e-mail address


def command_group(text: str) -> typer.Typer:
    """Return a command with commands of its own; without one of them it prints its help."""
    return typer.Typer(help=text, callback=_print_help, invoke_without_command=True)


def _print_help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


def read_address(email: str) -> str:
    """Return an e-mail address of the command line; `-` stands for a line of standard input."""
    address = (sys.stdin.readline() if email == "-" else email).strip()
    if not address or len(address) > MOST_CHARACTERS:
        raise BadSetting(f"An e-mail address has 1 to {MOST_CHARACTERS} characters")
    return address


@contextmanager
def opened_service(context: typer.Context, on_progress: OnProgress = no_progress) -> Iterator[SlotService]:
    """Open the service layer of the settings, and close it at the end."""
    service: SlotService = context.obj.service()
    service.on_progress = on_progress
    service.open()
    try:
        yield service
    finally:
        service.close()


def run_command(context: typer.Context, command: Command, on_progress: OnProgress = no_progress) -> dict[str, Any]:
    """Run one command on the database and return its result; running servers read its changes from the log."""
    with opened_service(context, on_progress) as service:
        answer: dict[str, Any] = json.loads(service.run(command).result)
    return answer


def print_warnings(done: dict[str, Any]) -> None:
    """Print the warnings of an answer on standard error."""
    for warning in done.get("warnings", []):
        print(f"warning: {warning['message']}", file=sys.stderr)
