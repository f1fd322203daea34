"""The commands of `server.py slot`: open, close and remove."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from cli.admin import command_group, print_warnings, run_command
from models.contract.commands.slots import CloseSlot, NewSlot, OpenSlots, RemoveSlot
from models.contract.principal import OPERATOR
from realtime import protocol

app = command_group("Open, close and remove slots; running servers push the changes.")


@app.command("open")
def open_slot(
    context: typer.Context,
    calendar: Annotated[str, typer.Argument(help="Id of the calendar.")],
    start: Annotated[str, typer.Argument(help="Start in RFC 3339, like 2027-01-31T09:00:00Z.")],
    end: Annotated[str, typer.Argument(help="End in RFC 3339.")],
    *,
    capacity: Annotated[int, typer.Option(help="Number of seats.", min=1)] = 1,
    duplicate: Annotated[bool, typer.Option("--duplicate", help="Also where a slot has these times.")] = False,
) -> None:
    """Open one slot and print its id."""
    slot = NewSlot(start=protocol.read_moment(start, "start"), end=protocol.read_moment(end, "end"), capacity=capacity)
    key = secrets.token_urlsafe(16)
    command = OpenSlots(principal=OPERATOR, key=key, calendar=calendar, slots=(slot,), duplicates=duplicate)
    done = run_command(context, command)
    print(done["slots"][0]["id"])
    print_warnings(done)


@app.command("close")
def close_slot(context: typer.Context, slot: Annotated[str, typer.Argument(help="Id of the slot.")]) -> None:
    """Close a slot to new bookings."""
    print(run_command(context, CloseSlot(principal=OPERATOR, slot=slot))["slot"]["status"])


@app.command("remove")
def remove_slot(context: typer.Context, slot: Annotated[str, typer.Argument(help="Id of the slot.")]) -> None:
    """Remove a slot without taken seats."""
    print(run_command(context, RemoveSlot(principal=OPERATOR, slot=slot))["slot"]["id"])
