"""The commands of `server.py feed`: create, list and revoke private feeds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.admin import command_group, opened_service, run_command
from models.contract.commands.calendars import CreateFeed, RevokeFeed
from models.contract.principal import OPERATOR

app = command_group("Make, list and revoke private addresses of iCalendar feeds.")


@app.command("create")
def create_feed(
    context: typer.Context,
    calendar: str,
    *,
    name: Annotated[str, typer.Option(help="Its name for staff.")] = "",
    bookings: Annotated[bool, typer.Option("--bookings", help="With the bookings and their customers.")] = False,
) -> None:
    """Make a feed and print its path. The path is shown only now: whoever has it reads the feed."""
    scope: Any = "bookings" if bookings else "slots"
    feed = run_command(context, CreateFeed(principal=OPERATOR, calendar=calendar, name=name, scope=scope))["feed"]
    print(f"/calendars/{calendar}.ics?key={feed['token']}")


@app.command("list")
def list_feeds(context: typer.Context, calendar: str) -> None:
    """List the private feeds of a calendar: id, time, scope and name."""
    with opened_service(context) as service:
        for feed in service.feeds(calendar):
            print(f"{feed.id}\t{feed.created_at}\t{feed.scope}\t{feed.name}")


@app.command("revoke")
def revoke_feed(context: typer.Context, feed: str) -> None:
    """End a feed by its id; its address is gone."""
    print(run_command(context, RevokeFeed(principal=OPERATOR, feed=feed))["feed"]["id"])
