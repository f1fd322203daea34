"""Spare writers: they wait for calendars locked by other processes, so that the other calendars don't wait.

A writer hands a spare the commands of a calendar that it could not lock at once. It also hands on the calendar's later
commands until those are done, so the order within a calendar stays. Only a move between two locked calendars, with the
commands behind it, may overtake a command that waits for one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from models.writing.command_queue import QueuedCommand

MOST_SPARES = 3  # for one writer, each with its own connection; more locked calendars share them


class SpareWriter(Protocol):
    """A writer that waits for locks. `pending` is the number of its commands without an answer."""

    def start(self) -> None: ...
    def queue(self, asked: QueuedCommand) -> None: ...
    def close(self) -> None: ...
    @property
    def pending(self) -> int: ...


class _Spare:
    """A spare and its calendars, each with the number of its last command."""

    def __init__(self, writer: SpareWriter) -> None:
        self.writer = writer
        self.calendars: dict[str, int] = {}

    def last(self, calendars: set[str]) -> int:
        """Return the number of the last command of any of these; 0 for none."""
        return max((self.calendars.get(name, 0) for name in calendars), default=0)


class Spares:
    """The spares of one writer, for its thread only. Any thread may read `pending`."""

    def __init__(self, make: Callable[[int], SpareWriter]) -> None:
        self._make = make
        self._spares: list[_Spare] = []
        self._given = 0

    @property
    def pending(self) -> int:
        return sum(spare.writer.pending for spare in self._spares)

    def pass_by(self, asked: list[QueuedCommand]) -> list[QueuedCommand]:
        """Hand on the commands of the spares' calendars, and return the others."""
        if not self._spares:
            return asked
        return [one for one in asked if not self._hand_on(one)]

    def have(self, calendars: set[str]) -> bool:
        """Say if commands of any of these calendars wait with a spare."""
        return any(spare.writer.pending and spare.last(calendars) for spare in self._spares)

    def _hand_on(self, one: QueuedCommand) -> bool:
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
        """Hand on a command with a locked calendar."""
        if not (self._spares and self._hand_on(one)):
            self._give(self._free(), one)

    def _free(self) -> _Spare:
        """Return an idle spare, or the one with the least commands."""
        least = min(self._spares, key=lambda spare: spare.writer.pending, default=None)
        if least is not None and (not least.writer.pending or len(self._spares) == MOST_SPARES):
            return least
        spare = _Spare(self._make(len(self._spares)))
        spare.writer.start()
        self._spares.append(spare)
        return spare

    def close(self) -> None:
        """Answer their commands, then end them."""
        for spare in self._spares:
            spare.writer.close()
