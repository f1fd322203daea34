"""Spare writers: they wait for the calendars that other processes have locked, so that no other calendar waits too.

A writer hands them the commands of a calendar that it could not lock in a moment, and all later ones of that calendar
until those are done: so a calendar's commands do not change places. Only a move between two calendars that are locked
both may overtake what waits for one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from models.contract.commands import Answer, Command
from models.contract.errors import Refused
from models.transaction.routing import Routes

MOST_SPARES = 3  # of one writer, each with a connection of its own; more locked calendars than that share them

Outcome = Answer | Refused
Reply = Callable[[Outcome], None]


class QueuedCommand(NamedTuple):
    """A command that waits, who waits for it, what is known of where it belongs, and how often it was outrun."""

    command: Command
    reply: Reply
    routes: Routes
    outrun: int = 0

    @property
    def calendars(self) -> set[str]:
        return set(self.routes.values())


class SpareWriter(Protocol):
    """A writer that waits for locks; `pending` are the commands that it was given and has not answered yet."""

    def start(self) -> None: ...
    def queue(self, asked: QueuedCommand) -> None: ...
    def close(self) -> None: ...
    @property
    def pending(self) -> int: ...


class _Spare:
    """`calendars` are those that it is at work for, each with the number of the last command of it."""

    def __init__(self, writer: SpareWriter) -> None:
        self.writer = writer
        self.calendars: dict[str, int] = {}

    def last(self, calendars: set[str]) -> int:
        """The number of the last command of any of these; 0 for none."""
        return max((self.calendars.get(name, 0) for name in calendars), default=0)


class Spares:
    """For the thread of the writer that they belong to; the number of their commands is for any."""

    def __init__(self, make: Callable[[int], SpareWriter]) -> None:
        self._make = make
        self._spares: list[_Spare] = []
        self._given = 0

    @property
    def pending(self) -> int:
        return sum(spare.writer.pending for spare in self._spares)

    def pass_by(self, asked: Sequence[QueuedCommand]) -> Sequence[QueuedCommand]:
        """The commands that no spare is at work before; the others are handed on."""
        if not self._spares:
            return asked
        return [one for one in asked if not self._handed_on(one)]

    def _handed_on(self, one: QueuedCommand) -> bool:
        for spare in self._spares:
            if not spare.writer.pending:
                spare.calendars.clear()
        its = one.calendars
        spare = max(self._spares, key=lambda spare: spare.last(its))
        if not spare.last(its):
            return False
        self._give(spare, one)
        return True

    def _give(self, spare: _Spare, one: QueuedCommand) -> None:
        self._given += 1
        spare.calendars |= dict.fromkeys(one.calendars, self._given)
        spare.writer.queue(one)

    def take(self, one: QueuedCommand) -> None:
        """Hands on a command whose calendar is locked."""
        if not (self._spares and self._handed_on(one)):
            self._give(self._free(), one)

    def _free(self) -> _Spare:
        """One that has nothing to do, or else the one that has the least."""
        least = min(self._spares, key=lambda spare: spare.writer.pending, default=None)
        if least is not None and (not least.writer.pending or len(self._spares) == MOST_SPARES):
            return least
        spare = _Spare(self._make(len(self._spares)))
        spare.writer.start()
        self._spares.append(spare)
        return spare

    def close(self) -> None:
        """Answers what they were given, then ends them."""
        for spare in self._spares:
            spare.writer.close()
