"""The result of a command line, and its check for a refusal."""

from collections.abc import Callable
from typing import NamedTuple


class CommandResult(NamedTuple):
    """The exit code of a command line, and its two outputs."""

    code: int
    output: str
    errors: str


Run = Callable[..., CommandResult]


def check_one_line(result: CommandResult, *words: str) -> None:
    """Check a refusal: exit code 2, and one line on standard error with these words."""
    assert result.code == 2, result
    assert result.output == ""
    lines = result.errors.strip().splitlines()
    assert len(lines) == 1, result.errors
    assert lines[0].startswith("slotcast: ")
    for word in words:
        assert word.lower() in lines[0].lower(), lines[0]
