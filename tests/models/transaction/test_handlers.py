"""The registry of handlers: every command has one."""

from models.contract.commands.background import AccessCommand
from models.contract.commands.bookings import StaffOnBooking
from models.contract.commands.command import Command
from models.contract.commands.holds import HoldCommand
from models.transaction.handlers import HANDLERS
from realtime.http.routes import COMMANDS

ABSTRACT = {AccessCommand, HoldCommand, StaffOnBooking}


def _descendants(kind: type[Command]) -> set[type[Command]]:
    return set(kind.__subclasses__()).union(*(_descendants(child) for child in kind.__subclasses__()))


def test_every_command_has_one_handler_and_one_route() -> None:
    """A command of the wire has a row in the table of routes, and every command has a handler."""
    kinds = {kind for kind in _descendants(Command) if kind.__module__.startswith("models.")} - ABSTRACT
    assert kinds == HANDLERS.keys()
    assert sorted(route.command.wire.name for route in COMMANDS) == sorted(
        kind.wire.name for kind in kinds if kind.wire.name
    )
