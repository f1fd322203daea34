"""A command line in the test's own process and folder."""

import os
from pathlib import Path

import pytest

from cli import command_line
from tests.cli.command import CommandResult, Run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that acts like `python server.py …` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("SLOTCAST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SLOTCAST_DATABASE", f"sqlite:///{tmp_path / 'slotcast.db'}")

    def run_once(*arguments: str, **settings: str) -> CommandResult:
        capfd.readouterr()
        with monkeypatch.context() as context:
            for name, value in settings.items():
                context.setenv(name, value)
            code = command_line.run(list(arguments))
        return CommandResult(code, *capfd.readouterr())

    return run_once
