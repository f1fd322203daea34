"""The command of `server.py booking`: erase."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cli.admin import command_group, opened_service, read_address
from models.contract.commands.background import EraseBlocks
from models.contract.principal import OPERATOR

app = command_group("Erase the customers of bookings.")


@app.command("erase")
def erase(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The customer's e-mail address; - for a line of standard input.")],
    *,
    calendar: Annotated[str, typer.Option(help="Only in this calendar.")] = "",
) -> None:
    """Erase the customer of every booking with an e-mail address, in all calendars."""
    address = read_address(email)
    erased, touched, page = 0, set(), ""
    with opened_service(context) as service:
        if calendar:
            service.calendar(calendar)  # NotFound for a calendar that does not exist
        while True:
            commands, page = service.erasures(OPERATOR, address, (calendar,) if calendar else None, page)
            for command in commands:
                answer = service.run(command)
                count = json.loads(answer.result)["erased"]
                erased += count
                touched |= {answer.calendar} if count else set()
            if not page:
                break
        service.run(EraseBlocks(email=address, scope=(calendar,) if calendar else None))
    print(f"erased the customer of {erased} bookings in {len(touched)} calendars")
