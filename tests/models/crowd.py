"""Many callers of one service; each gets exactly one answer."""

from __future__ import annotations

import threading
from collections import Counter

from models.contract.commands.command import Command
from models.service import Outcome, SlotService
from tests.models.driver import code

ANSWER_SECONDS = 60


class Crowd:
    """Sends commands without waiting, and counts the answers."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._waiting = 0
        self._changed = threading.Condition()

    @property
    def codes(self) -> Counter[str]:
        with self._changed:
            return Counter(code(outcome) for outcome in self.outcomes.values())

    def ask(self, service: SlotService, command: Command) -> None:
        name = f"{command.key} of {id(service)}"

        def on_outcome(outcome: Outcome) -> None:
            with self._changed:
                assert name not in self.outcomes, "answered twice"
                self.outcomes[name] = outcome
                self._waiting -= 1
                self._changed.notify_all()

        with self._changed:
            self._waiting += 1
        service.submit(command, on_outcome)

    def wait(self, most: int = 0) -> None:
        """Wait until at most so many commands have no answer."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._waiting <= most, ANSWER_SECONDS)
        assert done, f"{self._waiting} were never answered"
