"""The registry of handlers: one function a command, registered at its definition.

Most handlers check everything before their first write, so a refusal has nothing to undo. They are in `CHECKED_FIRST`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from models.contract.commands.command import Command
from models.transaction.transaction import CommandResult, Transaction

C = TypeVar("C", bound=Command)
Handler = Callable[[Transaction, C], CommandResult]

HANDLERS: dict[type[Command], Handler[Any]] = {}
CHECKED_FIRST: set[type[Command]] = set()


def handles(kind: type[C], *, checks_first: bool = False) -> Callable[[Handler[C]], Handler[C]]:
    """Register the decorated function as the handler of a command.

    With `checks_first` it seldom refuses after a write: each such refusal costs its batch a second run.
    """

    def register(handler: Handler[C]) -> Handler[C]:
        if kind in HANDLERS:
            message = f"{kind.__name__} has a handler already"
            raise TypeError(message)
        HANDLERS[kind] = handler
        if checks_first:
            CHECKED_FIRST.add(kind)
        return handler

    return register
