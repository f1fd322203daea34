"""The command of `server.py customer`: export."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec
import typer

from cli.admin import command_group, opened_service, read_address
from models.contract.principal import OPERATOR

BOOKINGS_A_PAGE = 500

app = command_group("Give people a copy of their data.")


@app.command("export")
def export(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The customer's e-mail address; - for a line of standard input.")],
    *,
    calendar: Annotated[str, typer.Option(help="Only in this calendar.")] = "",
) -> None:
    """Print all data about the customer with an e-mail address as JSON: `bookings`, `entries` and `blocks`."""
    address = read_address(email)
    found: dict[str, list[object]] = {"bookings": [], "entries": [], "blocks": []}
    page = ""
    with opened_service(context) as service:
        if calendar:
            service.calendar(calendar)  # NotFound for a calendar that does not exist
        while True:
            part = service.export(OPERATOR, address, (calendar,) if calendar else None, page, BOOKINGS_A_PAGE)
            found["bookings"] += msgspec.to_builtins(part.bookings)
            found["entries"] += msgspec.to_builtins(part.entries)
            found["blocks"] += msgspec.to_builtins(part.blocks) if isinstance(part.blocks, list) else []
            if not isinstance(part.next_page, str):
                break
            page = part.next_page
    print(json.dumps(found, ensure_ascii=False, indent=2))
