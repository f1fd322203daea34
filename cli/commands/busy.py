"""The commands of `server.py busy`: add, list and remove sources of busy times."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.admin import command_group, opened_service, run_command
from cli.settings import BadSetting
from models.contract.commands.calendars import AddBusy, RemoveBusy
from models.contract.principal import OPERATOR

app = command_group("Import busy times from other calendars; a running server reads them.")


@app.command("add")
def add_busy(
    context: typer.Context,
    calendar: str,
    source: Annotated[str, typer.Argument(help="An http, https or webcal address, or an .ics file.")],
    *,
    name: Annotated[str, typer.Option(help="Its name for staff.")] = "",
) -> None:
    """Add a source and print its id."""
    url = text = None
    if "://" in source:
        url = source
    else:
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise BadSetting(f"{source} can't be read: {error}") from error
    command = AddBusy(principal=OPERATOR, calendar=calendar, name=name, url=url, text=text)
    print(run_command(context, command)["source"]["id"])


@app.command("list")
def list_busy(context: typer.Context, calendar: str) -> None:
    """List the sources of a calendar: id, host, time of the last good copy, name and fault."""
    with opened_service(context) as service:
        for source in service.busy_sources(calendar):
            told = (source.id, source.host, source.fetched_at, source.name, source.error)
            print("\t".join(str(one or "-") for one in told))


@app.command("remove")
def remove_busy(context: typer.Context, source: str) -> None:
    """Remove a source by its id; its slots are free again."""
    print(run_command(context, RemoveBusy(principal=OPERATOR, source=source))["source"]["id"])
