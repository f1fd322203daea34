"""The log as JSON: one object a line, whatever a message has."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import datetime

import pytest

from cli.process_log import JsonFormatter, RepeatFilter, TextFormatter
from tests.cli.command import Run, check_one_line


def test_each_line_is_an_object(caplog: pytest.LogCaptureFixture) -> None:
    """A message with line breaks and an exception is one line."""
    log = logging.getLogger("slotcast.test")
    try:
        int("no number")
    except ValueError:
        log.exception("two\nlines of %s", "Zoë")
    (record,) = caplog.records
    line = JsonFormatter().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert (entry["level"], entry["logger"], entry["message"]) == ("error", "slotcast.test", "two\nlines of Zoë")
    assert "ValueError" in entry["trace"]
    assert entry["time"].endswith("+00:00")


@pytest.mark.parametrize("formatter", [TextFormatter("%(message)s"), JsonFormatter()])
def test_a_trace_repeats_no_text(formatter: logging.Formatter, caplog: pytest.LogCaptureFixture) -> None:
    """Python's exceptions quote what they can't read: a name, a number, an address. The type and the place stay."""
    log, name = logging.getLogger("slotcast.test"), "Ada O\"Neil's"
    fails: tuple[Callable[[], object], ...] = (
        lambda: int(name),
        lambda: dict[str, str]()[name],
        lambda: json.loads(f'{{"a": {name}'),
        lambda: datetime.fromisoformat(name),
        lambda: mail("ada@example.org"),
    )
    for fail in fails:
        try:
            fail()
        except (ValueError, KeyError):
            log.exception("failed")
        caplog.records[-1].exc_text = None  # the text that another formatter has made
        line = formatter.format(caplog.records[-1])
        words = line[line.rindex("Error") :]
        assert "Ada" not in words
        assert "Neil" not in words
        assert "example" not in words
        assert "test_process_log.py" in line


def mail(address: str) -> None:
    raise ValueError(f"no mail for {address} now")


def test_the_setting_chooses(run: Run) -> None:
    check_one_line(run("calendar", "list", SLOTCAST_LOG_FORMAT="xml"), "SLOTCAST_LOG_FORMAT", "json")


def test_a_line_that_repeats_is_held_back() -> None:
    """Three of a kind are written in a minute; the next minute's first one has the number of the others."""
    now = 0.0
    repeats = RepeatFilter(lambda: now)

    def write(text: str, value: int, level: int = logging.WARNING) -> str:
        record = logging.LogRecord("slotcast.test", level, "", 0, text, (value,), None)
        return record.getMessage() if repeats.filter(record) else ""

    assert [bool(write("the disk fails at %d", number)) for number in range(5)] == [True] * 3 + [False] * 2
    assert write("another one of %d", 1)
    assert all(write("a request of %d", number, logging.INFO) for number in range(9))
    now = 61.0
    assert write("the disk fails at %d", 7) == "the disk fails at 7 (2 more like this)"


def test_another_place_is_another_kind() -> None:
    """The traces of two faults with one text are both written."""
    repeats = RepeatFilter(lambda: 0.0)
    written = []
    fails: tuple[Callable[[], object], ...] = (
        lambda: int("x"),
        lambda: float("x"),
    )
    for fail in fails:
        for _ in range(5):
            try:
                fail()
            except ValueError:
                record = logging.LogRecord("slotcast.test", logging.ERROR, "", 0, "failed", (), sys.exc_info())
                written.append(repeats.filter(record))
    assert written == ([True] * 3 + [False] * 2) * 2
