"""The commands of `server.py calendar`: create, list, archive, restore and schedule."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from cli.admin import command_group, opened_service, print_warnings, run_command
from cli.settings import BadSetting
from models.contract.commands.calendars import ArchiveCalendar, CreateCalendar, RestoreCalendar, SetSchedule
from models.contract.principal import OPERATOR

app = command_group("Create and list calendars, and set their opening hours.")


@app.command("create")
def create(
    context: typer.Context,
    calendar: Annotated[str, typer.Argument(help="Its id: a-z, 0-9 and -.")],
    *,
    name: Annotated[str, typer.Option(help="Its name for people.")] = "",
    zone: Annotated[str, typer.Option(help="IANA time zone.")] = "UTC",
    private: Annotated[bool, typer.Option("--private", help="Visible only with a token that names it.")] = False,
    allow_overlap: Annotated[bool, typer.Option("--allow-overlap", help="Overlapping slots may all be taken.")] = False,
) -> None:
    """Create a calendar."""
    visibility: Any = "private" if private else "public"
    command = CreateCalendar(
        principal=OPERATOR,
        calendar=calendar,
        name=name or calendar,
        zone=zone,
        visibility=visibility,
        policy={"overlap": "allow"} if allow_overlap else {},
    )
    print(run_command(context, command)["info"]["id"])


@app.command("list")
def list_calendars(context: typer.Context) -> None:
    """List the calendars."""
    with opened_service(context) as service:
        for info in service.calendars():
            print(f"{info.id}\t{info.zone}\t{info.visibility}{' archived' if info.archived else ''}\t{info.name}")


@app.command("archive")
def archive(context: typer.Context, calendar: str) -> None:
    """Archive a calendar: it takes nothing more."""
    print(run_command(context, ArchiveCalendar(principal=OPERATOR, calendar=calendar))["info"]["id"])


@app.command("restore")
def restore(context: typer.Context, calendar: str) -> None:
    """Bring an archived calendar back."""
    print(run_command(context, RestoreCalendar(principal=OPERATOR, calendar=calendar))["info"]["id"])


@app.command("schedule")
def set_schedule(
    context: typer.Context,
    calendar: Annotated[str, typer.Argument(help="Id of the calendar.")],
    hours: Annotated[Path, typer.Argument(help="A file with the schedule as JSON; - for standard input.")],
    *,
    preview: Annotated[bool, typer.Option("--preview", help="Only print the outcome; change nothing.")] = False,
) -> None:
    """Set a calendar's opening hours, and list the slots that stay because of a taken seat."""
    try:
        schedule = json.loads(sys.stdin.read() if str(hours) == "-" else hours.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise BadSetting(f"{hours} is no JSON that can be read: {error}") from error
    command = SetSchedule(principal=OPERATOR, calendar=calendar, schedule=schedule, preview=preview)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"Setting the opening hours of {calendar} …", total=None)
        with opened_service(context, lambda count, of: progress.update(task, completed=count, total=of)) as service:
            expanded = service.with_expansion(command)  # outside of the transaction, so that a server can write
            answer = service.preview(expanded) if preview else service.run(expanded)
        done = json.loads(answer.result)
    _print_outcome(done, preview=preview)


def _print_outcome(done: dict[str, Any], *, preview: bool) -> None:
    would = "would be " if preview else ""
    print(", ".join(f"{done[what]} slots {would}{what}" for what in ("opened", "removed", "updated")))
    for slot in done["kept"]:
        print(f"kept\t{slot['start']}\t{slot['end']}\t{slot['status']}\t{slot['id']}")
    print_warnings(done)
