"""The registry of handlers: one function a command, registered at its definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from models.contract.commands.command import Command
from models.transaction.transaction import CommandResult, Transaction

C = TypeVar("C", bound=Command)
Handler = Callable[[Transaction, C], CommandResult]

HANDLERS: dict[type[Command], Handler[Any]] = {}


def handles(kind: type[C]) -> Callable[[Handler[C]], Handler[C]]:
    """Register the decorated function as the handler of a command."""

    def register(handler: Handler[C]) -> Handler[C]:
        if kind in HANDLERS:
            message = f"{kind.__name__} has a handler already"
            raise TypeError(message)
        HANDLERS[kind] = handler
        return handler

    return register
