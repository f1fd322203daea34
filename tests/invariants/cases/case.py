"""The registry of cases: at least one a command, for the proof by old snapshot and changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.contract.commands.command import Command
from tests.models.driver import Driver

Case = Callable[[Driver], Any]
CASES: dict[str, tuple[type[Command], Case, list[str]]] = {}


def proves(command: type[Command], *types: str) -> Callable[[Case], Case]:
    """A case: the function prepares the state and returns a command that makes changes of these types."""

    def add(case: Case) -> Case:
        CASES[case.__name__] = (command, case, list(types))
        return case

    return add
