"""The registry of handlers: every command has one."""

from models.contract import commands
from models.contract.commands import Command, HoldCommand, StaffOnBooking
from models.transaction.handlers import HANDLERS
from realtime.http.routes import COMMANDS

ABSTRACT = {Command, HoldCommand, StaffOnBooking}


def test_every_command_has_one_handler_and_one_route() -> None:
    """A command of the wire has a row in the table of routes, and every command has a handler."""
    kinds = [kind for kind in vars(commands).values() if isinstance(kind, type) and issubclass(kind, Command)]
    assert {kind for kind in kinds if kind not in ABSTRACT} == HANDLERS.keys()
    assert sorted(route.command.wire.name for route in COMMANDS) == sorted(
        kind.wire.name for kind in kinds if kind.wire.name
    )
