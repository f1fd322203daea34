"""The commands of `server.py block`: add, list and remove blocks."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.admin import command_group, opened_service, run_command
from cli.settings import BadSetting
from models.contract.commands.blocks import AddBlock, RemoveBlock
from models.contract.principal import OPERATOR
from models.contract.request import MalformedTime, parse_moment
from models.contract.values.blocked_value import KINDS

app = command_group("Block customers: their holds and bookings are refused.")


@app.command("add")
def add_block(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="email, phone, address or sub.")],
    value: Annotated[str, typer.Argument(help="An address may be a prefix, like 192.0.2.0/24.")],
    *,
    calendar: Annotated[str, typer.Option(help="Only in this calendar.")] = "*",
    reason: Annotated[str, typer.Option(help="The reason, for staff.")] = "",
    until: Annotated[str, typer.Option(help="The end, like 2027-01-31T09:00:00Z; unset, none.")] = "",
) -> None:
    """Block an e-mail address, a phone number, a network or a `sub`, and print the block's id."""
    if kind not in KINDS:
        raise BadSetting(f"KIND is one of {', '.join(KINDS)}, not {kind!r}")
    try:
        ends_at = parse_moment(until) if until else None
    except MalformedTime as error:
        raise BadSetting(f"--until: {error}") from error
    command = AddBlock(
        principal=OPERATOR,
        calendar=calendar,
        kind=kind,
        value=value,
        reason=reason,
        expires_at=ends_at,
    )
    print(run_command(context, command)["block"]["id"])


@app.command("list")
def list_blocks(context: typer.Context) -> None:
    """List the blocks: id, calendar, kind, value, end, who made it, and reason. An erased value is -."""
    with opened_service(context) as service:
        for block in service.blocks(None):
            told = (block.id, block.calendar, block.kind, block.value, block.expires_at, block.made_by, block.reason)
            print("\t".join(str(one or "-") for one in told))


@app.command("remove")
def remove_block(context: typer.Context, block: str) -> None:
    """Remove a block by its id."""
    print(run_command(context, RemoveBlock(principal=OPERATOR, block=block))["block"]["id"])
